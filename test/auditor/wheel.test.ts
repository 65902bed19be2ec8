/** @module */
import { expect } from 'chai'
import fc from 'fast-check'

import { clockAt, touchClock } from '#auditor/clock.ts'
import {
  bondUp,
  coverDown,
  feeDown,
  lowerFloor,
  maturityDay,
  openingFloor,
  rateLimitDown,
  smallerOf,
} from '#auditor/money.ts'
import type { Wheel } from '#auditor/state.ts'
import { creditUnmatured, dueAt, rollWheel, roomAt, unmaturedAt } from '#auditor/wheel.ts'
import * as theirs from '#protocol/rules.ts'

import { ledger } from './support/ledger.ts'

const DAY = 86_400
const NOON = 20_000 * DAY + DAY / 2
const { parameters } = ledger()
const wheel = (): Wheel => ({ claimable: 0n, cover: 1000n, near: new Map(), far: new Map() })

describe('the earnings wheel', () => {
  it('lets money out at the start of the day after its window, and not a second before', () => {
    const one = wheel()
    creditUnmatured(one, 100n, NOON, DAY)
    const due = 20_002 * DAY
    expect(dueAt(one, due - 1, parameters).gross).to.equal(0n)
    expect(dueAt(one, due, parameters).gross).to.equal(100n)
    expect(unmaturedAt(one, due - 1)).to.equal(100n)
    expect(unmaturedAt(one, due)).to.equal(0n)
  })

  it('lets money with a window of whole days out on the very day when it came in as one began', () => {
    const one = wheel()
    creditUnmatured(one, 100n, 20_000 * DAY, DAY)
    expect(dueAt(one, 20_001 * DAY, parameters).gross).to.equal(100n)
  })

  it('holds money without a window until the next day', () => {
    const one = wheel()
    creditUnmatured(one, 100n, 20_000 * DAY, 0)
    expect(unmaturedAt(one, 20_000 * DAY)).to.equal(100n)
    expect(dueAt(one, 20_001 * DAY, parameters).gross).to.equal(100n)
  })

  it('rounds each fee down, bucket by bucket', () => {
    const one = wheel()
    creditUnmatured(one, 199n, NOON, DAY)
    creditUnmatured(one, 199n, NOON, 3 * DAY)
    expect(rollWheel(one, NOON + 10 * DAY, parameters)).to.deep.equal({
      gross: 398n,
      protocolFee: 2n, // 1.99 twice, each 1
      committeeFee: 0n,
    })
    expect(one.claimable).to.equal(396n)
  })

  it('pays nothing twice', () => {
    const one = wheel()
    creditUnmatured(one, 199n, NOON, DAY)
    rollWheel(one, NOON + 3 * DAY, parameters)
    expect(rollWheel(one, NOON + 3 * DAY, parameters).gross).to.equal(0n)
  })

  it('leaves room for the cover less what is in its window', () => {
    const one = wheel()
    creditUnmatured(one, 1200n, NOON, DAY)
    expect(roomAt(one, NOON)).to.equal(-200n)
    expect(roomAt(one, NOON + 2 * DAY)).to.equal(1000n)
  })
})

describe('the protocol clock', () => {
  it('moves with time, an hour at most at a touch, and never back', () => {
    const state = ledger()
    const { value, touchedAt } = state.clock
    expect(clockAt(state, touchedAt + 3599)).to.equal(value + 3599)
    expect(clockAt(state, touchedAt + 3601)).to.equal(value + 3600)
    expect(clockAt(state, touchedAt - 5)).to.equal(value)
    touchClock(state, touchedAt + 86_400)
    expect(state.clock).to.deep.equal({ value: value + 3600, touchedAt: touchedAt + 86_400 })
  })
})

describe('the money rules', () => {
  const uint = (bits: number, min = 0n): fc.Arbitrary<bigint> => fc.bigInt({ min, max: 2n ** BigInt(bits) - 1n })
  const second = fc.nat(2 ** 31)
  const bps = fc.nat(10_000)

  it('stand as they do on paper', () => {
    expect(rateLimitDown(100, 0, 10_000, 1799)).to.equal(49n)
    expect(rateLimitDown(100, 0, 1800, 99_999)).to.equal(50n)
    expect(openingFloor(1000n, 2n, 100n)).to.equal(800n)
    expect(openingFloor(1000n, 20n, 100n)).to.equal(-1000n)
    expect(lowerFloor(0n, 2n ** 100n)).to.equal(-(2n ** 62n))
    expect(coverDown(1_500_000_000_000_000_001n, 1_000_000, 5000)).to.equal(750_000n)
    expect(coverDown(2n ** 96n - 1n, 2 ** 32 - 1, 10_000)).to.equal(2n ** 55n - 1n)
    expect(bondUp(1n, 1, 3)).to.equal(33_333_333_333_334n)
    expect(feeDown(199n, 100)).to.equal(1n)
    expect(maturityDay(1, DAY)).to.equal(2)
    expect(maturityDay(0, DAY)).to.equal(1)
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
          expect(maturityDay(time, number % 300_000)).to.equal(theirs.maturityDay(time, number % 300_000))
          expect(openingFloor(amount, units, 7n)).to.equal(theirs.exposureFloor(amount, units, 0n, 7n))
        },
      ),
    )
  })
})
