/**
 * What is settled: who serves whom in how many streams, and every receipt.
 *
 * All workloads have 100 deals, 50 providers, 20 buyers and 200 workers: deal d is between buyer d mod 20 and provider
 * ⌊d / 2⌋. Units of a receipt are log-uniform from 1 to 60,000.
 *
 * @module
 */
import type { Receipt } from '#protocol/types.ts'

import { createRandom } from './random.ts'

/** Size of a workload. */
export type Shape = {
  readonly name: 'W' | 'W10' | 'W1' | 'middle'
  readonly deals: number
  readonly buyers: number
  readonly streamsPerDeal: number
  readonly receiptsPerStream: number
}

/** 1,000 receipts in 200 streams, 10,000 in the same 200, 1,000 in as many streams. */
export const SHAPES: readonly Shape[] = [
  { name: 'W', deals: 100, buyers: 20, streamsPerDeal: 2, receiptsPerStream: 5 },
  { name: 'W10', deals: 100, buyers: 20, streamsPerDeal: 2, receiptsPerStream: 50 },
  { name: 'W1', deals: 100, buyers: 20, streamsPerDeal: 10, receiptsPerStream: 1 },
]

/** One stream and the receipts each round brings. */
export type StreamPlan = {
  readonly deal: number
  readonly stream: number
  /** Worker's place in the workload. */
  readonly worker: number
  readonly rounds: readonly (readonly Receipt[])[]
}

/** One deal of a workload. */
export type DealPlan = { readonly buyer: number; readonly provider: number; readonly units: bigint }

/** A whole workload. */
export type Workload = {
  readonly shape: Shape
  readonly deals: readonly DealPlan[]
  readonly streams: readonly StreamPlan[]
  /** Most units any stream comes to. */
  readonly longestStream: bigint
}

const MAX_UNITS = 60_000
/** Workers of a deal; more streams share them. */
export const WORKERS_PER_DEAL = 2
/** Deals of a provider. */
export const DEALS_PER_PROVIDER = 2

/**
 * Makes a workload.
 *
 * @param rounds - Batches each stream gets.
 */
export function createWorkload(shape: Shape, seed: number, rounds: number): Workload {
  const random = createRandom(seed, shape.name)
  const receipt = (): Receipt => ({
    units: BigInt(Math.max(1, Math.round(MAX_UNITS ** random.next()))),
    workHash: random.bytes32(),
  })
  const list = <T>(length: number, make: (index: number) => T): T[] => Array.from({ length }, (_, index) => make(index))
  const streams = list(shape.deals * shape.streamsPerDeal, (index): StreamPlan => {
    const deal = Math.floor(index / shape.streamsPerDeal)
    const stream = index % shape.streamsPerDeal
    const worker = deal * WORKERS_PER_DEAL + (stream % WORKERS_PER_DEAL)
    return { deal, stream, worker, rounds: list(rounds, () => list(shape.receiptsPerStream, receipt)) }
  })
  const deals = list(
    shape.deals,
    (index): DealPlan => ({
      buyer: index % shape.buyers,
      provider: Math.floor(index / DEALS_PER_PROVIDER),
      units: sum(streams.filter(({ deal }) => deal === index).map(unitsOf)),
    }),
  )
  let longestStream = 0n
  for (const units of streams.map(unitsOf)) if (units > longestStream) longestStream = units
  return { shape, deals, streams, longestStream }
}

/** Receipts of one round. */
export function receiptsOf({ deals, streamsPerDeal, receiptsPerStream }: Shape): number {
  return deals * streamsPerDeal * receiptsPerStream
}

/** Units of all rounds of a stream. */
export function unitsOf(plan: StreamPlan): bigint {
  return sum(plan.rounds.flat().map(({ units }) => units))
}

/** Sum of whole numbers. */
export function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}
