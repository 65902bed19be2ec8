/**
 * Runs orders: lowest index first, never more than the money rules are sure to pay, one receipt for each.
 *
 * @module
 */
import type { Hex } from 'viem'

import { isProgram } from '#protocol/content.ts'
import { taskHash } from '#protocol/eip712.ts'
import type { Offer } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'
import { outputCommitment, workHash } from '#protocol/work.ts'
import type { FaultPoints } from '#runtime/fault-points.ts'
import type { Logger } from '#runtime/log.ts'
import type { DoTask } from '#runtime/tasks.ts'

import { type Hold, holdReason } from '../domain/limits.ts'
import { unsupportedReason } from '../domain/orders.ts'
import { type ChainView, type DealFacts, type Fleet, streamName } from '../domain/view.ts'
import { WorkerError } from '../errors.ts'
import type { SignedOrder, StreamRef } from '../rows.ts'
import type { WorkerStore } from '../store.ts'
import type { Board } from './board.ts'
import type { Library } from './library.ts'
import { allStands, isFrozen, loadOf, type Running, type StreamStand } from './load.ts'

/** Runs orders. */
export type Runner = {
  /** Starts whatever can be started now. */
  pump(): void
  /** Why a stream's next order waits; absent when it does not. */
  holds(): ReadonlyMap<string, Hold | Strangeness>
  running(): number
  /** Waits for the jobs under way. */
  idle(): Promise<void>
}

/** Why a stream is not written any more: a fault froze it, or somebody else wrote it. */
type Strangeness = 'frozen' | 'foreign'

function strangeness(stand: StreamStand): Strangeness | null {
  if (isFrozen(stand)) return 'frozen'
  return stand.isOurs ? null : 'foreign'
}

/** Both sides of every stream, by deal: they stay as they are while jobs are only started. */
type Stands = ReadonlyMap<Hex, readonly StreamStand[]>

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000

/** Creates the runner of one worker; `onReceipt` is called after a receipt is stored. */
export function createRunner(options: {
  readonly store: WorkerStore
  readonly board: Board
  readonly library: Library
  readonly doTask: DoTask
  readonly fleet: Fleet
  readonly concurrency: number
  readonly maxBacklog: number
  readonly faults: FaultPoints
  readonly log: Logger
  readonly signal: AbortSignal
  readonly nowSeconds: () => number
  readonly nowMs: () => number
  readonly onReceipt: () => void
}): Runner {
  const { store, board, library, fleet, faults, log, signal } = options
  const running = new Map<string, Running & { readonly done: Promise<void> }>()
  const retries = new Map<string, { readonly at: number; readonly waitMs: number }>()
  const holds = new Map<string, Hold | Strangeness>()

  const jobName = (order: SignedOrder) => `${order.dealKey}/${order.index}`

  async function run(ref: StreamRef, order: SignedOrder, { kind, program: name }: Offer): Promise<void> {
    const [program, input] = await Promise.all([library.fetch(name), library.fetch(order.inputRoot)])
    if (!isProgram(kind, name, program)) throw new WorkerError('job.program', `${name} names no program of this kind`)
    const startedAt = options.nowSeconds()
    const done = await options.doTask({ kind, program, input, maxUnits: order.maxUnits })
    const endedAt = Math.max(options.nowSeconds(), startedAt)
    if (signal.aborted) return
    faults.hit('job.done')
    const { units, outputRoot, plainHash, finalState } = done
    if (units < 1n || units > order.maxUnits) throw new WorkerError('job.units', `the sandbox counted ${units} units`)
    await library.put(done.delivered)
    const commitment = outputCommitment(outputRoot, plainHash)
    store.appendReceipt(ref, order.index, {
      ...{ units, outputRoot, plainHash, startedAt: BigInt(startedAt), endedAt: BigInt(endedAt) },
      workHash: workHash({ taskHash: taskHash(order), outputCommitment: commitment, startedAt, endedAt }),
      finalState: finalState === null ? null : toHex(finalState),
    })
    faults.hit('receipt.stored')
  }

  function start(ref: StreamRef, order: SignedOrder, offer: Offer): void {
    const name = jobName(order)
    const done = run(ref, order, offer)
      .then(
        () => void retries.delete(name),
        (error: unknown) => {
          if (signal.aborted) return
          const waitMs = Math.min((retries.get(name)?.waitMs ?? FIRST_RETRY_MS / 2) * 2, LAST_RETRY_MS)
          retries.set(name, { at: options.nowMs() + waitMs, waitMs })
          const code = error instanceof WorkerError ? error.code : 'job.failed'
          board.refuse('worker', code, `task ${order.index}: ${error instanceof Error ? error.message : String(error)}`)
          log.warn({ err: error, index: order.index.toString(), dealKey: ref.dealKey }, 'job failed')
        },
      )
      .finally(() => {
        running.delete(name)
        options.onReceipt()
        if (!signal.aborted) pump()
      })
    running.set(name, { ref, order, done })
  }

  function nextOrder(ref: StreamRef): SignedOrder | undefined {
    const now = options.nowMs()
    // as many as may be running or waiting for a retry, and one more
    return store
      .openOrders(ref, running.size + retries.size + 1)
      .find((order) => !running.has(jobName(order)) && (retries.get(jobName(order))?.at ?? 0) <= now)
  }

  /** Starts the stream's next order if the rules allow it; true if it did. */
  function startOne(view: ChainView, deal: DealFacts, stand: StreamStand, stands: Stands): boolean {
    const name = streamName(stand.ref)
    if (running.size >= options.concurrency) return false
    const order = nextOrder(stand.ref)
    holds.delete(name)
    if (order === undefined) return false
    const load = loadOf({ deal, stand, stands, running: [...running.values()], view })
    const settings = { fleet, maxBacklog: options.maxBacklog }
    const hold = strangeness(stand) ?? holdReason(deal, view, load, order.maxUnits, settings)
    if (hold !== null) {
      holds.set(name, hold)
      return false
    }
    start(stand.ref, order, deal.offer)
    return true
  }

  function pump(): void {
    const view = board.view()
    if (view === null || signal.aborted) return
    const all = allStands(store, view, fleet)
    const stands: Stands = new Map(
      [...Map.groupBy(all, ({ deal }) => deal.key)].map(([key, own]) => [key, own.map(({ stand }) => stand)]),
    )
    const served = all.filter(({ deal }) => unsupportedReason(deal) === null)
    // one order of each stream in turn, so that a long queue keeps nobody waiting
    for (let hasStarted = true; hasStarted; ) {
      const started = served.map(({ deal, stand }) => startOne(view, deal, stand, stands))
      hasStarted = started.includes(true)
    }
  }

  return {
    pump,
    holds: () => holds,
    running: () => running.size,
    idle: async () => void (await Promise.all([...running.values()].map(({ done }) => done))),
  }
}
