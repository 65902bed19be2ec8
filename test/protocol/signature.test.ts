/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import { type Address, type Hex, recoverAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import { addressOf, compact, expand, recoverCompact, signCompact } from '#protocol/signature.ts'
import { FieldError } from '#protocol/words.ts'

import { hex } from './support/arbitraries.ts'
import { readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  digest: Hex
  signer: Hex
  signature: Hex
  fullSignature: Hex
  fullHighS: Hex
  fullWithBareParity: Hex
  others: { name: string; signature: Hex; signer: Address }[]
  refused: { name: string; signature: Hex }[]
}>('signatures')

const forms: [string, Hex][] = [
  ['a signature with v', vectors.fullSignature],
  ['a signature with a bare parity', vectors.fullWithBareParity],
  ['the high-s twin', vectors.fullHighS],
  ['a compact one', vectors.signature],
]

const privateKey = hex(32).filter((key) => BigInt(key) > 0n && BigInt(key) < 1n << 255n)

describe('compact signatures', () => {
  it('name their signer', () => {
    expect(recoverCompact(vectors.digest, vectors.signature)).to.equal(vectors.signer)
  })

  it('name nobody else under another digest', () => {
    expect(recoverCompact(`0x${'42'.repeat(32)}`, vectors.signature)).to.not.equal(vectors.signer)
  })

  for (const { name, signature, signer } of vectors.others) {
    it(`name another signer with ${name}`, () => {
      expect(recoverCompact(vectors.digest, signature)).to.equal(signer).and.to.not.equal(vectors.signer)
    })
  }

  for (const { name, signature } of vectors.refused) {
    it(`name nobody with ${name}`, () => {
      expect(recoverCompact(vectors.digest, signature)).to.equal(null)
    })
  }

  it('need a digest of 32 bytes', () => {
    expect(() => recoverCompact('0x11', vectors.signature))
      .to.throw(FieldError)
      .with.property('field', 'digest')
    expect(() => signCompact('0x11', vectors.digest))
      .to.throw(FieldError)
      .with.property('field', 'digest')
  })

  it('are deterministic, and wallets agree on their signer', async () => {
    await fc.assert(
      fc.asyncProperty(privateKey, hex(32), async (key, digest) => {
        const account = privateKeyToAccount(key)
        const signature = signCompact(digest, key)
        expect(signCompact(digest, key)).to.equal(signature)
        expect(signature).to.have.lengthOf(2 + 128)
        expect(addressOf(key)).to.equal(account.address)
        expect(recoverCompact(digest, signature)).to.equal(account.address)
        const full = await account.sign({ hash: digest })
        expect(compact(full)).to.equal(signature)
        expect(await recoverAddress({ hash: digest, signature: full })).to.equal(account.address)
      }),
      { numRuns: 20 },
    )
  })
})

describe('private keys', () => {
  it('lie within the group, and no error repeats one that does not', () => {
    for (const key of [`0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`, '0x1234'] as Hex[]) {
      for (const use of [() => signCompact(vectors.digest, key), () => addressOf(key)]) {
        expect(use).to.throw(FieldError).with.property('field', 'privateKey')
        expect(use).to.not.throw(key.slice(2))
      }
    }
  })
})

describe('compact', () => {
  for (const [name, signature] of forms) {
    it(`turns ${name} into the one compact form`, () => {
      expect(compact(signature)).to.equal(vectors.signature)
    })
  }

  it('takes nothing else', () => {
    const [rs, zero] = [vectors.fullSignature.slice(2, 130), '00'.repeat(32)]
    const wrong: Hex[] = ['0x', '0x11', `0x${rs}1d`, `0x${rs}02`, `0x${rs}1b00`, `0x${rs.slice(0, 64)}${zero}1b`]
    wrong.push(`0x${rs.slice(0, 64)}${'ff'.repeat(32)}1b`)
    for (const signature of wrong) expect(() => compact(signature)).to.throw(FieldError)
  })
})

describe('expand', () => {
  it('turns every form into the one with v of 27 or 28', () => {
    for (const [, signature] of forms) expect(expand(signature)).to.equal(vectors.fullSignature)
    expect(() => expand('0x11')).to.throw(FieldError)
  })

  it('is undone by compact', () => {
    fc.assert(
      fc.property(privateKey, hex(32), (key, digest) => {
        const signature = signCompact(digest, key)
        expect(compact(expand(signature))).to.equal(signature)
      }),
      { numRuns: 10 },
    )
  })
})
