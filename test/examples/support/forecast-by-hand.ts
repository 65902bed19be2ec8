/**
 * The forecasts of `forecast.c` a second way: least squares by orthogonal columns instead of normal equations, and a
 * calendar that walks from year to year.
 *
 * @module
 */
import type { Day } from '../../../examples/city-weather/derive.ts'

/** Held-out days and how far ahead they are told. */
export type Plan = { readonly first: number; readonly count: number; readonly ahead: number }

const YEAR_DAYS = 365.25
const NEAR_DAYS = 7

const highest = (days: readonly Day[], at: number): number => (days[at]?.[0] ?? Number.NaN) / 10

function termsOf(days: readonly Day[], at: number, ahead: number, waves: number): number[] {
  const [high, low, rain, wind] = days[at - ahead] ?? [0, 0, 0, 0]
  const angles = Array.from({ length: waves }, (_, wave) => (2 * Math.PI * (wave + 1) * at) / YEAR_DAYS)
  return [
    1,
    high / 10,
    low / 10,
    rain > 0 ? 1 : 0,
    wind / 10,
    ...angles.flatMap((angle) => [Math.sin(angle), Math.cos(angle)]),
  ]
}

const dot = (left: readonly number[], right: readonly number[]): number =>
  left.reduce((sum, value, at) => sum + value * (right[at] ?? 0), 0)

/** Weights that bring the rows' sums closest to the goals: columns made orthogonal one after the other (Gram-Schmidt). */
export function leastSquares(rows: readonly number[][], goals: readonly number[]): number[] {
  const columns = (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? 0))
  const units: number[][] = []
  const triangle = columns.map((column) => {
    let rest = [...column]
    const shares = units.map((unit) => {
      const share = dot(unit, rest)
      rest = rest.map((value, at) => value - share * (unit[at] ?? 0))
      return share
    })
    const length = Math.sqrt(dot(rest, rest))
    units.push(rest.map((value) => value / length))
    return [...shares, length]
  })
  const weights = new Array<number>(columns.length).fill(0)
  for (let at = columns.length - 1; at >= 0; at--) {
    let rest = dot(units[at] ?? [], goals)
    for (let later = at + 1; later < columns.length; later++)
      rest -= (triangle[later]?.[at] ?? 0) * (weights[later] ?? 0)
    weights[at] = rest / (triangle[at]?.[at] ?? 1)
  }
  return weights
}

/** Mean absolute error of the line with this many waves, degrees Celsius. */
export function lineError(days: readonly Day[], { first, count, ahead }: Plan, waves: number): number {
  const isHeldOut = (at: number): boolean => at >= first && at < first + count
  const learnt = days.map((_, at) => at).filter((at) => at >= ahead && !isHeldOut(at) && !isHeldOut(at - ahead))
  const weights = leastSquares(
    learnt.map((at) => termsOf(days, at, ahead, waves)),
    learnt.map((at) => highest(days, at)),
  )
  const errors = Array.from({ length: count }, (_, at) =>
    Math.abs(dot(termsOf(days, first + at, ahead, waves), weights) - highest(days, first + at)),
  )
  return errors.reduce((sum, error) => sum + error, 0) / count
}

/** Mean absolute error of the calendar, and how much warmer the held-out days were than it says; degrees Celsius. */
export function calendarErrors(days: readonly Day[], { first, count }: Plan): { error: number; warmer: number } {
  let [error, warmer] = [0, 0]
  for (let at = first; at < first + count; at++) {
    const same: number[] = []
    for (const years of [-4, -3, -2, -1, 0, 1, 2, 3, 4]) {
      const middle = at + Math.trunc(years * YEAR_DAYS)
      for (let other = middle - NEAR_DAYS; other <= middle + NEAR_DAYS; other++) {
        if (other >= 0 && other < days.length && (other < first || other >= first + count))
          same.push(highest(days, other))
      }
    }
    const difference = highest(days, at) - same.reduce((sum, value) => sum + value, 0) / same.length
    error += Math.abs(difference) / count
    warmer += difference / count
  }
  return { error, warmer }
}
