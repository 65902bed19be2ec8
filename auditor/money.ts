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
const MAX_HELD = 2n ** 55n - 1n
const NO_FLOOR = -(2n ** 62n)
const SECONDS_PER_HOUR = 3600n
const SECONDS_PER_DAY = 86_400

/** Most the clock moves at one touch, seconds. */
export const MAX_CLOCK_STEP = 3600

/** Units a stream may have been paid for since the deal opened. */
export function rateLimitDown(rateCap: number, openedAt: number, end: number, clock: number): bigint {
  const elapsed = Math.max(0, Math.min(clock, end) - openedAt)
  return (BigInt(rateCap) * BigInt(elapsed)) / SECONDS_PER_HOUR
}

/** The smaller of two amounts. */
export function smallerOf(left: bigint, right: bigint): bigint {
  return left < right ? left : right
}

/** A floor lowered by `amount`; all floors below -2^62 are the same: none. */
export function lowerFloor(floor: bigint, amount: bigint): bigint {
  return floor - amount > NO_FLOOR ? floor - amount : NO_FLOOR
}

/** What a new deal's remaining money may not fall below; negative where the exposure is wider than the budget. */
export function openingFloor(budget: bigint, exposure: bigint, price: bigint): bigint {
  return lowerFloor(budget, exposure * price)
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

/** Day of the protocol clock at whose start money settled at `clock` matures. */
export function maturityDay(clock: number, window: number): number {
  return Math.ceil((clock + window) / SECONDS_PER_DAY)
}

/** Day of the protocol clock. */
export function dayOf(clock: number): number {
  return Math.floor(clock / SECONDS_PER_DAY)
}
