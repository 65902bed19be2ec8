/**
 * Forces receipts in that no batch has carried for too long.
 *
 * One stream at a time: a forced batch whose root another transaction changed is refused as a whole, and a batch of one
 * stream has the least to lose.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { Domain } from '#protocol/eip712.ts'
import { Outcome, type Tally } from '#protocol/types.ts'
import type { Logger } from '#runtime/log.ts'

import type { GasSender } from '../adapters/gas-sender.ts'
import { type ChainView, type Fleet, streamName } from '../domain/view.ts'
import { buildForceBatch, forceGroup } from '../force.ts'
import type { StreamRef } from '../rows.ts'
import type { WorkerStore } from '../store.ts'
import type { Board } from './board.ts'
import { allStands } from './load.ts'

/** Pause before forcing after a broken promise is tried again, milliseconds. */
const PROMISE_RETRY_MS = 15_000

/** Forces receipts in. */
export type Forcer = {
  /** Forces the streams whose receipts have waited too long; one call at a time. */
  tick(): Promise<void>
  /** Forces a stream's oldest unsettled receipts now. @returns The transaction, or null when there is nothing to force. */
  forceStream(ref: StreamRef): Promise<Hex | null>
}

/** Creates the forcer of one worker. */
export function createForcer(options: {
  readonly store: WorkerStore
  readonly board: Board
  readonly sender: GasSender
  readonly domain: Domain
  readonly fleet: Fleet
  readonly afterMs: number
  readonly signTally: (tally: Tally) => Hex
  readonly signDigest: (digest: Hex) => Hex
  readonly log: Logger
  readonly nowMs: () => number
}): Forcer {
  const { store, board, sender, fleet, log } = options
  /** Since when a stream's cursor stands with receipts waiting behind it. */
  const stuckSince = new Map<string, { readonly cursor: number; readonly atMs: number }>()
  /** When forcing after a broken promise was last tried. */
  const triedAt = new Map<string, number>()
  let isBusy = false

  function isBroken(ref: StreamRef, cursor: number, view: ChainView): boolean {
    const name = streamName(ref)
    if (options.nowMs() - (triedAt.get(name) ?? Number.NEGATIVE_INFINITY) < PROMISE_RETRY_MS) return false
    const broken = store.brokenPromise(ref, cursor, view.clock)
    if (broken !== null) triedAt.set(name, options.nowMs())
    return broken !== null
  }

  function isStuck(name: string, cursor: number): boolean {
    const known = stuckSince.get(name)
    const since = known !== undefined && known.cursor === cursor ? known : { cursor, atMs: options.nowMs() }
    stuckSince.set(name, since)
    return options.nowMs() - since.atMs >= options.afterMs
  }

  async function forceStream(ref: StreamRef): Promise<Hex | null> {
    const view = board.view()
    const cursor = view?.streams.get(streamName(ref))?.count
    if (view === null || cursor === undefined) return null
    const group = forceGroup({ store, ref, cursor, worker: view.worker, clock: view.clock, sign: options.signTally })
    if (group === null) return null
    const place = view.deals.get(ref.dealKey)?.place ?? 0
    const batch = buildForceBatch({
      ...{ groups: [{ ...group, place }], domain: options.domain, sender: sender.address, sign: options.signDigest },
    })
    const [outcome] = await sender.outcomes(batch)
    if (outcome !== Outcome.Applied && outcome !== Outcome.Clamped) {
      board.refuse('chain', `outcome.${outcome ?? 'none'}`, `${streamName(ref)} cannot be forced now`)
      return null
    }
    const transaction = await sender.send(batch)
    log.info({ transaction, receipts: batch.receipts, stream: streamName(ref) }, 'forced')
    return transaction
  }

  function stuckStreams(view: ChainView): StreamRef[] {
    const stuck: StreamRef[] = []
    for (const { stand } of allStands(store, view, fleet)) {
      const { ref, settled, count, isOurs } = stand
      if (!isOurs || count <= settled.count) stuckSince.delete(streamName(ref))
      // who was promised a batch and got none waits no longer: a broken promise can be shown for a day
      else if (isStuck(streamName(ref), settled.count) || isBroken(ref, settled.count, view)) stuck.push(ref)
    }
    return stuck
  }

  return {
    forceStream,
    async tick() {
      const view = board.view()
      if (view === null || isBusy) return
      isBusy = true
      try {
        for (const ref of stuckStreams(view)) {
          await forceStream(ref).catch((error: unknown) => {
            board.refuse('chain', 'force.failed', error instanceof Error ? error.message : String(error))
            log.warn({ err: error, stream: streamName(ref) }, 'forcing failed')
          })
          // whatever came of it, the stream waits its turn again
          stuckSince.delete(streamName(ref))
        }
      } finally {
        isBusy = false
      }
    },
  }
}
