/**
 * Earnings by the day they mature.
 *
 * A bucket is the unit of rounding, so the two wheels are kept apart as the rules do: money due within two days stands in
 * the near one, later money in the far one, and each bucket pays its own fees when its day comes.
 *
 * @module
 */
import { dayOf, feeDown, maturityDay } from './money.ts'
import type { Parameters, Wheel } from './state.ts'

const NEAR_DAYS = 2

/** Money whose day has come, gross, with its fees. */
export type Due = { gross: bigint; protocolFee: bigint; committeeFee: bigint }

function dueBuckets(wheel: Wheel, today: number): bigint[] {
  return [wheel.near, wheel.far].flatMap((buckets) =>
    [...buckets].filter(([day, amount]) => day <= today && amount !== 0n).map(([, amount]) => amount),
  )
}

/** What a roll at `clock` moves, each bucket's fees rounded down by themselves. */
export function dueAt(wheel: Wheel, clock: number, parameters: Parameters): Due {
  const due: Due = { gross: 0n, protocolFee: 0n, committeeFee: 0n }
  for (const amount of dueBuckets(wheel, dayOf(clock))) {
    due.gross += amount
    due.protocolFee += feeDown(amount, parameters.protocolFeeBps)
    due.committeeFee += feeDown(amount, parameters.committeeFeeBps)
  }
  return due
}

/** Moves what is due at `clock` to claimable, net, and returns it. */
export function rollWheel(wheel: Wheel, clock: number, parameters: Parameters): Due {
  const due = dueAt(wheel, clock, parameters)
  const today = dayOf(clock)
  for (const buckets of [wheel.near, wheel.far]) {
    for (const day of [...buckets.keys()]) if (day <= today) buckets.delete(day)
  }
  wheel.claimable += due.gross - due.protocolFee - due.committeeFee
  return due
}

/** Money that is still in its window at `clock`, gross. */
export function unmaturedAt(wheel: Wheel, clock: number): bigint {
  const today = dayOf(clock)
  let sum = 0n
  for (const buckets of [wheel.near, wheel.far]) {
    for (const [day, amount] of buckets) if (day > today) sum += amount
  }
  return sum
}

/** What a provider may still have settled without acknowledgement at `clock`; negative after its cover fell. */
export function roomAt(wheel: Wheel, clock: number): bigint {
  return wheel.cover - unmaturedAt(wheel, clock)
}

/** Puts `amount` settled at `clock` into the bucket in which its window of `window` seconds is over. */
export function creditUnmatured(wheel: Wheel, amount: bigint, clock: number, window: number): void {
  if (amount === 0n) return
  const today = dayOf(clock)
  // no window on the very second a day begins still waits for the next one
  const day = Math.max(maturityDay(clock, window), today + 1)
  const buckets = day - today <= NEAR_DAYS ? wheel.near : wheel.far
  buckets.set(day, (buckets.get(day) ?? 0n) + amount)
}

/** Amount in a bucket, 0 where there is none. */
export function bucketOf(buckets: ReadonlyMap<number, bigint>, day: number): bigint {
  return buckets.get(day) ?? 0n
}
