/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import { encodeAbiParameters, type Hex, hashStruct, hashTypedData, keccak256 } from 'viem'
import type { Domain } from '#protocol/eip712.ts'
import * as eip712 from '#protocol/eip712.ts'
import { recoverCompact, signCompact } from '#protocol/signature.ts'
import { FieldError } from '#protocol/words.ts'

import { address, hex, small, wide } from './support/arbitraries.ts'
import { readVectors } from './support/vectors.ts'

type TypeName = keyof typeof eip712.types
type MessageJson = {
  type: TypeName
  message: Record<string, string | number | boolean>
  structHash: Hex
  digest: Hex
  signer: Hex
  signature: Hex
}
const vectors = readVectors<{
  domain: Domain
  committeeDomain: Domain
  privateKeys: Record<string, Hex>
  messages: MessageJson[]
  dealKeys: { offerHash: Hex; buyer: Hex; buyerNonce: string; dealKey: Hex }[]
}>('messages')

const settlement: Domain = { chainId: vectors.domain.chainId, verifyingContract: vectors.domain.verifyingContract }
const committee: Domain = { ...settlement, verifyingContract: vectors.committeeDomain.verifyingContract }

type AnyMessage = Record<string, string | number | bigint | boolean>
const digests = {
  Offer: eip712.offerHash,
  Order: eip712.orderDigest,
  Tally: eip712.tallyDigest,
  Acknowledgement: eip712.acknowledgementDigest,
  Force: eip712.forceDigest,
  Attestation: eip712.attestationDigest,
  Promise: eip712.promiseDigest,
} as unknown as Record<TypeName, (message: AnyMessage, domain: Domain) => Hex>

/** JSON carries wide integers as strings; messages carry them as bigints. */
function revived({ type, message }: MessageJson): AnyMessage {
  const wideFields = new Set<string>(
    eip712.types[type].filter((field) => /^uint(48|64)$/.test(field.type)).map((field) => field.name),
  )
  const entries = Object.entries(message)
  return Object.fromEntries(
    entries.map(([key, value]) => [key, wideFields.has(key) ? BigInt(value as string | number) : value]),
  )
}

function viemDigest(type: TypeName, message: AnyMessage, domain: Domain): Hex {
  const typed =
    type === 'Attestation' || type === 'Promise' ? eip712.committeeDomain(domain) : eip712.tallystickDomain(domain)
  const types: Record<string, readonly { name: string; type: string }[]> = eip712.types
  return hashTypedData({ domain: typed, types, primaryType: type, message })
}

describe('signed messages', () => {
  vectors.messages.forEach((vector, index) => {
    const domain = vector.type === 'Attestation' ? committee : settlement
    const name = `${vector.type} (message ${index})`

    it(`gives ${name} the digest that other libraries give it`, () => {
      expect(digests[vector.type](revived(vector), domain)).to.equal(vector.digest)
      expect(viemDigest(vector.type, revived(vector), domain)).to.equal(vector.digest)
    })

    it(`recovers the signer of ${name}`, () => {
      expect(recoverCompact(vector.digest, vector.signature)).to.equal(vector.signer)
    })
  })

  it('hashes orders and tallies as structs', () => {
    const structHashes = { Order: eip712.taskHash, Tally: eip712.tallyHash } as unknown as Partial<
      Record<TypeName, (message: AnyMessage) => Hex>
    >
    const structs = vectors.messages.filter(({ type }) => structHashes[type] !== undefined)
    expect(structs.length).to.be.greaterThan(3)
    for (const vector of structs) expect(structHashes[vector.type]?.(revived(vector))).to.equal(vector.structHash)
  })

  it('signs like other libraries, byte for byte', () => {
    const tally = vectors.messages.find(({ type }) => type === 'Tally')
    expect(signCompact(tally?.digest ?? '0x', vectors.privateKeys.worker ?? '0x')).to.equal(tally?.signature)
  })

  for (const { offerHash, buyer, buyerNonce, dealKey } of vectors.dealKeys) {
    it(`derives the key of deal ${buyerNonce} of ${buyer}`, () => {
      expect(eip712.dealKey(offerHash, buyer, BigInt(buyerNonce))).to.equal(dealKey)
    })
  }
})

describe('digests of random messages', () => {
  const fields = {
    bytes32: hex(32),
    address,
    uint8: small(8),
    uint32: small(32),
    uint48: wide(48),
    uint64: wide(64),
    bool: fc.boolean(),
  } as const
  const domain = fc.record({ chainId: fc.integer({ min: 1, max: 2 ** 48 }), verifyingContract: address })

  for (const type of Object.keys(eip712.types) as TypeName[]) {
    const message = fc.record(
      Object.fromEntries(eip712.types[type].map((field) => [field.name, fields[field.type] as fc.Arbitrary<unknown>])),
    ) as fc.Arbitrary<AnyMessage>

    it(`agree with viem for every ${type}`, () => {
      fc.assert(
        fc.property(message, domain, (value, where) => {
          expect(digests[type](value, where)).to.equal(viemDigest(type, value, where))
        }),
        { numRuns: 40 },
      )
    })
  }

  it('agree with viem for every task hash, tally hash and deal key', () => {
    const order = fc.record({ dealKey: hex(32), index: wide(64), inputRoot: hex(32), maxUnits: wide(48) })
    fc.assert(
      fc.property(order, address, wide(64), (value, buyer, nonce) => {
        const struct = hashStruct({
          data: { ...value, maxUnits: Number(value.maxUnits) },
          types: eip712.types,
          primaryType: 'Order',
        })
        expect(eip712.taskHash(value)).to.equal(struct)
        const encoded = encodeAbiParameters(
          [{ type: 'bytes32' }, { type: 'address' }, { type: 'uint256' }],
          [value.dealKey, buyer, nonce],
        )
        expect(eip712.dealKey(value.dealKey, buyer, nonce)).to.equal(keccak256(encoded))
      }),
      { numRuns: 40 },
    )
  })
})

describe('messages with a field that does not fit', () => {
  const key: Hex = `0x${'11'.repeat(32)}`
  const tally = { dealKey: key, stream: 1, first: 2, count: 3, units: 4n, segment: key }
  const wrong: [string, object][] = [
    ['Tally.units', { units: 1n << 48n }],
    ['Tally.units', { units: -1n }],
    ['Tally.stream', { stream: 256 }],
    ['Tally.first', { first: 2 ** 32 }],
    ['Tally.count', { count: 1.5 }],
    ['Tally.count', { count: Number.NaN }],
    ['Tally.dealKey', { dealKey: '0x11' }],
    ['Tally.segment', { segment: `0x${'zz'.repeat(32)}` }],
  ]
  for (const [field, change] of wrong) {
    it(`have no digest: ${field} = ${Object.values(change)[0]}`, () => {
      expect(() => eip712.tallyDigest({ ...tally, ...change }, settlement))
        .to.throw(FieldError)
        .that.includes({ code: 'protocol.field', field })
    })
  }
})

describe('domains', () => {
  const key: Hex = `0x${'11'.repeat(32)}`
  const force = { root: key, sender: settlement.verifyingContract }

  it('separate chains and deployments', () => {
    const here = eip712.forceDigest(force, settlement)
    expect(eip712.forceDigest(force, { ...settlement, chainId: 1 })).to.not.equal(here)
    expect(eip712.forceDigest(force, committee)).to.not.equal(here)
  })
})
