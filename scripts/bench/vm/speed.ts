/**
 * How fast a program runs translated, interpreted and native: the best of several runs in turn, so that what else the
 * machine does meets all of them.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { type Image, loadElf } from '#protocol/vm/elf.ts'
import { DATA_BASE, OUTPUT_BASE } from '#protocol/vm/layout.ts'
import { createInterpretedMachine, type Engine } from '#runtime/vm/engine.ts'
import { createTranslatedMachine } from '#runtime/vm/translated-machine.ts'

import type { Speed } from './figures.ts'
import { buildNative, type NativeProgram, PROGRAMS } from './native.ts'

/** A program of the bench, and how many rounds its runs have. */
export type BenchProgram = {
  readonly name: 'sha256' | 'branchy'
  readonly rounds: number
  readonly interpreted: number
}

/** Programs: of each, native runs last half a second or more. */
export const BENCH_PROGRAMS: readonly BenchProgram[] = [
  { name: 'sha256', rounds: 1_000_000, interpreted: 5_000 },
  { name: 'branchy', rounds: 2_000, interpreted: 40 },
]

const RUNS = 5
const DIGEST_BYTES = 32
const NEVER = Number.MAX_SAFE_INTEGER

type Timed = { readonly seconds: number; readonly instructions: number; readonly digest: string }

/**
 * Measures a program.
 *
 * @param hasCompiler - Whether native runs can be had.
 * @throws Error when two runs differ in their result.
 */
export function measureSpeed({ name, rounds, interpreted }: BenchProgram, hasCompiler: boolean): Speed {
  const image = loadElf(readFileSync(join(PROGRAMS, `${name}.elf`)))
  const native = hasCompiler ? buildNative(name) : undefined
  try {
    const runs = Array.from({ length: RUNS }, () => ({
      ...runBoth(image, rounds, native),
      interpreted: timed(createInterpretedMachine(image, inputOf(interpreted))),
    }))
    const translated = best(runs.map((one) => one.translated.seconds))
    const nativeSeconds = native === undefined ? null : best(runs.map((one) => one.native?.seconds ?? NEVER))
    const instructions = runs[0]?.translated.instructions ?? 0
    const interpretedInstructions = runs[0]?.interpreted.instructions ?? 0
    const interpreterPerSecond = interpretedInstructions / best(runs.map((one) => one.interpreted.seconds))
    const translatorPerSecond = instructions / translated
    return {
      instructions,
      nativeSeconds,
      translatedSeconds: translated,
      translatorPerSecond: Math.round(translatorPerSecond),
      interpreterPerSecond: Math.round(interpreterPerSecond),
      translatorToNative: nativeSeconds === null ? null : rounded(nativeSeconds / translated),
      translatorToInterpreter: rounded(translatorPerSecond / interpreterPerSecond),
    }
  } finally {
    native?.remove()
  }
}

function runBoth(image: Image, rounds: number, native: NativeProgram | undefined) {
  const compiled = native?.run(rounds)
  const translated = timed(createTranslatedMachine(image, inputOf(rounds)))
  if (compiled !== undefined && compiled.digest !== translated.digest) {
    throw new Error(`native and translated results differ: ${compiled.digest}, ${translated.digest}`)
  }
  return { native: compiled, translated }
}

/** Runs a machine to its end; translation counts as running. */
function timed({ machine, run }: Engine): Timed {
  const startedMs = performance.now()
  run(NEVER)
  const seconds = (performance.now() - startedMs) / 1e3
  const at = OUTPUT_BASE - DATA_BASE
  const digest = Buffer.from(machine.memory.bytes.subarray(at, at + DIGEST_BYTES)).toString('hex')
  return { seconds, instructions: machine.steps, digest }
}

function inputOf(rounds: number): Uint8Array {
  const input = Buffer.alloc(4)
  input.writeUInt32LE(rounds)
  return input
}

function best(seconds: readonly number[]): number {
  return Math.min(...seconds)
}

function rounded(ratio: number): number {
  return Number(ratio.toPrecision(4))
}
