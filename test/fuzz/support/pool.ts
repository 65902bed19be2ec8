/**
 * Segments that somebody signed over the streams of a market: fitting ones and overlapping ones, and some that claim too
 * much, contradict the others or are a stranger's.
 *
 * @module
 */
import type { BlobGroup, Group } from '#protocol/batch.ts'
import { totalUnits } from '#protocol/receipts.ts'
import type { Receipt, Tally } from '#protocol/types.ts'

import { receiptOf, type Scenario, type Segment } from '../../support/scenario.ts'
import { createRandom } from './random.ts'
import type { World, WorldDeal } from './world.ts'

/** A signed segment, as it stands in a calldata batch and in a blob batch. */
export type PooledSegment = {
  readonly deal: WorldDeal
  readonly tally: Tally
  readonly kind: 'honest' | 'contradicting' | 'too much' | 'too little' | 'stranger'
  /** With the buyer's acknowledgement, which only lane 0 takes. */
  readonly group: Group
  readonly blobGroup: BlobGroup
}

/** Segments of one stream. */
export type PooledStream = { readonly deal: WorldDeal; readonly stream: number; readonly segments: PooledSegment[] }

/** Where a stream stands on the chain. */
export type Stand = { readonly count: number; readonly units: bigint }

const RECEIPTS = 9
/** Receipts of a segment that may be settled already. */
const OVERLAP = 2
/** First and count of the segments of a stream, from two receipts before where it stands. */
const RANGES = [
  ...([
    [0, 2],
    [0, 5],
    [0, 9],
    [1, 6],
  ] as const),
  ...([
    [2, 4],
    [2, 9],
    [4, 7],
    [5, 9],
  ] as const),
] as const
const NOTHING: Stand = { count: 0, units: 0n }

/**
 * Signs for every stream of the market, and for one stream more than each deal has.
 *
 * @param standOf - Where a stream stands; at its beginning if left out.
 */
export function createPool(
  { scenario, deals }: World,
  seed: string,
  standOf: (dealId: number, stream: number) => Stand | undefined = () => NOTHING,
): PooledStream[] {
  return deals.flatMap((deal) => {
    const strangers = deals.filter(({ provider }) => provider.id !== deal.provider.id)
    const streams = [...new Set([0, 1, 2, 6, deal.terms.streams])].filter((stream) => stream <= deal.terms.streams)
    return streams.map((stream): PooledStream => {
      const random = createRandom(`${seed} pool`, deal.id * 64 + stream)
      const receipts = (name: string) =>
        Array.from({ length: RECEIPTS }, (_, index) =>
          receiptOf(`${seed} ${deal.id} ${stream} ${name} ${index}`, 1 + random.below(random.chance(20) ? 900 : 120)),
        )
      const [done, others] = [receipts('done'), receipts('never done')]
      const worker = deal.provider.workers[stream % deal.provider.workers.length]
      const stranger = strangers[random.below(strangers.length)]?.provider.workers[0]
      const stand = standOf(deal.id, stream) ?? NOTHING
      const sign = (kind: PooledSegment['kind'], range: readonly [number, number], list = done, extra = 0n) =>
        signed(scenario, { deal, stream, stand, kind, range, list, extra }, kind === 'stranger' ? stranger : worker)
      return {
        deal,
        stream,
        segments: [
          ...RANGES.map((range) => sign('honest', range)),
          sign('contradicting', [0, 5], others),
          sign('contradicting', [2, 9], others),
          sign('too much', [0, 9], done, 1n),
          sign('too much', [2, 4], done, 10n ** 6n),
          sign('too little', [0, 9], done, -1n),
          sign('too little', [0, 5], done, 1n - totalUnits(done.slice(0, 5))),
          sign('stranger', [0, 9]),
        ],
      }
    })
  })
}

type Work = {
  readonly deal: WorldDeal
  readonly stream: number
  readonly stand: Stand
  readonly kind: PooledSegment['kind']
  readonly range: readonly [number, number]
  readonly list: readonly Receipt[]
  /** Units the tally claims beyond those of the receipts. */
  readonly extra: bigint
}

type Worker = WorldDeal['provider']['workers'][number]

function signed(scenario: Scenario, work: Work, worker: Worker | undefined): PooledSegment {
  const { deal, stream, stand, kind, list, extra } = work
  const [from, to] = work.range
  const start = Math.max(0, stand.count - OVERLAP)
  const receipts = list.slice(from, to)
  // what the stream has, and the receipts behind it
  const after = stand.units + totalUnits(list.slice(stand.count - start, to)) + extra
  const at = { first: start + from, unitsBefore: (after > 0n ? after : 0n) - totalUnits(receipts) }
  const segment: Segment = scenario.segmentAt(deal, stream, at, receipts, worker)
  const { group, tally } = scenario.acknowledged(segment)
  const { receipts: _, ...head } = group
  return { deal, tally, kind, group, blobGroup: { ...head, count: tally.count, segment: tally.segment } }
}
