/** @module */
import { expect } from 'chai'

import { breakEven, deterredFrom, estimate, expectedAt } from '#scripts/sim/statistics.ts'

describe('statistics of the simulation', () => {
  it('gives the mean with Student’s margin of 99 %', () => {
    // mean 3, variance 2.5; t(4) = 4.604: margin 4.604 · sqrt(2.5 / 5)
    const { mean, margin } = estimate([1, 2, 3, 4, 5])
    expect(mean).to.equal(3)
    expect(margin.toFixed(4)).to.equal('3.2555')
  })

  it('has no margin where every episode ends alike', () => {
    expect(estimate([-7, -7, -7])).to.deep.equal({ mean: -7, margin: 0 })
  })

  it('refuses to judge by one episode', () => {
    expect(() => estimate([1])).to.throw(RangeError)
  })

  it('expects what both outcomes come to, weighed by their probability', () => {
    const outcomes = { detected: [-30, -30], undetected: [10, 10] }
    expect(expectedAt(0.25, outcomes)).to.deep.equal({ mean: 0, margin: 0 })
  })

  it('adds the margins of both in quadrature', () => {
    const outcomes = { detected: [-4, 4], undetected: [-4, 4] }
    const { margin } = estimate([-4, 4])
    expect(expectedAt(0.5, outcomes).margin.toFixed(9)).to.equal((margin / Math.SQRT2).toFixed(9))
  })

  describe('the probability that deters', () => {
    it('is where the expectation with its margin turns negative', () => {
      expect(deterredFrom({ detected: [-30, -30], undetected: [10, 10] })?.toFixed(9)).to.equal('0.250000000')
    })

    it('is higher where episodes scatter', () => {
      expect(deterredFrom({ detected: [-32, -28, -31, -29], undetected: [8, 12, 9, 11] })).to.be.greaterThan(0.26)
    })

    it('by means alone does not ask how they scatter', () => {
      expect(breakEven({ detected: [-32, -28, -31, -29], undetected: [8, 12, 9, 11] })?.toFixed(9)).to.equal(
        '0.250000000',
      )
      expect(breakEven({ detected: [1, 3], undetected: [10, 12] })).to.equal(null)
    })

    it('is none at all where cheating loses though nobody looks', () => {
      expect(deterredFrom({ detected: [-30, -30], undetected: [-1, -1] })).to.equal(0)
    })

    it('does not exist where cheating pays though everybody looks', () => {
      expect(deterredFrom({ detected: [1, 1], undetected: [10, 10] })).to.equal(null)
    })
  })
})
