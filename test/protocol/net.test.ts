/** @module */
import { expect } from 'chai'
import { type Hex, keccak256, numberToHex, zeroHash } from 'viem'

import type { Group } from '#protocol/batch.ts'
import { BLOB_ELEMENTS } from '#protocol/kzg.ts'
import { decodeNetBatch, encodeNetBatch, type NetBatch, NetBatchError } from '#protocol/net-batch.ts'
import {
  DEAL_ELEMENTS,
  dealPlace,
  elementsFor,
  GROUP_ELEMENTS,
  groupPlace,
  NetBlobError,
  planNetBlobs,
  readPayload,
} from '#protocol/net-blobs.ts'
import { type BuiltNetBatch, buildNetBatch, NetBuildError, type NetDeal } from '#protocol/net-build.ts'
import {
  DEAL_RECORD_BYTES,
  decodeDealRecord,
  decodeGroupRecord,
  encodeDealRecord,
  encodeGroupRecord,
  GROUP_RECORD_BYTES,
} from '#protocol/net-records.ts'
import { cellsOf, createNetTree, netLeafHash, netRootOver } from '#protocol/net-tree.ts'
import { decodeReceipts, RECEIPT_BYTES, segmentHash } from '#protocol/receipts.ts'

const word = (value: number): Hex => keccak256(numberToHex(value))
const SIGNATURE: Hex = `0x${'51'.repeat(64)}`

const deals = new Map<number, NetDeal>([
  [1, { key: word(1), provider: 7, buyer: 1, price: 10n, budget: 1000n, streams: 3 }],
  [2, { key: word(2), provider: 3, buyer: 0, price: 1n, budget: 1_000_000n, streams: 1 }],
  [9, { key: word(9), provider: 3, buyer: 1, price: 2n, budget: 1_000_000n, streams: 2 }],
])

/** @param before - Units of the stream before its first receipt. */
function groupAfter(before: bigint, dealId: number, stream: number, first: number, ...units: bigint[]): Group {
  const receipts = units.map((unit, index) => ({ units: unit, workHash: word(1000 * dealId + 10 * stream + index) }))
  const total = units.reduce((sum, unit) => sum + unit, before)
  return { dealId, stream, first, units: total, worker: 512 + dealId, signature: SIGNATURE, receipts }
}

const group = (dealId: number, stream: number, first: number, ...units: bigint[]): Group =>
  groupAfter(0n, dealId, stream, first, ...units)

function build(groups: readonly Group[], tree = createNetTree()): BuiltNetBatch {
  return buildNetBatch({ tree, deals, groups, until: 1_000, queueTo: 4 })
}

describe('net batches', () => {
  describe('bytes', () => {
    const batch: NetBatch = {
      until: 1_700_000_000,
      queueTo: 77,
      root: word(1),
      blobs: [
        { groups: 3, deals: 0 },
        { groups: 1, deals: 2 },
      ],
      providers: [
        { of: 1, amount: 5n },
        { of: 9, amount: 2n ** 55n },
      ],
      buyers: [{ of: 0, amount: 3n }],
    }

    it('read back what was written', () => {
      expect(decodeNetBatch(encodeNetBatch(batch))).to.deep.equal(batch)
    })

    it('are refused when cut off, too long, of another mode or lane, or not rising', () => {
      const encoded = encodeNetBatch(batch)
      const falling = encodeNetBatch({ ...batch, providers: batch.providers.toReversed() })
      const wrong: readonly [Hex, number][] = [
        [`0x01${encoded.slice(4)}`, 0],
        [`0x0200${encoded.slice(6)}`, 1],
        [`0x${encoded.slice(2, -2)}`, encoded.length / 2 - 1 - 7],
        [`${encoded}00`, encoded.length / 2 - 1],
        [falling, 55 + 11],
        [`${encoded.slice(0, 86)}07${encoded.slice(88)}` as Hex, 42],
      ]
      for (const [bytes, position] of wrong)
        expect(() => decodeNetBatch(bytes))
          .to.throw(NetBatchError)
          .with.property('position', position)
    })
  })

  describe('records', () => {
    const built = build([group(1, 0, 0, 5n), group(2, 0, 0, 7n)])

    it('have the size of whole elements and read back', () => {
      for (const record of built.groups) {
        const bytes = encodeGroupRecord(record)
        expect(bytes.length).to.equal(GROUP_RECORD_BYTES)
        expect(decodeGroupRecord(bytes)).to.deep.equal(record)
      }
      for (const record of built.deals) {
        const bytes = encodeDealRecord(record)
        expect(bytes.length).to.equal(DEAL_RECORD_BYTES)
        expect(decodeDealRecord(bytes)).to.deep.equal(record)
      }
    })
  })

  describe('building', () => {
    it('orders groups by provider, deal and stream, and totals each provider', () => {
      const { groups, batch } = build([group(1, 2, 0, 4n), group(9, 1, 0, 30n), group(2, 0, 0, 7n), group(1, 0, 0, 6n)])
      expect(groups.map(({ provider, dealId, stream }) => [provider, dealId, stream])).to.deep.equal([
        [3, 2, 0],
        [3, 9, 1],
        [7, 1, 0],
        [7, 1, 2],
      ])
      expect(groups.map(({ amount, providerTotal }) => [amount, providerTotal])).to.deep.equal([
        [7n, 7n],
        [60n, 67n],
        [60n, 60n],
        [40n, 100n],
      ])
      expect(batch.providers).to.deep.equal([
        { of: 3, amount: 67n },
        { of: 7, amount: 100n },
      ])
    })

    it('orders deals by buyer, totals each buyer and moves the root deal by deal', () => {
      const { deals: records, batch, tree } = build([group(1, 2, 0, 4n), group(9, 1, 0, 30n), group(2, 0, 0, 7n)])
      expect(records.map(({ buyer, dealId, amount, buyerTotal }) => [buyer, dealId, amount, buyerTotal])).to.deep.equal(
        [
          [0, 2, 7n, 7n],
          [1, 1, 40n, 40n],
          [1, 9, 60n, 100n],
        ],
      )
      expect(batch.buyers).to.deep.equal([
        { of: 0, amount: 7n },
        { of: 1, amount: 100n },
      ])
      const none = { cursor: 0, units: 0n }
      const first = createNetTree().withLeaf(2, { key: word(2), cells: [{ cursor: 1, units: 7n }] })
      const second = first.withLeaf(1, { key: word(1), cells: [none, none, { cursor: 1, units: 4n }] })
      const third = second.withLeaf(9, { key: word(9), cells: [none, { cursor: 1, units: 30n }] })
      expect(records.map(({ root }) => root)).to.deep.equal([first.root, second.root, third.root])
      expect([tree.root, batch.root]).to.deep.equal([third.root, third.root])
    })

    it('pays the suffix past the cursor, and no more than the budget', () => {
      const { tree } = build([group(1, 0, 0, 50n, 20n)])
      const { groups, deals: records } = build([groupAfter(50n, 1, 0, 1, 20n, 29n, 5n), group(1, 1, 0, 8n)], tree)
      expect(groups[0]).to.deep.include({ cursorBefore: 2, unitsBefore: 70n, count: 4, units: 104n, amount: 300n })
      expect(groups[1]).to.deep.include({ amount: 0n, providerTotal: 300n, dealUnits: 112n })
      expect(records[0]).to.deep.include({ amount: 300n, firstGroup: 0, lastGroup: 1 })
    })

    it('gives the same bytes whatever order the groups come in', () => {
      const groups = [group(1, 2, 0, 4n), group(9, 1, 0, 30n), group(2, 0, 0, 7n), group(9, 0, 0, 1n)]
      const [one, other] = [build(groups), build(groups.toReversed())]
      expect(other.encoded).to.equal(one.encoded)
      expect(other.blobs).to.deep.equal(one.blobs)
    })

    it('refuses groups that continue no stream', () => {
      for (const groups of [
        [group(1, 0, 1, 5n)],
        [group(1, 3, 0, 5n)],
        [group(4, 0, 0, 5n)],
        [group(1, 0, 0, 5n), group(1, 0, 0, 6n)],
        [groupAfter(1n, 1, 0, 0, 5n)],
      ])
        expect(() => build(groups)).to.throw(NetBuildError)
      const { tree } = build([group(1, 0, 0, 5n)])
      expect(() => build([group(1, 0, 0, 5n)], tree)).to.throw(NetBuildError)
    })

    it('starts from nothing where an id belonged to another deal before', () => {
      const tree = createNetTree().withLeaf(2, { key: word(77), cells: [{ cursor: 9, units: 9n }] })
      expect(build([group(2, 0, 0, 7n)], tree).groups[0]).to.deep.include({ cursorBefore: 0, unitsBefore: 0n })
    })
  })

  describe('blobs', () => {
    it('hold every record at its place and every receipt behind them', () => {
      const long = Array.from({ length: 200 }, () => 1n)
      const groups = Array.from({ length: 40 }, (_, index) => group(100 + index, 0, 0, ...long))
      const many = new Map(groups.map(({ dealId }) => [dealId, { ...(deals.get(9) as NetDeal), key: word(dealId) }]))
      const built = buildNetBatch({ tree: createNetTree(), deals: many, groups, until: 1, queueTo: 0 })
      const rows = built.batch.blobs
      expect(rows).to.deep.equal([
        { groups: 17, deals: 0 },
        { groups: 17, deals: 0 },
        { groups: 6, deals: 40 },
      ])
      built.groups.forEach((record, index) => {
        const place = groupPlace(rows, index) ?? expect.fail('no place')
        const blob = built.blobs[place.blob] ?? expect.fail('no blob')
        expect(decodeGroupRecord(readPayload(blob, place.element, GROUP_RECORD_BYTES))).to.deep.equal(record)
        const bytes = readPayload(blob, record.start, 200 * RECEIPT_BYTES)
        expect(segmentHash(bytes)).to.equal(record.segment)
        expect(decodeReceipts(bytes, 200).receipts).to.deep.equal(groups[index]?.receipts)
      })
      built.deals.forEach((record, index) => {
        const place = dealPlace(rows, index) ?? expect.fail('no place')
        const bytes = readPayload(built.blobs[place.blob] ?? new Uint8Array(), place.element, DEAL_RECORD_BYTES)
        expect(decodeDealRecord(bytes)).to.deep.equal(record)
      })
      expect([groupPlace(rows, 40), dealPlace(rows, 40)]).to.deep.equal([undefined, undefined])
    })

    it('are filled to the last element and no further', () => {
      const size = 31 * 200
      const room = BLOB_ELEMENTS % (GROUP_ELEMENTS + 200)
      expect(room).to.equal(201)
      const full = (room - (room % DEAL_ELEMENTS)) / DEAL_ELEMENTS
      const lengths = Array.from({ length: 19 }, () => size)
      expect(planNetBlobs(lengths, full).rows).to.deep.equal([{ groups: 19, deals: full }])
      expect(planNetBlobs(lengths, full + 1).rows).to.deep.equal([
        { groups: 19, deals: full },
        { groups: 0, deals: 1 },
      ])
      const starts = planNetBlobs(lengths, full).starts
      expect((starts.at(-1) ?? 0) + elementsFor(size)).to.equal(BLOB_ELEMENTS - 1)
    })

    it('refuse groups that are empty or too long, and more than six blobs', () => {
      for (const [lengths, code] of [
        [[0], 'net-blobs.group-size'],
        [[31 * 256 + 1], 'net-blobs.group-size'],
        [Array.from({ length: 91 }, () => 31 * 256), 'net-blobs.too-many'],
      ] as const)
        expect(() => planNetBlobs(lengths, 1))
          .to.throw(NetBlobError)
          .with.property('code', code)
    })
  })

  describe('the tree', () => {
    it('is zero when nothing was settled, and one leaf wherever it is put gives another root', () => {
      const tree = createNetTree()
      expect(tree.root).to.equal(zeroHash)
      const leaf = { key: word(1), cells: [{ cursor: 1, units: 2n }] }
      const roots = new Set([0, 1, 2, 2 ** 31, 2 ** 32 - 1].map((id) => tree.withLeaf(id, leaf).root))
      expect(roots.size).to.equal(5)
      expect(tree.root).to.equal(zeroHash)
    })

    it('gives paths that lead from any leaf to the root', () => {
      const ids = [0, 1, 5, 6, 1000, 2 ** 31 + 5, 2 ** 32 - 1]
      let tree = createNetTree()
      for (const id of ids) tree = tree.withLeaf(id, { key: word(id), cells: [{ cursor: id % 1000, units: 1n }] })
      for (const id of [...ids, 7, 2 ** 31]) {
        const leaf = tree.leafAt(id)
        const path = tree.pathOf(id)
        expect(netRootOver(leaf === undefined ? zeroHash : netLeafHash(leaf), id, path)).to.equal(tree.root)
        expect(netRootOver(word(1), id, path)).not.to.equal(tree.root)
      }
    })

    it('tells where streams stand, and nothing of a deal with another key', () => {
      const leaf = { key: word(1), cells: [{ cursor: 3, units: 9n }] }
      expect(cellsOf(leaf, word(1), 2)).to.deep.equal([
        { cursor: 3, units: 9n },
        { cursor: 0, units: 0n },
      ])
      expect(cellsOf(leaf, word(2), 1)).to.deep.equal([{ cursor: 0, units: 0n }])
      expect(cellsOf(undefined, word(2), 1)).to.deep.equal([{ cursor: 0, units: 0n }])
    })
  })
})
