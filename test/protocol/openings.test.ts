/** @module */
import { expect } from 'chai'
import { concatHex, encodePacked, type Hex, keccak256, numberToHex, slice } from 'viem'

import { batchRoot, type GroupIdentity, groupHash, type RootedBatch } from '#protocol/batch-root.ts'
import { encodeFacts, factsRoot, type GroupFacts } from '#protocol/facts.ts'
import {
  inclusionOf,
  type RecordLink,
  type RingLink,
  recordChain,
  recordEntryOf,
  ringChain,
} from '#protocol/openings.ts'
import { Mode } from '#protocol/types.ts'
import { FieldError } from '#protocol/words.ts'

const hash = (value: number): Hex => keccak256(numberToHex(value))
const group = (index: number): GroupIdentity => ({
  dealKey: hash(index),
  stream: index % 62,
  first: index,
  count: index + 5,
  segment: hash(index + 1000),
})
const facts = (index: number): GroupFacts => ({ outcome: 0, cursor: index, units: 9n, amount: BigInt(index) })
const link = (index: number): RingLink => ({ root: hash(index), factsRoot: hash(index + 50), time: 1_000 + index })
const record = (index: number): RecordLink => ({
  groupHash: groupHash(group(index)),
  record: encodeFacts([facts(index)]),
  time: 2_000 + index,
})

/** A chained hash as the contracts write it. */
const chainUp = (chain: Hex, size: number, types: readonly string[], values: readonly unknown[]): Hex =>
  slice(keccak256(concatHex([chain, encodePacked(types, values)])), 0, size)

describe('openings', () => {
  it('chain the batches of an interval as the settlement does', () => {
    const types = ['bytes32', 'bytes32', 'uint32']
    const none: Hex = `0x${'00'.repeat(26)}`
    expect(ringChain([])).to.equal(none)
    const one = chainUp(none, 26, types, [hash(1), hash(51), 1_001])
    expect(ringChain([link(1)])).to.equal(one)
    expect(ringChain([link(1), link(2)])).to.equal(chainUp(one, 26, types, [hash(2), hash(52), 1_002]))
  })

  it('chain the groups of a stream as the settlement does', () => {
    const types = ['bytes32', 'bytes16', 'uint32']
    const none: Hex = `0x${'00'.repeat(27)}`
    expect(recordChain([])).to.equal(none)
    const one = chainUp(none, 27, types, [groupHash(group(1)), record(1).record, 2_001])
    expect(recordChain([record(1)])).to.equal(one)
    const two = chainUp(one, 27, types, [groupHash(group(2)), record(2).record, 2_002])
    expect(recordChain([record(1), record(2)])).to.equal(two)
  })

  it('hold a group of a batch together with what leads to it', () => {
    const groups = Array.from({ length: 20 }, (_, index) => group(index))
    const all = encodeFacts(groups.map((_, index) => facts(index)))
    const batch: RootedBatch = {
      mode: Mode.Blob,
      groupHashes: groups.map(groupHash),
      blobs: [{ versionedHash: hash(77), groups: 20 }],
    }
    const own = { root: batchRoot(batch), factsRoot: factsRoot(all), time: 1_002 }
    const opened = inclusionOf({ ...batch, facts: all }, group(18), 18, [link(1), own, link(3)], 1)
    expect(opened.chain).to.equal(ringChain([link(1)]))
    expect(opened.blobs).to.equal(keccak256(encodePacked(['bytes32', 'uint16'], [hash(77), 20])))
    expect(opened.facts).to.equal(encodeFacts([16, 17, 18, 19].map(facts)))
    expect(opened.factsPath).to.deep.equal([keccak256(encodeFacts(Array.from({ length: 16 }, (_, at) => facts(at))))])
    expect(opened.later).to.equal(encodePacked(['bytes32', 'bytes32', 'uint32'], [hash(3), hash(53), 1_003]))
    expect(opened).to.include({ mode: 1, groups: 20, index: 18, time: 1_002, first: 18, count: 23, stream: 18 })
  })

  it('are not made of a group that stands elsewhere', () => {
    const batch = { mode: Mode.Calldata, groupHashes: [groupHash(group(0))], facts: encodeFacts([facts(0)]) }
    expect(() => inclusionOf(batch, group(1), 0, [link(1)], 0)).to.throw(FieldError)
    expect(() => inclusionOf(batch, group(0), 1, [link(1)], 0)).to.throw(FieldError)
    expect(() => inclusionOf(batch, group(0), 0, [link(1)], 1)).to.throw(FieldError)
    expect(() => recordEntryOf(1, group(2), [record(1)], 0)).to.throw(FieldError)
    expect(() => recordEntryOf(1, group(1), [record(1)], 1)).to.throw(FieldError)
    expect(recordEntryOf(1, group(1), [record(1)], 0)).to.include({ dealId: 1, later: '0x', time: 2_001 })
  })
})
