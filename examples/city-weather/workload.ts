/**
 * City weather: how well can the highest temperature of days to come be told from today's weather?
 *
 * Seattle and New York, 2012 to 2015. Each task holds out one year of a city, learns from the other three, forecasts
 * the held-out one some days ahead and compares itself with a calendar and with "as today".
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { readTasks } from '../support/tasks.ts'

const cities = ['Seattle', 'New York'] as const
const years = [2012, 2013, 2014, 2015] as const
/** Days ahead that are tried. */
const aheads = [1, 2, 3, 5, 7] as const
const FIRST_DAY = Date.UTC(2012, 0, 1)
const DAY_MS = 86_400_000
/** The first week of the data has no day to forecast it from. */
const FIRST_FORECAST = 7
const DRAWS = 200
const HEADER_WORDS = 5
const RESULT_WORDS = 15

/** What the line did with a number of waves for the season. */
export type Line = {
  readonly waves: number
  /** Mean absolute error, thousandths of a degree Celsius. */
  readonly error: number
  /** 95 % of its advantage over the better rival lies between these, thousandths of a degree. */
  readonly advantage: readonly [number, number]
}

/** What one task found; all errors in thousandths of a degree Celsius. */
export type TaskResult = {
  readonly calendarError: number
  readonly lazyError: number
  /** How much warmer the held-out year was than the same days of the others. */
  readonly warmer: number
  readonly lines: readonly Line[]
}

/** Which city, year and number of days ahead a task is about. */
export type Question = { readonly city: string; readonly year: number; readonly ahead: number }

/** What the whole workload found. */
export type Summary = {
  /** A table for people, one line each. */
  readonly lines: string[]
  /** The finding, in one sentence. */
  readonly event: string
}

/** The tasks' questions, in the order of `loadTasks`. */
export const questions: readonly Question[] = cities.flatMap((city) =>
  years.flatMap((year) => aheads.map((ahead) => ({ city, year, ahead }))),
)

/** The program every task runs: an ELF file. */
export function program(): Uint8Array {
  return Uint8Array.from(readFileSync(join(import.meta.dirname, 'forecast.elf')))
}

function encode({ year, ahead }: Question, days: Uint8Array): Uint8Array {
  const start = Math.max((Date.UTC(year, 0, 1) - FIRST_DAY) / DAY_MS, FIRST_FORECAST)
  const end = (Date.UTC(year + 1, 0, 1) - FIRST_DAY) / DAY_MS
  const header = Uint32Array.of(days.length / 8, start, end - start, ahead, DRAWS)
  return Uint8Array.from(Buffer.concat([new Uint8Array(header.buffer), days]))
}

/**
 * The tasks' inputs.
 *
 * @param count - How many, default all 40; the first 20 are Seattle's.
 */
export function loadTasks(count = Number.POSITIVE_INFINITY): { readonly inputs: Uint8Array[] } {
  const days = readTasks(join(import.meta.dirname, 'data/weather.bin.br'), cities.length)
  const inputs = questions
    .slice(0, Math.min(count, questions.length))
    .map((question) => encode(question, days[cities.findIndex((city) => city === question.city)] ?? new Uint8Array()))
  return { inputs }
}

/**
 * Reads what one task found.
 *
 * @throws RangeError when the bytes are no result of the program.
 */
export function readResult(output: Uint8Array): TaskResult {
  if (output.length !== 4 * RESULT_WORDS) {
    throw new RangeError(`a result of ${output.length} bytes instead of ${4 * RESULT_WORDS}`)
  }
  const view = new DataView(output.buffer, output.byteOffset)
  const word = (at: number): number => view.getInt32(4 * at, true)
  const lines = Array.from({ length: 4 }, (_, waves): Line => {
    const at = 3 + 3 * waves
    return { waves, error: word(at), advantage: [word(at + 1), word(at + 2)] }
  })
  return { calendarError: word(0), lazyError: word(1), warmer: word(2), lines }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const degrees = (thousandths: number): string => (thousandths / 1_000).toFixed(2)

type Answer = Question & TaskResult

function skillLine(answers: readonly Answer[], city: string, ahead: number): string {
  const own = answers.filter((answer) => answer.city === city && answer.ahead === ahead)
  const byWaves = Array.from({ length: 4 }, (_, waves) => mean(own.map(({ lines }) => lines[waves]?.error ?? 0)))
  const best = byWaves.indexOf(Math.min(...byWaves))
  const sure = own.filter(({ lines }) => (lines[best]?.advantage[0] ?? 0) > 0).length
  const errors = [
    byWaves[best] ?? 0,
    mean(own.map(({ calendarError }) => calendarError)),
    mean(own.map(({ lazyError }) => lazyError)),
  ]
  const columns = [city.padEnd(9), String(ahead).padStart(5), ...errors.map((error) => degrees(error).padStart(9))]
  return [...columns, String(best).padStart(6), `${sure} of ${own.length}`.padStart(11)].join(' ')
}

/**
 * Puts the tasks' results together.
 *
 * @param outputs - What the program wrote, in the order of `loadTasks`, any number of tasks from the first.
 */
export function summarise(outputs: readonly Uint8Array[]): Summary {
  const answers = outputs.flatMap((output, at): Answer[] => {
    const question = questions[at]
    return question === undefined ? [] : [{ ...question, ...readResult(output) }]
  })
  const asked = cities.flatMap((city) => aheads.map((ahead) => ({ city, ahead })))
  const rows = asked.filter(({ city, ahead }) => answers.some((one) => one.city === city && one.ahead === ahead))
  const warmest = answers.toSorted((left, right) => right.warmer - left.warmer)[0]
  return {
    event:
      warmest === undefined
        ? 'Nothing was forecast.'
        : `${warmest.city} was ${degrees(warmest.warmer)} degrees warmer in ${warmest.year} than on the same days of the other years.`,
    lines: [
      `${answers.length} years forecast that the program had not seen; mean error in degrees Celsius`,
      'city      ahead      line  calendar  as today  waves  surely best',
      ...rows.map(({ city, ahead }) => skillLine(answers, city, ahead)),
    ],
  }
}
