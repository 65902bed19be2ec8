/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import type { Hex } from 'viem'

import {
  decodeReceipts,
  encodeReceipts,
  RECEIPT_BYTES,
  ReceiptsError,
  segmentHash,
  totalUnits,
} from '#protocol/receipts.ts'
import { FieldError, toBytes, toHex } from '#protocol/words.ts'

import { receipt } from './support/arbitraries.ts'
import { joinPieces, readVectors } from './support/vectors.ts'

type ReceiptJson = { units: string; workHash: Hex }
const vectors = readVectors<{
  segments: { name: string; receipts: ReceiptJson[]; pieces: string[]; bytes: Hex; segment: Hex; units: string }[]
  malformed: { name: string; bytes: Hex; count: number; position: number }[]
}>('receipts')

const parsed = (receipts: ReceiptJson[]) => receipts.map(({ units, workHash }) => ({ units: BigInt(units), workHash }))

describe('receipts', () => {
  for (const vector of vectors.segments) {
    it(`writes and reads ${vector.name}`, () => {
      const receipts = parsed(vector.receipts)
      const bytes = encodeReceipts(receipts)
      expect(toHex(bytes)).to.equal(vector.bytes).and.to.equal(joinPieces(vector.pieces))
      expect(segmentHash(bytes)).to.equal(vector.segment)
      expect(totalUnits(receipts)).to.equal(BigInt(vector.units))
      expect(decodeReceipts(bytes, receipts.length)).to.deep.equal({ receipts, end: bytes.length })
    })
  }

  for (const { name, bytes, count, position } of vectors.malformed) {
    it(`refuses ${name}`, () => {
      expect(() => decodeReceipts(toBytes(bytes), count))
        .to.throw(ReceiptsError)
        .that.includes({ code: 'receipts.malformed', position })
    })
  }

  it('stops after the receipts asked for', () => {
    const { bytes } = vectors.segments[1] ?? { bytes: '0x' }
    const { receipts, end } = decodeReceipts(toBytes(bytes), 2)
    expect(receipts.map(({ units }) => units)).to.deep.equal([255n, 256n])
    expect(end).to.equal(2 * RECEIPT_BYTES)
    expect(decodeReceipts(toBytes(bytes), 0)).to.deep.equal({ receipts: [], end: 0 })
  })

  it('writes no receipt without units, with too many, or with half a hash', () => {
    const workHash: Hex = `0x${'11'.repeat(32)}`
    for (const units of [0n, -1n, 1n << 24n]) {
      expect(() => encodeReceipts([{ units, workHash }]))
        .to.throw(FieldError)
        .with.property('field', 'receipt.units')
    }
    expect(() => encodeReceipts([{ units: 1n, workHash: '0x11' }])).to.throw(FieldError)
  })

  it('reads back whatever it writes', () => {
    fc.assert(
      fc.property(fc.array(receipt, { maxLength: 6 }), (receipts) => {
        const bytes = encodeReceipts(receipts)
        expect(decodeReceipts(bytes, receipts.length)).to.deep.equal({ receipts, end: bytes.length })
      }),
    )
  })
})
