/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import type { Hex } from 'viem'

import { openGroup, packBlobs } from '#protocol/blob.ts'
import { BLOB_ELEMENTS, elementPoint } from '#protocol/kzg.ts'
import { toHex } from '#protocol/words.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'

import {
  deployOpenings,
  hashOf,
  type OpeningsChain,
  openingOf,
  placeOf,
  putBatch,
  type RingBatch,
  workAt,
  works,
} from '../support/mock-ring.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

type Opening = Awaited<ReturnType<typeof openingOf>>

const kzg = createKzg()
/** An element that is nowhere in the blobs. */
const NUMBER: Hex = `0x${'00'.repeat(31)}07`

async function fixture() {
  return await deployOpenings(ethers)
}

describe('Openings of blobs', function () {
  this.timeout(60_000)

  describe('proveVoid', () => {
    const VOID = { Entry: 0n, Element: 1n, Bytes: 2n }

    /** Four groups in two blobs, the second blob changed after it was written. */
    async function withChanged(chain: OpeningsChain, change: (blob: Uint8Array) => void): Promise<RingBatch> {
      const all = works(4)
      const halves = [all.slice(0, 2), all.slice(2)]
      const blobs = halves.flatMap((half) => packBlobs(half.map(({ bytes }) => bytes)).blobs)
      const [, second] = blobs
      if (second === undefined) return expect.fail('no second blob')
      change(second)
      return await putBatch(chain, all, { kzg, blobs })
    }

    async function prove(chain: OpeningsChain, batch: RingBatch, index: number, lie: Partial<Opening> = {}) {
      const opening = await openingOf(kzg, batch, index)
      const { segment } = workAt(batch, index).tally
      const all = { ...opening, ...lie }
      return {
        opening,
        call: async () => await chain.openings.proveVoid(placeOf(batch, index), segment, all),
      }
    }

    // each group of 5 receipts has 175 bytes, 6 elements: 2..7 and 8..13
    const cases: [string, number, bigint, (blob: Uint8Array) => void][] = [
      ['bytes that do not hash to what was signed', 2, VOID.Bytes, (blob) => blob.fill(9, 32 * 3 + 1, 32 * 3 + 2)],
      ['the bytes of the last group', 3, VOID.Bytes, (blob) => blob.fill(9, 32 * 9 + 1, 32 * 9 + 2)],
      ['an element with a first byte', 3, VOID.Element, (blob) => blob.fill(1, 32 * 10, 32 * 10 + 1)],
      ['padding that is not zero', 2, VOID.Element, (blob) => blob.fill(1, 32 * 7 + 31, 32 * 8)],
      ['a first entry that begins late', 2, VOID.Entry, (blob) => blob.fill(3, 2, 3)],
      ['an entry that overlaps the one before', 3, VOID.Entry, (blob) => blob.fill(7, 32 + 2, 32 + 3)],
      ['an entry after one that is longer', 3, VOID.Entry, (blob) => blob.fill(0xff, 6, 7)],
      ['an entry without bytes', 2, VOID.Entry, (blob) => blob.fill(0, 3, 7)],
      ['an entry of more than 256 elements', 3, VOID.Entry, (blob) => blob.fill(0x1f, 32 + 5, 32 + 7)],
      ['an entry with more than its numbers', 2, VOID.Entry, (blob) => blob.fill(1, 31, 32)],
    ]
    for (const [what, index, fault, change] of cases) {
      it(`shows ${what}`, async () => {
        const chain = await networkHelpers.loadFixture(fixture)
        const batch = await withChanged(chain, change)
        const { call } = await prove(chain, batch, index)
        const [group, shown] = await call()
        expect(shown).to.equal(fault)
        expect(group.dealKey).to.equal(workAt(batch, index).tally.dealKey)
        expect(group.amount).to.equal(5_000_000n)
      })
    }

    it('finds nothing wrong with a blob as it was written, nor with the groups beside a bad one', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await withChanged(chain, (blob) => blob.fill(9, 32 * 9 + 1, 32 * 9 + 2))
      for (const index of [0, 1, 2]) {
        const { call } = await prove(chain, batch, index)
        await expect(call()).to.be.revertedWithCustomError(chain.openings, 'OpeningsNothingWrong')
      }
      await expect((await prove(chain, batch, 3)).call()).not.to.be.revert(ethers)
    })

    it('judges as the reader of blobs does', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      for (const [, index, fault, change] of cases.slice(2)) {
        const batch = await withChanged(chain, change)
        const read = openGroup(batch.blobs[1] ?? new Uint8Array(), 2, index - 2)
        expect(read.kind).to.equal(fault === VOID.Entry ? 'bad-entry' : 'bad-element')
      }
    })

    it('wants all of the bytes, and no lies about them', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await withChanged(chain, (blob) => blob.fill(9, 32 * 9 + 1, 32 * 9 + 2))
      const { opening } = await prove(chain, batch, 3)
      const fewer = (skip: number): Partial<Opening> => ({
        skip,
        elements: opening.elements.slice(1),
        proofs: opening.proofs.slice(0, -96) as Hex,
      })
      const lies: [string, Partial<Opening>][] = [
        ['OpeningsOtherBlobs', { blobs: `${opening.blobs}00` }],
        ['OpeningsIncomplete', { commitment: opening.commitment.slice(0, -2) as Hex }],
        ['OpeningsIncomplete', { entries: opening.entries.slice(1) }],
        ['OpeningsIncomplete', { proofs: opening.proofs.slice(0, -2) as Hex }],
        ['OpeningsIncomplete', { elements: opening.elements.slice(1) }],
        ['OpeningsIncomplete', { skip: 1 }],
        ['OpeningsBadProof', fewer(0)],
        ['OpeningsBadProof', { elements: [NUMBER, ...opening.elements.slice(1)] }],
        ['OpeningsBadProof', { entries: [opening.entries[0] ?? NUMBER, NUMBER] }],
        ['OpeningsBadProof', { commitment: `0xc0${'00'.repeat(47)}` }],
      ]
      for (const [error, lie] of lies) {
        const { call } = await prove(chain, batch, 3, lie)
        await expect(call(), `${error} ${Object.keys(lie)}`).to.be.revertedWithCustomError(chain.openings, error)
      }
      const rest = {
        ...fewer(1),
        proofs: `0x${opening.proofs.slice(2, 2 + 192)}${opening.proofs.slice(2 + 288)}` as Hex,
      }
      const { call } = await prove(chain, batch, 3, rest)
      await expect(call()).to.be.revertedWithCustomError(chain.openings, 'OpeningsIncomplete')
    })

    it('says nothing of a batch that was settled without blobs', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const blob = await withChanged(chain, () => undefined)
      const { opening } = await prove(chain, blob, 3)
      const batch = await putBatch(chain, works(4))
      const { segment } = workAt(batch, 3).tally
      await expect(chain.openings.proveVoid(placeOf(batch, 3), segment, opening)).to.be.revertedWithCustomError(
        chain.openings,
        'OpeningsOtherBlobs',
      )
    })
  })

  describe('elements of a blob', () => {
    it('stand where the reader of blobs says', async () => {
      const { probe } = await networkHelpers.loadFixture(fixture)
      for (const index of [0, 1, 2, 3, 1000, 2047, 2048, 4094, BLOB_ELEMENTS - 1])
        expect(await probe.pointOf(index)).to.equal(elementPoint(index))
    })

    it('open with their proof and with no other', async () => {
      const { probe } = await networkHelpers.loadFixture(fixture)
      const [blob = new Uint8Array()] = packBlobs(works(3).map(({ bytes }) => bytes)).blobs
      const [committed] = await commitBlobs(kzg, [blob])
      if (committed === undefined) return expect.fail('no commitment')
      for (const index of [0, 5, 4095]) {
        const { y, proof } = await kzg.pointProof(blob, index)
        const args = [committed.versionedHash, toHex(committed.commitment), index, toHex(y), toHex(proof)] as const
        expect(await probe.verify(...args), `element ${index}`).to.equal(true)
        expect(await probe.verify(hashOf(1), args[1], index, args[3], args[4])).to.equal(false)
        expect(await probe.verify(args[0], args[1], index ^ 1, args[3], args[4])).to.equal(false)
        expect(await probe.verify(args[0], args[1], index, NUMBER, args[4])).to.equal(false)
      }
    })
  })
})
