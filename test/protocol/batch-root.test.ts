/** @module */
import { expect } from 'chai'
import { encodeAbiParameters, type Hex, keccak256, parseAbiParameters } from 'viem'

import type { Batch } from '#protocol/batch.ts'
import { batchRoot, groupHash, type RootedBatch, tallyOfGroup } from '#protocol/batch-root.ts'
import { merkleRoot } from '#protocol/merkle.ts'
import { Mode } from '#protocol/types.ts'
import { FieldError } from '#protocol/words.ts'

import { type BatchJson, revived } from './support/batch-json.ts'
import { readVectors } from './support/vectors.ts'

type LeafJson = { dealKey: Hex; stream: number; first: number; count: number; segment: Hex; groupHash: Hex }
const vectors = readVectors<{
  valid: {
    name: string
    batch: BatchJson
    groups: LeafJson[]
    merkleRoot: Hex
    versionedHashes?: Hex[]
    root: Hex
  }[]
}>('batches')

const word = (byte: string): Hex => `0x${byte.repeat(32)}`

function rooted(batch: Batch, groupHashes: Hex[], versionedHashes: readonly Hex[] = []): RootedBatch {
  if (batch.mode === Mode.Calldata) return { mode: batch.mode, groupHashes }
  const blobs = batch.blobs.map(({ groups }, index) => ({ groups, versionedHash: versionedHashes[index] ?? '0x' }))
  return { mode: batch.mode, groupHashes, blobs }
}

describe('the root of a batch', () => {
  for (const vector of vectors.valid) {
    it(`covers ${vector.name}`, () => {
      const batch = revived(vector.batch)
      const leaves = vector.groups.map((leaf) => {
        expect(groupHash(leaf)).to.equal(leaf.groupHash)
        return leaf.groupHash
      })
      expect(merkleRoot(leaves)).to.equal(vector.merkleRoot)
      expect(batchRoot(rooted(batch, leaves, vector.versionedHashes))).to.equal(vector.root)
    })
  }

  it('covers what the groups themselves say', () => {
    for (const vector of vectors.valid) {
      const batch = revived(vector.batch)
      const identities = vector.groups.map(({ groupHash: _, ...identity }) => identity)
      if (batch.mode === Mode.Blob) {
        const said = batch.groups.map(({ stream, first, count, segment }) => ({ stream, first, count, segment }))
        expect(said).to.deep.equal(identities.map(({ dealKey: _, ...identity }) => identity))
        continue
      }
      batch.groups.forEach((group, index) => {
        const { dealKey = '0x' } = identities[index] ?? {}
        expect(tallyOfGroup(group, dealKey, 77n)).to.deep.equal({ ...identities[index], units: 77n })
      })
    }
  })

  it('differs by mode, by the blobs and by how many groups each holds', () => {
    const groupHashes = [word('a1'), word('a2')]
    const [one, other] = [word('01'), word('02')]
    const blob = (...blobs: { versionedHash: Hex; groups: number }[]) =>
      batchRoot({ mode: Mode.Blob, groupHashes, blobs })
    const roots = [
      merkleRoot(groupHashes),
      batchRoot({ mode: Mode.Calldata, groupHashes }),
      batchRoot({ mode: Mode.Calldata, groupHashes: [merkleRoot(groupHashes)] }),
      blob({ versionedHash: one, groups: 2 }),
      blob({ versionedHash: other, groups: 2 }),
      blob({ versionedHash: one, groups: 1 }, { versionedHash: other, groups: 1 }),
      blob({ versionedHash: other, groups: 1 }, { versionedHash: one, groups: 1 }),
    ]
    expect(new Set(roots).size).to.equal(roots.length)
  })

  it('is refused without a group, and when the blobs hold other groups', () => {
    const versionedHash = word('01')
    const wrong: RootedBatch[] = [
      { mode: Mode.Calldata, groupHashes: [] },
      { mode: Mode.Blob, groupHashes: [versionedHash], blobs: [] },
      { mode: Mode.Blob, groupHashes: [versionedHash], blobs: [{ versionedHash, groups: 2 }] },
      { mode: Mode.Blob, groupHashes: [versionedHash], blobs: [{ versionedHash: '0x01', groups: 1 }] },
    ]
    for (const batch of wrong) expect(() => batchRoot(batch)).to.throw(FieldError)
  })
})

describe('the hash of a group', () => {
  it('is that of the five words of abi.encode', () => {
    const group = { dealKey: word('11'), stream: 61, first: 2 ** 24 - 2, count: 2 ** 24 - 1, segment: word('12') }
    const words = encodeAbiParameters(parseAbiParameters('bytes32, uint8, uint32, uint32, bytes32'), [
      group.dealKey,
      group.stream,
      group.first,
      group.count,
      group.segment,
    ])
    expect(groupHash(group)).to.equal(keccak256(words))
  })

  it('is refused for a count no stream can reach', () => {
    const group = { dealKey: word('11'), stream: 61, first: 0, count: 2 ** 24, segment: word('12') }
    expect(() => groupHash(group)).to.throw(FieldError)
  })
})
