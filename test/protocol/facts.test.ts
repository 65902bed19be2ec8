/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import type { Hex } from 'viem'

import { decodeFacts, encodeFacts, FactsError, factsRoot, type GroupFacts, moved, unmoved } from '#protocol/facts.ts'
import { merkleRoot } from '#protocol/merkle.ts'
import { Outcome } from '#protocol/types.ts'
import { FieldError } from '#protocol/words.ts'

import { small, wide } from './support/arbitraries.ts'
import { joinPieces, readVectors } from './support/vectors.ts'

type FactsJson = { outcome: Outcome; cursor: number; units: string; amount: string }
const vectors = readVectors<{
  valid: { name: string; facts: FactsJson[]; pieces: string[]; bytes: Hex; chunks: Hex[]; root: Hex }[]
  malformed: { name: string; bytes: Hex }[]
}>('facts')

const facts: fc.Arbitrary<GroupFacts> = fc.oneof(
  fc.record({
    outcome: fc.constantFrom(Outcome.Applied, Outcome.Clamped),
    cursor: small(24),
    units: wide(40),
    amount: wide(56),
  }),
  fc.constantFrom(...Object.values(Outcome).filter((outcome) => !moved(outcome))).map(unmoved),
)

describe('facts of settling', () => {
  for (const vector of vectors.valid) {
    it(`are written, read and rooted: ${vector.name}`, () => {
      const list = vector.facts.map(({ units, amount, ...rest }) => ({
        ...rest,
        units: BigInt(units),
        amount: BigInt(amount),
      }))
      expect(encodeFacts(list)).to.equal(vector.bytes).and.to.equal(joinPieces(vector.pieces))
      expect(decodeFacts(vector.bytes)).to.deep.equal(list)
      expect(factsRoot(vector.bytes)).to.equal(vector.root).and.to.equal(merkleRoot(vector.chunks))
    })
  }

  for (const { name, bytes } of vectors.malformed) {
    it(`are not ${name}`, () => {
      expect(() => decodeFacts(bytes))
        .to.throw(FactsError)
        .with.property('code', 'facts.malformed')
    })
  }

  it('read back as they were written', () => {
    fc.assert(
      fc.property(fc.array(facts, { minLength: 1, maxLength: 40 }), (list) => {
        expect(decodeFacts(encodeFacts(list))).to.deep.equal(list)
      }),
    )
  })

  it('have no root when there are none', () => {
    expect(() => factsRoot('0x')).to.throw(FieldError)
  })

  it('say no more than their bytes hold', () => {
    const widest = { outcome: Outcome.Applied, cursor: 2 ** 24 - 1, units: 2n ** 40n - 1n, amount: 2n ** 56n - 1n }
    expect(encodeFacts([widest])).to.equal(`0x00${'ff'.repeat(15)}`)
    for (const wider of [{ cursor: 2 ** 24 }, { units: 2n ** 40n }, { amount: 2n ** 56n }]) {
      expect(() => encodeFacts([{ ...widest, ...wider }])).to.throw(FieldError)
    }
  })
})
