/**
 * Fields of HTTP bodies: hex in one spelling, integers as decimal strings or safe numbers, each within its signed width.
 *
 * @module
 */
import { type Address, getAddress, type Hex } from 'viem'
import { z } from 'zod'

const DECIMAL = /^(?:0|[1-9][0-9]{0,19})$/
const MAX_SIGNATURE_BYTES = 2048

const hexOf = (bytes: number): RegExp => new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`)

/** Exactly `bytes` bytes of hex, in lower case once parsed. */
export function fixedHex(bytes: number) {
  return z
    .string()
    .regex(hexOf(bytes), `must be 0x-hex of ${bytes} bytes`)
    .transform((value): Hex => value.toLowerCase() as Hex)
}

/** 32 bytes. */
export const hash = fixedHex(32)

/** EIP-2098 signature. */
export const compactSignature = fixedHex(64)

/** Any whole number of bytes, at most `maxBytes`. */
export function boundedHex(maxBytes: number) {
  return z
    .string()
    .max(2 + 2 * maxBytes, `must have at most ${maxBytes} bytes`)
    .regex(/^0x(?:[0-9a-fA-F]{2})*$/, 'must be 0x-hex of whole bytes')
    .transform((value): Hex => value.toLowerCase() as Hex)
}

/** 65 bytes, or whatever an EIP-1271 wallet takes. */
export const anySignature = boundedHex(MAX_SIGNATURE_BYTES)

/** Account, checksummed once parsed. */
export const address = z
  .string()
  .regex(hexOf(20), 'must be 0x-hex of 20 bytes')
  .transform((value): Address => getAddress(value.toLowerCase()))

/** Integer of at most 40 bits: a JSON number. */
export function small(bits: number) {
  return z
    .int()
    .min(0)
    .max(2 ** bits - 1)
}

/** Integer of up to 64 bits: a decimal string, or a number that is safe; a bigint once parsed. */
export function wide(bits: number) {
  return z
    .union([z.string().regex(DECIMAL), z.int().min(0)], { error: 'must be a decimal string or a safe integer' })
    .transform((value) => BigInt(value))
    .refine((value) => value >> BigInt(bits) === 0n, `must fit ${bits} bits`)
}

/** Unix seconds. */
export const seconds = z.int().min(0)
