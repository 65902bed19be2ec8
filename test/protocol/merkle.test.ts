/** @module */
import { expect } from 'chai'
import { bytesToHex, concatHex, type Hex, keccak256, numberToHex } from 'viem'

import { chunkNodes, dataRoot, leavesRoot, merklePath, merkleRoot } from '#protocol/merkle.ts'
import { zeroNode } from '#protocol/vm/keccak-pairs.ts'
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

/** Root above leaf `index` of `count`, one level at a time. */
function climbed(leaf: Hex, index: number, count: number, path: readonly Hex[]): Hex {
  if (count === 1) return leaf
  const up = (node: Hex, rest: readonly Hex[]): Hex => climbed(node, index >> 1, Math.ceil(count / 2), rest)
  const [sibling = '0x', ...rest] = path
  if (index % 2 === 1) return up(keccak256(concatHex([sibling, leaf])), rest)
  // a last node without a neighbour moves up as it is
  return index === count - 1 ? up(leaf, path) : up(keccak256(concatHex([leaf, sibling])), rest)
}

describe('Merkle paths', () => {
  it('lead from every leaf of every small tree to its root', () => {
    for (let count = 1; count <= 20; count += 1) {
      const leaves = Array.from({ length: count }, (_, index) => keccak256(numberToHex(index)))
      for (const [index, leaf] of leaves.entries()) {
        expect(climbed(leaf, index, count, merklePath(leaves, index))).to.equal(merkleRoot(leaves))
      }
    }
  })

  it('begin at a leaf', () => {
    expect(() => merklePath([], 0)).to.throw(FieldError)
    expect(() => merklePath([`0x${'11'.repeat(32)}`], 1)).to.throw(FieldError)
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

  it('tell content from the same with zeros behind it', () => {
    const short = content(3, 4000)
    const long = new Uint8Array(4096)
    long.set(short)
    expect(dataRoot(short)).to.not.equal(dataRoot(long))
  })
})

describe('chunks of content', () => {
  it('are nodes over the content’s words, as many as a power of two, and lead to its data root', () => {
    const bytes = content(8, 9000)
    const nodes = chunkNodes(bytes).map((node) => bytesToHex(node))
    expect(nodes).to.have.lengthOf(4)
    expect(nodes[3]).to.equal(bytesToHex(zeroNode(7)))
    const words = Array.from({ length: 128 }, (_, at) => bytesToHex(bytes.subarray(32 * at, 32 * at + 32)))
    expect(nodes[0]).to.equal(merkleRoot(words))
    expect(dataRoot(bytes)).to.equal(keccak256(concatHex([numberToHex(9000, { size: 32 }), merkleRoot(nodes)])))
  })
})

describe('the root over the leaves of a batch', () => {
  const leaves = Array.from({ length: 20 }, (_, index) => numberToHex(index + 1, { size: 32 }))
  const hashOf = (from: number, to: number): Hex => keccak256(concatHex(leaves.slice(from, to)))

  it('is that of chunks of eight, the last one shorter', () => {
    expect(leavesRoot(leaves.slice(0, 1))).to.equal(keccak256(leaves[0] ?? '0x'))
    expect(leavesRoot(leaves.slice(0, 8))).to.equal(hashOf(0, 8))
    expect(leavesRoot(leaves.slice(0, 9))).to.equal(keccak256(concatHex([hashOf(0, 8), hashOf(8, 9)])))
    expect(leavesRoot(leaves)).to.equal(merkleRoot([hashOf(0, 8), hashOf(8, 16), hashOf(16, 20)]))
    expect(() => leavesRoot([])).to.throw(FieldError)
  })
})
