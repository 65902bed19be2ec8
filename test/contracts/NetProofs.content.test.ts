/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { keccak256, zeroHash } from 'viem'

import { buildNetBatch } from '#protocol/net-build.ts'
import type { DealRecord } from '#protocol/net-records.ts'
import { noRecord } from '#runtime/net-opening.ts'
import { changed } from '../support/net-forging.ts'
import {
  attested,
  dealsOf,
  expectFault,
  expectWrongRecords,
  type Ground,
  groupsOf,
  ownBooks,
  provingGround,
  type Shown,
  stateOf,
  usual,
  workOf,
} from '../support/net-proving.ts'
import { leafOf } from '../support/netting.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const _HOUR = 3600

const start = async () => await provingGround(ethers, networkHelpers)
const begin = async (): Promise<Ground> => ownBooks(await networkHelpers.loadFixture(start))

describe('NetProofs: roots and receipts', function () {
  this.timeout(120_000)

  describe('proveRoot', () => {
    const other = keccak256('0x07')

    /** Everything that deal `index` of a batch is judged by. */
    async function proofOf(shown: Shown, index: number) {
      const { ground, built, place } = shown
      const record = built.deals[index] ?? expect.fail('no record')
      const run = Array.from({ length: record.lastGroup - record.firstGroup + 1 }, (_, at) => record.firstGroup + at)
      const groups = await Promise.all(run.map((at) => shown.group(at, 1)))
      let { tree } = ground.books
      for (const { dealId } of built.deals.slice(0, index))
        tree = tree.withLeaf(dealId, built.tree.leafAt(dealId) ?? expect.fail('no leaf'))
      const [leaf, path] = leafOf({ ...ground.books, tree }, record.dealId)
      const before = index === 0 ? noRecord() : await shown.deal(index - 1, 2)
      return ground.proofs.proveRoot(place, before, await shown.deal(index, 2), groups, { leaf, path })
    }

    for (const index of [0, 1]) {
      it(`shows a root between the deals that is not what moving deal ${index} makes it`, async () => {
        const shown = await attested(
          await begin(),
          dealsOf((records) => changed(records, index, { root: other })),
        )
        await expectFault(shown, 'Root', proofOf(shown, index))
      })
    }

    it('shows a last root that moves a deal nobody worked for', async () => {
      const ground = await begin()
      const honest = await usual(ground)
      const { root } = honest.tree.withLeaf(9, { key: keccak256('0x09'), cells: [{ cursor: 9, units: 9n }] })
      const shown = await attested(
        ground,
        { deals: (records) => changed(records, 2, { root }), wire: () => ({ root }) },
        honest,
      )
      await expectFault(shown, 'Root', proofOf(shown, 2))
    })

    it('shows a last root that is not on the wire', async () => {
      const shown = await attested(await begin(), { wire: () => ({ root: other }) })
      await expectFault(shown, 'Root', proofOf(shown, 2))
    })

    it('shows a stream that was not moved as far as its group says', async () => {
      const ground = await begin()
      const honest = await usual(ground)
      const lie = buildNetBatch({
        tree: ground.books.tree,
        deals: ground.books.deals,
        groups: workOf(ground).map((group, index) => (index === 3 ? { ...group, stream: 2 } : group)),
        until: honest.batch.until,
        queueTo: 0,
      })
      const { root } = lie.batch
      const deals = (records: readonly DealRecord[]) =>
        records.map((record, index) => ({ ...record, root: lie.deals[index]?.root ?? zeroHash }))
      const shown = await attested(ground, { deals, wire: () => ({ root }) }, honest)
      await expectFault(shown, 'Root', proofOf(shown, 1))
    })

    it('wants all groups of the deal, in order, and its leaf under the root before', async () => {
      const shown = await attested(await begin(), {})
      const { ground, place } = shown
      const { proofs, first, second } = ground
      const deal = await shown.deal(0, 2)
      const [one, two] = [await shown.group(0, 1), await shown.group(1, 1)]
      for (const [groups, id] of [
        [[one], first.id],
        [[two, one], first.id],
        [[one, two, await shown.group(2, 1)], first.id],
        [[one, two], second.id],
      ] as const) {
        await expectWrongRecords(shown, proofs.proveRoot(place, noRecord(), deal, [...groups], stateOf(ground, id)))
      }
    })
  })

  describe('proveReceipts', () => {
    it('shows receipts that do not hash to what the worker signed', async () => {
      const shown = await attested(await begin(), {
        receipts: (receipts) => receipts.map((bytes, index) => (index === 3 ? bytes.map((byte) => byte ^ 1) : bytes)),
      })
      const record = shown.built.groups[3] ?? expect.fail('no record')
      const { elements, proofs } = await shown.open.receipts(3, record.start, 35)
      const proof = shown.ground.proofs.proveReceipts(shown.place, await shown.group(3, 3), 0, elements, proofs)
      await expectFault(shown, 'Receipts', proof)
    })

    it('shows an element that is not canonical by itself', async () => {
      const ground = await begin()
      const honest = await usual(ground)
      const [start = 0] = honest.groups.map((record) => record.start)
      for (const [only, offset] of [
        [1, 0],
        [2, 31],
      ] as const) {
        const shown = await attested(
          await begin(),
          { blobs: ([blob]) => blob?.fill(7, 32 * (start + only) + offset, 32 * (start + only) + offset + 1) },
          honest,
        )
        const { skip, elements, proofs } = await shown.open.receipts(0, start, 70, only)
        const proof = shown.ground.proofs.proveReceipts(shown.place, await shown.group(0, 3), skip, elements, proofs)
        await expectFault(shown, 'Receipts', proof)
      }
    })

    for (const [what, change] of [
      ['among the records', { start: 25 }],
      ['past the end', { start: 4094 }],
      ['in more than 256 elements', { count: 227 }],
    ] as const) {
      it(`shows receipts that would stand ${what}`, async () => {
        const shown = await attested(
          await begin(),
          groupsOf((records) => changed(records, 0, change)),
        )
        const proof = shown.ground.proofs.proveReceipts(shown.place, await shown.group(0, 3), 0, [], '0x')
        await expectFault(shown, 'Place', proof)
      })
    }

    it('wants all elements or one that is wrong', async () => {
      const shown = await attested(await begin(), {})
      const { proofs } = shown.ground
      const start = shown.built.groups[0]?.start ?? 0
      const { elements, proofs: points } = await shown.open.receipts(0, start, 70, 1)
      const group = await shown.group(0, 3)
      for (const [skip, some, of] of [
        [1, elements, points],
        [0, [], '0x'],
        [3, elements, points],
      ] as const) {
        await expect(proofs.proveReceipts(shown.place, group, skip, [...some], of)).to.be.revertedWithCustomError(
          proofs,
          'NetProofsIncomplete',
        )
      }
    })
  })
})
