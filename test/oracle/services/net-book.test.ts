import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import { type Hex, keccak256, stringToHex } from 'viem'

import { createSqliteStore } from '#oracle/adapters/sqlite-store.ts'
import type { NetEvent, NetFact, Store } from '#oracle/ports.ts'
import { createNetBook, type NetBook } from '#oracle/services/net-book.ts'
import { type BuiltNetBatch, buildNetBatch } from '#protocol/net-build.ts'
import { createNetTree, type NetTree } from '#protocol/net-tree.ts'
import { segmentToGroup } from '#protocol/wire.ts'
import { createLog } from '#runtime/log.ts'
import { accountOf } from '../support/chain.ts'
import { place } from '../support/facts.ts'
import { receiptOf, segmentOf } from '../support/work.ts'

const hashOf = (name: string) => keccak256(stringToHex(name))
const BUYER = accountOf('buyer').address
const deal = { key: place.dealKey, provider: 1, price: 10n, budget: 1_000n, streams: 2 }

describe("a member's book of netted deals", () => {
  let folder: string
  let store: Store
  let book: NetBook
  /** Blobs that are at hand. */
  let kept: Map<Hex, Uint8Array>

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-nets-'))
    store = createSqliteStore({ file: join(folder, 'oracle.sqlite'), deployment: 'one' })
    kept = new Map()
    book = open()
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const open = () =>
    createNetBook({
      nets: store.nets,
      archive: { get: async (hash) => kept.get(hash) ?? null },
      log: createLog({ name: 'test', level: 'silent' }),
    })

  /** The chain shows these facts from block `from` on, one a block, and nothing else after them. */
  function show(from: bigint, facts: readonly NetFact[], name = 'main'): void {
    const nets = facts.map((fact, index): NetEvent => {
      const blockNumber = from + BigInt(index)
      return { blockNumber, blockHash: hashOf(`${name} ${blockNumber}`), logIndex: 0, fact }
    })
    const head = { number: from + BigInt(facts.length), hash: hashOf(name), parentHash: hashOf('p'), timestamp: 1n }
    const change = { ancestor: null, removed: [], added: [], from, head }
    store.blocks.apply(change, { opened: [], settled: [], packed: [], nets })
  }

  /** Batch that moves stream 0 by its receipt number `index`. */
  function batchAt(tree: NetTree, index: number): { fact: NetFact; built: BuiltNetBatch; keep: () => void } {
    const group = segmentToGroup(
      segmentOf(place, 0, [receiptOf(place, 2 * index)], { first: index, before: BigInt(index) }),
    )
    const deals = new Map([[place.dealId, { ...deal, buyer: 3 }]])
    const built = buildNetBatch({ tree, deals, groups: [group], until: 1, queueTo: 0 })
    const hashes = built.blobs.map((blob) => keccak256(blob))
    return {
      built,
      fact: { kind: 'batch', batch: built.encoded, blobs: hashes },
      keep: () => built.blobs.forEach((blob, at) => void kept.set(hashes[at] ?? '0x', blob)),
    }
  }
  const opening: NetFact[] = [
    { kind: 'numbered', buyer: BUYER, index: 3 },
    { kind: 'opened', dealId: place.dealId, buyer: BUYER, deal },
  ]
  const cursor = (at?: bigint) => book.cells({ id: place.dealId, ...deal }, at)[0]?.cursor

  it('follows batches by their blobs, and knows where deals stood before', async () => {
    const first = batchAt(createNetTree(), 0)
    const second = batchAt(first.built.tree, 1)
    for (const { keep } of [first, second]) keep()
    show(1n, [...opening, first.fact, second.fact])
    await book.follow()
    expect(book.deal(place.dealId)).to.deep.equal({ ...deal, buyer: 3 })
    expect(book.state().tree.root).to.equal(second.built.batch.root)
    expect([cursor(2n), cursor(3n), cursor()]).to.deep.equal([0, 1, 2])
    book = open()
    await book.follow()
    expect(cursor(), 'after a restart').to.equal(2)
  })

  it('waits for the blobs of a batch and goes on once they are there', async () => {
    const { fact, keep } = batchAt(createNetTree(), 0)
    show(1n, [...opening, fact])
    await book.follow()
    expect(cursor()).to.equal(0)
    keep()
    await book.follow()
    expect(cursor()).to.equal(1)
  })

  it('takes back what a re-organisation took back', async () => {
    const first = batchAt(createNetTree(), 0)
    const second = batchAt(first.built.tree, 1)
    for (const { keep } of [first, second]) keep()
    show(1n, [...opening, first.fact, second.fact])
    await book.follow()
    show(4n, [], 'other')
    await book.follow()
    expect(cursor()).to.equal(1)
    show(1n, [], 'empty')
    await book.follow()
    expect([cursor(), book.deal(place.dealId)]).to.deep.equal([0, undefined])
  })

  it('moves nothing where another root comes out than the chain has', async () => {
    const { built, fact, keep } = batchAt(createNetTree(), 0)
    keep()
    const cell = (1n << 40n) | 1n
    const executed = { kind: 'executed', dealId: place.dealId, stream: 0, cell } as const
    show(1n, [...opening, { ...executed, root: hashOf('lie') }, fact])
    await book.follow()
    expect(cursor()).to.equal(0)
    show(3n, [{ ...executed, root: built.batch.root }], 'other')
    await book.follow()
    expect(cursor()).to.equal(1)
  })
})
