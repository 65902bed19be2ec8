/**
 * The little that everybody needs to know of EIP-4844's polynomial commitments: how the chain names a blob, and where
 * its polynomial stands for which element.
 *
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js'
import type { Hex } from 'viem'

import { FieldError, toHex } from './words.ts'

/** Field elements of one blob. */
export const BLOB_ELEMENTS = 4096
/** Bytes of one blob: 32 for each element. */
export const BLOB_BYTES = 32 * BLOB_ELEMENTS
/** Bytes of a commitment and of a proof: a compressed point of BLS12-381. */
export const POINT_BYTES = 48
/** Order of BLS12-381's scalar field: every element is below it. */
export const FIELD_ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n
/** First byte of a versioned hash made of a KZG commitment. */
const VERSION = 1
const BITS = 12

/**
 * Hash by which transactions, contracts and archives name a blob: `01 ‖ last 31 bytes of sha256(commitment)`.
 *
 * @throws FieldError when the commitment has not 48 bytes.
 */
export function versionedHash(commitment: Uint8Array): Hex {
  if (commitment.length !== POINT_BYTES) throw new FieldError('commitment', `has ${commitment.length} bytes, not 48`)
  const hash = sha256(commitment)
  hash[0] = VERSION
  return toHex(hash)
}

/** Generator of the 4,096th roots of unity; 7 generates the field's multiplicative group. */
const ROOT = power(7n, (FIELD_ORDER - 1n) / BigInt(BLOB_ELEMENTS))

/**
 * Where a blob's polynomial takes the value of element `index`: the root of unity at the bit-reversed index.
 *
 * @throws FieldError when there is no such element.
 */
export function elementPoint(index: number): bigint {
  if (!Number.isInteger(index) || index < 0 || index >= BLOB_ELEMENTS) throw new FieldError('index', 'is no element')
  let reversed = 0
  for (let bit = 0; bit < BITS; bit += 1) reversed |= ((index >> bit) & 1) << (BITS - 1 - bit)
  return power(ROOT, BigInt(reversed))
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % FIELD_ORDER
    square = (square * square) % FIELD_ORDER
  }
  return result
}
