/**
 * The main part of the demo: orders in waves, each wave worked off and settled in its deal's own way before the next.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { TaskExecutor } from '#runtime/tasks.ts'

import { createAcknowledger } from './acknowledger.ts'
import { forceDeal } from './forcing.ts'
import type { LocalNetwork } from './local-network.ts'
import type { Deal } from './market.ts'
import { WAVES } from './plan.ts'
import { settledOf, tallyOf, workerOf } from './streams.ts'
import { order, type Workload } from './work-orders.ts'

const LOOK_MS = 150
/** A wave takes seconds; a minute and a half without an end means something is broken. */
const WAVE_MS = 90_000

/** How far a deal is; `settled` receipts of `wanted`. */
export type OnProgress = (work: Workload, settled: number) => void

/** What is done over and over while a deal's work is not settled. */
type Chore = (wanted: number, settled: readonly number[]) => Promise<void>

/** Works off one deal to its last receipt. */
export async function workOff(
  network: LocalNetwork,
  work: Workload,
  options: { readonly executor: TaskExecutor; readonly onProgress: OnProgress; readonly signal: AbortSignal },
): Promise<void> {
  const { tasks } = work.deal.plan
  const chore = choreOf(network, work, options.executor)
  for (let wave = 0; wave < WAVES; wave += 1) {
    const to = Math.ceil((tasks * (wave + 1)) / WAVES)
    await order(network, work, Math.ceil((tasks * wave) / WAVES), to)
    await settle(network, work, to, { ...options, chore })
  }
}

function choreOf(network: LocalNetwork, work: Workload, executor: TaskExecutor): Chore {
  const { lane } = work.deal.plan
  if (lane === 'acknowledged') {
    const acknowledger = createAcknowledger(network, work, executor)
    return () => acknowledger.step()
  }
  if (lane === 'forced') return (wanted, settled) => forceWhenSigned(network, work.deal, wanted, settled)
  return async () => {}
}

/** Forces once the workers have signed everything ordered so far: one transaction for the whole wave. */
async function forceWhenSigned(
  network: LocalNetwork,
  deal: Deal,
  wanted: number,
  settled: readonly number[],
): Promise<void> {
  const signed = await Promise.all(
    settled.map(async (cursor, stream) => {
      const tally = await tallyOf(workerOf(network, deal, stream), deal, stream)
      return tally?.count ?? cursor
    }),
  )
  const reach = signed.reduce((sum, count) => sum + count, 0)
  if (reach >= wanted) await forceDeal(network, deal)
}

async function settle(
  network: LocalNetwork,
  work: Workload,
  wanted: number,
  options: { readonly chore: Chore; readonly onProgress: OnProgress; readonly signal: AbortSignal },
): Promise<void> {
  const until = performance.now() + WAVE_MS
  while (performance.now() < until) {
    options.signal.throwIfAborted()
    const failure = network.failure()
    if (failure !== null) throw new Error(failure)
    const settled = await settledOf(network, work.deal)
    const sum = settled.reduce((total, count) => total + count, 0)
    options.onProgress(work, sum)
    if (sum >= wanted) return
    await options.chore(wanted, settled)
    await sleep(LOOK_MS, undefined, { signal: options.signal })
  }
  throw new Error(`deal ${work.deal.id} did not settle ${wanted} receipts in time`)
}
