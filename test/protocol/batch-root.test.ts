/** @module */
import { expect } from 'chai'
import { encodeAbiParameters, type Hex, keccak256, parseAbiParameters, stringToHex } from 'viem'

import type { Batch } from '#protocol/batch.ts'
import { batchRoot, groupHash, type RootedBatch, tallyOfGroup } from '#protocol/batch-root.ts'
import { leavesRoot } from '#protocol/merkle.ts'
import { Mode, type Tally } from '#protocol/types.ts'
import { FieldError } from '#protocol/words.ts'

import { type BatchJson, revived } from './support/batch-json.ts'
import { readVectors } from './support/vectors.ts'

type LeafJson = Omit<Tally, 'units'> & { units: string; groupHash: Hex }

const tallyOf = ({ groupHash: _, units, ...rest }: LeafJson): Tally => ({ ...rest, units: BigInt(units) })
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
        expect(groupHash(tallyOf(leaf))).to.equal(leaf.groupHash)
        return leaf.groupHash
      })
      expect(leavesRoot(leaves)).to.equal(vector.merkleRoot)
      expect(batchRoot(rooted(batch, leaves, vector.versionedHashes))).to.equal(vector.root)
    })
  }

  it('covers what the groups themselves say', () => {
    for (const vector of vectors.valid) {
      const batch = revived(vector.batch)
      const tallies = vector.groups.map(tallyOf)
      const said =
        batch.mode === Mode.Blob
          ? batch.groups.map(({ stream, first, count, units, segment }, index) => {
              const { dealKey = '0x' } = tallies[index] ?? {}
              return { dealKey, stream, first, count, units, segment }
            })
          : batch.groups.map((group, index) => tallyOfGroup(group, tallies[index]?.dealKey ?? '0x'))
      expect(said).to.deep.equal(tallies)
    }
  })

  it('differs by mode, by the blobs and by how many groups each holds', () => {
    const groupHashes = [word('a1'), word('a2')]
    const [one, other] = [word('01'), word('02')]
    const blob = (...blobs: { versionedHash: Hex; groups: number }[]) =>
      batchRoot({ mode: Mode.Blob, groupHashes, blobs })
    const roots = [
      leavesRoot(groupHashes),
      batchRoot({ mode: Mode.Calldata, groupHashes }),
      batchRoot({ mode: Mode.Calldata, groupHashes: [leavesRoot(groupHashes)] }),
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
  it('is the struct hash of its tally', () => {
    const tally = {
      dealKey: word('11'),
      stream: 61,
      first: 2 ** 24 - 2,
      count: 2 ** 24 - 1,
      units: 7n,
      segment: word('12'),
    }
    const words = encodeAbiParameters(parseAbiParameters('bytes32, bytes32, uint8, uint32, uint32, uint48, bytes32'), [
      keccak256(
        stringToHex('Tally(bytes32 dealKey,uint8 stream,uint32 first,uint32 count,uint48 units,bytes32 segment)'),
      ),
      tally.dealKey,
      tally.stream,
      tally.first,
      tally.count,
      Number(tally.units),
      tally.segment,
    ])
    expect(groupHash(tally)).to.equal(keccak256(words))
  })
})
