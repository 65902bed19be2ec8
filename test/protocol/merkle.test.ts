/** @module */
import { expect } from 'chai'
import { type Hex, keccak256 } from 'viem'

import { dataRoot, merkleRoot } from '#protocol/merkle.ts'
import { FieldError } from '#protocol/words.ts'

import { readVectors } from './support/vectors.ts'

const trees = readVectors<{ roots: { leaves: Hex[]; root: Hex }[] }>('merkle')
const contents = readVectors<{
  roots: { seed: number; length: number; root: Hex }[]
  text: { text: string; root: Hex }[]
}>('data-roots')

const content = (seed: number, length: number) => Uint8Array.from({ length }, (_, index) => (index * 7 + seed) % 256)

describe('Merkle roots', () => {
  for (const { leaves, root } of trees.roots) {
    it(`of ${leaves.length} leaves`, () => {
      expect(merkleRoot(leaves)).to.equal(root)
    })
  }

  it('move an odd last leaf up unhashed', () => {
    const [a, b, c] = ['aa', 'bb', 'cc'].map((byte): Hex => `0x${byte.repeat(32)}`) as [Hex, Hex, Hex]
    const pair = keccak256(`${a}${b.slice(2)}` as Hex)
    expect(merkleRoot([a])).to.equal(a)
    expect(merkleRoot([a, b, c])).to.equal(keccak256(`${pair}${c.slice(2)}` as Hex))
  })

  it('depend on the order', () => {
    const [first, second] = trees.roots[1]?.leaves ?? []
    expect(merkleRoot([second ?? '0x', first ?? '0x'])).to.not.equal(trees.roots[1]?.root)
  })

  it('need a leaf, and leaves of 32 bytes', () => {
    expect(() => merkleRoot([])).to.throw(FieldError)
    expect(() => merkleRoot(['0x11'])).to.throw(FieldError)
  })
})

describe('data roots', () => {
  for (const { seed, length, root } of contents.roots) {
    it(`of ${length} bytes (pattern ${seed})`, () => {
      expect(dataRoot(content(seed, length))).to.equal(root)
    })
  }

  for (const { text, root } of contents.text) {
    it(`of the text "${text}"`, () => {
      expect(dataRoot(new TextEncoder().encode(text))).to.equal(root)
    })
  }

  it('read a view by its own bounds', () => {
    const whole = content(1, 5000)
    expect(dataRoot(whole.subarray(100, 4300))).to.equal(dataRoot(whole.slice(100, 4300)))
  })
})
