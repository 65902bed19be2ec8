/**
 * Derives `data/weather.bin.br` from the npm package `vega-datasets`: `node examples/city-weather/derive.ts [FOLDER]`.
 * See SOURCE.md.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { joinTasks, packTasks } from '../support/tasks.ts'

/** Cities of the file, in the order of `data/weather.bin.br`. */
export const cities = ['Seattle', 'New York'] as const

/** One day: highest and lowest temperature, precipitation, wind; tenths of degrees Celsius, mm and m/s. */
export type Day = readonly [highest: number, lowest: number, precipitation: number, wind: number]

const tenths = (text: string | undefined): number => Math.round(Number(text) * 10)

/** A city's days from 1 January 2012 to 31 December 2015. */
export function readCity(city: string): Day[] {
  const file = join(import.meta.dirname, '../../node_modules/vega-datasets/data/weather.csv')
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(','))
    .filter(([name]) => name === city)
    .map(([, , precipitation, highest, lowest, wind]) => [
      tenths(highest),
      tenths(lowest),
      tenths(precipitation),
      tenths(wind),
    ])
}

/** Each city's days, four i16 a day. */
export function deriveWeather(): Buffer {
  return joinTasks(cities.map((city) => new Uint8Array(Int16Array.from(readCity(city).flat()).buffer)))
}

if (import.meta.main) {
  writeFileSync(
    join(process.argv[2] ?? join(import.meta.dirname, 'data'), 'weather.bin.br'),
    packTasks(deriveWeather()),
  )
}
