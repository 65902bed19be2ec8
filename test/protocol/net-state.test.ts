/** @module */
import { expect } from 'chai'
import { type Hex, keccak256, numberToHex, zeroHash } from 'viem'

import type { Group } from '#protocol/batch.ts'
import { NetBlobError } from '#protocol/net-blobs.ts'
import { type BuiltNetBatch, buildNetBatch, type NetDeal } from '#protocol/net-build.ts'
import {
  createNetState,
  type NetState,
  proofOf,
  readNetRecords,
  unpackCell,
  withForce,
  withNetBatch,
  withRecords,
} from '#protocol/net-state.ts'
import { netRootOver } from '#protocol/net-tree.ts'

const word = (value: number): Hex => keccak256(numberToHex(value))

const deal = (id: number, provider: number, buyer: number, streams: number): [number, NetDeal] => [
  id,
  { key: word(id), provider, buyer, price: 10n, budget: 10n ** 9n, streams },
]
const deals = new Map([deal(1, 7, 1, 3), deal(2, 3, 0, 1), deal(900_000, 3, 1, 2)])

function group(dealId: number, stream: number, first: number, units: bigint, before = 0n): Group {
  const receipts = [{ units, workHash: word(dealId) }]
  return { dealId, stream, first, units: before + units, worker: 512, signature: `0x${'51'.repeat(64)}`, receipts }
}

function build({ tree }: NetState, groups: readonly Group[]): BuiltNetBatch {
  return buildNetBatch({ tree, deals, groups, until: 1_000, queueTo: 4 })
}

describe('net state', () => {
  const work = [group(1, 0, 0, 5n), group(1, 2, 0, 6n), group(2, 0, 0, 7n), group(900_000, 1, 0, 8n)]

  it('follows batches read from their blobs to the root that each names', () => {
    const first = build(createNetState(), work)
    const state = withNetBatch(createNetState(), readNetRecords(first.batch.blobs, first.blobs), 4, (id) =>
      deals.get(id),
    )
    expect([state.tree.root, state.queueFrom]).to.deep.equal([first.batch.root, 4])
    const second = build(state, [group(1, 2, 1, 9n, 6n)])
    const next = withNetBatch(state, readNetRecords(second.batch.blobs, second.blobs), 5, (id) => deals.get(id))
    expect([next.tree.root, next.queueFrom]).to.deep.equal([second.batch.root, 5])
    expect(state.tree.root).to.equal(first.batch.root)
  })

  it('gives the root after every deal, as deal records name it', () => {
    const built = build(createNetState(), work)
    const { roots } = withRecords(createNetState().tree, built, (id) => deals.get(id))
    expect(roots).to.deep.equal(built.deals.map(({ root }) => root))
  })

  it('moves one stream of one deal by an executed force, and keeps the queue', () => {
    const state: NetState = { ...createNetState(), queueFrom: 3 }
    const cell = unpackCell((2n << 40n) | 77n)
    expect(cell).to.deep.equal({ cursor: 2, units: 77n })
    const forced = withForce(state, { dealId: 1, stream: 1, cell }, { key: word(1), streams: 3 })
    const none = { cursor: 0, units: 0n }
    expect(forced.tree.leafAt(1)).to.deep.equal({ key: word(1), cells: [none, cell, none] })
    expect(forced.queueFrom).to.equal(3)
    expect(state.tree.root).to.equal(zeroHash)
  })

  it('proves where a deal stands, and that nothing stands elsewhere', () => {
    const { tree } = build(createNetState(), work)
    for (const id of [1, 2, 900_000, 5]) {
      const { leaf, path } = proofOf({ tree }, id)
      expect(netRootOver(leaf === '0x' ? zeroHash : keccak256(leaf), id, path)).to.equal(tree.root)
    }
    expect(proofOf({ tree }, 5).leaf).to.equal('0x')
  })

  it('begins a deal anew that took over the id of another', () => {
    const { tree } = build(createNetState(), work)
    const heir = { key: word(99), streams: 2 }
    const move = { dealId: 1, stream: 0, cell: { cursor: 1, units: 1n } }
    const { tree: moved } = withForce({ tree, queueFrom: 0 }, move, heir)
    expect(moved.leafAt(1)).to.deep.equal({ key: heir.key, cells: [move.cell, { cursor: 0, units: 0n }] })
  })

  it('moves nothing for deals and streams that do not exist, whatever members attest', () => {
    const built = build(createNetState(), work)
    const { tree } = withRecords(createNetState().tree, built, () => undefined)
    expect(tree.root).to.equal(zeroHash)
    const narrow = withRecords(createNetState().tree, built, (id) => ({ key: word(id), streams: 1 }))
    expect(narrow.tree.leafAt(1)?.cells).to.deep.equal([{ cursor: 1, units: 5n }])
  })

  it('refuses blobs whose elements carry no bytes', () => {
    const { batch, blobs } = build(createNetState(), work)
    const broken = blobs.map((blob) => Uint8Array.from(blob))
    broken[0]?.set([1], 32)
    expect(() => readNetRecords(batch.blobs, broken)).to.throw(NetBlobError)
    expect(() => readNetRecords(batch.blobs, [])).to.throw(NetBlobError)
  })
})
