/** @module */
import { expect } from 'chai'
import type { Hex } from 'viem'

import {
  type Batch,
  BatchError,
  type BlobBatch,
  type BlobGroup,
  type CalldataBatch,
  decodeBatch,
  encodeBatch,
  type Group,
  sortGroups,
} from '#protocol/batch.ts'
import type { Receipt } from '#protocol/types.ts'
import { FieldError } from '#protocol/words.ts'

import { type BatchJson, revived } from './support/batch-json.ts'
import { joinPieces, readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  valid: { name: string; batch: BatchJson; pieces: string[]; bytes: Hex }[]
  malformed: { name: string; code: string; position: number; bytes: Hex }[]
}>('batches')

describe('batches', () => {
  for (const vector of vectors.valid) {
    it(`writes and reads ${vector.name}`, () => {
      const batch = revived(vector.batch)
      expect(encodeBatch(batch)).to.equal(vector.bytes).and.to.equal(joinPieces(vector.pieces))
      expect(decodeBatch(vector.bytes)).to.deep.equal(batch)
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
})

describe('writing a batch the chain would revert', () => {
  const receipt: Receipt = { units: 1n, workHash: `0x${'22'.repeat(32)}` }
  const group: Group = {
    dealId: 1,
    stream: 0,
    worker: 512,
    first: 0,
    units: 1n,
    signature: `0x${'11'.repeat(64)}`,
    receipts: [receipt],
  }
  const blobGroup: BlobGroup = {
    dealId: 1,
    stream: 0,
    worker: 512,
    first: 0,
    signature: `0x${'11'.repeat(64)}`,
    count: 1,
    units: 1n,
    segment: `0x${'22'.repeat(32)}`,
  }
  const attested = (...groups: Group[]): CalldataBatch => ({ mode: 0, lane: 1, groups })
  const blob = (...groups: BlobGroup[]): BlobBatch => ({ mode: 1, lane: 1, blobs: [{ groups: groups.length }], groups })
  const wrong: [string, Batch][] = [
    ['no group', attested()],
    ['net mode', JSON.parse('{"mode":2,"lane":1,"groups":[]}') as Batch],
    ['another lane', { ...attested(group), lane: 3 }],
    ['the same stream twice', attested(group, group)],
    ['streams that fall', attested(group, { ...group, dealId: 0 })],
    ['stream 64', attested({ ...group, stream: 64 })],
    ['deal 2^32', attested({ ...group, dealId: 2 ** 32 })],
    ['place 2^32', attested({ ...group, place: 2 ** 32 })],
    ['worker 2^40', attested({ ...group, worker: 2 ** 40 })],
    ['a negative first', attested({ ...group, first: -1 })],
    ['a count of 2^24', attested({ ...group, first: 2 ** 24 - 1 })],
    ['65,536 receipts', attested({ ...group, receipts: Array.from({ length: 65_536 }, () => receipt) })],
    ['no receipt', attested({ ...group, receipts: [] })],
    ['zero units', attested({ ...group, receipts: [{ units: 0n, workHash: `0x${'22'.repeat(32)}` }] })],
    ['2^24 units', attested({ ...group, receipts: [{ units: 2n ** 24n, workHash: `0x${'22'.repeat(32)}` }] })],
    ['2^40 units so far', attested({ ...group, units: 2n ** 40n })],
    ['a 65-byte signature', attested({ ...group, signature: `0x${'11'.repeat(65)}` })],
    ['an acknowledgement in another lane', attested({ ...group, acknowledgement: group.signature })],
    ['no acknowledgement in its lane', { ...attested(group), lane: 0 }],
    ['no group in blobs', blob()],
    ['a force in blobs', { ...blob(blobGroup), lane: 2 }],
    ['65,536 receipts in a blob', blob({ ...blobGroup, count: 65_536 })],
    ['no blob', { ...blob(blobGroup), blobs: [] }],
    ['seven blobs', { ...blob(blobGroup), blobs: Array.from({ length: 7 }, () => ({ groups: 1 })) }],
    ['an empty blob', { ...blob(blobGroup), blobs: [{ groups: 1 }, { groups: 0 }] }],
    ['more groups than the blobs hold', { ...blob(blobGroup), blobs: [{ groups: 2 }] }],
    ['a count of 2^24 in a blob', blob({ ...blobGroup, count: 2 ** 24 })],
    ['no receipt in a group of a blob', blob({ ...blobGroup, count: 0 })],
    ['2^40 units in all', blob({ ...blobGroup, units: 2n ** 40n })],
    ['half a segment hash', blob({ ...blobGroup, segment: '0x2222' })],
  ]
  for (const [name, batch] of wrong) {
    it(`fails with ${name}`, () => {
      expect(() => encodeBatch(batch)).to.throw(BatchError)
    })
  }

  it('names where the second group would begin, and which field of it is wrong', () => {
    const first = (encodeBatch(attested(group)).length - 2) / 2
    expect(() => encodeBatch(attested(group, group)))
      .to.throw(BatchError)
      .that.includes({ code: 'batch.malformed', position: first })
      .with.property('cause')
      .that.is.instanceOf(FieldError)
      .with.property('field', 'groups')
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

  it('keeps the place of the first group of each deal, which is all that is read', () => {
    const written = attested(
      { ...group, place: 300 },
      { ...group, stream: 1, place: 301 },
      { ...group, dealId: 2, place: 0 },
      { ...group, dealId: 3, place: 302 },
    )
    const read = decodeBatch(encodeBatch(written)).groups
    expect(read.map(({ place }) => place)).to.deep.equal([300, undefined, undefined, 302])
    expect(read[1]).to.not.have.property('place')
  })
})
