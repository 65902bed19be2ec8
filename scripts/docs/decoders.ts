/**
 * What the long run of the decoders' fuzz met, as it was recorded.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { ROOT } from '../support/run.ts'
import { shown, tableOf } from './pages.ts'

/** Where a run of the fuzz is recorded. */
export const DECODERS_RECORD = 'docs/data/decoders.json'

const verdicts = z.record(z.string(), z.int().positive())

const record = z.strictObject({
  /** Repeats the run. */
  command: z.string(),
  seed: z.string(),
  cases: z.int().positive(),
  /** How long it took, on two cores that did other work too. */
  seconds: z.int().positive(),
  /** Cases that were made so that every decoder must take them. */
  valid: z.int().positive(),
  /** Most gas that settling took for a byte, beyond `gasBase`. */
  gasPerByte: z.number().positive(),
  gasBase: z.int().positive(),
  /** Cases by how they were made, and by what is wrong with them. */
  constructions: z.record(z.string(), verdicts),
})

/** A recorded run. */
export type DecodersRecord = z.output<typeof record>

/** Reads the record. @throws Error when it is not what it should be. */
export function readDecoders(): DecodersRecord {
  return record.parse(JSON.parse(readFileSync(join(ROOT, DECODERS_RECORD), 'utf8')))
}

/** What a verdict is called where it is explained. */
const FAULTS: readonly (readonly [verdict: string, words: string])[] = [
  ['read', 'none: all decoders read the same'],
  ['short', 'nothing but a mode and a lane'],
  ['mode', 'a mode there is not'],
  ['lane', 'a lane there is not'],
  ['blobs', 'no blob, too many, or one without groups'],
  ['cut off', 'the bytes end within a field'],
  ['stream', 'a stream number that is too high or does not rise'],
  ['count', 'a group without receipts, or with more than a stream can have'],
  ['units', 'a receipt of no units'],
  ['trailing', 'bytes behind the last group'],
]

/** Cases by what is wrong with them, and in how many ways each came about. */
export function decodersTable({ constructions }: DecodersRecord): string {
  const ways = Object.values(constructions)
  const rows = FAULTS.map(([verdict, words]) => {
    const found = ways.flatMap((made) => made[verdict] ?? [])
    return [words, shown(found.reduce((sum, count) => sum + count, 0)), shown(found.length)]
  })
  return tableOf([['what is wrong', 'cases', 'ways of making them'], ...rows])
}

/** How large the run was and how to see it again. */
export function decodersLine({ command, seed, cases, seconds, valid, gasPerByte, gasBase }: DecodersRecord): string {
  return [
    `${shown(cases)} cases in ${shown(seconds / 60)} minutes, ${shown((100 * valid) / cases, 1)} % of them valid by construction: no difference.`,
    `Settling any of them took at most ${shown(gasBase)} gas and ${shown(gasPerByte, 1)} for each byte.`,
    '',
    '```',
    `TALLY_FUZZ_SEED=${seed} \\`,
    command,
    '```',
  ].join('\n')
}
