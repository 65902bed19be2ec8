/**
 * What the worker has under way, from its store, the chain's view and the jobs running now.
 *
 * @module
 */
import type { Hex } from 'viem'

import { FROZEN_CURSOR } from '#protocol/rules.ts'
import type { Load } from '../domain/limits.ts'
import {
  type ChainView,
  type DealFacts,
  type Fleet,
  type StreamFacts,
  streamName,
  streamsServed,
} from '../domain/view.ts'
import type { SignedOrder, StreamRef } from '../rows.ts'
import type { WorkerStore } from '../store.ts'

/** A job that runs now. */
export type Running = { readonly ref: StreamRef; readonly order: SignedOrder }

/** Where one stream stands on both sides. */
export type StreamStand = {
  readonly ref: StreamRef
  readonly settled: StreamFacts
  readonly count: number
  readonly units: bigint
  /**
   * Whether the chain's cursor lies on what this store holds. If not, somebody else has written the stream, and a
   * receipt of ours would contradict theirs.
   */
  readonly isOurs: boolean
}

/** Both sides of every stream of a deal that this worker serves. */
export function standsOf(store: WorkerStore, view: ChainView, deal: DealFacts, fleet: Fleet): StreamStand[] {
  return streamsServed(deal.terms.streams, fleet).flatMap((stream) => {
    const ref = { dealKey: deal.key, stream }
    const settled = view.streams.get(streamName(ref))
    if (settled === undefined) return []
    const { count, units } = store.head(ref)
    return [{ ref, settled, count, units, isOurs: store.unitsAt(ref, settled.count) === settled.units }]
  })
}

/** Every stream this worker serves, with its deal. */
export function allStands(
  store: WorkerStore,
  view: ChainView,
  fleet: Fleet,
): { readonly deal: DealFacts; readonly stand: StreamStand }[] {
  return [...view.deals.values()].flatMap((deal) =>
    standsOf(store, view, deal, fleet).map((stand) => ({ deal, stand })),
  )
}

/** Load of the stream `stand` of a deal; `running` jobs count at their maximum. */
export function loadOf(options: {
  readonly deal: DealFacts
  readonly stand: StreamStand
  readonly stands: ReadonlyMap<Hex, readonly StreamStand[]>
  readonly running: readonly Running[]
  readonly view: ChainView
}): Load {
  const { deal, stand, stands, running, view } = options
  const ofDeal = running.filter(({ ref }) => ref.dealKey === deal.key)
  const ofStream = ofDeal.filter(({ ref }) => ref.stream === stand.ref.stream)
  const own = stands.get(deal.key) ?? []
  const reserved = sum(ofDeal.map(({ order }) => order.maxUnits))
  return {
    streamUnits: stand.units + sum(ofStream.map(({ order }) => order.maxUnits)),
    streamReceipts: stand.count + ofStream.length,
    streamBacklog: stand.count - stand.settled.count + ofStream.length,
    dealUnits: sum(own.map(({ units }) => units)) + reserved,
    dealPending: sum(own.map(pendingUnits)) + reserved,
    acknowledged: sum(own.map(({ settled }) => settled.acknowledged)),
    streamsServed: own.length,
    pendingAmount: pendingAmount(view, stands, running),
  }
}

/** Worth of everything made and running that is not settled, base units of the settlement token. */
function pendingAmount(
  view: ChainView,
  stands: ReadonlyMap<Hex, readonly StreamStand[]>,
  running: readonly Running[],
): bigint {
  const made = [...view.deals.values()].map(
    (deal) => sum((stands.get(deal.key) ?? []).map(pendingUnits)) * deal.offer.price,
  )
  const reserved = running.map(({ ref, order }) => order.maxUnits * (view.deals.get(ref.dealKey)?.offer.price ?? 0n))
  return sum(made) + sum(reserved)
}

/** Whether a fault froze the stream: nothing more of it settles, ever. */
export function isFrozen({ settled }: Pick<StreamStand, 'settled'>): boolean {
  return settled.count >= FROZEN_CURSOR
}

function pendingUnits(stand: StreamStand): bigint {
  if (isFrozen(stand)) return 0n
  return stand.units > stand.settled.units ? stand.units - stand.settled.units : 0n
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}
