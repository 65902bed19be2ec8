/**
 * Flight routes: how many flights lie between any two American airports, and which hubs does the traffic meet in?
 *
 * All 305 airports and 5,366 routes with flights in 2008. Each task finds the best ways from sixteen airports to all
 * others.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { readTasks } from '../support/tasks.ts'

/** Airports one task asks about. */
const STARTS_PER_TASK = 16
const NO_WAY = 0xffff
const RECORD_BYTES = 6

/** The best way from one airport to another. */
export type Way = {
  /** Number of flights; null: there is no way. */
  readonly flights: number | null
  readonly kilometres: number
  /** To how many airports the ways from the same start lead through this one. */
  readonly beyond: number
}

/** What the whole workload found. */
export type Summary = {
  /** A table for people, one line each. */
  readonly lines: string[]
  /** The finding, in one sentence. */
  readonly event: string
}

/** Codes of the airports, by their numbers. */
export function readAirports(): string[] {
  const [codes = new Uint8Array()] = readTasks(join(import.meta.dirname, 'data/network.bin.br'), 1)
  return Buffer.from(codes).toString('latin1').match(/.{3}/g) ?? []
}

/** The program every task runs: an ELF file. */
export function program(): Uint8Array {
  return Uint8Array.from(readFileSync(join(import.meta.dirname, 'routes.elf')))
}

/**
 * The tasks' inputs, sixteen airports each, in alphabetical order.
 *
 * @param count - How many, default all 20.
 */
export function loadTasks(count = Number.POSITIVE_INFINITY): { readonly inputs: Uint8Array[] } {
  const [codes, network = new Uint8Array()] = readTasks(join(import.meta.dirname, 'data/network.bin.br'), 2)
  const airports = (codes?.length ?? 0) / 3
  const inputs: Uint8Array[] = []
  for (let first = 0; first < airports && inputs.length < count; first += STARTS_PER_TASK) {
    const starts = Math.min(STARTS_PER_TASK, airports - first)
    const header = Uint16Array.of(airports, network.length / 6, first, starts)
    inputs.push(Uint8Array.from(Buffer.concat([new Uint8Array(header.buffer), network])))
  }
  return { inputs }
}

/**
 * Reads one task's ways: for each airport asked about, the ways to all airports by number.
 *
 * @param airports - How many there are in all.
 * @throws RangeError when the bytes are no result of the program.
 */
export function readResult(output: Uint8Array, airports = readAirports().length): Way[][] {
  const row = airports * RECORD_BYTES
  if (row === 0 || output.length % row !== 0) throw new RangeError(`a result of ${output.length} bytes`)
  const view = new DataView(output.buffer, output.byteOffset, output.length)
  return Array.from({ length: output.length / row }, (_, start) =>
    Array.from({ length: airports }, (_, airport) => {
      const at = start * row + airport * RECORD_BYTES
      const flights = view.getUint16(at, true)
      const [kilometres, beyond] = [view.getUint16(at + 2, true), view.getUint16(at + 4, true)]
      return { flights: flights === NO_WAY ? null : flights, kilometres, beyond }
    }),
  )
}

/**
 * Puts the tasks' results together.
 *
 * @param outputs - What the program wrote, in the order of `loadTasks`, any number of tasks from the first.
 */
export function summarise(outputs: readonly Uint8Array[]): Summary {
  const codes = readAirports()
  const ways = outputs.flatMap((output) => readResult(output, codes.length))
  const counts = new Map<number, number>()
  const through = codes.map((code) => ({ code, ways: 0 }))
  for (const [start, row] of ways.entries()) {
    for (const [airport, { flights, beyond }] of row.entries()) {
      if (airport === start || flights === null) continue
      counts.set(flights, (counts.get(flights) ?? 0) + 1)
      const hub = through[airport]
      if (hub !== undefined) hub.ways += beyond
    }
  }
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const hubs = through.sort((left, right) => right.ways - left.ways).slice(0, 5)
  const share = (part: number): string => `${((100 * part) / Math.max(all, 1)).toFixed(1)} %`
  const most = Math.max(0, ...counts.keys())
  return {
    event: `${hubs[0]?.code} is on ${share(hubs[0]?.ways ?? 0)} of best ways; none takes more than ${most} flights.`,
    lines: [
      `${all.toLocaleString('en')} ways from ${ways.length} airports`,
      ...[...counts]
        .sort(([left], [right]) => left - right)
        .map(([flights, count]) => `${flights} flights: ${share(count)}`),
      ...hubs.map(({ code, ways }) => `through ${code}: ${share(ways)}`),
    ],
  }
}
