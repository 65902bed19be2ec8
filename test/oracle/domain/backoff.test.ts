import { expect } from 'chai'

import { createBackoff } from '#oracle/domain/backoff.ts'

describe('pauses between tries', () => {
  let now: number
  const create = (random = 0) => createBackoff({ firstMs: 1_000, lastMs: 5_000, now: () => now, random: () => random })
  beforeEach(() => {
    now = 1_000_000
  })

  /** Milliseconds until a key that has just failed is due. */
  function pause(backoff: ReturnType<typeof create>, key = 1): number {
    backoff.failed(key)
    const from = now
    while (!backoff.isDue(key)) now += 100
    return now - from
  }

  it('double up to the longest, each key by itself', () => {
    const backoff = create()
    expect([1, 2, 3, 4, 5].map(() => pause(backoff))).to.deep.equal([1_000, 2_000, 4_000, 5_000, 5_000])
    expect(pause(backoff, 2)).to.equal(1_000)
  })

  it('are short again after a quiet time', () => {
    const backoff = create()
    for (const _ of [1, 2, 3]) pause(backoff)
    now += 130_000
    expect(pause(backoff)).to.equal(1_000)
  })

  it('are spread, so that what failed together is tried apart', () => {
    expect([0, 0.5, 1].map((random) => pause(create(random)))).to.deep.equal([1_000, 1_300, 1_500])
  })
})
