/**
 * Derives `data/departures.bin.br` from the flight records in the npm package `vega-datasets`:
 * `node examples/quiet-skies/derive.ts`. See SOURCE.md.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliCompressSync, constants, zstdDecompressSync } from 'node:zlib'

import { parquetRead } from 'hyparquet'

/** Airports taken, by departures. */
const AIRPORTS = 60
const DAY_MINUTES = 1_440
/** Days of January to June 2001. */
const monthDays = [31, 28, 31, 30, 31, 30] as const
const firstMinute = Date.UTC(2001, 0, 1) / 60_000

/** Minutes since the start of 2001, local time, of every departure, by airport. */
async function readDepartures(): Promise<Map<string, number[]>> {
  const bytes = await readFile(join(import.meta.dirname, '../../node_modules/vega-datasets/data/flights-3m.parquet'))
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const departures = new Map<string, number[]>()
  await parquetRead({
    file,
    compressors: { ZSTD: (input, length) => new Uint8Array(zstdDecompressSync(input, { maxOutputLength: length })) },
    columns: ['date', 'origin'],
    rowFormat: 'array',
    onComplete: (rows) => {
      for (const [date, origin] of rows as [Date, string][]) {
        const minute = date.getTime() / 60_000 - firstMinute
        const known = departures.get(origin)
        if (known === undefined) departures.set(origin, [minute])
        else known.push(minute)
      }
    },
  })
  return departures
}

/** One task's input: airport (3), first day since 1 January (2), days (1), departures (4), then minutes between them. */
function encodeInput(airport: string, firstDay: number, days: number, minutes: readonly number[]): Buffer {
  const header = Buffer.alloc(10)
  header.write(airport, 0, 'latin1')
  header.writeUInt16LE(firstDay, 3)
  header.writeUInt8(days, 5)
  header.writeUInt32LE(minutes.length, 6)
  const gaps: number[] = []
  let previous = firstDay * DAY_MINUTES
  for (const minute of minutes) {
    let gap = minute - previous
    for (; gap >= 0x80; gap >>= 7) gaps.push((gap & 0x7f) | 0x80)
    gaps.push(gap)
    previous = minute
  }
  return Buffer.concat([header, Buffer.from(gaps)])
}

/** Every task's input behind its length. */
export async function deriveDepartures(): Promise<Buffer> {
  const departures = await readDepartures()
  const busiest = [...departures].sort((left, right) => right[1].length - left[1].length).slice(0, AIRPORTS)
  const parts: Buffer[] = []
  for (const [airport, minutes] of busiest) {
    minutes.sort((left, right) => left - right)
    let firstDay = 0
    for (const days of monthDays) {
      const [from, until] = [firstDay * DAY_MINUTES, (firstDay + days) * DAY_MINUTES]
      const input = encodeInput(
        airport,
        firstDay,
        days,
        minutes.filter((minute) => minute >= from && minute < until),
      )
      const length = Buffer.alloc(4)
      length.writeUInt32LE(input.length)
      parts.push(length, input)
      firstDay += days
    }
  }
  return Buffer.concat(parts)
}

if (import.meta.main) {
  const derived = await deriveDepartures()
  const packed = brotliCompressSync(derived, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: derived.length } })
  await writeFile(join(import.meta.dirname, 'data/departures.bin.br'), packed)
}
