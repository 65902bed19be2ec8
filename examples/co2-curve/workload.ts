/**
 * The curve of carbon dioxide: how fast does the air's share rise, and does it rise ever faster?
 *
 * Monthly means over Mauna Loa since 1958, as Charles Keeling began to measure them. Each task looks at the ten years
 * up to some year, and tells the following years as if they were not known.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { readTasks } from '../support/tasks.ts'

/** Years that windows of ten years end before; the last window has little behind it. */
const ends = Array.from({ length: 51 }, (_, index) => 1969 + index)
const WINDOW_MONTHS = 120
/** January of this year is month −2. */
const FIRST_YEAR = 1958
const FIRST_MONTH = 2

/** What was found in one window; all but the months' names in ppm, a year where it is a speed. */
export type TaskResult = {
  /** In the middle of the window. */
  readonly level: number
  /** A year, in the middle of the window. */
  readonly rise: number
  /** By how much `rise` itself rises a year. */
  readonly faster: number
  /** From the year's lowest to its highest point. */
  readonly swing: number
  readonly highest: string
  readonly lowest: string
  /** Months told, mean and worst error; undefined when there are none. */
  readonly forecast?: number
  readonly error?: number
  readonly worst?: number
}

/** What the whole workload found. */
export type Summary = {
  /** A table for people, one line each. */
  readonly lines: string[]
  /** The finding, in one sentence. */
  readonly event: string
}

/** First years of the tasks' windows, in the order of `loadTasks`. */
export const windows: readonly number[] = ends.map((end) => end - 10)

/** The program every task runs: an ELF file. */
export function program(): Uint8Array {
  return Uint8Array.from(readFileSync(join(import.meta.dirname, 'keeling.elf')))
}

/**
 * The tasks' inputs, windows from 1959 to 1968 up to 2009 to 2018.
 *
 * @param count - How many, default all 51.
 */
export function loadTasks(count = Number.POSITIVE_INFINITY): { readonly inputs: Uint8Array[] } {
  const [months = new Uint8Array()] = readTasks(join(import.meta.dirname, 'data/months.bin.br'), 1)
  const inputs = windows.slice(0, Math.min(count, windows.length)).map((year) => {
    const first = 12 * (year - FIRST_YEAR) - FIRST_MONTH
    const header = Uint32Array.of(months.length / 2, first, first + WINDOW_MONTHS)
    return Uint8Array.from(Buffer.concat([new Uint8Array(header.buffer), months]))
  })
  return { inputs }
}

/**
 * Reads what one task found.
 *
 * @throws RangeError when the bytes are no result of the program.
 */
export function readResult(output: Uint8Array): TaskResult {
  const found = new Map(
    Buffer.from(output)
      .toString('latin1')
      .split('\n')
      .map((line): [string, string] => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']),
  )
  const number = (name: string): number => {
    const value = Number(found.get(name) ?? Number.NaN)
    if (!Number.isFinite(value)) throw new RangeError(`a result without ${name}`)
    return value
  }
  const [level, rise, faster, swing] = [number('level'), number('rise'), number('faster'), number('swing')]
  const base = { level, rise, faster, swing, highest: found.get('highest') ?? '', lowest: found.get('lowest') ?? '' }
  if (!found.has('forecast')) return base
  return { ...base, forecast: number('forecast'), error: number('error'), worst: number('worst') }
}

/**
 * Puts the tasks' results together.
 *
 * @param outputs - What the program wrote, in the order of `loadTasks`, any number of tasks from the first.
 */
export function summarise(outputs: readonly Uint8Array[]): Summary {
  const found = outputs.map((output, at) => ({ year: windows[at] ?? 0, ...readResult(output) }))
  const [first, last] = [found[0], found.at(-1)]
  const rows = found.filter(({ year }) => year % 10 === 9)
  const span = (year: number): string => `${year} to ${year + 9}`
  const speedOf = ({ year, rise }: { readonly year: number; readonly rise: number }): string =>
    `${rise.toFixed(2)} ppm a year from ${span(year)}`
  return {
    event:
      first === undefined || last === undefined
        ? 'Nothing was measured.'
        : `Carbon dioxide rose by ${speedOf(first)}, by ${speedOf(last)}.`,
    lines: [
      'years         level ppm  rise a year  swing  highest  lowest',
      ...rows.map(({ year, level, rise, swing, highest, lowest }) =>
        [
          span(year),
          level.toFixed(1).padStart(10),
          rise.toFixed(2).padStart(12),
          swing.toFixed(1).padStart(6),
          highest.padStart(8),
          lowest.padStart(7),
        ].join(' '),
      ),
    ],
  }
}
