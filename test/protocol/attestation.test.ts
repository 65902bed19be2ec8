/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import type { Hex } from 'viem'

import {
  AttestationError,
  decodeAttestation,
  encodeAttestation,
  type SignedAttestation,
} from '#protocol/attestation.ts'
import { FieldError } from '#protocol/words.ts'

import { hex, small } from './support/arbitraries.ts'
import { joinPieces, readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  valid: { attestation: SignedAttestation; pieces: string[]; bytes: Hex }[]
  malformed: { name: string; bytes: Hex }[]
}>('attestations')

describe('attestations', () => {
  for (const { attestation, pieces, bytes } of vectors.valid) {
    const members = attestation.signatures.map(({ index }) => index).join(', ') || 'nobody'

    it(`of epoch ${attestation.epoch} signed by ${members}`, () => {
      expect(encodeAttestation(attestation)).to.equal(bytes).and.to.equal(joinPieces(pieces))
      expect(decodeAttestation(bytes)).to.deep.equal(attestation)
    })

    it(`of epoch ${attestation.epoch} come out alike whoever answers first`, () => {
      const signatures = [...attestation.signatures].reverse()
      expect(encodeAttestation({ ...attestation, signatures })).to.equal(bytes)
    })
  }

  for (const { name, bytes } of vectors.malformed) {
    it(`are not ${name}`, () => {
      expect(() => decodeAttestation(bytes))
        .to.throw(AttestationError)
        .with.property('code', 'attestation.malformed')
    })
  }

  it('hold each member once, and none beyond the 32nd', () => {
    const signature: Hex = `0x${'11'.repeat(64)}`
    const signedBy = (...indexes: number[]) => ({
      epoch: 1,
      claims: 1,
      signatures: indexes.map((index) => ({ index, signature })),
    })
    for (const wrong of [signedBy(1, 1), signedBy(32), signedBy(-1), signedBy(0.5)]) {
      expect(() => encodeAttestation(wrong)).to.throw(AttestationError)
    }
    expect(() => encodeAttestation({ ...signedBy(1), epoch: 2 ** 32 })).to.throw(FieldError)
    expect(() => encodeAttestation({ epoch: 1, claims: 1, signatures: [{ index: 1, signature: '0x11' }] })).to.throw(
      FieldError,
    )
  })

  it('read back whatever was written', () => {
    const signatures = fc.uniqueArray(fc.record({ index: fc.integer({ min: 0, max: 31 }), signature: hex(64) }), {
      selector: ({ index }) => index,
    })
    fc.assert(
      fc.property(small(32), small(8), signatures, (epoch, claims, signed) => {
        const sorted = [...signed].sort((left, right) => left.index - right.index)
        const bytes = encodeAttestation({ epoch, claims, signatures: signed })
        expect(decodeAttestation(bytes)).to.deep.equal({ epoch, claims, signatures: sorted })
      }),
    )
  })
})
