/**
 * What a worker tells of itself at `GET /v1/status`.
 *
 * @module
 */
import { kindName } from '#protocol/types.ts'
import { toWire } from '#protocol/wire.ts'

import { unsupportedReason } from './domain/orders.ts'
import { type Fleet, streamName } from './domain/view.ts'
import type { Board } from './services/board.ts'
import type { Deliverer } from './services/deliverer.ts'
import { standsOf } from './services/load.ts'
import type { Runner } from './services/runner.ts'
import type { WorkerStore } from './store.ts'

/** Makes the status document; numbers that go on chain are decimal strings. */
export function statusOf(options: {
  readonly store: WorkerStore
  readonly board: Board
  readonly fleet: Fleet
  readonly runner: Runner
  readonly deliverer: Deliverer | null
}) {
  const { store, board, fleet, runner, deliverer } = options
  const view = board.view()
  const deals = [...(view?.deals.values() ?? [])].map((deal) => ({
    dealId: deal.id,
    dealKey: deal.key,
    kind: kindName(deal.offer.kind),
    state: deal.state,
    unsupported: unsupportedReason(deal),
    openOrders: store.countOpenOrders(deal.key),
    streams: (view === null ? [] : standsOf(store, view, deal, fleet)).map((stand) => {
      const name = streamName(stand.ref)
      return {
        stream: stand.ref.stream,
        receipts: stand.count,
        units: stand.units,
        signed: Math.max(store.latestTally(stand.ref, stand.settled.count)?.count ?? 0, stand.settled.count),
        settled: stand.settled.count,
        settledUnits: stand.settled.units,
        isOurs: stand.isOurs,
        hold: runner.holds().get(name) ?? null,
        deliveries: [...(deliverer?.states().get(name) ?? [])].map(([member, { state, check }]) => ({
          ...{ member, state },
          ...(check === undefined ? {} : { check }),
        })),
      }
    }),
  }))
  const head =
    view === null ? null : { block: view.block, clock: view.clock, cover: view.cover, unmatured: view.unmatured }
  return toWire({
    worker: store.identity.worker,
    index: view?.worker ?? null,
    provider: view?.provider ?? null,
    fleet,
    chain: head,
    running: runner.running(),
    members: view?.endpoints ?? [],
    deals,
    refusals: board.refusals(),
  })
}
