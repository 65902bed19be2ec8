/**
 * What a transaction offers for its inclusion, and what it costs at the fees of the moment. Amounts are wei, or wei per
 * gas.
 *
 * @module
 */
import type { Estimate } from './cost-model.ts'
import { BLOB_BASE_COST, BLOB_GAS } from './forks.ts'

/** EIP-1559 fee fields. */
export type Fees = { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }

/** What the chain asks now, wei per gas. */
export type FeeLevel = {
  /** Base fee of the next block. */
  readonly baseFee: bigint
  /** Median base fee of the last blocks. */
  readonly usualBaseFee: bigint
  readonly tip: bigint
  /** Base fee of blob gas in the next block; null where the chain takes no blobs. */
  readonly blobBaseFee: bigint | null
}

/** Fees of a first attempt: room for the base fee to double. */
export function firstFees(baseFee: bigint, tip: bigint): Fees {
  return { maxFeePerGas: baseFee * 2n + tip, maxPriorityFeePerGas: tip }
}

const larger = (a: bigint, b: bigint) => (a > b ? a : b)
const smaller = (a: bigint, b: bigint) => (a < b ? a : b)

/** Raises `value` by at least 12.5 %, above the 10 % that nodes ask of a replacement. */
function raised(value: bigint): bigint {
  return (value * 1125n + 999n) / 1000n + 1n
}

/**
 * Fees of a further attempt with the same nonce: both fields up by 12.5 % or to what the chain asks now, never past
 * `ceiling`; null if that leaves no valid replacement.
 */
export function bumpedFees(last: Fees, now: Fees, ceiling: bigint): Fees | null {
  const maxFeePerGas = larger(raised(last.maxFeePerGas), now.maxFeePerGas)
  const maxPriorityFeePerGas = larger(raised(last.maxPriorityFeePerGas), now.maxPriorityFeePerGas)
  if (raised(last.maxFeePerGas) > ceiling) return null
  const capped = smaller(maxFeePerGas, ceiling)
  return { maxFeePerGas: capped, maxPriorityFeePerGas: smaller(maxPriorityFeePerGas, capped) }
}

/**
 * Price of one blob, wei: 131,072 blob gas, and no less than the reserve of 8,192 gas that EIP-7918 draws it to. The
 * chain charges the former alone; below the reserve it only rises, so a plan does not count on it.
 */
export function blobPrice({ baseFee, blobBaseFee }: FeeLevel): bigint | null {
  if (blobBaseFee === null) return null
  return larger(BigInt(BLOB_GAS) * blobBaseFee, BigInt(BLOB_BASE_COST) * baseFee)
}

/** What a transaction costs now, wei; null where it carries blobs and the chain takes none. */
export function costNow({ gas, blobGas }: Estimate, level: FeeLevel): bigint | null {
  const blobs = BigInt(blobGas / BLOB_GAS)
  const price = blobs === 0n ? 0n : blobPrice(level)
  return price === null ? null : BigInt(Math.ceil(gas)) * (level.baseFee + level.tip) + blobs * price
}

/** Median of fees, 0 of none. */
export function medianFee(fees: readonly bigint[]): bigint {
  const sorted = fees.toSorted((a, b) => (a < b ? -1 : 1))
  return sorted[Math.floor(sorted.length / 2)] ?? 0n
}
