/**
 * Who signed many messages: libsecp256k1 where its prebuilt binding loads, else the same in plain JavaScript.
 *
 * @module
 */
import { createRequire } from 'node:module'

import { type Address, getAddress, type Hex, hexToBytes, keccak256 } from 'viem'

import { recoverCompact } from '#protocol/signature.ts'

/** A digest and the 64-byte EIP-2098 signature over it. */
export type Signed = { readonly digest: Hex; readonly signature: Hex }

/** Recovery of signers. */
export type Recovery = {
  /** Whether libsecp256k1 does the work. */
  readonly native: boolean
  /** Signer of each item, null where the signature is none, in the same order. */
  recoverMany(items: readonly Signed[]): (Address | null)[]
}

type Binding = {
  ecdsaRecover(signature: Uint8Array, parity: number, digest: Uint8Array, compressed: boolean): Uint8Array
}

/** Half the group's order: a greater s is refused, as on chain. */
const HALF_ORDER = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0'
const DIGEST = /^0x[0-9a-fA-F]{64}$/
const SIGNATURE = /^0x[0-9a-fA-F]{128}$/

/**
 * Creates the recovery of signers.
 *
 * @param options - `native` false keeps to JavaScript, as tests of the fall-back do.
 */
export function createRecovery(options: { readonly native?: boolean } = {}): Recovery {
  const binding = options.native === false ? undefined : loadBinding()
  const recover =
    binding === undefined
      ? ({ digest, signature }: Signed) => recoverCompact(digest, signature)
      : (item: Signed) => recoverNative(binding, item)
  return { native: binding !== undefined, recoverMany: (items) => items.map(recover) }
}

function recoverNative(binding: Binding, { digest, signature }: Signed): Address | null {
  // the fall-back answers, or complains, where the input has not even the right shape
  if (!DIGEST.test(digest) || !SIGNATURE.test(signature)) return recoverCompact(digest, signature)
  const bytes = hexToBytes(signature)
  const parity = (bytes[32] ?? 0) >> 7
  bytes[32] = (bytes[32] ?? 0) & 0x7f
  if (Buffer.from(bytes.buffer, 32, 32).toString('hex') > HALF_ORDER) return null
  try {
    const publicKey = binding.ecdsaRecover(bytes, parity, hexToBytes(digest), false)
    return getAddress(`0x${keccak256(publicKey.subarray(1)).slice(26)}`)
  } catch {
    return null // every way of not being a signature has the same answer
  }
}

/** `require('secp256k1')` would fall back to slow JavaScript silently: only the binding itself is taken. */
function loadBinding(): Binding | undefined {
  try {
    const loaded: unknown = createRequire(import.meta.url)('secp256k1/bindings.js')
    return isBinding(loaded) ? loaded : undefined
  } catch {
    return undefined // an optional package without a build for this platform
  }
}

function isBinding(loaded: unknown): loaded is Binding {
  return (
    typeof loaded === 'object' &&
    loaded !== null &&
    'ecdsaRecover' in loaded &&
    typeof loaded.ecdsaRecover === 'function'
  )
}
