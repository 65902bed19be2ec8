/**
 * Tables of the simulation's record.
 *
 * @module
 */
import type { EconomicsRecord, VariationFigures } from '../sim/figures.ts'
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

/** What other parameters do to cheats: which pay although they are seen, and which take the most seeing. */
export function variationsTable({ variations }: EconomicsRecord): string {
  const head = ['change', 'pays though seen', 'takes the most seeing', 'then', 'then']
  return tableOf([head, ...variations.map(variationRow)], head.length)
}

function variationRow({ change, breakEven }: VariationFigures): string[] {
  const all = Object.entries(breakEven)
  const paying = all.filter(([, from]) => from === null).map(([name]) => name)
  const rest = all.flatMap(([name, from]) => (from === null ? [] : [{ name, from }])).sort((a, b) => b.from - a.from)
  const [most = '', second = '', third = ''] = rest.map(({ name, from }) => `${name}, ${deterrence(from)}`)
  return [change, paying.join(', ') || 'none', most, second, third]
}
