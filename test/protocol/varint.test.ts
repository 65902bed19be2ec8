/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import type { Hex } from 'viem'

import { decodeVarint, encodeVarint, VarintError } from '#protocol/varint.ts'
import { toBytes, toHex } from '#protocol/words.ts'

import { readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  valid: { value: string; bytes: Hex; bits: number }[]
  malformed: { name: string; bytes: Hex; bits: number }[]
}>('varints')

describe('varints', () => {
  for (const { value, bytes, bits } of vectors.valid) {
    it(`writes ${value} as ${bytes} and reads it back`, () => {
      expect(toHex(encodeVarint(BigInt(value)))).to.equal(bytes)
      expect(decodeVarint(toBytes(bytes), 0, bits)).to.deep.equal({
        value: BigInt(value),
        next: (bytes.length - 2) / 2,
      })
    })
  }

  for (const { name, bytes, bits } of vectors.malformed) {
    it(`refuses ${name}`, () => {
      expect(() => decodeVarint(toBytes(bytes), 0, bits))
        .to.throw(VarintError)
        .that.includes({ code: 'varint.malformed', position: 0 })
    })
  }

  it('reads from the middle of other bytes and names where the field began', () => {
    expect(decodeVarint(toBytes('0xffac02ff'), 1, 48)).to.deep.equal({ value: 300n, next: 3 })
    expect(() => decodeVarint(toBytes('0xffac80'), 1, 48))
      .to.throw(VarintError)
      .with.property('position', 1)
  })

  it('reads back every value below 2^64', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
        const bytes = encodeVarint(value)
        expect(decodeVarint(bytes, 0, 64)).to.deep.equal({ value, next: bytes.length })
      }),
    )
  })

  it('accepts only the one encoding of a value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 8 }), (bytes) => {
        try {
          const { value, next } = decodeVarint(bytes, 0, 48)
          expect(toHex(encodeVarint(value))).to.equal(toHex(bytes.subarray(0, next)))
        } catch (error) {
          expect(error).to.be.instanceOf(VarintError)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('writes nothing for negative, fractional or unsafe numbers', () => {
    for (const value of [-1, -1n, 1.5, Number.NaN, 2 ** 53]) expect(() => encodeVarint(value)).to.throw(VarintError)
  })
})
