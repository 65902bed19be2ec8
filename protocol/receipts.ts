/**
 * Receipts as bytes: `units (3) ‖ workHash (32)`, one after the other. A segment is the receipts `first … count` of a
 * stream; a tally signs the hash of its bytes.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from './errors.ts'
import { createReader, type Reader } from './reader.ts'
import type { Receipt } from './types.ts'
import { concatBytes, FieldError, fixedBytes, keccak, toHex, uintBytes } from './words.ts'

const UNITS_BYTES = 3
const HASH_BYTES = 32

/** Bytes of one receipt. */
export const RECEIPT_BYTES = UNITS_BYTES + HASH_BYTES
/** Most units one receipt can have. */
export const MAX_RECEIPT_UNITS = 2n ** 24n - 1n

/** Thrown when bytes are not the receipts they should be; `code` is `receipts.malformed`. */
export class ReceiptsError extends TallyError {
  override readonly name = 'ReceiptsError'
  /** Where the field that does not decode begins. */
  readonly position: number

  constructor(position: number, problem: string) {
    super('receipts.malformed', `receipts at ${position}: ${problem}`)
    this.position = position
  }
}

/**
 * The receipts' bytes, in order.
 *
 * @throws FieldError when units are not 1 to 2²⁴ − 1 or a work hash is not 32 bytes.
 */
export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const receipt of receipts) {
    if (receipt.units === 0n) throw new FieldError('receipt.units', 'is zero')
    parts.push(uintBytes(receipt.units, 8 * UNITS_BYTES, 'receipt.units'))
    parts.push(fixedBytes(receipt.workHash, HASH_BYTES, 'receipt.workHash'))
  }
  return concatBytes(parts)
}

/**
 * The next receipt of a reader.
 *
 * @param fail - Throws the format's own error.
 */
export function readReceipt(reader: Reader, fail: (position: number, problem: string) => never): Receipt {
  const at = reader.position()
  const units = reader.integer(UNITS_BYTES)
  if (units === 0) return fail(at, 'units are zero')
  return { units: BigInt(units), workHash: toHex(reader.take(HASH_BYTES)) }
}

/**
 * The first `count` receipts of bytes.
 *
 * @returns The receipts and the position after the last one.
 * @throws {@link ReceiptsError} when they do not decode.
 */
export function decodeReceipts(bytes: Uint8Array, count: number): { receipts: Receipt[]; end: number } {
  const fail = (position: number, problem: string): never => {
    throw new ReceiptsError(position, problem)
  }
  const reader = createReader(bytes, 0, fail)
  const receipts: Receipt[] = []
  while (receipts.length < count) receipts.push(readReceipt(reader, fail))
  return { receipts, end: reader.position() }
}

/** Hash of a segment's bytes, as a tally signs it. */
export function segmentHash(bytes: Uint8Array): Hex {
  return toHex(keccak(bytes))
}

/** Sum of the receipts' units. */
export function totalUnits(receipts: readonly Receipt[]): bigint {
  return receipts.reduce((sum, receipt) => sum + receipt.units, 0n)
}
