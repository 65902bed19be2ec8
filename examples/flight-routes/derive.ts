/**
 * Derives `data/` from the npm package `vega-datasets`: `node examples/flight-routes/derive.ts [FOLDER]`. See
 * SOURCE.md.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { joinTasks, packTasks } from '../support/tasks.ts'

const EARTH_RADIUS_KM = 6_371

type Place = { readonly latitude: number; readonly longitude: number }

function readRows(name: string): string[][] {
  const file = join(import.meta.dirname, '../../node_modules/vega-datasets/data', name)
  const [, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => line.split(','))
}

/** Great-circle distance in whole kilometres. Source: the haversine formula. */
function distance(from: Place, to: Place): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180
  const half = (left: number, right: number): number => Math.sin(radians(right - left) / 2) ** 2
  const across = Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * half(from.longitude, to.longitude)
  return Math.round(2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(half(from.latitude, to.latitude) + across)))
}

/** Airports' codes in alphabetical order, joined; then each route of 2008: from, to, kilometres (u16 each). */
export function deriveNetwork(): Buffer {
  // codes come first and places last in a row; names in between may hold commas
  const places = new Map(
    readRows('airports.csv').map((row): [string, Place] => [
      row[0] ?? '',
      { latitude: Number(row.at(-2)), longitude: Number(row.at(-1)) },
    ]),
  )
  const pairs = readRows('flights-airport.csv').map(([from = '', to = '']) => ({ from, to }))
  const codes = [...new Set(pairs.flatMap(({ from, to }) => [from, to]))].sort()
  const flights = pairs
    .map(({ from, to }) => {
      const [start, end] = [places.get(from), places.get(to)]
      if (start === undefined || end === undefined) throw new RangeError(`no place for ${from} or ${to}`)
      return [codes.indexOf(from), codes.indexOf(to), distance(start, end)] as const
    })
    .sort((left, right) => left[0] - right[0] || left[1] - right[1])
  const network = new Uint8Array(Uint16Array.from(flights.flat()).buffer)
  return joinTasks([Buffer.from(codes.join(''), 'latin1'), network])
}

if (import.meta.main) {
  writeFileSync(
    join(process.argv[2] ?? join(import.meta.dirname, 'data'), 'network.bin.br'),
    packTasks(deriveNetwork()),
  )
}
