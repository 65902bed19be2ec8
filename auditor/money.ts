/**
 * The money rules of docs/protocol.md as the auditor computes them; written from the page, not from the contracts.
 *
 * Amounts are base units of the settlement token (bigint), bonds and stake base units of the stake token, times seconds
 * on the protocol clock. Rounding is in the name.
 *
 * @module
 */
const BPS = 10_000n
const TOKEN = 10n ** 18n
/** Most the ledger holds, base units: what its packed words are proven for. */
export const MAX_HELD = 2n ** 55n - 1n
const SECONDS_PER_HOUR = 3600n
const SECONDS_PER_DAY = 86_400

/** Most the clock moves from one stored touch to the next, seconds. */
export const MAX_CLOCK_STEP = 3600
/** A touch is stored once the last stored one is this old, seconds. */
export const MIN_CLOCK_STEP = 600

/** Units a stream may have been paid for since the deal opened. */
export function rateLimitDown(rateCap: number, openedAt: number, end: number, clock: number): bigint {
  const elapsed = Math.max(0, Math.min(clock, end) - openedAt)
  return (BigInt(rateCap) * BigInt(elapsed)) / SECONDS_PER_HOUR
}

/** The smaller of two amounts. */
export function smallerOf(left: bigint, right: bigint): bigint {
  return left < right ? left : right
}

/** The larger of two amounts. */
export function largerOf(left: bigint, right: bigint): bigint {
  return left < right ? right : left
}

/** What a deal of `budget` has paid once all its streams have come to `units`. */
export function paidFor(units: bigint, price: bigint, budget: bigint): bigint {
  return smallerOf(units * price, budget)
}

/** Most a provider may have unmatured with `stake` slashable. */
export function coverDown(stake: bigint, stakeValue: number, coverageBps: number): bigint {
  const cover = (stake * BigInt(stakeValue) * BigInt(coverageBps)) / (TOKEN * BPS)
  return smallerOf(cover, MAX_HELD)
}

/** Stake a deal of `budget` reserves. */
export function bondUp(budget: bigint, bondBps: number, stakeValue: number): bigint {
  const divisor = BPS * BigInt(stakeValue)
  return (budget * BigInt(bondBps) * TOKEN + divisor - 1n) / divisor
}

/** One fee on `amount`. */
export function feeDown(amount: bigint, bps: number): bigint {
  return (amount * BigInt(bps)) / BPS
}

/** Day of the protocol clock. */
export function dayOf(clock: number): number {
  return Math.floor(clock / SECONDS_PER_DAY)
}

/** Days from settling in the attested lane to maturity: the day itself ends, and then the window in whole days. */
export function attestedDueUp(window: number): number {
  return 1 + Math.ceil(window / SECONDS_PER_DAY)
}

/** Days from settling at `clock` in the forced lane to maturity: the first day that begins when the window is over. */
export function forcedDueUp(clock: number, window: number): number {
  return Math.ceil((clock + window) / SECONDS_PER_DAY) - dayOf(clock)
}
