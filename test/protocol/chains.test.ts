/** @module */
import { expect } from 'chai'
import type { Hex } from 'viem'

import { intervalOf, nextIntervalChain, nextStreamChain } from '#protocol/chains.ts'
import { FieldError } from '#protocol/words.ts'

import { readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  intervals: { chain: Hex; root: Hex; applied: Hex; time: number; next: Hex }[]
  streams: { chain: Hex; groupHash: Hex; next: Hex }[]
  intervalOf: { clock: number; interval: number }[]
}>('chains')

describe('chained hashes', () => {
  vectors.intervals.forEach(({ chain, root, applied, time, next }, index) => {
    it(`take in attested batch ${index + 1} of an interval`, () => {
      expect(nextIntervalChain(chain, root, applied, time)).to.equal(next)
    })
  })

  vectors.streams.forEach(({ chain, groupHash, next }, index) => {
    it(`take in group ${index + 1} of a stream`, () => {
      expect(nextStreamChain(chain, groupHash)).to.equal(next)
    })
  })

  for (const { clock, interval } of vectors.intervalOf) {
    it(`put second ${clock} into interval ${interval}`, () => {
      expect(intervalOf(clock)).to.equal(interval)
    })
  }

  it('keep their widths', () => {
    const root: Hex = `0x${'11'.repeat(32)}`
    expect(() => nextIntervalChain(root, root, '0x01', 1)).to.throw(FieldError)
    expect(() => nextStreamChain(root, root)).to.throw(FieldError)
  })
})
