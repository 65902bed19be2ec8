/** @module */
import { expect } from 'chai'
import fc from 'fast-check'

import { BatchError, decodeBatch, encodeBatch } from '#protocol/batch.ts'
import { toBytes, toHex } from '#protocol/words.ts'

import { batch } from './support/arbitraries.ts'
import { mutation, woundedBy } from './support/mutations.ts'

const MAX_CUT_BYTES = 60

/** Either the bytes are no batch, or they are the only bytes of the batch they are. */
function expectCanonical(bytes: Uint8Array): 'refused' | 'read' {
  const encoded = toHex(bytes)
  try {
    expect(encodeBatch(decodeBatch(encoded))).to.equal(encoded)
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
