/**
 * What a transaction offers for its inclusion. Amounts are wei per gas.
 *
 * @module
 */

/** EIP-1559 fee fields. */
export type Fees = { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }

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
