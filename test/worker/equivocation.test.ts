/**
 * A worker never contradicts itself, whatever happens to it in whatever order.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import fc from 'fast-check'

import { tallyDigest } from '#protocol/eip712.ts'
import { createWorkerStore, type WorkerStore } from '#worker/store.ts'

import { codeOf, type Delivered, receiptsOf } from './support/delivered.ts'
import { dealKey, domain, identity, orderOf, outcomeOf, signWith, workerKey } from './support/fixtures.ts'

const ref = { dealKey, stream: 0 }
const sign = signWith(workerKey, (tally) => tallyDigest(tally, domain))

type Step =
  | { readonly kind: 'work'; readonly task: number; readonly units: number }
  | { readonly kind: 'sign'; readonly first: number; readonly length: number }
  | { readonly kind: 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('work' as const), task: fc.nat(30), units: fc.integer({ min: 1, max: 9 }) }),
  // any first: a re-organisation can move the chain's cursor anywhere
  fc.record({ kind: fc.constant('sign' as const), first: fc.nat(12), length: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant('restart' as const) }),
)

/** Runs a task; `salt` makes it differ from every other run, as times do when a crash repeats one. */
function work(store: WorkerStore, at: Extract<Step, { kind: 'work' }>, salt: number): void {
  const code = codeOf(() => store.appendReceipt(ref, BigInt(at.task * 4), outcomeOf(at.task, salt, BigInt(at.units))))
  expect(code).to.be.oneOf(['nothing thrown', 'store.task-billed'])
}

function deliver(store: WorkerStore, { first, length }: Extract<Step, { kind: 'sign' }>): Delivered[] {
  if (first + length > store.head(ref).count) return []
  const tally = store.signTally(ref, first, first + length, sign)
  expect(tally.units).to.equal(store.unitsAt(ref, tally.count))
  return [{ tally, receipts: store.receipts(ref, first, tally.count) }]
}

/** Everything one worker delivers over `sequence`, and the tasks it billed. */
function play(file: string, sequence: readonly Step[]): { delivered: Delivered[]; tasks: bigint[] } {
  let store = createWorkerStore({ file, identity })
  store.addOrders(Array.from({ length: 31 }, (_, i) => ({ order: orderOf(i * 4), stream: 0, dealId: 7 })))
  const delivered: Delivered[] = []
  for (const [salt, at] of sequence.entries()) {
    if (at.kind === 'work') work(store, at, salt)
    else if (at.kind === 'sign') delivered.push(...deliver(store, at))
    else {
      store.close()
      store = createWorkerStore({ file, identity })
    }
  }
  const tasks = store.receipts(ref, 0, 100).map(({ order }) => order.index)
  store.close()
  return { delivered, tasks }
}

describe('equivocation', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-worker-equivocation-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('never happens, across any sequence of work, signatures, re-organisations and restarts', () => {
    let runs = 0
    const neverContradicts = fc.property(fc.array(step, { maxLength: 40 }), (sequence) => {
      runs += 1
      const { delivered, tasks } = play(join(folder, `run-${runs}.sqlite`), sequence)
      expect(new Set(tasks).size).to.equal(tasks.length)
      const byCount = Map.groupBy(delivered, ({ tally }) => tally.count)
      for (const same of byCount.values()) expect(new Set(same.map(({ tally }) => tally.units)).size).to.equal(1)
      receiptsOf(delivered)
    })
    fc.assert(neverContradicts, { numRuns: 40 })
  }).timeout(60_000)
})
