/** @module */
import { expect } from 'chai'
import fc from 'fast-check'

import { BatchError, decodeBatch, encodeBatch } from '#protocol/batch.ts'
import { toBytes, toHex } from '#protocol/words.ts'

import { batch } from './support/arbitraries.ts'

/** One wound to a batch's bytes; `at` and `byte` are folded into range. */
type Mutation = { kind: 'flip' | 'set' | 'insert' | 'delete' | 'cut' | 'repeat'; at: number; byte: number }

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('flip', 'set', 'insert', 'delete', 'cut', 'repeat'),
  at: fc.oneof(fc.nat(16), fc.nat(2000)),
  byte: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
})

function wounded(bytes: Uint8Array, { kind, at, byte }: Mutation): Uint8Array {
  const place = at % bytes.length
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)]
  const here = bytes[place] ?? 0
  switch (kind) {
    case 'flip':
      return Uint8Array.from([...before, here ^ (1 << (byte % 8)), ...after.subarray(1)])
    case 'set':
      return Uint8Array.from([...before, byte, ...after.subarray(1)])
    case 'insert':
      return Uint8Array.from([...before, byte, ...after])
    case 'delete':
      return Uint8Array.from([...before, ...after.subarray(1)])
    case 'cut':
      return Uint8Array.from(before)
    case 'repeat':
      return Uint8Array.from([...bytes, ...after])
  }
}

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
        let bytes = toBytes(encodeBatch(value))
        for (const one of mutations) if (bytes.length > 0) bytes = wounded(bytes, one)
        seen[expectCanonical(bytes)] += 1
      }),
      { numRuns: 1500, seed: 20, endOnFailure: false },
    )
    // A property that only ever sees one side of itself shows nothing.
    expect(seen.refused, 'refused').to.be.greaterThan(200)
    expect(seen.read, 'read').to.be.greaterThan(200)
  })

  it('are refused when cut anywhere', () => {
    fc.assert(
      fc.property(batch, (value) => {
        const bytes = toBytes(encodeBatch({ ...value, groups: value.groups.slice(0, 1) }))
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
