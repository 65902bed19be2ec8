/**
 * Everything that is signed: EIP-712 types, domains and digests. The digests pack their words by hand because they run
 * once per segment on every node; the tests hold each of them against viem's `hashTypedData`.
 *
 * @module
 */
import type { Address, Hex, TypedDataDomain } from 'viem'

import type { Acknowledgement, Attestation, Domain, Force, Offer, Order, Promised, Tally } from './types.ts'
import { concatBytes, fixedBytes, keccak, packWords, toHex, uintBytes } from './words.ts'

export type { Domain } from './types.ts'

/** EIP-712 type lists. Field order is the signed order: never reorder. Source: EIP-712. */
export const types = {
  Offer: [
    { name: 'provider', type: 'address' },
    { name: 'nonce', type: 'uint64' },
    { name: 'salt', type: 'bytes32' },
    { name: 'program', type: 'bytes32' },
    { name: 'kind', type: 'uint8' },
    { name: 'unit', type: 'bytes32' },
    { name: 'price', type: 'uint64' },
    { name: 'rateCap', type: 'uint32' },
    { name: 'minBudget', type: 'uint64' },
    { name: 'maxBudget', type: 'uint64' },
    { name: 'total', type: 'uint64' },
    { name: 'buyer', type: 'address' },
    { name: 'openingFee', type: 'uint64' },
    { name: 'maxDuration', type: 'uint32' },
    { name: 'expiry', type: 'uint32' },
    { name: 'mode', type: 'uint8' },
    { name: 'maxStreams', type: 'uint8' },
    { name: 'minExposure', type: 'uint48' },
    { name: 'arbiter', type: 'address' },
    { name: 'panel', type: 'bool' },
  ],
  Order: [
    { name: 'dealKey', type: 'bytes32' },
    { name: 'index', type: 'uint64' },
    { name: 'inputRoot', type: 'bytes32' },
    { name: 'maxUnits', type: 'uint48' },
  ],
  Tally: [
    { name: 'dealKey', type: 'bytes32' },
    { name: 'stream', type: 'uint8' },
    { name: 'first', type: 'uint32' },
    { name: 'count', type: 'uint32' },
    { name: 'units', type: 'uint48' },
    { name: 'segment', type: 'bytes32' },
  ],
  Acknowledgement: [
    { name: 'dealKey', type: 'bytes32' },
    { name: 'stream', type: 'uint8' },
    { name: 'count', type: 'uint32' },
    { name: 'units', type: 'uint48' },
    { name: 'segment', type: 'bytes32' },
  ],
  Force: [
    { name: 'root', type: 'bytes32' },
    { name: 'sender', type: 'address' },
  ],
  Attestation: [
    { name: 'epoch', type: 'uint32' },
    { name: 'root', type: 'bytes32' },
    { name: 'claims', type: 'uint8' },
  ],
  Promise: [
    { name: 'tally', type: 'bytes32' },
    { name: 'before', type: 'uint32' },
  ],
} as const

type Field = { readonly name: string; readonly type: string }
type Value = Hex | bigint | number | boolean

const DOMAIN_NAME = 'Tallystick'
const COMMITTEE_DOMAIN_NAME = 'Tallystick Committee'
const DOMAIN_VERSION = '1'
const PREFIX = new Uint8Array([0x19, 0x01])

const ascii = new TextEncoder()
const hashText = (text: string): Uint8Array => keccak(ascii.encode(text))

const typeHash = (name: keyof typeof types): Uint8Array =>
  hashText(`${name}(${types[name].map((field: Field) => `${field.type} ${field.name}`).join(',')})`)

const TYPE_HASHES = {
  Offer: typeHash('Offer'),
  Order: typeHash('Order'),
  Tally: typeHash('Tally'),
  Acknowledgement: typeHash('Acknowledgement'),
  Force: typeHash('Force'),
  Attestation: typeHash('Attestation'),
  Promise: typeHash('Promise'),
} as const

const DOMAIN_TYPE_HASH = hashText('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)')
const VERSION_HASH = hashText(DOMAIN_VERSION)
const NAME_HASH = hashText(DOMAIN_NAME)
const COMMITTEE_NAME_HASH = hashText(COMMITTEE_DOMAIN_NAME)

/** Domain of every message that no committee member signs, as viem takes it; `verifyingContract` is the Settlement. */
export function tallystickDomain(domain: Domain): TypedDataDomain {
  return { name: DOMAIN_NAME, version: DOMAIN_VERSION, ...domain }
}

/** Domain of attestations and promises, as viem takes it; `verifyingContract` is the Committee. */
export function committeeDomain(domain: Domain): TypedDataDomain {
  return { name: COMMITTEE_DOMAIN_NAME, version: DOMAIN_VERSION, ...domain }
}

function fieldBytes(type: string, value: Value, name: string): Uint8Array {
  if (type === 'bytes32') return fixedBytes(value as Hex, 32, name)
  if (type === 'address') return fixedBytes(value as Hex, 20, name)
  if (type === 'bool') return uintBytes(value === true ? 1 : 0, 8, name)
  return uintBytes(value as bigint | number, Number(type.slice(4)), name)
}

function structHash(name: keyof typeof types, message: Readonly<Record<string, Value>>): Uint8Array {
  const fields: readonly Field[] = types[name]
  const words = fields.map((field) => fieldBytes(field.type, message[field.name] as Value, `${name}.${field.name}`))
  return keccak(packWords([TYPE_HASHES[name], ...words]))
}

function separator(nameHash: Uint8Array, domain: Domain): Uint8Array {
  return keccak(
    packWords([
      DOMAIN_TYPE_HASH,
      nameHash,
      VERSION_HASH,
      uintBytes(domain.chainId, 256, 'domain.chainId'),
      fixedBytes(domain.verifyingContract, 20, 'domain.verifyingContract'),
    ]),
  )
}

function digest(domainSeparator: Uint8Array, struct: Uint8Array): Hex {
  return toHex(keccak(concatBytes([PREFIX, domainSeparator, struct])))
}

/** EIP-712 digest of an offer: its hash, which binds the deployment. @throws FieldError when a field does not fit. */
export function offerHash(offer: Offer, domain: Domain): Hex {
  return digest(separator(NAME_HASH, domain), structHash('Offer', offer))
}

/** Digest the order key signs. @throws FieldError when a field does not fit. */
export function orderDigest(order: Order, domain: Domain): Hex {
  return digest(separator(NAME_HASH, domain), structHash('Order', order))
}

/** Struct hash of an order: what a receipt's work hash names. @throws FieldError when a field does not fit. */
export function taskHash(order: Order): Hex {
  return toHex(structHash('Order', order))
}

/** Struct hash of a tally, by which committee members name a segment. @throws FieldError when a field does not fit. */
export function tallyHash(tally: Tally): Hex {
  return toHex(structHash('Tally', tally))
}

/** Digest the worker signs. @throws FieldError when a field does not fit. */
export function tallyDigest(tally: Tally, domain: Domain): Hex {
  return digest(separator(NAME_HASH, domain), structHash('Tally', tally))
}

/** Digest the acknowledgement key signs. @throws FieldError when a field does not fit. */
export function acknowledgementDigest(acknowledgement: Acknowledgement, domain: Domain): Hex {
  return digest(separator(NAME_HASH, domain), structHash('Acknowledgement', acknowledgement))
}

/** Digest the provider's side signs to let `sender` force a batch. @throws FieldError when a field does not fit. */
export function forceDigest(force: Force, domain: Domain): Hex {
  return digest(separator(NAME_HASH, domain), structHash('Force', force))
}

/** Digest a committee member signs; `domain.verifyingContract` is the Committee. @throws FieldError on a bad field. */
export function attestationDigest(attestation: Attestation, domain: Domain): Hex {
  return digest(separator(COMMITTEE_NAME_HASH, domain), structHash('Attestation', attestation))
}

/** Digest a member signs to promise a batch; `domain.verifyingContract` is the Committee. @throws FieldError on a bad field. */
export function promiseDigest(promised: Promised, domain: Domain): Hex {
  return digest(separator(COMMITTEE_NAME_HASH, domain), structHash('Promise', promised))
}

/** Struct hash of a promise, by which a broken one is told. @throws FieldError when a field does not fit. */
export function promiseHash(promised: Promised): Hex {
  return toHex(structHash('Promise', promised))
}

/**
 * Key that everything signed for a deal binds.
 *
 * @param hash - Offer hash of the offer taken.
 * @param buyer - Account whose escrow pays.
 * @param buyerNonce - Number of deals the buyer had opened before.
 * @throws FieldError when a value does not fit.
 */
export function dealKey(hash: Hex, buyer: Address, buyerNonce: bigint): Hex {
  return toHex(
    keccak(
      packWords([
        fixedBytes(hash, 32, 'offerHash'),
        fixedBytes(buyer, 20, 'buyer'),
        uintBytes(buyerNonce, 256, 'buyerNonce'),
      ]),
    ),
  )
}
