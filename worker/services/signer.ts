/**
 * Signs tallies when they are due, from the chain's cursor on.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { Tally } from '#protocol/types.ts'
import type { FaultPoints } from '#runtime/fault-points.ts'

import { freeCoverage } from '../domain/limits.ts'
import { nextRange, type PaceSettings } from '../domain/pace.ts'
import { type ChainView, type DealFacts, type Fleet, streamName } from '../domain/view.ts'
import type { SignedTally } from '../rows.ts'
import type { WorkerStore } from '../store.ts'
import type { Board } from './board.ts'
import { allStands, type StreamStand } from './load.ts'

/** A tally to deliver, with the deal it is of. */
export type Segment = { readonly deal: DealFacts; readonly tally: SignedTally; readonly worker: number }

/** Signs tallies. */
export type Signer = {
  /** Signs what is due; returns every unsettled segment, newly signed or not, one per stream. */
  tick(): readonly Segment[]
}

/** Creates the signer of one worker; `sign` holds its key. */
export function createSigner(options: {
  readonly store: WorkerStore
  readonly board: Board
  readonly sign: (tally: Tally) => Hex
  readonly fleet: Fleet
  readonly pace: PaceSettings
  readonly faults: FaultPoints
  readonly nowMs: () => number
}): Signer {
  const { store, board, fleet, faults } = options
  /** Since when a stream has receipts no tally covers. After a restart they are taken to have waited long enough. */
  const waitingSince = new Map<string, number>()
  let isFirst = true

  function waitedMs(name: string): number {
    if (isFirst) return Number.POSITIVE_INFINITY
    const since = waitingSince.get(name) ?? options.nowMs()
    waitingSince.set(name, since)
    return options.nowMs() - since
  }

  function signDue(view: ChainView, deal: DealFacts, stand: StreamStand): void {
    const { ref, settled } = stand
    const name = streamName(ref)
    const signedCount = store.latestTally(ref, settled.count)?.count ?? 0
    if (stand.count <= Math.max(signedCount, settled.count)) {
      waitingSince.delete(name)
      return
    }
    const signedUnits = store.unitsAt(ref, Math.max(signedCount, settled.count)) ?? 0n
    const range = nextRange(
      {
        ...{ head: stand, cursor: settled.count, signedCount, waitedMs: waitedMs(name) },
        ...{ unsignedAmount: (stand.units - signedUnits) * deal.offer.price, freeCoverage: freeCoverage(view) },
      },
      options.pace,
    )
    if (range === null) return
    store.signTally(ref, range.first, range.count, options.sign)
    faults.hit('tally.signed')
    waitingSince.delete(name)
  }

  return {
    tick() {
      const view = board.view()
      if (view === null) return []
      // a stream somebody else wrote is not signed any further
      const ours = allStands(store, view, fleet).filter(({ stand }) => stand.isOurs)
      for (const { deal, stand } of ours) signDue(view, deal, stand)
      isFirst = false
      return ours.flatMap(({ deal, stand }) => {
        const tally = store.latestTally(stand.ref, stand.settled.count)
        return tally === null ? [] : [{ deal, tally, worker: view.worker }]
      })
    },
  }
}
