/**
 * After how many batches pages pay back, from the model.
 *
 * @module
 */
import { costOfDeals, costOfWorkers, savedPerDeal, savedPerPage } from '#oracle/domain/packing.ts'
import { shown, tableOf } from './pages.ts'

const DEALS = 100
const PROVIDERS = 50
const WORKERS = 4
const FORKS = ['osaka', 'amsterdam'] as const

/** Batches until what a page cost is saved. */
export function packingTable(): string {
  const deals = FORKS.map((fork) => costOfDeals(DEALS, fork) / (DEALS * savedPerDeal(fork)))
  const workers = FORKS.map((fork) => {
    const saved = (PROVIDERS - 1) * savedPerPage(fork)
    return costOfWorkers(PROVIDERS * WORKERS, PROVIDERS, fork) / saved
  })
  const row = (name: string, batches: readonly number[], saved: number) => [
    name,
    ...batches.map((one) => shown(Math.ceil(one))),
    shown(saved),
  ]
  return tableOf([
    ['', 'pays back after so many batches, Osaka', 'Amsterdam', 'each saves a batch, gas'],
    row(`${DEALS} deals in a page`, deals, savedPerDeal('osaka')),
    row(`${PROVIDERS} providers' pages of ${WORKERS} workers in one`, workers, savedPerPage('osaka')),
  ])
}
