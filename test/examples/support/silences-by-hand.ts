/**
 * Quiet skies once more, from the airline records themselves and in another way: lists of departures per day instead of
 * minutes in a table, sorting instead of counting, a search by position instead of running sums.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'

import { parquetRead } from 'hyparquet'

/** One airport's month: for each day the minutes since midnight of its departures, sorted. */
export type AirportMonth = { readonly airport: string; readonly firstDay: number; readonly days: number[][] }

/** What is to be found in one month. */
export type MonthFinding = {
  readonly days: { readonly departures: number; readonly usual: number }[]
  readonly silence: {
    readonly day: number
    readonly from: number
    readonly until: number
    readonly missed: number
  } | null
}

const monthDays = [31, 28, 31, 30, 31, 30]

/** Every airport's months, January to June 2001, airports in the order of their departures. */
export async function readMonths(airports: number): Promise<AirportMonth[]> {
  const path = fileURLToPath(new URL('../../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url))
  const all = new Map<string, number[]>()
  await parquetRead({
    file: Uint8Array.from(readFileSync(path)).buffer,
    compressors: { ZSTD: (input) => Uint8Array.from(zstdDecompressSync(input)) },
    columns: ['origin', 'date'],
    onChunk: () => {},
    onComplete: (rows) => {
      for (const row of rows as unknown as [Date, string][]) add(all, row)
    },
    rowFormat: 'array',
  })
  return [...all]
    .sort((left, right) => right[1].length - left[1].length)
    .slice(0, airports)
    .flatMap(([airport, minutes]) => monthsOf(airport, minutes))
}

function add(all: Map<string, number[]>, row: readonly unknown[]): void {
  const date = row.find((value) => value instanceof Date)
  const airport = row.find((value) => typeof value === 'string')
  if (date === undefined || airport === undefined) throw new Error('a row without date or airport')
  const minutes = all.get(airport) ?? []
  if (minutes.length === 0) all.set(airport, minutes)
  minutes.push((date.getTime() - Date.UTC(2001, 0, 1)) / 60_000)
}

function monthsOf(airport: string, minutes: readonly number[]): AirportMonth[] {
  const byDay: number[][] = Array.from({ length: 182 }, () => [])
  for (const minute of minutes) byDay[Math.floor(minute / 1_440)]?.push(minute % 1_440)
  for (const day of byDay) day.sort((left, right) => left - right)
  return monthDays.map((count, month) => {
    const firstDay = monthDays.slice(0, month).reduce((sum, days) => sum + days, 0)
    return { airport, firstDay, days: byDay.slice(firstDay, firstDay + count) }
  })
}

/** Looks through one month. */
export function findInMonth({ days }: AirportMonth): MonthFinding {
  const month = days.flat().sort((left, right) => left - right)
  const found = days.map((day, index) => ({ day: index, ...strongestSilence(day, month, days.length) }))
  const strongest = found.reduce<(typeof found)[number] | null>(
    (best, next) => (next.missed > (best?.missed ?? 0) ? next : best),
    null,
  )
  return {
    days: days.map((day, index) => ({ departures: day.length, usual: usual(days, index) })),
    silence: strongest === null ? null : { ...strongest, missed: Math.floor((strongest.missed * 1_000) / days.length) },
  }
}

/** Departures of the whole month between the two that follow one another, where that is most. */
export function strongestSilence(
  day: readonly number[],
  month: readonly number[],
  days: number,
): { from: number; until: number; missed: number } {
  const open = day.filter((minute) => minute >= 360 && minute < 1_320)
  let best = { from: 0, until: 0, missed: 0 }
  for (const [index, from] of open.entries()) {
    const until = open[index + 1]
    if (until === undefined) break
    const missed = between(month, from + 1, until)
    const isNormal = days * between(day, from - 119, from + 1) >= 0.75 * between(month, from - 119, from + 1)
    if (missed > best.missed && isNormal) best = { from, until, missed }
  }
  return best
}

/** How many of the sorted `minutes` are at least `from` and below `until`. */
function between(minutes: readonly number[], from: number, until: number): number {
  return Math.max(0, firstAtLeast(minutes, until) - firstAtLeast(minutes, from))
}

function firstAtLeast(minutes: readonly number[], value: number): number {
  let [low, high] = [0, minutes.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((minutes[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

function usual(days: readonly (readonly number[])[], index: number): number {
  const others = days.filter((_, other) => other !== index && other % 7 === index % 7).map((day) => day.length)
  others.sort((left, right) => left - right)
  return others[Math.ceil(others.length / 2) - 1] ?? 0
}

/** How many of the days drawn at random have a silence at least as strong. */
export function drawByHand(
  month: AirportMonth,
  input: Uint8Array,
  atLeast: number,
): { draws: number; asStrong: number } {
  const { days } = month
  const all = days.flat().sort((left, right) => left - right)
  const draws = 16 + Math.floor(all.length / 96)
  let state = input.reduce((hash, byte) => Math.imul(hash ^ byte, 0x0100_0193), 0x811c_9dc5 | 0) >>> 0
  const next = () => {
    state = (state ^ (state << 13)) >>> 0
    state = (state ^ (state >>> 17)) >>> 0
    state = (state ^ (state << 5)) >>> 0
    return state % days.length
  }
  let asStrong = 0
  for (let draw = 0; draw < draws; draw += 1) {
    const drawn = Array.from({ length: 24 }, (_, hour) => {
      const from = days[next()] ?? []
      return from.slice(firstAtLeast(from, hour * 60), firstAtLeast(from, hour * 60 + 60))
    }).flat()
    if (strongestSilence(drawn, all, days.length).missed >= atLeast) asStrong += 1
  }
  return { draws, asStrong }
}
