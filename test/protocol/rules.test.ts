/** @module */
import { expect } from 'chai'
import fc from 'fast-check'

import * as rules from '#protocol/rules.ts'

import { small, wide } from './support/arbitraries.ts'
import { readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  rateLimit: { rateCap: number; openedAt: number; end: number; clock: number; units: string; because: string }[]
  amountDue: { units: string; price: string; remaining: string; amount: string }[]
  remainingOf: { budget: string; price: string; units: string; remaining: string }[]
  withinAllowance: {
    budget: string
    price: string
    units: string
    allowance: string
    within: boolean
    because: string
  }[]
  coverDown: { slashable: string; stakeValue: number; coverageBps: number; cover: string; because: string }[]
  bondUp: { budget: string; bondBps: number; stakeValue: number; bond: string; because: string }[]
  maturityDay: { day: number; window: number; maturity: number }[]
  forcedMaturityDay: { clock: number; window: number; day: number }[]
  split: {
    amount: string
    protocolFeeBps: number
    committeeFeeBps: number
    protocolFee: string
    committeeFee: string
    net: string
  }[]
  openingFeeDue: { openingFee: string; remaining: string; amount: string }[]
}>('money')

describe('money rules', () => {
  for (const { rateCap, openedAt, end, clock, units, because } of vectors.rateLimit) {
    it(`allow a stream ${units} units: ${because}`, () => {
      expect(rules.rateLimit(rateCap, openedAt, end, clock)).to.equal(BigInt(units))
    })
  }

  for (const { units, price, remaining, amount } of vectors.amountDue) {
    it(`pay ${amount} for ${units} units at ${price} out of ${remaining}`, () => {
      expect(rules.amountDue(BigInt(units), BigInt(price), BigInt(remaining))).to.equal(BigInt(amount))
    })
  }

  for (const { budget, price, units, remaining } of vectors.remainingOf) {
    it(`leave ${remaining} of ${budget} after ${units} units at ${price}`, () => {
      expect(rules.remainingOf(BigInt(budget), BigInt(price), BigInt(units))).to.equal(BigInt(remaining))
    })
  }

  for (const { budget, price, units, allowance, within, because } of vectors.withinAllowance) {
    it(`${within ? 'allow' : 'refuse'} ${units} units at ${price} with ${allowance} allowed: ${because}`, () => {
      const result = rules.withinAllowance(BigInt(budget), BigInt(price), BigInt(units), BigInt(allowance))
      expect(result).to.equal(within)
    })
  }

  for (const { slashable, stakeValue, coverageBps, cover, because } of vectors.coverDown) {
    it(`cover ${cover}: ${because}`, () => {
      expect(rules.coverDown(BigInt(slashable), stakeValue, coverageBps)).to.equal(BigInt(cover))
    })
  }

  for (const { budget, bondBps, stakeValue, bond, because } of vectors.bondUp) {
    it(`bond ${bond}: ${because}`, () => {
      expect(rules.bondUp(BigInt(budget), bondBps, stakeValue)).to.equal(BigInt(bond))
    })
  }

  for (const { day, window, maturity } of vectors.maturityDay) {
    it(`mature on day ${maturity} what was attested on day ${day} with a window of ${window}`, () => {
      expect(rules.maturityDay(day, window)).to.equal(maturity)
    })
  }

  for (const { clock, window, day } of vectors.forcedMaturityDay) {
    it(`mature on day ${day} what was forced at ${clock} with a window of ${window}`, () => {
      expect(rules.forcedMaturityDay(clock, window)).to.equal(day)
    })
  }

  it('count days of the clock from its second 0 on', () => {
    expect([0, 86_399, 86_400, 1_700_000_000].map(rules.dayOf)).to.deep.equal([0, 0, 1, 19_675])
  })

  for (const { amount, protocolFeeBps, committeeFeeBps, protocolFee, committeeFee, net } of vectors.split) {
    it(`split ${amount} into ${net}, ${protocolFee} and ${committeeFee}`, () => {
      expect(rules.splitDown(BigInt(amount), protocolFeeBps, committeeFeeBps)).to.deep.equal({
        net: BigInt(net),
        protocolFee: BigInt(protocolFee),
        committeeFee: BigInt(committeeFee),
      })
    })
  }

  for (const { openingFee, remaining, amount } of vectors.openingFeeDue) {
    it(`keep ${amount} of an opening fee of ${openingFee} with ${remaining} remaining`, () => {
      expect(rules.openingFeeDue(BigInt(openingFee), BigInt(remaining))).to.equal(BigInt(amount))
    })
  }
})

describe('money rules for any amounts', () => {
  it('never pay more than a deal has', () => {
    fc.assert(
      fc.property(wide(48), wide(64), wide(64), (units, price, remaining) => {
        const amount = rules.amountDue(units, price, remaining)
        expect(amount <= remaining && amount <= units * price).to.equal(true)
      }),
    )
  })

  it('never let money mature before its window, and within a day of it once both are rounded up to days', () => {
    fc.assert(
      fc.property(small(31), fc.integer({ min: 1, max: 14 * 86_400 }), (clock, window) => {
        const start = rules.maturityDay(rules.dayOf(clock), window) * 86_400
        const rounded = 86_400 * Math.ceil(window / 86_400)
        expect(start).to.be.within(clock + window + 1, clock + rounded + 86_400)
        expect(rules.forcedMaturityDay(clock, window) * 86_400).to.be.within(clock + window, clock + window + 86_399)
      }),
    )
  })

  it('never let a deal without acknowledgements pay more than its exposure is worth', () => {
    fc.assert(
      fc.property(wide(64), wide(20), wide(40), wide(40), (budget, price, units, exposure) => {
        const paid = budget - rules.remainingOf(budget, price, units)
        expect(rules.withinAllowance(budget, price, units, exposure)).to.equal(paid <= exposure * price)
      }),
    )
  })

  it('never take a fee out of nothing, and lose no unit', () => {
    fc.assert(
      fc.property(wide(55), fc.nat(500), fc.nat(500), (amount, protocol, committee) => {
        const { net, protocolFee, committeeFee } = rules.splitDown(amount, protocol, committee)
        expect(net + protocolFee + committeeFee).to.equal(amount)
        expect(net >= 0n).to.equal(true)
      }),
    )
  })

  it('never reserve a bond worth less than asked', () => {
    fc.assert(
      fc.property(wide(55), fc.nat(10_000), fc.integer({ min: 1, max: 2 ** 32 - 1 }), (budget, bps, value) => {
        const bond = rules.bondUp(budget, bps, value)
        expect(bond * BigInt(value) * 10_000n >= budget * BigInt(bps) * 10n ** 18n).to.equal(true)
      }),
    )
  })

  it('never allow a stream more while the clock stands', () => {
    fc.assert(
      fc.property(small(32), small(31), small(31), small(31), (cap, openedAt, end, clock) => {
        const limit = rules.rateLimit(cap, openedAt, end, clock)
        expect(limit <= rules.rateLimit(cap, openedAt, end, clock + 1)).to.equal(true)
        if (clock >= end) expect(rules.rateLimit(cap, openedAt, end, clock + 3600)).to.equal(limit)
      }),
    )
  })
})
