import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { expect } from 'chai'
import { type Hex, keccak256, stringToHex } from 'viem'

import { createSqliteStore } from '#oracle/adapters/sqlite-store.ts'
import { type Segment, tallyOf } from '#oracle/domain/segment.ts'
import type { Store, StoredSegment } from '#oracle/ports.ts'
import { tallyHash } from '#protocol/eip712.ts'
import { Kind } from '#protocol/types.ts'
import { toWire } from '#protocol/wire.ts'
import { goodSegment, place } from '../support/facts.ts'
import { acknowledgementOf, orderOf, receiptOf, segmentOf } from '../support/work.ts'

const hashOf = (name: string) => keccak256(stringToHex(name))
/** What a batch says that has its receipts itself. */
const plain = { blobs: [], mostGas: 100_000 }
const stream = { dealKey: place.dealKey, stream: 0 }

function stored(segment: Segment, changes: Partial<StoredSegment> = {}): StoredSegment {
  const tally = tallyOf(segment)
  return {
    tallyHash: tallyHash(tally),
    segment,
    segmentHash: tally.segment,
    status: 'accepted',
    check: null,
    verification: 'done',
    claims: 11,
    transaction: null,
    receivedAtMs: 5,
    ...changes,
  }
}

describe("a member's store", () => {
  let folder: string
  let file: string
  let store: Store
  const open = (deployment = 'one') => createSqliteStore({ file, deployment })

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-store-'))
    file = join(folder, 'oracle.sqlite')
    store = open()
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** The file itself, for looking behind the store's back; the store has to be opened again. */
  function database(): DatabaseSync {
    store.close()
    return new DatabaseSync(file)
  }
  function reopen(): void {
    store.close()
    store = open()
  }
  function accept(segment: Segment, changes: Partial<StoredSegment> = {}): Hex {
    const item = stored(segment, changes)
    store.segments.insert(
      item,
      segment.receipts.map((_, index) => index),
    )
    return item.tallyHash
  }
  const statusOf = (hash: Hex) => store.segments.get(hash)?.status

  function codeOf(act: () => unknown): unknown {
    try {
      act()
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : error
    }
    return 'nothing thrown'
  }

  it('belongs to one process and one deployment', () => {
    expect(codeOf(() => open())).to.equal('store.locked')
    store.close()
    expect(codeOf(() => open('two'))).to.equal('store.other-deployment')
    store = open()
  })

  it('keeps a segment as it was sent, once, over a restart', () => {
    const segment = goodSegment()
    const hash = accept(segment)
    expect(store.segments.insert(stored(segment), [])).to.equal(false)
    reopen()
    expect(store.segments.get(hash)?.segment).to.deep.equal(segment)
  })

  it('knows billed tasks until no segment bills them', () => {
    const short = goodSegment(2)
    const long = goodSegment(3)
    accept(short)
    const hash = accept(long, { verification: 'pending' })
    const tasks = [0n, 2n, 4n, 6n, 2n ** 64n - 2n]
    expect(store.segments.billed(place.dealKey, tasks)).to.deep.equal(new Set([0n, 2n, 4n]))
    store.segments.refuse(hash, 'reexecution.output')
    expect(store.segments.billed(place.dealKey, tasks)).to.deep.equal(new Set([0n, 2n]))
    expect(store.segments.ranges(stream).map(({ count }) => count)).to.deep.equal([2])
    expect(store.segments.ranges(stream, 'all').map(({ count }) => count)).to.deep.equal([2, 3])
  })

  it('offers what is verified and in no batch', () => {
    const hash = accept(goodSegment(1), { verification: 'pending', claims: 0 })
    expect(store.segments.candidates()).to.deep.equal([])
    expect(store.segments.unverified(5, 0).map(({ tallyHash: one }) => one)).to.deep.equal([hash])
    store.segments.tried(hash, 'program.available', 9)
    expect(store.segments.unverified(5, 8)).to.deep.equal([])
    store.segments.verified(hash, 11)
    expect(store.segments.candidates().map(({ tallyHash: one, claims }) => [one, claims])).to.deep.equal([[hash, 11]])
    const id = store.batches.insert({ lane: 1, root: hashOf('root'), data: '0x1234', groups: [hash], ...plain })
    expect(store.segments.candidates()).to.deep.equal([])
    expect(statusOf(hash)).to.equal('batched')
    store.batches.fail(id, 'it would revert')
    expect(store.segments.candidates()).to.have.length(1)
  })

  it('tells of what it offers the worker, the work, what held it and what the provider wishes', () => {
    const wish = { settleWithin: 60, gasShareBps: 40, payAtOnce: false }
    const hash = accept({ ...goodSegment(2), wish })
    store.segments.note(hash, 'exposure')
    const told = store.segments
      .candidates()
      .map(({ worker, units, check, wish: wished }) => [worker, units, check, wished])
    expect(told).to.deep.equal([[place.worker, goodSegment(2).units, 'exposure', wish]])
    store.segments.note(hash, null)
    accept(goodSegment(3))
    expect(store.segments.candidates().map((one) => [one.check, one.wish])).to.deep.equal([
      [null, wish],
      [null, {}],
    ])
  })

  it('counts the batches that deals and workers were settled in', () => {
    for (const receipts of [1, 2, 3]) {
      const hash = accept(goodSegment(receipts), { receivedAtMs: receipts })
      store.batches.insert({ lane: 1, root: hashOf(`root ${receipts}`), data: '0x', groups: [hash], ...plain })
      store.segments.noteTransaction(hashOf(`root ${receipts}`), hashOf(`transaction ${Math.min(receipts, 2)}`))
    }
    expect(store.segments.usedWorkers(0)).to.deep.equal([{ index: place.worker, batches: 2 }])
    expect(store.segments.usedWorkers(2)).to.deep.equal([{ index: place.worker, batches: 1 }])
    expect(store.segments.usedDeals()).to.deep.equal(new Map())
    const head = { number: 1n, hash: hashOf('1'), parentHash: hashOf('0'), timestamp: 1n }
    const opened = {
      id: place.dealId,
      key: place.dealKey,
      program: { root: hashOf('program'), kind: Kind.Repeatable },
      blockNumber: 1n,
      blockHash: head.hash,
    }
    store.blocks.apply(
      { ancestor: null, removed: [], from: 0n, added: [head], head },
      { opened: [opened], settled: [], packed: [], nets: [] },
    )
    expect(store.segments.usedDeals()).to.deep.equal(new Map([[place.dealKey, 2]]))
  })

  it('follows a stream forth and back', () => {
    const [short, long] = [accept(goodSegment(1)), accept(goodSegment(3))]
    store.segments.settle(stream, { head: 1, final: 0 })
    expect([statusOf(short), statusOf(long)]).to.deep.equal(['settled', 'accepted'])
    store.segments.settle(stream, { head: 0, final: 0 })
    expect([statusOf(short), statusOf(long)]).to.deep.equal(['accepted', 'accepted'])
    store.segments.settle(stream, { head: 3, final: 1 })
    expect([statusOf(short), statusOf(long)]).to.deep.equal(['final', 'settled'])
    store.segments.reopen()
    store.segments.settle(stream, { head: 0, final: 0 })
    expect([statusOf(short), statusOf(long)]).to.deep.equal(['accepted', 'accepted'])
  })

  it('puts what a re-organisation took out of an own batch back on its way, not into the pool', () => {
    const hash = accept(goodSegment(1))
    const id = store.batches.insert({ lane: 1, root: hashOf('root'), data: '0x', groups: [hash], ...plain })
    store.segments.settle(stream, { head: 1, final: 0 })
    store.batches.settled(id)
    store.segments.settle(stream, { head: 0, final: 0 })
    expect(statusOf(hash)).to.equal('batched')
  })

  it('returns what the chain skipped to the pool once its batch is mined', () => {
    const hash = accept(goodSegment(1))
    const id = store.batches.insert({ lane: 1, root: hashOf('root'), data: '0x', groups: [hash], ...plain })
    store.batches.settled(id)
    expect(statusOf(hash)).to.equal('accepted')
  })

  it('holds what it signed for others only for a while, with the shorter tallies of the stream', () => {
    const [short, long] = [accept(goodSegment(1)), accept(goodSegment(3))]
    const attestation = { epoch: 1, root: hashOf('root'), claims: 11, signature: hashOf('signature') }
    store.batches.sign(attestation, [{ ...stream, tallyHash: long }], 1_000)
    expect([statusOf(short), statusOf(long)]).to.deep.equal(['batched', 'batched'])
    expect(store.batches.release(999)).to.equal(0)
    expect(store.batches.release(1_000)).to.equal(2)
  })

  it('never forgets what it signed', () => {
    const hash = accept(goodSegment(2))
    store.batches.sign(
      { epoch: 1, root: hashOf('root'), claims: 11, signature: '0xab' },
      [{ ...stream, tallyHash: hash }],
      0,
    )
    reopen()
    expect(store.batches.signature(1, hashOf('root'), 11)).to.equal('0xab')
    expect(store.batches.signature(2, hashOf('root'), 11)).to.equal(null)
    expect(store.batches.signedRanges(stream).map(({ count }) => count)).to.deep.equal([2])
  })

  it('names the transaction of a batch it built or signed', () => {
    const [mine, theirs] = [accept(goodSegment(1)), accept(segmentOf(place, 1, [receiptOf(place, 1)]))]
    store.batches.insert({ lane: 1, root: hashOf('mine'), data: '0x', groups: [mine], ...plain })
    const attestation = { epoch: 1, root: hashOf('theirs'), claims: 11, signature: hashOf('s') }
    store.batches.sign(attestation, [{ dealKey: place.dealKey, stream: 1, tallyHash: theirs }], 0)
    store.segments.noteTransaction(hashOf('mine'), hashOf('t1'))
    store.segments.noteTransaction(hashOf('theirs'), hashOf('t2'))
    expect([mine, theirs].map((hash) => store.segments.get(hash)?.transaction)).to.deep.equal([
      hashOf('t1'),
      hashOf('t2'),
    ])
  })

  it('shows refused segments that prove something beside what they contradict, a few of each kind', () => {
    const left = goodSegment(2)
    const leftHash = accept(left)
    const others = Array.from({ length: 12 }, (_, i) =>
      segmentOf(place, 0, [receiptOf(place, 0, { units: BigInt(2 + i) })]),
    )
    for (const right of others) store.evidence.keep({ check: 'equivocation', left: leftHash, right })
    const again = segmentOf(place, 0, [receiptOf(place, 2)])
    store.evidence.keep({ check: 'task.duplicate', left: null, right: again })
    store.evidence.keep({ check: 'units.maximum', left: null, right: again })
    reopen()
    expect(store.evidence.count()).to.equal(10)
    const [first] = store.evidence.list({ from: 0, limit: 1 })
    expect(first).to.deep.include({ id: 1, check: 'equivocation' })
    expect(first?.left?.signature).to.equal(left.signature)
    expect(first?.right.signature).to.equal(others[0]?.signature)
    const [duplicate, maximum] = store.evidence.list({ from: 9, limit: 20 })
    expect(duplicate?.left?.signature).to.equal(left.signature)
    expect(duplicate?.right.receipts[0]?.work?.order.index).to.equal(2n)
    expect(maximum).to.deep.include({ check: 'units.maximum', left: null })
  })

  it('shows the receipts of evidence after what they were made of is forgotten', () => {
    const left = goodSegment(2)
    const leftHash = accept(left)
    store.evidence.keep({ check: 'equivocation', left: leftHash, right: segmentOf(place, 0, [receiptOf(place, 6)]) })
    store.segments.settle(stream, { head: 2, final: 2 })
    store.segments.prune(20, 9)
    const [shown] = store.evidence.list({ from: 0, limit: 1 })
    expect(shown?.left?.receipts).to.deep.equal(left.receipts.map(({ units, workHash }) => ({ units, workHash })))
  })

  it('gives up what can never settle', () => {
    const hash = accept(goodSegment(1))
    store.segments.expire(stream, 'stream.frozen')
    expect(store.segments.get(hash)).to.include({ status: 'refused', check: 'stream.frozen' })
    expect(store.segments.openStreams()).to.deep.equal([])
  })

  it('forgets the preimages of old work that is final or refused, and nothing that guards against paying twice', () => {
    const [final, refused, waiting, recent] = [
      accept(goodSegment(1)),
      accept(goodSegment(2)),
      accept(goodSegment(3)),
      accept(goodSegment(4), { receivedAtMs: 50 }),
    ]
    store.segments.settle(stream, { head: 1, final: 1 })
    store.segments.refuse(refused, 'reexecution.output')
    const before = [store.segments.ranges(stream, 'all'), store.segments.billed(place.dealKey, [0n, 2n, 4n, 6n])]
    expect([store.segments.prune(20, 1), store.segments.prune(20, 9), store.segments.prune(20, 9)]).to.deep.equal([
      ...[1, 1, 0],
    ])
    reopen()
    expect([final, refused, waiting, recent].map((hash) => store.segments.get(hash)?.tallyHash)).to.deep.equal([
      ...[undefined, undefined, waiting, recent],
    ])
    expect(store.segments.state(final)).to.include({ status: 'final', check: null })
    expect(store.segments.state(refused)).to.include({ status: 'refused', check: 'reexecution.output' })
    expect([
      store.segments.ranges(stream, 'all'),
      store.segments.billed(place.dealKey, [0n, 2n, 4n, 6n]),
    ]).to.deep.equal(before)
    const behind = database()
    const kept = behind.prepare('select body from segments where tally_hash = ?').get(final)
    behind.close()
    const { receipts: _, ...signed } = goodSegment(1)
    expect(JSON.parse(String(kept?.body))).to.deep.equal(toWire(signed))
    store = open()
    store.segments.reopen()
    expect(store.segments.state(final)?.status).to.equal('final')
  })

  it('opens a database made before segments could be pruned and acknowledgements named their units', () => {
    const hash = accept(goodSegment(1))
    const old = database()
    old.exec(`drop index segments_prunable; alter table segments drop column pruned;
      alter table acknowledgements drop column units`)
    old.close()
    store = open()
    expect(store.segments.get(hash)?.tallyHash).to.equal(hash)
  })

  it('takes an acknowledgement for exactly one tally, and the highest that is settled for a stream', () => {
    const [short, long] = [goodSegment(1), goodSegment(3)]
    accept(short)
    accept(long)
    store.messages.putAcknowledgement({ ...acknowledgementOf(place, short), units: 9n })
    expect(store.segments.candidates().map(({ acknowledged }) => acknowledged)).to.deep.equal([false, false])
    for (const segment of [short, long]) store.messages.putAcknowledgement(acknowledgementOf(place, segment))
    expect(store.segments.candidates().map(({ acknowledged }) => acknowledged)).to.deep.equal([true, true])
    expect(store.messages.acknowledgedStreams(place.dealKey)).to.deep.equal([0])
    expect(store.messages.highestAcknowledgement(stream, 2)).to.deep.equal(acknowledgementOf(place, short))
    expect(store.messages.highestAcknowledgement(stream, 0)).to.equal(null)
    store.messages.dropAcknowledgements([tallyHash(tallyOf(long))])
    expect(store.messages.highestAcknowledgement(stream, 9)).to.deep.equal(acknowledgementOf(place, short))
  })

  it('sorts orders by index over all of uint64 and keeps the first of a task', () => {
    const indexes = [2n ** 64n - 1n, 0n, 2n ** 63n, 7n]
    store.messages.putOrders(indexes.map((index) => orderOf(place, index)))
    store.messages.putOrders([orderOf(place, 7n, 4n)])
    const listed = store.messages.orders({ dealKey: place.dealKey, from: 1n, limit: 2 })
    expect(listed).to.deep.equal([orderOf(place, 7n), orderOf(place, 2n ** 63n)])
    expect(store.messages.order(place.dealKey, 7n)?.maxUnits).to.equal(5n)
  })

  it('stores a nonce together with its signed bytes, and every attempt', () => {
    const attempt = {
      hash: hashOf('a'),
      raw: '0x02' as Hex,
      maxFeePerGas: 5n,
      maxPriorityFeePerGas: 1n,
      createdAtMs: 1,
    }
    const id = store.batches.insert({ lane: 1, root: hashOf('root'), data: '0xda', groups: [], ...plain })
    expect(store.transactions.highestNonce()).to.equal(null)
    const transaction = {
      nonce: 4,
      purpose: { kind: 'batch' as const, batchId: id },
      to: place.domain.verifyingContract,
      data: '0xda' as Hex,
      gas: 21_000n,
      blobs: [hashOf('blob')],
    }
    store.transactions.insert(transaction, attempt)
    store.transactions.addAttempt(4, { ...attempt, hash: hashOf('b'), maxFeePerBlobGas: 7n, createdAtMs: 2 })
    reopen()
    expect(store.transactions.highestNonce()).to.equal(4)
    expect(store.batches.get(id)?.state).to.equal('sent')
    expect(store.transactions.open().map((one) => one.attempts.map(({ hash }) => hash))).to.deep.equal([
      [hashOf('a'), hashOf('b')],
    ])
    const [stored] = store.transactions.open()
    expect(stored?.blobs).to.deep.equal([hashOf('blob')])
    expect(stored?.attempts.map(({ maxFeePerBlobGas }) => maxFeePerBlobGas)).to.deep.equal([undefined, 7n])
    store.transactions.setState(4, 'final', { number: 9n, hash: hashOf('block') })
    expect(store.transactions.open()).to.deep.equal([])
  })

  it('stores neither nonce nor bytes when one of them is refused', () => {
    const attempt = {
      hash: hashOf('a'),
      raw: '0x02' as Hex,
      maxFeePerGas: 5n,
      maxPriorityFeePerGas: 1n,
      createdAtMs: 1,
    }
    const transaction = {
      purpose: { kind: 'upkeep' as const, label: 'tick' },
      to: place.domain.verifyingContract,
      data: '0x' as Hex,
      gas: 1n,
      blobs: [],
    }
    store.transactions.insert({ nonce: 0, ...transaction }, attempt)
    expect(() => store.transactions.insert({ nonce: 1, ...transaction }, attempt)).to.throw()
    expect(store.transactions.highestNonce()).to.equal(0)
  })

  it('knows the newest index of a worker that was copied into shared pages', () => {
    const block = (number: bigint, name = 'main') => ({
      number,
      hash: hashOf(`${number}${name}`),
      parentHash: hashOf('p'),
      timestamp: number,
    })
    const packed = (firstIndex: number, workers: readonly number[], number: bigint) => ({
      ...{ firstIndex, workers, blockNumber: number, blockHash: hashOf(`${number}main`) },
    })
    const copies = [packed(1024, [512, 514], 2n), packed(1536, [1025], 3n)]
    store.blocks.apply(
      { ancestor: null, removed: [], from: 0n, added: [block(1n), block(2n), block(3n)], head: block(3n) },
      { opened: [], settled: [], packed: copies, nets: [] },
    )
    const newest = () => [512, 513, 514, 1025, 1536].map((index) => store.blocks.packedWorker(index))
    expect(newest()).to.deep.equal([1024, null, 1536, 1536, 1536])
    store.blocks.apply(
      { ancestor: 2n, removed: [block(3n)], from: 3n, added: [block(3n, 'fork')], head: block(3n, 'fork') },
      { opened: [], settled: [], packed: [], nets: [] },
    )
    expect(newest()).to.deep.equal([1024, null, 1025, 1025, null])
  })

  it('undoes what stood on blocks that are gone', () => {
    const block = (number: bigint, name = 'main') => ({
      number,
      hash: hashOf(`${number}${name}`),
      parentHash: hashOf('p'),
      timestamp: number,
    })
    const opened = (id: number, number: bigint) => ({
      id,
      key: hashOf(`deal ${id}`),
      program: { root: hashOf(`program ${id}`), kind: Kind.Provable },
      blockNumber: number,
      blockHash: hashOf(`${number}main`),
    })
    store.blocks.apply(
      { ancestor: null, removed: [], from: 0n, added: [block(1n), block(2n), block(3n)], head: block(3n) },
      { opened: [opened(1, 2n), opened(2, 3n)], settled: [], packed: [], nets: [] },
    )
    expect(store.blocks.dealIds()).to.deep.equal([1, 2])
    store.blocks.apply(
      { ancestor: 2n, removed: [block(3n)], from: 3n, added: [block(3n, 'fork')], head: block(3n, 'fork') },
      { opened: [], settled: [], packed: [], nets: [] },
    )
    expect(store.blocks.dealIds()).to.deep.equal([1])
    expect(store.blocks.dealId(hashOf('deal 2'))).to.equal(null)
    expect(store.blocks.program(hashOf('deal 1'))).to.deep.equal({ root: hashOf('program 1'), kind: Kind.Provable })
    expect(store.blocks.window().map(({ hash }) => hash)).to.deep.equal([
      block(1n).hash,
      block(2n).hash,
      block(3n, 'fork').hash,
    ])
  })
})
