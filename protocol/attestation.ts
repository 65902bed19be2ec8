/**
 * The committee's authority over an attested batch: `epoch (4) ‖ claims (1) ‖ bitmap (4) ‖ signatures (64 each)`,
 * signatures by rising member index; bit i of the big-endian bitmap, lowest first, is member i.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from './errors.ts'
import { concatBytes, fixedBytes, toBytes, toHex, uintBytes } from './words.ts'

const HEADER_BYTES = 9
const SIGNATURE_BYTES = 64
const MAX_MEMBERS = 32

/** What an attestation vouches for; bits that add up. */
export const Claim = { Tallies: 1, ReExecuted: 2, Agreed: 4, Retrievable: 8 } as const
export type Claim = (typeof Claim)[keyof typeof Claim]

/** One member's signature; `index` is the member's place in its epoch. */
export type MemberSignature = { readonly index: number; readonly signature: Hex }

/** An attestation with the signatures under it. */
export type SignedAttestation = {
  readonly epoch: number
  readonly claims: number
  readonly signatures: readonly MemberSignature[]
}

/** Thrown when an attestation cannot be written or read; `code` is `attestation.malformed`. */
export class AttestationError extends TallyError {
  override readonly name = 'AttestationError'

  constructor(problem: string) {
    super('attestation.malformed', problem)
  }
}

/**
 * Bytes of an attestation; signatures may come in any order.
 *
 * @throws {@link AttestationError} when a member signs twice or its index is not 0 to 31.
 * @throws FieldError when another field does not fit.
 */
export function encodeAttestation(attestation: SignedAttestation): Hex {
  const sorted = [...attestation.signatures].sort((left, right) => left.index - right.index)
  let bitmap = 0n
  for (const { index } of sorted) {
    if (!Number.isInteger(index) || index < 0 || index >= MAX_MEMBERS) throw new AttestationError(`no member ${index}`)
    if ((bitmap >> BigInt(index)) & 1n) throw new AttestationError(`member ${index} signs twice`)
    bitmap |= 1n << BigInt(index)
  }
  return toHex(
    concatBytes([
      uintBytes(attestation.epoch, 32, 'attestation.epoch'),
      uintBytes(attestation.claims, 8, 'attestation.claims'),
      uintBytes(bitmap, 32, 'attestation.bitmap'),
      ...sorted.map(({ signature }) => fixedBytes(signature, SIGNATURE_BYTES, 'attestation.signature')),
    ]),
  )
}

/**
 * Fields of an attestation's bytes.
 *
 * @throws {@link AttestationError} when the length does not fit the bitmap.
 */
export function decodeAttestation(encoded: Hex): SignedAttestation {
  const bytes = toBytes(encoded, 'attestation')
  if (bytes.length < HEADER_BYTES) throw new AttestationError(`${bytes.length} bytes hold no header`)
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  const bitmap = header.getUint32(5)
  const indexes = Array.from({ length: MAX_MEMBERS }, (_, index) => index).filter((index) => (bitmap >>> index) & 1)
  if (bytes.length !== HEADER_BYTES + SIGNATURE_BYTES * indexes.length) {
    throw new AttestationError(`${bytes.length} bytes do not fit ${indexes.length} signatures`)
  }
  const signatures = indexes.map((index, place) => {
    const at = HEADER_BYTES + SIGNATURE_BYTES * place
    return { index, signature: toHex(bytes.subarray(at, at + SIGNATURE_BYTES)) }
  })
  return { epoch: header.getUint32(0), claims: header.getUint8(4), signatures }
}
