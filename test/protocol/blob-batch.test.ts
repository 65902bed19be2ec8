/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import type { Hex } from 'viem'

import { decodeBatch, encodeBatch, type Group } from '#protocol/batch.ts'
import { BlobError } from '#protocol/blob.ts'
import { packBlobBatch, readBlobBatch } from '#protocol/blob-batch.ts'
import { encodeReceipts, segmentHash, totalUnits } from '#protocol/receipts.ts'
import { Lane, Mode, type Receipt } from '#protocol/types.ts'

import { receipt } from './support/arbitraries.ts'

const signature: Hex = `0x${'5a'.repeat(64)}`

function groupOf(dealId: number, receipts: readonly Receipt[]): Group {
  return { dealId, stream: 2, worker: 513, first: 7, signature, receipts, units: 1000n + totalUnits(receipts) }
}
const receiptsOf = (count: number): Receipt[] =>
  Array.from({ length: count }, (_, index) => ({ units: BigInt(index + 1), workHash: `0x${'c7'.repeat(32)}` }))
const three = [groupOf(9, receiptsOf(3)), groupOf(4, receiptsOf(5)), groupOf(5, receiptsOf(1))]

/** The first blob of a batch, to be wounded. */
function wounded(groups: readonly Group[], at: number, value: number) {
  const { batch, blobs } = packBlobBatch(Lane.Attested, groups)
  const [blob] = blobs
  if (blob === undefined) return expect.fail('no blob')
  blob[at] = value
  return readBlobBatch(batch, blobs).map(({ kind }) => kind)
}

describe('batches in blobs', () => {
  it('say of each group what its tally says, by rising deal', () => {
    const { batch, blobs } = packBlobBatch(Lane.Attested, three)
    expect(batch).to.deep.include({ mode: Mode.Blob, lane: Lane.Attested, blobs: [{ groups: 3 }] })
    expect(batch.groups.map(({ dealId, first, count }) => [dealId, first, count])).to.deep.equal([
      [4, 7, 12],
      [5, 7, 8],
      [9, 7, 10],
    ])
    const [first] = batch.groups
    expect(first?.segment).to.equal(segmentHash(encodeReceipts(receiptsOf(5))))
    expect(first?.units).to.equal(1015n)
    expect(first).not.to.have.property('receipts')
    expect(blobs.length).to.equal(1)
    expect(decodeBatch(encodeBatch(batch))).to.deep.equal(batch)
  })

  it('give back every receipt, over as many blobs as they take', () => {
    const segments = fc.array(fc.array(receipt, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(segments, fc.integer({ min: 0, max: 40 }), (short, long) => {
        const all = [...short, ...Array.from({ length: long }, () => receiptsOf(226))]
        const { batch, blobs } = packBlobBatch(
          Lane.Attested,
          all.map((receipts, index) => groupOf(index, receipts)),
        )
        const read = readBlobBatch(batch, blobs)
        expect(read.map((one) => (one.kind === 'receipts' ? one.receipts : one.kind))).to.deep.equal(all)
      }),
      { numRuns: 20 },
    )
  })

  it('hold at most 226 receipts a group', () => {
    expect(() => packBlobBatch(Lane.Attested, [groupOf(1, receiptsOf(227))]))
      .to.throw(BlobError)
      .with.property('code', 'blob.group-size')
  })

  it('are void group by group where a blob is not what was signed', () => {
    const words = 32
    // elements 3..8, 9..10, 11..14 hold the groups of 5, 1 and 3 receipts
    expect(wounded(three, words * 4 + 9, 1)).to.deep.equal(['void', 'receipts', 'receipts'])
    expect(wounded(three, words * 9, 1)).to.deep.equal(['receipts', 'void', 'receipts'])
    expect(wounded(three, words * 2 + 31, 1)).to.deep.equal(['receipts', 'receipts', 'void'])
    // a longer first group moves the second one's place as well
    expect(wounded(three, words * 0 + 5, 1)).to.deep.equal(['void', 'void', 'receipts'])
    expect(wounded(three, words * 4095 + 31, 1)).to.deep.equal(['receipts', 'receipts', 'receipts'])
  })

  it('are unreadable as far as a blob cannot be had', () => {
    const long = Array.from({ length: 30 }, (_, index) => groupOf(index, receiptsOf(226)))
    const { batch, blobs } = packBlobBatch(Lane.Attested, long)
    expect(batch.blobs).to.deep.equal([{ groups: 15 }, { groups: 15 }])
    const kinds = readBlobBatch(batch, [null, blobs[1] ?? null]).map(({ kind }) => kind)
    expect(kinds).to.deep.equal([...Array(15).fill('unreadable'), ...Array(15).fill('receipts')])
    expect(readBlobBatch(batch, []).every(({ kind }) => kind === 'unreadable')).to.equal(true)
  })

  it('are malformed where what was signed is no receipts, or not so many', () => {
    const { batch, blobs } = packBlobBatch(Lane.Attested, three)
    const told = { ...batch, groups: batch.groups.map((group) => ({ ...group, count: group.count + 1 })) }
    expect(readBlobBatch(told, blobs).map(({ kind }) => kind)).to.deep.equal(Array(3).fill('malformed'))
    const fewer = { ...batch, groups: batch.groups.map((group) => ({ ...group, count: group.count - 1 })) }
    expect(readBlobBatch(fewer, blobs).map(({ kind }) => kind)).to.deep.equal(Array(3).fill('malformed'))
  })
})
