/** @module */
import { expect } from 'chai'
import fc from 'fast-check'

import { clockAt, touchClock } from '#auditor/clock.ts'
import {
  attestedDueUp,
  bondUp,
  coverDown,
  dayOf,
  feeDown,
  forcedDueUp,
  paidFor,
  rateLimitDown,
  smallerOf,
} from '#auditor/money.ts'
import type { Wheel } from '#auditor/state.ts'
import { creditForced, creditUnmatured, dueAt, rollWheel, roomAt, unmaturedAt } from '#auditor/wheel.ts'
import * as theirs from '#protocol/rules.ts'

import { ledger } from './support/ledger.ts'

const DAY = 86_400
const NOON = 20_000 * DAY + DAY / 2
const { parameters } = ledger()
const wheel = (): Wheel => ({
  ...{ claimable: 0n, cover: 1000n, near: new Map(), far: new Map() },
  ...{ room: null, hasRevocations: false },
})

describe('the earnings wheel', () => {
  it('lets money out at the start of the day after its window, and not a second before', () => {
    const one = wheel()
    creditUnmatured(one, 100n, NOON, 2)
    const due = 20_002 * DAY
    expect(dueAt(one, due - 1, parameters).gross).to.equal(0n)
    expect(dueAt(one, due, parameters).gross).to.equal(100n)
    expect(unmaturedAt(one, due - 1)).to.equal(100n)
    expect(unmaturedAt(one, due)).to.equal(0n)
  })

  it('lets forced money with a window of whole days out on the very day when it came in as one began', () => {
    const one = wheel()
    const week = { ...parameters, forcedWindow: DAY }
    creditForced(one, 100n, { clock: 20_000 * DAY, parameters: week })
    expect(dueAt(one, 20_001 * DAY, parameters).gross).to.equal(100n)
    creditForced(one, 100n, { clock: 20_000 * DAY + 1, parameters: week })
    expect(dueAt(one, 20_001 * DAY, parameters).gross).to.equal(100n)
    expect(dueAt(one, 20_002 * DAY, parameters).gross).to.equal(200n)
  })

  it('rounds each fee down, bucket by bucket', () => {
    const one = wheel()
    creditUnmatured(one, 199n, NOON, 2)
    creditUnmatured(one, 199n, NOON, 3)
    expect(rollWheel(one, NOON + 10 * DAY, parameters)).to.deep.equal({
      gross: 398n,
      protocolFee: 2n, // 1.99 twice, each 1
      committeeFee: 0n,
    })
    expect(one.claimable).to.equal(396n)
  })

  it('pays nothing twice', () => {
    const one = wheel()
    creditUnmatured(one, 199n, NOON, 2)
    rollWheel(one, NOON + 3 * DAY, parameters)
    expect(rollWheel(one, NOON + 3 * DAY, parameters).gross).to.equal(0n)
  })

  it('leaves room for the cover less what is in its window', () => {
    const one = wheel()
    creditUnmatured(one, 1200n, NOON, 2)
    expect(roomAt(one, NOON)).to.equal(-200n)
    expect(roomAt(one, NOON + 2 * DAY)).to.equal(1000n)
  })
})

describe('the protocol clock', () => {
  it('moves with time, an hour at most from one stored touch to the next, and never back', () => {
    const state = ledger()
    const { value, touchedAt } = state.clock
    expect(clockAt(state, touchedAt + 3599)).to.equal(value + 3599)
    expect(clockAt(state, touchedAt + 3601)).to.equal(value + 3600)
    expect(clockAt(state, touchedAt - 5)).to.equal(value)
    touchClock(state, touchedAt + 86_400)
    expect(state.clock).to.deep.equal({ value: value + 3600, stored: value + 3600, touchedAt: touchedAt + 86_400 })
  })

  it('stores a touch only when the last one is ten minutes old', () => {
    const state = ledger()
    const { value, touchedAt } = state.clock
    touchClock(state, touchedAt + 599)
    expect(state.clock).to.deep.equal({ value: value + 599, stored: value, touchedAt })
    touchClock(state, touchedAt + 600)
    expect(state.clock).to.deep.equal({ value: value + 600, stored: value + 600, touchedAt: touchedAt + 600 })
  })
})

describe('the money rules', () => {
  const uint = (bits: number, min = 0n): fc.Arbitrary<bigint> => fc.bigInt({ min, max: 2n ** BigInt(bits) - 1n })
  const second = fc.nat(2 ** 31)
  const bps = fc.nat(10_000)

  it('stand as they do on paper', () => {
    expect(rateLimitDown(100, 0, 10_000, 1799)).to.equal(49n)
    expect(rateLimitDown(100, 0, 1800, 99_999)).to.equal(50n)
    expect(paidFor(2n, 100n, 1000n)).to.equal(200n)
    expect(paidFor(20n, 100n, 1000n)).to.equal(1000n)
    expect(coverDown(1_500_000_000_000_000_001n, 1_000_000, 5000)).to.equal(750_000n)
    expect(coverDown(2n ** 96n - 1n, 2 ** 32 - 1, 10_000)).to.equal(2n ** 55n - 1n)
    expect(bondUp(1n, 1, 3)).to.equal(33_333_333_333_334n)
    expect(feeDown(199n, 100)).to.equal(1n)
    expect([1, 3600, DAY, DAY + 1, 2 * DAY].map(attestedDueUp)).to.deep.equal([2, 2, 2, 3, 3])
    expect([0, 1, DAY - 1].map((clock) => forcedDueUp(clock, DAY))).to.deep.equal([1, 2, 2])
    expect(smallerOf(2n, 3n)).to.equal(2n)
  })

  it('agree with those of the other nodes', () => {
    fc.assert(
      fc.property(
        uint(96),
        uint(64),
        uint(48),
        fc.nat(2 ** 32 - 1),
        second,
        bps,
        (stake, amount, units, number, time, share) => {
          const value = number + 1
          expect(coverDown(stake, value, share)).to.equal(theirs.coverDown(stake, value, share))
          expect(bondUp(amount, share, value)).to.equal(theirs.bondUp(amount, share, value))
          expect(feeDown(amount, share)).to.equal(theirs.feeDown(amount, share))
          expect(rateLimitDown(number, 1000, time, 2 * time)).to.equal(theirs.rateLimit(number, 1000, time, 2 * time))
          const [today, window] = [dayOf(time), number % 300_000]
          expect(today + attestedDueUp(window)).to.equal(theirs.maturityDay(today, window))
          expect(amount - paidFor(units, 7n, amount)).to.equal(theirs.remainingOf(amount, 7n, units))
        },
      ),
    )
  })
})
