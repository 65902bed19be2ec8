/**
 * Hand-packed 32-byte words, hex and keccak: what digests are made of, without an ABI encoder on the hot path.
 *
 * @module
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import type { Hex } from 'viem'

import { TallyError } from './errors.ts'

const HEX = /^0x(?:[0-9a-fA-F]{2})*$/

/** Thrown when a value does not fit the field it is meant for; `code` is `protocol.field`. */
export class FieldError extends TallyError {
  override readonly name = 'FieldError'
  readonly field: string

  constructor(field: string, problem: string) {
    super('protocol.field', `${field} ${problem}`)
    this.field = field
  }
}

/**
 * Bytes of a 0x-prefixed hex string.
 *
 * @throws {@link FieldError} when it is not hex of whole bytes.
 */
export function toBytes(hex: Hex, field = 'hex'): Uint8Array {
  if (!HEX.test(hex)) throw new FieldError(field, 'is not 0x-prefixed hex of whole bytes')
  return hexToBytes(hex.slice(2))
}

/** 0x-prefixed lower-case hex of bytes. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`
}

/** Keccak-256 of bytes, as bytes. */
export function keccak(bytes: Uint8Array): Uint8Array {
  return keccak_256(bytes)
}

/** The bytes one after the other. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/**
 * Big-endian bytes of an unsigned integer of `bits` bits (a multiple of 8).
 *
 * @throws {@link FieldError} when the value is negative, fractional or too wide.
 */
export function uintBytes(value: bigint | number, bits: number, field: string): Uint8Array {
  const bytes = new Uint8Array(bits / 8)
  let rest = uint(value, bits, field)
  for (let at = bytes.length - 1; rest > 0n; at -= 1) {
    bytes[at] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/**
 * The value as a bigint that fits an unsigned integer of `bits` bits.
 *
 * @throws {@link FieldError} when the value is negative, fractional, unsafe or too wide.
 */
export function uint(value: bigint | number, bits: number, field: string): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new FieldError(field, 'is not a safe integer')
  const integer = BigInt(value)
  // A negative integer shifted right never reaches zero, so this refuses it too.
  if (integer >> BigInt(bits) !== 0n) throw new FieldError(field, `= ${integer} does not fit uint${bits}`)
  return integer
}

/**
 * Bytes of a hex string that must have exactly `length` of them.
 *
 * @throws {@link FieldError} when it has another length or is not hex.
 */
export function fixedBytes(hex: Hex, length: number, field: string): Uint8Array {
  const bytes = toBytes(hex, field)
  if (bytes.length !== length) throw new FieldError(field, `has ${bytes.length} bytes instead of ${length}`)
  return bytes
}

/** Words as `abi.encode` lays out static values: each part right-aligned in its 32 bytes. */
export function packWords(parts: readonly Uint8Array[]): Uint8Array {
  const packed = new Uint8Array(32 * parts.length)
  parts.forEach((part, index) => {
    packed.set(part, 32 * (index + 1) - part.length)
  })
  return packed
}
