/**
 * Derives `data/hours.bin.br` from the npm package `vega-datasets`: `node examples/grid-battery/derive.ts [FOLDER]`.
 * See SOURCE.md.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { joinTasks, packTasks } from '../support/tasks.ts'

const WEEK_HOURS = 168
const WEEKS = 52

/** For each of 52 weeks temperature and wind of its hours, tenths of a degree Celsius and of m/s (i16 each). */
export function deriveWeeks(): Buffer {
  const file = join(import.meta.dirname, '../../node_modules/vega-datasets/data/seattle-weather-hourly-normals.csv')
  const [, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n')
  const hours = lines.map((line) => {
    const [, , temperature, wind] = line.split(',')
    return [Math.round(10 * Number(temperature)), Math.round(10 * Number(wind))] as const
  })
  const weeks = Array.from({ length: WEEKS }, (_, week) => hours.slice(week * WEEK_HOURS, (week + 1) * WEEK_HOURS))
  return joinTasks(weeks.map((week) => new Uint8Array(Int16Array.from(week.flat()).buffer)))
}

if (import.meta.main) {
  writeFileSync(join(process.argv[2] ?? join(import.meta.dirname, 'data'), 'hours.bin.br'), packTasks(deriveWeeks()))
}
