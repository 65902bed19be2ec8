/** @module */
import { expect } from 'chai'
import type { Hex } from 'viem'

import { intervalOf, nextIntervalChain, nextStreamChain } from '#protocol/chains.ts'
import { FieldError } from '#protocol/words.ts'

import { readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  intervals: { chain: Hex; root: Hex; facts: Hex; time: number; next: Hex }[]
  streams: { chain: Hex; groupHash: Hex; record: Hex; time: number; next: Hex }[]
  intervalOf: { clock: number; interval: number }[]
}>('chains')

describe('chained hashes', () => {
  vectors.intervals.forEach(({ chain, root, facts, time, next }, index) => {
    it(`take in attested batch ${index + 1} of an interval`, () => {
      expect(nextIntervalChain(chain, root, facts, time)).to.equal(next)
    })
  })

  vectors.streams.forEach(({ chain, groupHash, record, time, next }, index) => {
    it(`take in group ${index + 1} of a stream`, () => {
      expect(nextStreamChain(chain, groupHash, record, time)).to.equal(next)
    })
  })

  for (const { clock, interval } of vectors.intervalOf) {
    it(`put second ${clock} into interval ${interval}`, () => {
      expect(intervalOf(clock)).to.equal(interval)
    })
  }

  it('keep their widths', () => {
    const root: Hex = `0x${'11'.repeat(32)}`
    const chain: Hex = `0x${'22'.repeat(26)}`
    expect(() => nextIntervalChain(root, root, root, 1)).to.throw(FieldError)
    expect(() => nextIntervalChain(chain, root, '0x01', 1)).to.throw(FieldError)
    expect(() => nextStreamChain(root, root, `0x${'33'.repeat(16)}`, 1)).to.throw(FieldError)
    expect(() => nextStreamChain(`0x${'22'.repeat(27)}`, root, root, 1)).to.throw(FieldError)
  })
})
