/**
 * What is bought and sold in the demo: three programs, five deals, repeatable and provable work, settled in every way.
 *
 * @module
 */

import { CITY_WEATHER, type Job, LAMBDA_PHAGE, QUIET_SKIES } from './jobs.ts'

/** Settlement token base units per unit of work: a fifth of a cent. */
export const PRICE = 2_000n
/** Units per hour and stream: no machine here reaches it. */
export const RATE_CAP = 36_000_000
/** Seconds a deal lasts unless it is stopped. */
export const DURATION = 86_400
/** Portions a buyer orders in: each is settled before the next is ordered. */
export const WAVES = 3

/** One deal of the demo. */
export type DealPlan = {
  readonly job: Job
  readonly buyer: string
  readonly provider: string
  readonly lane: 'attested' | 'acknowledged' | 'forced'
  readonly tasks: number
  readonly streams: number
  /** Settlement token base units. */
  readonly budget: bigint
  /** Units payable before the buyer acknowledges any. */
  readonly exposure: bigint
}

/** Deals settle by the committee's word, by the buyer's own eyes, or by force: that deal's provider is cut off. */
export const DEALS: readonly DealPlan[] = [
  {
    ...{ job: QUIET_SKIES, buyer: 'Ada', provider: 'Northwind', lane: 'attested', tasks: 160, streams: 4 },
    ...{ budget: 20_000_000n, exposure: 10_000n },
  },
  {
    ...{ job: QUIET_SKIES, buyer: 'Ben', provider: 'Northwind', lane: 'acknowledged', tasks: 110, streams: 2 },
    ...{ budget: 12_000_000n, exposure: 900n },
  },
  {
    ...{ job: QUIET_SKIES, buyer: 'Ada', provider: 'Southgate', lane: 'forced', tasks: 90, streams: 2 },
    ...{ budget: 12_000_000n, exposure: 6_000n },
  },
  {
    ...{ job: LAMBDA_PHAGE, buyer: 'Ada', provider: 'Northwind', lane: 'attested', tasks: 40, streams: 2 },
    ...{ budget: 6_000_000n, exposure: 3_000n },
  },
  {
    ...{ job: CITY_WEATHER, buyer: 'Cleo', provider: 'Northwind', lane: 'acknowledged', tasks: 20, streams: 2 },
    ...{ budget: 16_000_000n, exposure: 1_500n },
  },
]
