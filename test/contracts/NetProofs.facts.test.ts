/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { keccak256 } from 'viem'
import type { DealRecord, GroupRecord } from '#protocol/net-records.ts'
import { noRecord } from '#runtime/net-opening.ts'

import { signerNamed } from '../support/actors.ts'
import { ackKey, openDeal, USD } from '../support/market.ts'
import { changed } from '../support/net-forging.ts'
import {
  attested,
  dealsOf,
  expectFault,
  expectNothing,
  expectWrongRecords,
  type Fault,
  type Ground,
  groupsOf,
  ownBooks,
  provingGround,
  stateOf,
  usual,
} from '../support/net-proving.ts'
import { leafOf, netBatchOf, openNetDeal } from '../support/netting.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const PRICE = USD / 1000n
const HOUR = 3600
const DAY = 24 * HOUR

const start = async () => await provingGround(ethers, networkHelpers)
const begin = async (): Promise<Ground> => ownBooks(await networkHelpers.loadFixture(start))

describe('NetProofs: what the chain knows', function () {
  this.timeout(120_000)

  describe('proveGroup', () => {
    const some = signerNamed('no worker')
    const wrong: readonly [string, number, Partial<GroupRecord>, Fault][] = [
      ['of a deal that never was', 0, { dealId: 77 }, 'NoDeal'],
      ['of another provider', 0, { provider: 2 }, 'Provider'],
      ['in a stream the deal does not have', 0, { stream: 4 }, 'Stream'],
      ['behind a gap', 1, { first: 1 }, 'Cursor'],
      ['that was settled before', 0, { cursorBefore: 2 }, 'Cursor'],
      ['with fewer units than receipts', 1, { unitsBefore: 109n }, 'Cursor'],
      ['above the rate of its stream', 0, { units: 2n ** 33n }, 'Rate'],
      ['above what the buyer exposed', 0, { dealUnits: 50_001n }, 'Exposure'],
      ['that pays more than its units', 0, { amount: 401n * PRICE }, 'Amount'],
      ['that pays less than its units', 0, { amount: 399n * PRICE }, 'Amount'],
      ['with more units than its deal', 0, { dealUnits: 3n }, 'Amount'],
      ["by a worker that is not the provider's", 0, { worker: 3 * 512 }, 'Worker'],
      ['signed over other units', 1, { units: 111n, amount: 111n * PRICE, dealUnits: 611n }, 'Signature'],
      ['signed over other receipts', 0, { segment: keccak256('0x') }, 'Signature'],
      ['signed by nobody', 0, { signature: `0x${'00'.repeat(64)}` }, 'Signature'],
      ['signed by somebody else', 0, { signature: some.sign(keccak256('0x01')) }, 'Signature'],
    ]
    for (const [what, index, change, fault] of wrong) {
      it(`shows a group ${what}`, async () => {
        const shown = await attested(
          await begin(),
          groupsOf((records) => changed(records, index, change)),
        )
        await expectFault(shown, fault, shown.ground.proofs.proveGroup(shown.place, await shown.group(index, 5)))
      })
    }

    it('takes the amount that the budget cuts, and no other', async () => {
      const ground = await begin()
      const { books, provider, tally } = ground
      const deal = await openNetDeal(ground, books, provider, { terms: { exposure: 500_000n } })
      await advance(networkHelpers, ground, HOUR)
      const groups = [deal.stream(0).work(90_000n).group(), deal.stream(1).work(20_000n).group()]
      const honest = await netBatchOf(ground, books, groups)
      expect(honest.groups.map(({ amount }) => amount)).to.deep.equal([90n * USD, 10n * USD])
      const paid = await attested(ground, {}, honest)
      for (const index of [0, 1])
        await expectNothing(paid, ground.proofs.proveGroup(paid.place, await paid.group(index, 5)))
      expect((await tally.netBuyer(ground.buyer)).netted).to.equal(200n * USD - 300n * PRICE)
    })

    it('shows a worker that was revoked by then', async () => {
      const ground = await begin()
      const { registry, provider, proofs } = ground
      const from = (await lastClock(ground)) + 25 * HOUR
      await registry.connect(provider.owner).revokeWorker(provider.id, provider.firstWorker, from)
      const honest = await usual(ground)
      await arriveAt(networkHelpers, ground, from)
      const shown = await attested(ground, { wire: () => ({ until: from + HOUR }) }, honest)
      await expectFault(shown, 'Worker', proofs.proveGroup(shown.place, await shown.group(0, 5)))
    })

    it('shows a deal that was closed by then, or opened only afterwards', async () => {
      const ground = await begin()
      const { tally, books, provider, proofs, parameters } = ground
      const deal = await openNetDeal(ground, books, provider, { terms: { duration: HOUR } })
      await arriveAt(networkHelpers, ground, (await lastClock(ground)) + HOUR + DAY + 3 * HOUR)
      await tally.closeNet(deal.id, ...leafOf(books, deal.id))
      const fresh = await netBatchOf(ground, books, [deal.stream(0).work(1n).group()])
      await arriveAt(networkHelpers, ground, (await lastClock(ground)) + parameters.retention)
      await tally.recycle(deal.id)
      await advance(networkHelpers, ground, HOUR)
      const shown = await attested(ground, { wire: () => ({ until: 2 ** 32 - 1 }) }, fresh)
      const group = await shown.group(0, 5)
      await expectFault(shown, 'NoDeal', proofs.proveGroup(shown.place, group))
      await expectFault(shown, 'NoDeal', proofs.proveDeal(shown.place, await shown.deal(0, 1), group, group))
      expect((await openNetDeal(ground, books, provider)).id).to.equal(deal.id)
      await expectFault(shown, 'NoDeal', proofs.proveGroup(shown.place, group))
    })

    it('shows a deal that is not netted', async () => {
      const ground = await begin()
      const { books, provider, proofs } = ground
      const plain = await openDeal(ground, provider)
      books.deals.set(plain.id, {
        ...(books.deals.get(ground.first.id) ?? expect.fail('no deal')),
        key: plain.key,
      })
      const honest = await netBatchOf(ground, books, [plain.stream(0).work(1n).group()])
      const shown = await attested(ground, {}, honest)
      await expectFault(shown, 'NoDeal', proofs.proveGroup(shown.place, await shown.group(0, 5)))
    })

    it('goes on what the buyer acknowledged since', async () => {
      const ground = await begin()
      const { books, proofs, first, tally } = ground
      const big = first.stream(1).work(60_000n)
      const honest = await netBatchOf(ground, books, [big.group()])
      const shown = await attested(ground, {}, honest)
      const group = await shown.group(0, 5)
      await expectFault(shown, 'Exposure', proofs.proveGroup(shown.place, group))
      const { tally: signed, acknowledgement = '0x' } = big.acknowledged(ackKey)
      await tally.acknowledge(first.id, 1, signed.count, signed.units, signed.segment, acknowledgement)
      await expectNothing(shown, proofs.proveGroup(shown.place, group))
    })
  })

  describe('proveState', () => {
    for (const [what, change] of [
      ['more receipts than there were', { cursorBefore: 0 }],
      ['other units than there were', { unitsBefore: 1n }],
    ] as const) {
      it(`shows a group before which the stream is said to have ${what}`, async () => {
        const ground = await begin()
        const shown = await attested(
          ground,
          groupsOf((records) => changed(records, 2, change)),
        )
        const proof = ground.proofs.proveState(
          shown.place,
          noRecord(),
          await shown.group(2, 2),
          stateOf(ground, ground.third.id),
        )
        await expectFault(shown, 'State', proof)
      })
    }

    it('shows a deal that is said to have had other units', async () => {
      const ground = await begin()
      const shown = await attested(
        ground,
        groupsOf((records) => changed(changed(records, 2, { dealUnits: 801n }), 0, { dealUnits: 501n })),
      )
      for (const [index, deal] of [
        [0, ground.first],
        [2, ground.third],
      ] as const) {
        const before = index === 0 ? noRecord() : await shown.group(index - 1, 1)
        const proof = ground.proofs.proveState(
          shown.place,
          before,
          await shown.group(index, 2),
          stateOf(ground, deal.id),
        )
        await expectFault(shown, 'State', proof)
      }
    })

    it('wants the leaf of the deal under the root before', async () => {
      const ground = await begin()
      const { proofs, second } = ground
      const shown = await attested(ground, {})
      const group = await shown.group(0, 2)
      await expectWrongRecords(shown, proofs.proveState(shown.place, noRecord(), group, stateOf(ground, second.id)))
    })
  })

  describe('proveDeal', () => {
    const wrong: readonly [string, number, Partial<DealRecord>, Fault][] = [
      ['of another buyer', 0, { buyer: 1 }, 'Buyer'],
      ['that never was', 0, { dealId: 99 }, 'NoDeal'],
      ['with groups that are not there', 2, { lastGroup: 4 }, 'Link'],
      ['with its last group before its first', 0, { firstGroup: 1, lastGroup: 0 }, 'Link'],
      ["with another deal's group first", 1, { firstGroup: 2 }, 'Link'],
      ["with another deal's group last", 0, { lastGroup: 2 }, 'Link'],
      ['that pays more than its groups', 0, { amount: 511n * PRICE }, 'Amount'],
      ['that pays less than its groups', 2, { amount: 499n * PRICE }, 'Amount'],
    ]
    for (const [what, index, change, fault] of wrong) {
      it(`shows a deal ${what}`, async () => {
        const shown = await attested(
          await begin(),
          dealsOf((records) => changed(records, index, change)),
        )
        const record = shown.built.deals[index] ?? expect.fail('no record')
        const [first, last] = await Promise.all(
          [record.firstGroup, record.lastGroup].map(async (at) => (at < 4 ? await shown.group(at, 2) : noRecord(at))),
        )
        const proof = shown.ground.proofs.proveDeal(
          shown.place,
          await shown.deal(index, 1),
          first ?? noRecord(),
          last ?? noRecord(),
        )
        await expectFault(shown, fault, proof)
      })
    }
  })
})
