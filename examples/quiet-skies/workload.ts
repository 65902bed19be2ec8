/**
 * Quiet skies: when did an American airport, at normal traffic, suddenly fall silent?
 *
 * 2.6 million departures of the first half of 2001 from the 60 busiest airports, one task per airport and month. The
 * answer is in the history books.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'

/** Most bytes the packed data may unpack to. */
const MAX_DATA_BYTES = 16_777_216
const HEADER_BYTES = 10
const NO_DAY = 255

/** One day at one airport. */
export type AirportDay = {
  readonly airport: string
  /** Local date, `2001-02-28`. */
  readonly date: string
  readonly departures: number
  /** Lower median of the month's other days on the same weekday. */
  readonly usual: number
}

/** The strongest sudden silence of one airport in one month. */
export type Silence = {
  readonly airport: string
  readonly date: string
  /** Minutes since midnight, local time, of the last departure before and the first one after. */
  readonly from: number
  readonly until: number
  /** Departures usual between them, in thousandths. */
  readonly missedThousandths: number
  /** Days drawn at random from the month's hours, and how many of them had a silence at least as strong. */
  readonly draws: number
  readonly asStrong: number
}

/** What one task found. */
export type TaskResult = { readonly departures: number; readonly days: AirportDay[]; readonly silence: Silence | null }

/** What the whole workload found. */
export type Summary = {
  /** A table for people, one line each. */
  readonly lines: string[]
  /** The strongest sudden silence, in one sentence. */
  readonly event: string
  readonly departures: number
  readonly silences: Silence[]
  readonly quietDays: AirportDay[]
}

/** What history says about days this workload may find; it has no part in finding them. */
const history: Readonly<Record<string, string>> = {
  '2001-02-28': 'the Nisqually earthquake, magnitude 6.8, at 10:54 local time',
  '2001-03-05': 'the blizzard in the Northeast',
  '2001-03-06': 'the blizzard in the Northeast',
  '2001-04-11': 'the blizzard in Colorado',
  '2001-06-09': 'the floods of tropical storm Allison',
}
const historyAirports: Readonly<Record<string, readonly string[]>> = {
  '2001-02-28': ['SEA'],
  '2001-03-05': ['BOS', 'LGA', 'JFK', 'EWR', 'BDL', 'PVD'],
  '2001-03-06': ['BOS', 'LGA', 'JFK', 'EWR', 'BDL', 'PVD'],
  '2001-04-11': ['DEN'],
  '2001-06-09': ['IAH', 'HOU'],
}

/** The program every task runs. */
export function program(): Uint8Array {
  return Uint8Array.from(readFileSync(join(import.meta.dirname, 'sudden-silence.wasm')))
}

/** The same program for the provable machine: an ELF file. Inputs and outputs are the same. */
export function provableProgram(): Uint8Array {
  return Uint8Array.from(readFileSync(join(import.meta.dirname, 'sudden-silence.elf')))
}

/**
 * The tasks' inputs, airports with more departures first, six months each.
 *
 * @param count - How many, default all 360; the first 120 hold every event of the summary.
 */
export function loadTasks(count = Number.POSITIVE_INFINITY): { readonly inputs: Uint8Array[] } {
  const packed = readFileSync(join(import.meta.dirname, 'data/departures.bin.br'))
  const data = brotliDecompressSync(packed, { maxOutputLength: MAX_DATA_BYTES })
  const inputs: Uint8Array[] = []
  for (let at = 0; at < data.length && inputs.length < count; ) {
    const end = at + 4 + data.readUInt32LE(at)
    inputs.push(Uint8Array.from(data.subarray(at + 4, end)))
    at = end
  }
  return { inputs }
}

/**
 * Reads what one task found.
 *
 * @throws RangeError when the bytes are no result of the program.
 */
export function readResult(output: Uint8Array): TaskResult {
  const bytes = Buffer.from(output.buffer, output.byteOffset, output.byteLength)
  const airport = bytes.toString('latin1', 0, 3)
  const firstDay = bytes.readUInt16LE(3)
  const count = bytes.readUInt8(5)
  const days = Array.from({ length: count }, (_, day) => ({
    airport,
    date: dateOf(firstDay + day),
    departures: bytes.readUInt16LE(HEADER_BYTES + 4 * day),
    usual: bytes.readUInt16LE(HEADER_BYTES + 4 * day + 2),
  }))
  const at = HEADER_BYTES + 4 * count
  if (bytes.length !== at + 13) throw new RangeError(`a result of ${bytes.length} bytes instead of ${at + 13}`)
  const day = bytes.readUInt8(at)
  const silence = {
    airport,
    date: dateOf(firstDay + day),
    from: bytes.readUInt16LE(at + 1),
    until: bytes.readUInt16LE(at + 3),
    missedThousandths: bytes.readUInt32LE(at + 5),
    draws: bytes.readUInt16LE(at + 9),
    asStrong: bytes.readUInt16LE(at + 11),
  }
  return { departures: bytes.readUInt32LE(6), days, silence: day === NO_DAY ? null : silence }
}

/**
 * Puts the tasks' results together.
 *
 * @param outputs - What the program wrote, in any order, any number of tasks.
 */
export function summarise(outputs: readonly Uint8Array[]): Summary {
  const results = outputs.map(readResult)
  const departures = results.reduce((sum, result) => sum + result.departures, 0)
  const silences = results
    .flatMap(({ silence }) => (silence === null ? [] : [silence]))
    .sort((left, right) => right.missedThousandths - left.missedThousandths || compare(left, right))
  const quietDays = results
    .flatMap(({ days }) => days)
    .filter(({ usual }) => usual >= 100)
    .sort((left, right) => left.departures * right.usual - right.departures * left.usual || compare(left, right))
  return {
    departures,
    silences,
    quietDays,
    event: sentence(silences[0]),
    lines: [
      `${departures.toLocaleString('en')} departures, ${results.length} airport months`,
      '',
      'sudden silences: at normal traffic, then nothing',
      'airport  date        from   until  departures missed  chance',
      ...silences.slice(0, 5).map(silenceLine),
      '',
      'quietest days',
      'airport  date        departures  usual',
      ...quietDays.slice(0, 6).map(quietLine),
    ],
  }
}

function sentence(silence: Silence | undefined): string {
  if (silence === undefined) return 'No airport fell silent.'
  const { airport, date, from, until } = silence
  const known = historyOf(silence)
  const what = known === '' ? '' : ` - ${known}`
  return `${airport}, ${date}: no departure between ${clock(from)} and ${clock(until)}, where ${missed(silence)} were usual${what}.`
}

function silenceLine(silence: Silence): string {
  const { airport, date, from, until, draws, asStrong } = silence
  const chance = asStrong === 0 ? `< 1/${draws}` : `${asStrong}/${draws}`
  const columns = [airport.padEnd(8), date, '', clock(from), '', clock(until), missed(silence).padStart(18), '', chance]
  return note(columns.join(' '), silence)
}

function quietLine(day: AirportDay): string {
  const columns = [day.airport.padEnd(8), day.date, String(day.departures).padStart(11), String(day.usual).padStart(6)]
  return note(columns.join(' '), day)
}

function note(line: string, of: { readonly airport: string; readonly date: string }): string {
  const known = historyOf(of)
  return known === '' ? line : `${line}   ${known}`
}

function historyOf({ airport, date }: { readonly airport: string; readonly date: string }): string {
  return historyAirports[date]?.includes(airport) === true ? (history[date] ?? '') : ''
}

function missed({ missedThousandths }: Silence): string {
  return (missedThousandths / 1_000).toFixed(1)
}

function clock(minutes: number): string {
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`.padStart(5)
}

function dateOf(day: number): string {
  return new Date(Date.UTC(2001, 0, 1 + day)).toISOString().slice(0, 10)
}

type Place = { readonly airport: string; readonly date: string }

function compare(left: Place, right: Place): number {
  return `${left.date}${left.airport}` < `${right.date}${right.airport}` ? -1 : 1
}
