/**
 * The worker's store: written once, durable, and unable to contradict itself.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { expect } from 'chai'
import type { Hex } from 'viem'

import { tallyDigest } from '#protocol/eip712.ts'
import { encodeReceipts, segmentHash } from '#protocol/receipts.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { createWorkerStore, type WorkerStore } from '#worker/store.ts'

import { codeOf, type Delivered, receiptsOf } from './support/delivered.ts'
import { dealKey, domain, identity, orderOf, outcomeOf, signWith, workerKey } from './support/fixtures.ts'

const ref = { dealKey, stream: 0 }
const sign = signWith(workerKey, (tally) => tallyDigest(tally, domain))

describe('worker store', () => {
  let folder: string
  let file: string
  let store: WorkerStore

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-worker-store-'))
    file = join(folder, 'worker.sqlite')
    store = createWorkerStore({ file, identity })
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })

  function order(...indexes: number[]): void {
    store.addOrders(indexes.map((index) => ({ order: orderOf(index), stream: index % 4, dealId: 7 })))
  }

  it('numbers receipts by their place in the stream and sums their units', () => {
    order(0, 4)
    store.appendReceipt(ref, 4n, outcomeOf(4, 0, 5n))
    const second = store.appendReceipt(ref, 0n, outcomeOf(0, 0, 2n))
    expect([second.position, second.totalUnits]).to.deep.equal([1, 7n])
    expect(store.head(ref)).to.deep.equal({ count: 2, units: 7n })
    expect([0, 1, 2, 3].map((count) => store.unitsAt(ref, count))).to.deep.equal([0n, 5n, 7n, null])
  })

  it('finds a receipt by its work hash', () => {
    order(0)
    const receipt = store.appendReceipt(ref, 0n, outcomeOf(0))
    expect(store.receiptOf(receipt.workHash)).to.deep.equal(receipt)
    expect(store.receiptOf(dealKey)).to.equal(null)
  })

  it('gives a task one receipt, whatever is tried', () => {
    order(0)
    store.appendReceipt(ref, 0n, outcomeOf(0))
    expect(codeOf(() => store.appendReceipt(ref, 0n, outcomeOf(0, 1)))).to.equal('store.task-billed')
    expect(store.head(ref).count).to.equal(1)
  })

  it('gives no receipt to a task nobody ordered, or ordered on another stream', () => {
    order(1)
    expect(codeOf(() => store.appendReceipt(ref, 0n, outcomeOf(0)))).to.equal('store.unknown-order')
    expect(codeOf(() => store.appendReceipt(ref, 1n, outcomeOf(1)))).to.equal('store.unknown-order')
  })

  it('keeps the first of two orders with one index', () => {
    order(0)
    order(0)
    expect(store.countOpenOrders(dealKey)).to.equal(1)
    const other = orderOf(0, { maxUnits: 11n })
    expect(codeOf(() => store.hasOrder(other))).to.equal('order.conflict')
    expect(codeOf(() => store.addOrders([{ order: other, stream: 0, dealId: 7 }]))).to.equal('order.conflict')
  })

  it('keeps all orders of a call or none', () => {
    order(0)
    const orders = [orderOf(4), orderOf(0, { maxUnits: 11n })].map((one) => ({ order: one, stream: 0, dealId: 7 }))
    expect(codeOf(() => store.addOrders(orders))).to.equal('order.conflict')
    expect(store.countOpenOrders(dealKey)).to.equal(1)
  })

  it('lists orders by index, the largest a signature can name included', () => {
    const last = 2n ** 64n - 4n
    store.addOrders([last, 40n, 8n].map((index) => ({ order: orderOf(index), stream: 0, dealId: 7 })))
    expect(store.openOrders(ref, 9).map(({ index }) => index)).to.deep.equal([8n, 40n, last])
    expect(store.highestOrder(dealKey)).to.equal(last)
  })

  it('signs what it holds: the hash of the bytes, the units so far, by the worker', () => {
    order(0, 4, 8)
    for (const index of [0, 4, 8]) store.appendReceipt(ref, BigInt(index), outcomeOf(index, 0, 3n))
    const tally = store.signTally(ref, 1, 3, sign)
    expect(tally.units).to.equal(9n)
    expect(tally.segment).to.equal(segmentHash(encodeReceipts(store.receipts(ref, 1, 3))))
    expect(recoverCompact(tallyDigest(tally, domain), tally.signature)).to.equal(identity.worker)
  })

  it('returns the tally it signed before instead of signing again', () => {
    order(0)
    store.appendReceipt(ref, 0n, outcomeOf(0))
    const tally = store.signTally(ref, 0, 1, sign)
    const again = store.signTally(ref, 0, 1, () => {
      throw new Error('signed twice')
    })
    expect(again).to.deep.equal(tally)
  })

  it('refuses to sign receipts it does not have, and keeps nothing of the attempt', () => {
    order(0)
    store.appendReceipt(ref, 0n, outcomeOf(0))
    for (const [first, count] of [
      [0, 2],
      [1, 2],
      [0, 0],
      [1, 1],
      [2, 1],
    ] as const) {
      expect(
        codeOf(() => store.signTally(ref, first, count, sign)),
        `${first} to ${count}`,
      ).to.equal('store.missing-receipts')
    }
    expect(store.latestTally(ref, 0)).to.equal(null)
  })

  it('finds the tally that reaches furthest from where the chain stands', () => {
    order(0, 4, 8, 12)
    for (const index of [0, 4, 8, 12]) store.appendReceipt(ref, BigInt(index), outcomeOf(index))
    for (const [first, count] of [
      [0, 2],
      [0, 3],
      [2, 4],
    ] as const)
      store.signTally(ref, first, count, sign)
    const found = [0, 1, 2, 3, 4].map((cursor) => store.latestTally(ref, cursor))
    expect(found.map((tally) => tally && [tally.first, tally.count])).to.deep.equal([
      [0, 3],
      [0, 3],
      [2, 4],
      [2, 4],
      null,
    ])
  })

  it('cannot be made to change or lose a row, even by its own database', () => {
    order(0)
    store.appendReceipt(ref, 0n, outcomeOf(0))
    store.signTally(ref, 0, 1, sign)
    const db = new DatabaseSync(file)
    for (const table of ['orders', 'receipts', 'tallies', 'streams']) {
      expect(() => db.exec(`DELETE FROM ${table}`), table).to.throw('written once')
      expect(() => db.exec(`UPDATE ${table} SET stream = 3`), table).to.throw('written once')
    }
    db.close()
  })

  it('belongs to one worker on one deployment', () => {
    const others = [
      { ...identity, chainId: 1 },
      { ...identity, settlement: identity.worker },
      { ...identity, worker: identity.settlement },
    ]
    for (const other of others)
      expect(codeOf(() => createWorkerStore({ file, identity: other }))).to.equal('store.foreign')
  })

  it('takes over a store from before there were promises and provable work', () => {
    store.close()
    const db = new DatabaseSync(file)
    db.exec('DROP TABLE promises; ALTER TABLE receipts DROP COLUMN final_state; PRAGMA user_version = 1')
    db.close()
    expect(codeOf(() => createWorkerStore({ file, readOnly: true }))).to.equal('store.version')
    store = createWorkerStore({ file, identity })
    expect(store.promises(0, 9)).to.deep.equal([])
    order(0)
    const finalState: Hex = `0x${'07'.repeat(201)}`
    expect(store.appendReceipt(ref, 0n, { ...outcomeOf(0), finalState }).finalState).to.equal(finalState)
    expect(store.receipts(ref, 0, 1)[0]?.finalState).to.equal(finalState)
  })

  it('can be read beside the worker that writes it', () => {
    order(0)
    store.appendReceipt(ref, 0n, outcomeOf(0))
    const reader = createWorkerStore({ file, readOnly: true })
    expect(reader.head(ref).count).to.equal(1)
    expect(() => reader.signTally(ref, 0, 1, sign)).to.throw()
    reader.close()
    expect(codeOf(() => createWorkerStore({ file: join(folder, 'none'), readOnly: true }))).to.equal('store.missing')
  })

  describe('when the process is killed', () => {
    const child = join(import.meta.dirname, 'support', 'store-child.ts')

    /** Runs the child once; whether it was killed, and what it delivered before. */
    function runChild(path: string, fault: string): { isKilled: boolean; delivered: Delivered[] } {
      const env = { TALLY_TEST_STORE: path, TALLY_FAULT_POINT: fault }
      const { stdout, stderr, signal, status } = spawnSync(process.execPath, [child], { env, encoding: 'utf8' })
      expect(signal === 'SIGKILL' || status === 0, stderr).to.equal(true)
      const lines = stdout.split('\n').filter((line) => line !== '')
      return { isKilled: signal === 'SIGKILL', delivered: lines.map((line) => JSON.parse(line)) }
    }

    for (const point of ['order.stored', 'job.done', 'receipt.stored', 'tally.signed', 'segment.delivered']) {
      it(`at ${point}, again and again, the tallies delivered agree and every task is billed once`, () => {
        const path = join(folder, `${point}.sqlite`)
        const faults = [...Array.from({ length: 4 }, () => `${point}:3`), '']
        const runs = faults.map((fault) => runChild(path, fault))
        expect(runs[0]?.isKilled).to.equal(true)
        expect(runs.at(-1)?.isKilled).to.equal(false)

        expect(receiptsOf(runs.flatMap(({ delivered }) => delivered)).size).to.equal(10)
        const reader = createWorkerStore({ file: path, readOnly: true })
        const tasks = reader.receipts(ref, 0, 100).map(({ order: { index } }) => index)
        reader.close()
        expect([tasks.length, new Set(tasks).size]).to.deep.equal([10, 10])
      }).timeout(60_000)
    }
  })
})
