/** @module */
import { expect } from 'chai'
import { bytesToHex, keccak256 } from 'viem'

import { createPlainHasher, createVectorHasher, parentOf, subtreeRoots, zeroNode } from '#protocol/vm/keccak-pairs.ts'

import { createRandom } from '../../fuzz/support/random.ts'
import { plainRoot } from '../../support/vm-trees.ts'

const random = createRandom('pairs', 0)

describe('Hashing pairs in bulk', () => {
  for (const pairs of [1, 2, 3, 7, 64, 257, 4096]) {
    it(`hashes ${pairs} pairs as plain keccak does`, () => {
      const content = random.bytes(64 * pairs)
      const [vector, plain] = [createVectorHasher(), createPlainHasher()]
      for (const { scratch, hashPairs } of [vector, plain]) {
        scratch.set(content)
        hashPairs(pairs)
      }
      const first = keccak256(content.subarray(0, 64), 'bytes')
      expect(vector.scratch.slice(0, 32)).to.deep.equal(first)
      expect(vector.scratch.slice(0, 32 * pairs)).to.deep.equal(plain.scratch.slice(0, 32 * pairs))
    })
  }

  it('hashes runs of one bit anywhere differently', () => {
    const hashes = new Set<string>()
    const { scratch, hashPairs } = createVectorHasher()
    for (let bit = 0; bit < 512; bit += 1) {
      scratch.fill(0, 0, 64)
      scratch[bit >> 3] = 1 << (bit & 7)
      hashPairs(1)
      const hash = bytesToHex(scratch.slice(0, 32))
      const plain = new Uint8Array(64)
      plain[bit >> 3] = 1 << (bit & 7)
      expect(hash).to.equal(keccak256(plain))
      hashes.add(hash)
    }
    expect(hashes.size).to.equal(512)
  })

  for (const { levels, subtrees } of [
    { levels: 1, subtrees: 1 },
    { levels: 1, subtrees: 5000 },
    { levels: 7, subtrees: 3 },
    { levels: 13, subtrees: 3 },
  ]) {
    it(`gives the roots of ${subtrees} subtrees of ${levels} levels`, () => {
      const bytes = 32 * 2 ** levels
      const nodes = random.bytes(bytes * subtrees)
      const roots = subtreeRoots(nodes, levels)
      expect(roots.length).to.equal(32 * subtrees)
      for (const at of [0, subtrees >> 1, subtrees - 1])
        expect(bytesToHex(roots.slice(32 * at, 32 * (at + 1)))).to.equal(
          plainRoot(nodes.subarray(bytes * at, bytes * (at + 1)), levels),
        )
    })
  }

  it('knows the nodes over zeros, as they are known elsewhere', () => {
    // Source: the deposit contract's and other trees' keccak zero hashes.
    expect(bytesToHex(zeroNode(1))).to.equal('0xad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5')
    expect(bytesToHex(zeroNode(2))).to.equal('0xb4c11951957c6f8f642c4af61cd6b24640fec6dc7fc607ee8206a99e92410d30')
    expect(zeroNode(21)).to.deep.equal(parentOf(zeroNode(20), zeroNode(20)))
  })
})
