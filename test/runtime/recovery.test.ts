import { expect } from 'chai'
import fc from 'fast-check'
import type { Hex } from 'viem'

import { addressOf, signCompact } from '#protocol/signature.ts'
import { createRecovery } from '#runtime/recovery.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => `0x${Buffer.from(value).toString('hex')}`)
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

describe('recovery of signers', () => {
  const fast = createRecovery()
  const plain = createRecovery({ native: false })
  const privateKey: Hex = `0x${'4b'.repeat(32)}`

  it('finds the signer of each message, in order', () => {
    const items = Array.from({ length: 20 }, (_, index) => {
      const digest: Hex = `0x${(index + 1).toString(16).padStart(64, '0')}`
      return { digest, signature: signCompact(digest, privateKey) }
    })
    const signers = items.map(() => addressOf(privateKey))
    expect(fast.recoverMany(items)).to.deep.equal(signers)
    expect(plain.recoverMany(items)).to.deep.equal(signers)
    expect(plain.native).to.equal(false)
  })

  it('answers the same natively and plainly, whatever the bytes', () => {
    fc.assert(
      fc.property(hex(32), hex(32), fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (digest, r, vs) => {
        const items = [{ digest, signature: `${r}${vs.toString(16).padStart(64, '0')}` as Hex }]
        expect(fast.recoverMany(items)).to.deep.equal(plain.recoverMany(items))
      }),
      { numRuns: 200 },
    )
  })

  it('refuses a zero, a high s, an r above the order and another length, alike', () => {
    const digest: Hex = `0x${'01'.repeat(32)}`
    const word = (value: bigint) => value.toString(16).padStart(64, '0')
    const good = signCompact(digest, privateKey)
    const signatures: Hex[] = [
      `0x${word(0n)}${good.slice(66)}`,
      `0x${good.slice(2, 66)}${word(0n)}`,
      `0x${good.slice(2, 66)}${word(order / 2n + 1n)}`,
      `0x${word(order)}${good.slice(66)}`,
      good.slice(0, -2) as Hex,
      `${good}1b`,
      '0x',
    ]
    const items = signatures.map((signature) => ({ digest, signature }))
    expect(fast.recoverMany(items)).to.deep.equal(items.map(() => null))
    expect(plain.recoverMany(items)).to.deep.equal(items.map(() => null))
  })
})
