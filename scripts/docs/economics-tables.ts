/**
 * Tables of the simulation's record.
 *
 * @module
 */
import type { EconomicsRecord } from '../sim/figures.ts'
import { tableOf } from './pages.ts'

const DOLLAR = 1_000_000

function dollars({ mean, margin }: { readonly mean: number; readonly margin: number }): string {
  return `${(mean / DOLLAR).toFixed(2)} ± ${(margin / DOLLAR).toFixed(2)}`
}

/** A detection probability from which on cheating does not pay. */
function deterrence(from: number | null): string {
  if (from === null) return 'never'
  if (from === 0) return 'always'
  return `${(100 * from).toFixed(from < 0.01 ? 2 : 1)} %`
}

/** Every strategy: profit with and without a watcher, and from which detection probability on it does not pay. */
export function strategiesTable({ strategies }: EconomicsRecord): string {
  const rows = strategies.map(({ name, plan, detected, undetected, loss, deterredFrom }) => [
    ...[name, plan, dollars(detected), dollars(undetected), dollars(loss), deterrence(deterredFrom)],
  ])
  const head = ['strategy', 'what it does', 'profit, seen', 'profit, unseen', 'victims lose, seen', 'deterred from']
  return tableOf([head, ...rows], 2)
}

/** How other parameters move the probability that deters each strategy. */
export function variationsTable({ strategies, variations }: EconomicsRecord): string {
  const names = strategies.map(({ name }) => name)
  const rows = variations.map(({ change, deterredFrom }) => [
    change,
    ...names.map((name) => {
      const from = deterredFrom[name]
      return from === undefined ? '' : deterrence(from)
    }),
  ])
  return tableOf([['change', ...names], ...rows], 1)
}
