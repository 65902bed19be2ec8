/** @module */
import { expect } from 'chai'
import fc from 'fast-check'

import { type Batch, BatchError, decodeBatch, encodeBatch } from '#protocol/batch.ts'
import { RECEIPT_BYTES } from '#protocol/receipts.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { toBytes, toHex } from '#protocol/words.ts'

import { batch } from './support/arbitraries.ts'
import { mutation, woundedBy } from './support/mutations.ts'

const MAX_CUT_BYTES = 60
const HEAD_BYTES = 24
/** Where the place stands in a head. */
const PLACE = { from: 5, to: 9 }

/** The bytes with zeros where nobody reads: the place in a group that is not the first of its deal. */
function withoutUnreadPlaces(bytes: Uint8Array, batch: Batch): Uint8Array {
  const read = Uint8Array.from(bytes)
  let at = batch.mode === Mode.Blob ? 3 + 2 * batch.blobs.length : 2
  let previous = -1
  for (const group of batch.groups) {
    if (group.dealId === previous) read.fill(0, at + PLACE.from, at + PLACE.to)
    previous = group.dealId
    const signatures = batch.lane === Lane.Acknowledged ? 128 : 64
    at += HEAD_BYTES + signatures + ('receipts' in group ? RECEIPT_BYTES * group.receipts.length : 32)
  }
  return read
}

/** Either the bytes are no batch, or they are the only bytes of the batch they are. */
function expectCanonical(bytes: Uint8Array): 'refused' | 'read' {
  const encoded = toHex(bytes)
  try {
    const batch = decodeBatch(encoded)
    expect(encodeBatch(batch)).to.equal(toHex(withoutUnreadPlaces(bytes, batch)))
    return 'read'
  } catch (error) {
    expect(error).to.be.instanceOf(BatchError)
    return 'refused'
  }
}

describe('batches of any content', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(batch, (value) => {
        expect(decodeBatch(encodeBatch(value))).to.deep.equal(value)
      }),
      { numRuns: 300 },
    )
  })

  it('have one encoding only: any change of their bytes is refused or is another batch with its own bytes', () => {
    const seen = { refused: 0, read: 0 }
    fc.assert(
      fc.property(batch, fc.array(mutation, { minLength: 1, maxLength: 3 }), (value, mutations) => {
        const bytes = woundedBy(toBytes(encodeBatch(value)), mutations)
        seen[expectCanonical(bytes)] += 1
      }),
      { numRuns: 2000, seed: 20, endOnFailure: false },
    )
    // A property that only ever sees one side of itself shows nothing.
    expect(seen.refused, 'refused').to.be.greaterThan(200)
    expect(seen.read, 'read').to.be.greaterThan(200)
  })

  it('are refused when cut anywhere', () => {
    fc.assert(
      fc.property(batch, (value) => {
        const bytes = toBytes(encodeBatch(value)).subarray(0, MAX_CUT_BYTES)
        for (let length = 0; length < bytes.length; length += 1) {
          expect(() => decodeBatch(toHex(bytes.subarray(0, length)))).to.throw(BatchError)
        }
      }),
      { numRuns: 10 },
    )
  })

  it('never crash the reader, whatever a stranger sends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(0, 1, 2), (noise, lane) => {
        expectCanonical(Uint8Array.from([0, lane, ...noise]))
        expectCanonical(noise)
      }),
      { numRuns: 500 },
    )
  })
})
