/** @module */
import { expect } from 'chai'
import { bytesToHex } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import { INPUT_DEPTH } from '#protocol/vm/layout.ts'
import { createMemoryTree, extendedRoot, paddedRoot, rootOver } from '#protocol/vm/tree.ts'
import { keccak, packWords, toHex, uintBytes } from '#protocol/words.ts'

import { createRandom } from '../../fuzz/support/random.ts'
import { plainRoot, plainZero } from '../../support/vm-trees.ts'

const DEPTH = 10
const BYTES = 32 * 2 ** DEPTH
const PAGES = BYTES / 4096
const random = createRandom('trees', 0)

/** A tree over random memory of eight pages, of which some are zero. */
function filled() {
  const bytes = new Uint8Array(BYTES)
  const dirty = new Uint8Array(PAGES)
  for (const page of [0, 3, 4, 7]) {
    bytes.set(random.bytes(4096), 4096 * page)
    dirty[page] = 1
  }
  const tree = createMemoryTree(bytes, DEPTH)
  tree.update(dirty)
  return { bytes, dirty, tree }
}

describe('The tree over memory', () => {
  it('has the root of zeros before anything was written', () => {
    expect(toHex(createMemoryTree(new Uint8Array(BYTES), DEPTH).root())).to.equal(plainZero(DEPTH))
    expect(toHex(createMemoryTree(new Uint8Array(4096), 21).root())).to.equal(plainZero(21))
  })

  it('has the root over all its bytes', () => {
    const { bytes, tree } = filled()
    expect(toHex(tree.root())).to.equal(plainRoot(bytes, DEPTH))
  })

  it('follows writes to any pages, again and again', () => {
    const { bytes, dirty, tree } = filled()
    for (let round = 0; round < 20; round += 1) {
      const writes = 1 + random.below(4)
      const pages = new Set<number>()
      for (let write = 0; write < writes; write += 1) {
        const at = random.below(BYTES)
        bytes[at] = random.below(256)
        dirty[at >> 12] = 1
        pages.add(at >> 12)
      }
      expect(tree.update(dirty)).to.equal(pages.size)
      expect(dirty.every((mark) => mark === 0)).to.equal(true)
      expect(toHex(tree.root())).to.equal(plainRoot(bytes, DEPTH))
    }
  })

  it('goes back to the root of zeros when all is zero again', () => {
    const { bytes, dirty, tree } = filled()
    bytes.fill(0)
    dirty.fill(1)
    tree.update(dirty)
    expect(toHex(tree.root())).to.equal(plainZero(DEPTH))
  })

  it('gives every node', () => {
    const { bytes, tree } = filled()
    for (let level = 0; level <= DEPTH; level += 1) {
      const length = 32 * 2 ** level
      const index = random.below(BYTES / length)
      const part = bytes.subarray(length * index, length * (index + 1))
      expect(toHex(tree.nodeAt(level, index)), `level ${level}`).to.equal(plainRoot(part, level))
    }
  })

  it('is over zeros where there are no bytes', () => {
    const bytes = random.bytes(4096)
    const tree = createMemoryTree(bytes, DEPTH)
    tree.update(Uint8Array.of(1))
    expect(toHex(tree.root())).to.equal(plainRoot(bytes, DEPTH))
    expect(toHex(tree.nodeAt(5, 500))).to.equal(plainZero(5))
    const proof = tree.proofOf(5 * 4096 + 44)
    expect(toHex(proof.leaf)).to.equal(plainZero(0))
    expect(toHex(rootOver(proof, 5 * 4096 + 44, DEPTH))).to.equal(toHex(tree.root()))
  })
})

describe('A proof of a leaf', () => {
  it('leads to the root from any place, without the siblings that are over zeros', () => {
    const { bytes, tree } = filled()
    for (let round = 0; round < 50; round += 1) {
      const offset = random.below(BYTES)
      const proof = tree.proofOf(offset)
      const at = offset - (offset % 32)
      expect(proof.leaf).to.deep.equal(bytes.slice(at, at + 32))
      expect(toHex(rootOver(proof, offset, DEPTH))).to.equal(toHex(tree.root()))
      for (const sibling of proof.siblings) expect(bytesToHex(sibling)).to.not.equal(plainZero(0))
      expect(proof.mask.toString(2).replaceAll('0', '')).to.have.lengthOf(proof.siblings.length)
    }
  })

  it('has no sibling at all where everything else is zero', () => {
    const bytes = new Uint8Array(BYTES)
    bytes[5000] = 1
    const tree = createMemoryTree(bytes, DEPTH)
    tree.update(new Uint8Array(PAGES).fill(1))
    expect(tree.proofOf(5000)).to.deep.include({ mask: 0, siblings: [] })
  })

  it('leads elsewhere from another leaf, or another place', () => {
    const { tree } = filled()
    const proof = tree.proofOf(100)
    const leaf = proof.leaf.slice()
    leaf[31] = (leaf[31] ?? 0) ^ 1
    expect(toHex(rootOver({ ...proof, leaf }, 100, DEPTH))).to.not.equal(toHex(tree.root()))
    expect(toHex(rootOver(proof, 132, DEPTH))).to.not.equal(toHex(tree.root()))
  })
})

describe('The root of padded bytes', () => {
  for (const { length, depth } of [
    { length: 0, depth: 7 },
    { length: 1, depth: 7 },
    { length: 4096, depth: 7 },
    { length: 4097, depth: 8 },
    { length: 12_289, depth: 9 },
    { length: 20_480, depth: 10 },
    { length: 300_000, depth: 14 },
  ]) {
    it(`of ${length} bytes has ${depth} levels, is what addresses them, and grows into a region's`, () => {
      const bytes = random.bytes(length)
      const padded = paddedRoot(bytes)
      expect(padded.depth).to.equal(depth)
      expect(toHex(padded.root)).to.equal(plainRoot(bytes, depth))
      expect(dataRoot(bytes)).to.equal(toHex(keccak(packWords([uintBytes(length, 256, 'length'), padded.root]))))
      const region = extendedRoot(padded.root, depth, INPUT_DEPTH)
      expect(toHex(region)).to.equal(plainRoot(bytes, INPUT_DEPTH))
    })
  }
})
