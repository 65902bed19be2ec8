/** @module */
import { expect } from 'chai'
import { encodeAbiParameters, type Hex, keccak256, parseAbiParameters } from 'viem'

import {
  type Batch,
  BatchError,
  batchRoot,
  decodeBatch,
  encodeBatch,
  type Group,
  groupHash,
  sortGroups,
  tallyOfGroup,
} from '#protocol/batch.ts'
import { merkleRoot } from '#protocol/merkle.ts'

import { joinPieces, readVectors } from './support/vectors.ts'

type GroupJson = Omit<Group, 'receipts'> & { receipts: { units: string; workHash: Hex }[] }
type LeafJson = { dealKey: Hex; stream: number; first: number; count: number; segment: Hex; groupHash: Hex }
const vectors = readVectors<{
  valid: {
    name: string
    batch: { mode: number; lane: number; groups: GroupJson[] }
    pieces: string[]
    bytes: Hex
    groups: LeafJson[]
    root: Hex
  }[]
  malformed: { name: string; code: string; position: number; bytes: Hex }[]
}>('batches')

const revived = ({ mode, lane, groups }: { mode: number; lane: number; groups: GroupJson[] }): Batch => ({
  mode,
  lane,
  groups: groups.map((group) => ({
    ...group,
    receipts: group.receipts.map(({ units, workHash }) => ({ units: BigInt(units), workHash })),
  })),
})

describe('batches', () => {
  for (const vector of vectors.valid) {
    it(`writes and reads ${vector.name}`, () => {
      const batch = revived(vector.batch)
      expect(encodeBatch(batch)).to.equal(vector.bytes).and.to.equal(joinPieces(vector.pieces))
      expect(decodeBatch(vector.bytes)).to.deep.equal(batch)
    })

    it(`roots ${vector.name}`, () => {
      const groups = revived(vector.batch).groups
      const leaves = vector.groups.map((leaf, index) => {
        const group = groups[index]
        if (group === undefined) throw new Error('a leaf without its group')
        expect(tallyOfGroup(group, leaf.dealKey, 77n)).to.deep.equal({
          dealKey: leaf.dealKey,
          stream: leaf.stream,
          first: leaf.first,
          count: leaf.count,
          units: 77n,
          segment: leaf.segment,
        })
        const hash = groupHash(tallyOfGroup(group, leaf.dealKey, 77n))
        expect(hash).to.equal(leaf.groupHash)
        return hash
      })
      expect(batchRoot(leaves)).to.equal(vector.root).and.to.equal(merkleRoot(leaves))
    })
  }

  for (const { name, code, position, bytes } of vectors.malformed) {
    it(`refuses ${name}`, () => {
      expect(() => decodeBatch(bytes))
        .to.throw(BatchError)
        .that.includes({ code, position })
    })
  }

  it('refuses what is not hex of whole bytes', () => {
    for (const bytes of ['', '0x0', '0001', '0x00zz'] as Hex[]) {
      expect(() => decodeBatch(bytes))
        .to.throw(BatchError)
        .with.property('code', 'batch.malformed')
    }
  })

  it('reads upper-case hex alike', () => {
    const { bytes } = vectors.valid[0] ?? { bytes: '0x' }
    expect(decodeBatch(`0x${bytes.slice(2).toUpperCase()}`)).to.deep.equal(decodeBatch(bytes as Hex))
  })

  it('hashes a group as the five words of abi.encode', () => {
    const key: Hex = `0x${'11'.repeat(32)}`
    const group = { dealKey: key, stream: 61, first: 2 ** 32 - 2, count: 2 ** 32 - 1, segment: key }
    const words = encodeAbiParameters(parseAbiParameters('bytes32, uint8, uint32, uint32, bytes32'), [
      group.dealKey,
      group.stream,
      group.first,
      group.count,
      group.segment,
    ])
    expect(groupHash(group)).to.equal(keccak256(words))
  })
})

describe('writing a batch the chain would revert', () => {
  const group: Group = {
    dealId: 1,
    stream: 0,
    worker: 512,
    first: 0,
    signature: `0x${'11'.repeat(64)}`,
    receipts: [{ units: 1n, workHash: `0x${'22'.repeat(32)}` }],
  }
  const attested = (...groups: Group[]): Batch => ({ mode: 0, lane: 1, groups })
  const wrong: [string, Batch][] = [
    ['no group', attested()],
    ['another mode', { ...attested(group), mode: 1 }],
    ['another lane', { ...attested(group), lane: 3 }],
    ['the same stream twice', attested(group, group)],
    ['streams that fall', attested(group, { ...group, dealId: 0 })],
    ['stream 64', attested({ ...group, stream: 64 })],
    ['deal 2^32', attested({ ...group, dealId: 2 ** 32 })],
    ['worker 2^32', attested({ ...group, worker: 2 ** 32 })],
    ['a negative first', attested({ ...group, first: -1 })],
    ['a count of 2^32', attested({ ...group, first: 2 ** 32 - 1 })],
    ['no receipt', attested({ ...group, receipts: [] })],
    ['zero units', attested({ ...group, receipts: [{ units: 0n, workHash: `0x${'22'.repeat(32)}` }] })],
    ['a 65-byte signature', attested({ ...group, signature: `0x${'11'.repeat(65)}` })],
    ['an acknowledgement in another lane', attested({ ...group, acknowledgement: group.signature })],
    ['no acknowledgement in its lane', { ...attested(group), lane: 0 }],
  ]
  for (const [name, batch] of wrong) {
    it(`fails with ${name}`, () => {
      expect(() => encodeBatch(batch)).to.throw(BatchError)
    })
  }

  it('names where the second group would begin', () => {
    const first = (encodeBatch(attested(group)).length - 2) / 2
    expect(() => encodeBatch(attested(group, group)))
      .to.throw(BatchError)
      .that.includes({ code: 'batch.malformed', position: first })
  })

  it('succeeds once the groups are sorted', () => {
    const groups = [
      { ...group, dealId: 2 },
      { ...group, stream: 1 },
      { ...group, dealId: 0 },
    ]
    expect(() => encodeBatch(attested(...groups))).to.throw(BatchError)
    expect(decodeBatch(encodeBatch(attested(...sortGroups(groups)))).groups.map(({ dealId }) => dealId)).to.deep.equal([
      0, 1, 2,
    ])
    expect(groups[0]?.dealId, 'the argument stays as it was').to.equal(2)
  })
})
