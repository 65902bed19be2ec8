/**
 * Worker, order, acknowledgement, force and committee signatures: EIP-2098, 64 bytes `r ‖ yParity·2²⁵⁵ + s`,
 * `0 < s ≤ n/2`. Everything here is synchronous.
 *
 * @module
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { type Address, getAddress, type Hex } from 'viem'

import { concatBytes, FieldError, fixedBytes, keccak, toBytes, toHex } from './words.ts'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const HALF_ORDER = ORDER >> 1n
const PARITY = 1n << 255n
const COMPACT = /^0x[0-9a-fA-F]{128}$/

const toUint = (bytes: Uint8Array): bigint => BigInt(toHex(bytes))

/**
 * The 64-byte EIP-2098 form of a 65-byte signature; a 64-byte one is returned as it is.
 *
 * A high s is turned into its low twin, which signs the same digest for the same key.
 *
 * @throws FieldError when it is no signature of 64 or 65 bytes, or `v` is none of 0, 1, 27, 28.
 */
export function compact(signature: Hex): Hex {
  const bytes = toBytes(signature, 'signature')
  if (bytes.length === 64) return toHex(bytes)
  if (bytes.length !== 65) throw new FieldError('signature', `has ${bytes.length} bytes instead of 64 or 65`)
  const v = bytes[64] ?? 0
  const parity = v >= 27 ? v - 27 : v
  if (parity > 1) throw new FieldError('signature', `has v = ${v}`)
  const s = toUint(bytes.subarray(32, 64))
  if (s === 0n || s >= ORDER) throw new FieldError('signature', 'has s outside the group')
  return s > HALF_ORDER ? join(bytes, ORDER - s, 1 - parity) : join(bytes, s, parity)
}

/**
 * The 65-byte form with `v` 27 or 28 of a signature of 64 or 65 bytes, as `Settlement.openDeal` takes it for offers.
 *
 * @throws FieldError as {@link compact} does.
 */
export function expand(signature: Hex): Hex {
  const bytes = toBytes(compact(signature))
  const v = 27 + ((bytes[32] ?? 0) >> 7)
  bytes[32] = (bytes[32] ?? 0) & 0x7f
  return toHex(concatBytes([bytes, new Uint8Array([v])]))
}

function join(signature: Uint8Array, s: bigint, parity: number): Hex {
  const vs = s + (parity === 1 ? PARITY : 0n)
  return `${toHex(signature.subarray(0, 32))}${vs.toString(16).padStart(64, '0')}`
}

/**
 * Account that signed `digest`, or null when the signature is not 64 bytes of a valid low-s signature.
 *
 * @returns Checksummed address.
 * @throws FieldError when the digest is not 32 bytes.
 */
export function recoverCompact(digest: Hex, signature: Hex): Address | null {
  const hash = fixedBytes(digest, 32, 'digest')
  if (!COMPACT.test(signature)) return null
  const bytes = toBytes(signature)
  const parity = (bytes[32] ?? 0) >> 7
  bytes[32] = (bytes[32] ?? 0) & 0x7f
  // The library accepts any s below the group's order; the chain accepts the lower half only.
  if (toUint(bytes.subarray(32, 64)) > HALF_ORDER) return null
  try {
    const parsed = secp256k1.Signature.fromBytes(concatBytes([new Uint8Array([parity]), bytes]), 'recovered')
    return publicKeyAddress(parsed.recoverPublicKey(hash).toBytes(false))
  } catch {
    // Zero r or s, r above the order, r no point's x: every way of not being a signature has the same answer.
    return null
  }
}

function publicKeyAddress(uncompressed: Uint8Array): Address {
  return getAddress(toHex(keccak(uncompressed.subarray(1)).subarray(12)))
}

/**
 * Deterministic (RFC 6979) low-s signature of `digest`, 64 bytes.
 *
 * @throws FieldError when the digest is not 32 bytes or the private key is none of the group.
 */
export function signCompact(digest: Hex, privateKey: Hex): Hex {
  const key = secretKey(privateKey)
  const signed = secp256k1.sign(fixedBytes(digest, 32, 'digest'), key, { prehash: false, format: 'recovered' })
  return join(signed.subarray(1), toUint(signed.subarray(33, 65)), signed[0] ?? 0)
}

/**
 * Address of a private key, checksummed.
 *
 * @throws FieldError when it is no private key of the group.
 */
export function addressOf(privateKey: Hex): Address {
  return publicKeyAddress(secp256k1.getPublicKey(secretKey(privateKey), false))
}

function secretKey(privateKey: Hex): Uint8Array {
  const key = fixedBytes(privateKey, 32, 'privateKey')
  if (!secp256k1.utils.isValidSecretKey(key)) throw new FieldError('privateKey', 'is zero or beyond the group')
  return key
}
