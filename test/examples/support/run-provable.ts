/**
 * Provable programs of examples run on the machine's interpreter, and compiled again.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { loadElf } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { createMachine } from '#protocol/vm/machine.ts'
import { instructionLimit, type RunResult, resultOf } from '#protocol/vm/result.ts'

import { buildPrograms, elfOf } from '../../../examples/support/build.ts'

/** Most units an example's task may cost. */
const MAX_UNITS = 400n

/** Whether the long profile runs. */
export const isDeep = process.env.TALLY_DEEP === '1'

/** SHA-256 in hex, as SOURCE.md has it. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Runs a program to its end. */
export function run(program: Uint8Array, input: Uint8Array): RunResult {
  const machine = createMachine(loadElf(program), input)
  interpret(machine, instructionLimit(MAX_UNITS))
  return resultOf(machine, MAX_UNITS)
}

/** Runs a program that has to halt, and gives its output. */
export function outputOf(program: Uint8Array, input: Uint8Array): Uint8Array {
  const { ending, output } = run(program, input)
  expect(ending).to.equal('halted')
  return output
}

/** Compares an example's programs with what their sources are compiled to here, if there is a compiler. */
export async function expectRebuilt(folder: string, sources: readonly string[]): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), 'tally-example-'))
  try {
    await buildPrograms(folder, sources, temporary)
    for (const name of sources.map(elfOf)) {
      const [built, kept] = [temporary, folder].map((place) => sha256(readFileSync(join(place, name))))
      expect(built, name).to.equal(kept)
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'cli.no-compiler') throw error
    console.log(`      not compiled again: ${error.message}`)
  } finally {
    rmSync(temporary, { recursive: true })
  }
}
