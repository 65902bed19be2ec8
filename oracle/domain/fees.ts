/**
 * What a transaction offers for its inclusion, and what it costs at the fees of the moment. Amounts are wei, or wei per
 * gas.
 *
 * @module
 */
import type { Estimate } from './cost-model.ts'
import { BLOB_BASE_COST, BLOB_GAS } from './forks.ts'

/** Fee fields of EIP-1559, and of EIP-4844 where a transaction carries blobs. */
export type Fees = {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  /** Wei per blob gas. */
  readonly maxFeePerBlobGas?: bigint
}

/** Most to offer. */
export type FeeCeilings = { readonly maxFeePerGas: bigint; readonly maxFeePerBlobGas: bigint }

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

/** Fees of a first attempt: room for the base fees to double. `blobBaseFee` is null for one without blobs. */
export function firstFees(baseFee: bigint, tip: bigint, blobBaseFee: bigint | null): Fees {
  const fees = { maxFeePerGas: baseFee * 2n + tip, maxPriorityFeePerGas: tip }
  return blobBaseFee === null ? fees : { ...fees, maxFeePerBlobGas: larger(1n, blobBaseFee * 2n) }
}

/** Fees that pass no ceiling. */
export function cappedFees(fees: Fees, ceilings: FeeCeilings): Fees {
  const maxFeePerGas = smaller(fees.maxFeePerGas, ceilings.maxFeePerGas)
  const capped = { maxFeePerGas, maxPriorityFeePerGas: smaller(fees.maxPriorityFeePerGas, maxFeePerGas) }
  const { maxFeePerBlobGas: blob } = fees
  return blob === undefined ? capped : { ...capped, maxFeePerBlobGas: smaller(blob, ceilings.maxFeePerBlobGas) }
}

const larger = (a: bigint, b: bigint) => (a > b ? a : b)
const smaller = (a: bigint, b: bigint) => (a < b ? a : b)

/** Raises `value` by at least 12.5 %, above the 10 % that nodes ask of a replacement. */
function raised(value: bigint): bigint {
  return (value * 1125n + 999n) / 1000n + 1n
}

/** Doubles `value`: pools of blobs take a replacement only where each of its three fees has doubled. */
function doubled(value: bigint): bigint {
  return larger(1n, value * 2n)
}

/**
 * Fees of a further attempt with the same nonce: each up by 12.5 %, or doubled where blobs are carried, or to what the
 * chain asks now, never past a ceiling; null if that leaves no valid replacement.
 */
export function bumpedFees(last: Fees, now: Fees, ceilings: FeeCeilings): Fees | null {
  const { maxFeePerBlobGas: blob } = last
  const least =
    blob === undefined ? raisedFees(last, raised) : { ...raisedFees(last, doubled), maxFeePerBlobGas: doubled(blob) }
  if (least.maxFeePerGas > ceilings.maxFeePerGas) return null
  if ((least.maxFeePerBlobGas ?? 0n) > ceilings.maxFeePerBlobGas) return null
  const wanted = {
    maxFeePerGas: larger(least.maxFeePerGas, now.maxFeePerGas),
    maxPriorityFeePerGas: larger(least.maxPriorityFeePerGas, now.maxPriorityFeePerGas),
  }
  if (least.maxFeePerBlobGas === undefined) return cappedFees(wanted, ceilings)
  return cappedFees(
    { ...wanted, maxFeePerBlobGas: larger(least.maxFeePerBlobGas, now.maxFeePerBlobGas ?? 0n) },
    ceilings,
  )
}

function raisedFees(last: Fees, raise: (fee: bigint) => bigint): Fees {
  return { maxFeePerGas: raise(last.maxFeePerGas), maxPriorityFeePerGas: raise(last.maxPriorityFeePerGas) }
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
