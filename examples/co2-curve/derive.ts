/**
 * Derives `data/months.bin.br` from the npm package `vega-datasets`: `node examples/co2-curve/derive.ts [FOLDER]`.
 * See SOURCE.md.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { joinTasks, packTasks } from '../support/tasks.ts'

/** Year and month (1 to 12) that month 0 is. */
const FIRST = { year: 1958, month: 3 } as const

/** Number of a month, from March 1958 on. */
export function monthAt(year: number, month: number): number {
  return 12 * (year - FIRST.year) + month - FIRST.month
}

/** Monthly means in hundredths of a ppm, 0 where nothing was measured. */
export function readMonths(): number[] {
  const file = join(import.meta.dirname, '../../node_modules/vega-datasets/data/co2-concentration.csv')
  const [, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n')
  const months: number[] = []
  for (const line of lines) {
    const [date = '', mean] = line.split(',')
    const [year, month] = date.split('-').map(Number)
    months[monthAt(year ?? 0, month ?? 0)] = Math.round(100 * Number(mean))
  }
  return Array.from(months, (mean) => mean ?? 0)
}

/** The means, two bytes each. */
export function deriveMonths(): Buffer {
  return joinTasks([new Uint8Array(Uint16Array.from(readMonths()).buffer)])
}

if (import.meta.main) {
  writeFileSync(join(process.argv[2] ?? join(import.meta.dirname, 'data'), 'months.bin.br'), packTasks(deriveMonths()))
}
