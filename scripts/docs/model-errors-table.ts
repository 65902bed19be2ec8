/**
 * The cost model's estimates beside what was measured.
 *
 * @module
 */
import type { Fork } from '#oracle/domain/forks.ts'
import { Mode } from '#protocol/types.ts'
import type { GasRecord } from '../bench/figures.ts'
import { type Load, taken } from '../plots/model-costs.ts'
import { shown, tableOf } from './pages.ts'

const LOADS: readonly (readonly [name: 'W' | 'W10' | 'W1', load: Load])[] = [
  ['W', { groups: 200, receipts: 5, steady: true }],
  ['W10', { groups: 200, receipts: 50, steady: true }],
  ['W1', { groups: 1_000, receipts: 1, steady: true, streamsPerDeal: 10 }],
]
const MODES = [
  ['calldata', Mode.Calldata],
  ['blob', Mode.Blob],
] as const
const FORKS: readonly Fork[] = ['osaka', 'amsterdam']

/** Gas of the bench's workloads by the model, as measured, and by how much the model is off. */
export function modelErrorsTable(record: GasRecord): string {
  const rows = LOADS.flatMap(([workload, load]) =>
    MODES.map(([name, mode]) => [
      `${workload}, ${name}`,
      ...FORKS.flatMap((fork) => {
        const model = taken(load, mode, fork)?.gas ?? null
        const measured = record.result[fork].edr[workload][name]?.gas ?? null
        return [shown(model), shown(measured), percent(model, measured)]
      }),
    ]),
  )
  const head = FORKS.flatMap((fork) => {
    const name = fork === 'osaka' ? 'Osaka' : 'Amsterdam'
    return [`model, ${name}`, 'measured', 'off by']
  })
  return tableOf([['all transactions, gas', ...head], ...rows])
}

function percent(model: number | null, measured: number | null): string {
  if (model === null || measured === null) return '–'
  const value = (model / measured - 1) * 100
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)} %`
}
