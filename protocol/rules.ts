/**
 * The chain's money rules as pure functions, so that a node can tell before it sends what a batch will do. Rounding is
 * in the name: Down pays less, Up reserves more.
 *
 * Units: settlement token base units unless said otherwise, times in seconds on the protocol clock.
 *
 * @module
 */
const BPS = 10_000n
const STAKE_UNIT = 10n ** 18n
const HOUR = 3600n
const DAY = 86_400

/** Most the ledger holds, in settlement token base units. */
export const MAX_HELD = 2n ** 55n - 1n
/** Most receipts of one stream. */
export const MAX_STREAM_RECEIPTS = 2 ** 24 - 1
/** Receipts a stream has on chain once a fault froze it: no tally continues it. */
export const FROZEN_CURSOR = MAX_STREAM_RECEIPTS
/** Most units of one stream. */
export const MAX_STREAM_UNITS = 2n ** 40n - 1n

const smaller = (left: bigint, right: bigint): bigint => (left < right ? left : right)

/**
 * Units one stream may have been paid for in total.
 *
 * @param rateCap - Units per hour.
 * @param end - Second at which the deal's rate clock stands.
 */
export function rateLimit(rateCap: number | bigint, openedAt: number, end: number, clock: number): bigint {
  const elapsed = Math.min(clock, end) - openedAt
  return elapsed <= 0 ? 0n : (BigInt(rateCap) * BigInt(elapsed)) / HOUR
}

/**
 * What is left of a deal's budget.
 *
 * @param units - Sum of the units of all its streams, those that the budget did not cover included.
 */
export function remainingOf(budget: bigint, price: bigint, units: bigint): bigint {
  return budget - smaller(budget, price * units)
}

/** What `units` cost at `price` a unit, cut to what the deal has `remaining`. */
export function amountDue(units: bigint, price: bigint, remaining: bigint): bigint {
  return smaller(units * price, remaining)
}

/**
 * Whether a deal may have paid for `units` in all: it pays no more than its allowance is worth. Units that the budget
 * does not cover cost nothing, so they count for nothing here.
 *
 * @param allowance - Units payable: the exposure the buyer set and what was acknowledged over all streams.
 */
export function withinAllowance(budget: bigint, price: bigint, units: bigint, allowance: bigint): boolean {
  return smaller(budget, price * units) <= price * allowance
}

/**
 * Most a provider may have unmatured; never more than the ledger can hold.
 *
 * @param slashable - Stake token base units.
 * @param stakeValue - Settlement token base units that 10¹⁸ base units of stake are worth.
 * @param coverageBps - In 1/10,000.
 */
export function coverDown(slashable: bigint, stakeValue: number | bigint, coverageBps: number): bigint {
  return smaller((slashable * BigInt(stakeValue) * BigInt(coverageBps)) / (STAKE_UNIT * BPS), MAX_HELD)
}

/**
 * Stake a deal reserves, in stake token base units; a top-up's is reckoned on the added amount.
 *
 * @param bondBps - In 1/10,000 of the budget's value.
 * @param stakeValue - Settlement token base units that 10¹⁸ base units of stake are worth; positive.
 */
export function bondUp(budget: bigint, bondBps: number, stakeValue: number | bigint): bigint {
  const divisor = BPS * BigInt(stakeValue)
  return (budget * BigInt(bondBps) * STAKE_UNIT + divisor - 1n) / divisor
}

/** Day of the protocol clock that a second belongs to. */
export function dayOf(clock: number): number {
  return Math.floor(clock / DAY)
}

/**
 * Day at whose start money attested on `day` matures: the day passes whole, and then the window. Days are those of the
 * protocol clock.
 *
 * @param window - Seconds.
 */
export function maturityDay(day: number, window: number): number {
  return day + 1 + Math.ceil(window / DAY)
}

/**
 * Day at whose start money forced at `clock` matures: the first one that begins after the window.
 *
 * @param clock - Second on the protocol clock.
 * @param window - Seconds.
 */
export function forcedMaturityDay(clock: number, window: number): number {
  return Math.ceil((clock + window) / DAY)
}

/** One taker's share of an amount that matures. */
export function feeDown(amount: bigint, bps: number): bigint {
  return (amount * BigInt(bps)) / BPS
}

/** How an amount that matures is split: each fee on the gross amount, the provider gets the rest. */
export function splitDown(
  amount: bigint,
  protocolFeeBps: number,
  committeeFeeBps: number,
): { net: bigint; protocolFee: bigint; committeeFee: bigint } {
  const protocolFee = feeDown(amount, protocolFeeBps)
  const committeeFee = feeDown(amount, committeeFeeBps)
  return { net: amount - protocolFee - committeeFee, protocolFee, committeeFee }
}

/** What the provider keeps of a deal that closes with nothing settled. */
export function openingFeeDue(openingFee: bigint, remaining: bigint): bigint {
  return smaller(openingFee, remaining)
}
