/**
 * When it pays to write deals' facts and workers' keys into shared code pages.
 *
 * A page costs gas once, for every row; each batch that reads it costs less from then on. What a deal or a worker will
 * still settle is not known: it is taken to go on as it did. Gas, unless said otherwise.
 *
 * @module
 */
import { DEAL_ROWS } from '#protocol/deal-pages.ts'
import { PAGE_ROWS } from '#protocol/worker-pages.ts'
import { storedDealGas, workerPageGas } from './cost-model.ts'
import { type Fork, GAS, type GasRules } from './forks.ts'

/** Bytes of a page before its rows, and of a row of deals and of workers. */
const HEADER_BYTES = 1
const DEAL_ROW_BYTES = 80
const WORKER_ROW_BYTES = 24
/** Words that packing reads of a deal; it rewrites one of them. */
const PACKED_WORDS = 3
/** Bytes of a deal's place in a batch. */
const PLACE_BYTES = 3
/** What a transaction does beside the page itself: its words, its event. */
const OVERHEAD_GAS = 15_000
/** What a row of deals and one of workers take of input, work and event. */
const DEAL_ROW_GAS = 1_000
const WORKER_ROW_GAS = 1_260

/** How one deal has settled so far. */
export type DealUse = {
  readonly id: number
  /** Where it stands in code already; 0 if nowhere. */
  readonly place: number
  /** Batches it was part of. */
  readonly batches: number
  /** Seconds it has been open, and has left, on the protocol clock. */
  readonly age: number
  readonly left: number
  /** Settlement token base units paid, and left of its budget. */
  readonly paid: bigint
  readonly remaining: bigint
}

/** How one worker has settled so far. */
export type WorkerUse = {
  /** Its index in the registry. */
  readonly index: number
  /** Batches it was part of. */
  readonly batches: number
}

/** Batches a deal will still be part of if it goes on as it did, until its time or its budget ends. */
export function batchesToCome({ batches, age, left, paid, remaining }: DealUse): number {
  if (age <= 0 || paid <= 0n) return 0
  return batches * Math.min(left / age, Number(remaining) / Number(paid))
}

/** Gas a batch saves on a deal whose facts it reads from a page. */
export function savedPerDeal(fork: Fork): number {
  return storedDealGas(fork) - PLACE_BYTES * GAS[fork].floorByte
}

/** Gas a batch saves on each page of workers that it need not read. */
export function savedPerPage(fork: Fork): number {
  return workerPageGas(fork)
}

/** Gas of packing this many deals. */
export function costOfDeals(rows: number, fork: Fork): number {
  const rules = GAS[fork]
  const each = PACKED_WORDS * rules.coldRead + (rules.word - rules.coldRead) + DEAL_ROW_GAS
  return pageGas(rows, DEAL_ROW_BYTES, rules) + rules.word + rules.newWord + rows * each
}

/** Gas of packing this many workers out of this many pages. */
export function costOfWorkers(rows: number, pages: number, fork: Fork): number {
  const rules = GAS[fork]
  return pageGas(rows, WORKER_ROW_BYTES, rules) + pages * rules.coldAccount + rows * WORKER_ROW_GAS
}

function pageGas(rows: number, rowBytes: number, rules: GasRules): number {
  const code = (HEADER_BYTES + rows * rowBytes) * rules.codeByte
  return rules.transaction + OVERHEAD_GAS + rules.contract + code
}

/**
 * Deals to pack into one page now; none if it would not pay back.
 *
 * @param marginPercent - What is saved, in percent of what it costs, from which on it is done.
 */
export function dealsToPack(deals: readonly DealUse[], fork: Fork, marginPercent: number): number[] {
  const saved = savedPerDeal(fork)
  const each = (costOfDeals(2, fork) - costOfDeals(1, fork)) * (marginPercent / 100)
  const worth = deals
    .filter(({ place }) => place === 0)
    .map((deal) => ({ id: deal.id, gain: batchesToCome(deal) * saved }))
    .filter(({ gain }) => gain > each)
    .sort((a, b) => b.gain - a.gain)
    .slice(0, DEAL_ROWS)
  const gain = worth.reduce((sum, one) => sum + one.gain, 0)
  return gain > (costOfDeals(worth.length, fork) * marginPercent) / 100 ? worth.map(({ id }) => id) : []
}

/**
 * Workers to pack into one page now; none if it would not pay back. A page is given up only with all its workers that
 * settle, since a batch reads it as long as one of them is named by it; one that is used is as likely used as often again.
 *
 * @param marginPercent - What is saved, in percent of what it costs, from which on it is done.
 */
export function workersToPack(workers: readonly WorkerUse[], fork: Fork, marginPercent: number): number[] {
  const saved = savedPerPage(fork)
  const each = costOfWorkers(2, 0, fork) - costOfWorkers(1, 0, fork)
  const pages = [...Map.groupBy(workers, ({ index }) => Math.floor(index / PAGE_ROWS)).values()]
    .map((rows) => ({
      indexes: rows.map(({ index }) => index),
      // at most one of its workers' batches each: those of the busiest are batches that read the page
      batches: Math.max(...rows.map(({ batches }) => batches)),
    }))
    .filter(
      ({ indexes, batches }) =>
        batches * saved > ((indexes.length * each + GAS[fork].coldAccount) * marginPercent) / 100,
    )
    .sort((a, b) => b.batches / b.indexes.length - a.batches / a.indexes.length)
  const chosen: typeof pages = []
  let rows = 0
  for (const page of pages) {
    if (rows + page.indexes.length > PAGE_ROWS) continue
    chosen.push(page)
    rows += page.indexes.length
  }
  // the new page is read too, by the batches of its busiest
  const [busiest = 0] = chosen.map(({ batches }) => batches).sort((a, b) => b - a)
  const gain = (chosen.reduce((sum, { batches }) => sum + batches, 0) - busiest) * saved
  const isWorth = gain > (costOfWorkers(rows, chosen.length, fork) * marginPercent) / 100
  return isWorth ? chosen.flatMap(({ indexes }) => indexes) : []
}
