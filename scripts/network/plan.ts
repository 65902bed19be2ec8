/**
 * What is bought and sold in the demo: one program, three deals, each settled in its own way.
 *
 * @module
 */

/** Settlement token base units per unit of work: a fifth of a cent. */
export const PRICE = 2_000n
/** Units per hour and stream: no machine here reaches it. */
export const RATE_CAP = 36_000_000
/** Most units one task may take. */
export const MAX_UNITS = 60n
/** Seconds a deal lasts unless it is stopped. */
export const DURATION = 86_400
/** Portions a buyer orders in: each is settled before the next is ordered. */
export const WAVES = 3

/** One deal of the demo. */
export type DealPlan = {
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

/** The first deal trusts the committee, the second the buyer's own eyes, the third nobody: its provider is cut off. */
export const DEALS: readonly DealPlan[] = [
  ...[
    { buyer: 'Ada', provider: 'Northwind', lane: 'attested', tasks: 160, streams: 4, budget: 20_000_000n } as const,
  ].map((deal) => ({ ...deal, exposure: deal.budget / PRICE })),
  {
    buyer: 'Ben',
    provider: 'Northwind',
    lane: 'acknowledged',
    tasks: 110,
    streams: 2,
    budget: 12_000_000n,
    exposure: 900n,
  },
  { buyer: 'Ada', provider: 'Southgate', lane: 'forced', tasks: 90, streams: 2, budget: 12_000_000n, exposure: 6_000n },
]
