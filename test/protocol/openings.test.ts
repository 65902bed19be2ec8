/** @module */
import { expect } from 'chai'
import { concatHex, encodePacked, type Hex, keccak256, numberToHex, slice } from 'viem'

import { batchRoot, groupHash, type RootedBatch } from '#protocol/batch-root.ts'
import { encodeFacts, factsRoot, type GroupFacts } from '#protocol/facts.ts'
import { merkleRoot } from '#protocol/merkle.ts'
import {
  placeInBatch,
  placeInStream,
  type RecordLink,
  type RingLink,
  recordChain,
  ringChain,
} from '#protocol/openings.ts'
import { Mode, type Tally } from '#protocol/types.ts'
import { FieldError } from '#protocol/words.ts'

const hash = (value: number): Hex => keccak256(numberToHex(value))
const tally = (index: number): Tally => ({
  dealKey: hash(index),
  stream: index % 62,
  first: index,
  count: index + 5,
  units: BigInt(1_000 + index),
  segment: hash(index + 1000),
})
const facts = (index: number): GroupFacts => ({ outcome: 0, cursor: index, units: 9n, amount: BigInt(index) })
const link = (index: number): RingLink => ({ root: hash(index), factsRoot: hash(index + 50), time: 1_000 + index })
const record = (index: number): RecordLink => ({
  groupHash: groupHash(tally(index)),
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
    const one = chainUp(none, 27, types, [groupHash(tally(1)), record(1).record, 2_001])
    expect(recordChain([record(1)])).to.equal(one)
    const two = chainUp(one, 27, types, [groupHash(tally(2)), record(2).record, 2_002])
    expect(recordChain([record(1), record(2)])).to.equal(two)
  })

  it('show the place of a group in a batch, as written by hand', () => {
    const tallies = Array.from({ length: 20 }, (_, index) => tally(index))
    const all = encodeFacts(tallies.map((_, index) => facts(index)))
    const batch: RootedBatch = {
      mode: Mode.Blob,
      groupHashes: tallies.map(groupHash),
      blobs: [{ versionedHash: hash(77), groups: 20 }],
    }
    const own = { root: batchRoot(batch), factsRoot: factsRoot(all), time: 1_002 }
    const chunks = [0, 8, 16].map((from) => keccak256(concatHex(tallies.slice(from, from + 8).map(groupHash))))
    const place = placeInBatch({ ...batch, facts: all }, tally(17), 17, {
      links: [link(1), own, link(3)],
      position: 1,
    })
    const expected = [
      '0x01', // mode
      keccak256(encodePacked(['bytes32', 'uint16'], [hash(77), 20])),
      '0x00000014', // groups
      '0x00000011', // index
      '0x000003ea', // time
      ringChain([link(1)]),
      hash(17), // deal key
      '0x11', // stream
      '0x000011', // first
      '0x000016', // count
      '0x00000003f9', // units so far
      groupHash(tally(16)),
      groupHash(tally(18)),
      groupHash(tally(19)),
      merkleRoot(chunks.slice(0, 2)), // the third chunk of groups moves up unhashed
      encodeFacts([16, 17, 18, 19].map(facts)),
      keccak256(encodeFacts(Array.from({ length: 16 }, (_, at) => facts(at)))),
      encodePacked(['bytes32', 'bytes32', 'uint32'], [hash(3), hash(53), 1_003]),
    ] as const
    expect(place).to.equal(concatHex(expected))
  })

  it('show the place of a group in its stream, as written by hand', () => {
    const links = [record(1), record(2), record(3)]
    const expected = [
      '0x00000009', // deal id
      '0x000007d2', // time
      recordChain([record(1)]),
      record(2).record,
      hash(2), // deal key
      '0x02', // stream
      '0x000002', // first
      '0x000007', // count
      '0x00000003ea', // units so far
      encodePacked(['bytes32', 'bytes16', 'uint32'], [groupHash(tally(3)), record(3).record, 2_003]),
    ] as const
    expect(placeInStream(9, tally(2), { links, position: 1 })).to.equal(concatHex(expected))
  })

  it('are not made of a group that stands elsewhere', () => {
    const batch = { mode: Mode.Calldata, groupHashes: [groupHash(tally(0))], facts: encodeFacts([facts(0)]) }
    const interval = { links: [link(1)], position: 0 }
    expect(() => placeInBatch(batch, tally(1), 0, interval)).to.throw(FieldError)
    expect(() => placeInBatch(batch, tally(0), 1, interval)).to.throw(FieldError)
    expect(() => placeInBatch(batch, tally(0), 0, { ...interval, position: 1 })).to.throw(FieldError)
    const links = [record(1)]
    expect(() => placeInStream(1, tally(2), { links, position: 0 })).to.throw(FieldError)
    expect(() => placeInStream(1, tally(1), { links, position: 1 })).to.throw(FieldError)
  })
})
