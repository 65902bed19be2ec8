/**
 * Figures of the provable machine's bench, and the record of one run.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { ROOT } from '../../support/run.ts'

const whole = z.int().min(0)
const positive = z.number().positive()

const speed = z.strictObject({
  /** Instructions of one run. */
  instructions: whole,
  /** Wall time of the best run, seconds; null where there is no C compiler. */
  nativeSeconds: positive.nullable(),
  translatedSeconds: positive,
  /** Instructions a second. */
  translatorPerSecond: positive,
  interpreterPerSecond: positive,
  /** How fast translated code is as a part of native code's speed. */
  translatorToNative: positive.nullable(),
  translatorToInterpreter: positive,
})

/** How fast one program runs. */
export type Speed = z.output<typeof speed>

const dispute = z.strictObject({
  total: whole,
  challenge: whole,
  opening: whole,
  asserterLists: whole,
  challengerLists: whole,
  proof: whole,
  transactions: whole,
})

const gas = z.strictObject({
  /** Whole transaction of one step proven. */
  aluStep: whole,
  memoryStep: whole,
  /** The same with every sibling of both trees. */
  densestStep: whole,
  /** All transactions of a game about 2^27 and 2^40 steps, and of a deployment's very first game. */
  dispute27: dispute,
  dispute40: dispute,
  first27: dispute,
})

/** What proving costs on chain. */
export type ProofGas = z.output<typeof gas>

const commit = z.strictObject({
  /** Wall time of the root over 64 MiB that are not zero anywhere, milliseconds. */
  full64MiBMs: positive,
  /** The same of 1,000 pages written since. */
  incrementalPer1000PagesMs: positive,
})

/** What committing to memory takes. */
export type CommitTimes = z.output<typeof commit>

const record = z.strictObject({
  command: z.string(),
  versions: z.record(z.string(), z.string()),
  /** Why there are no native figures, where there are none. */
  withoutNative: z.string().optional(),
  sha256: speed,
  branchy: speed,
  gas,
  commit,
})

/** One run of the bench. */
export type VmRecord = z.output<typeof record>

/** Where the committed record stands, from the repository's folder. */
export const VM_RECORD = 'docs/data/vm.json'

/** The committed record. */
export function readVmRecord(): VmRecord {
  return record.parse(JSON.parse(readFileSync(join(ROOT, VM_RECORD), 'utf8')))
}
