/**
 * The engines that run a provable program, by name: one state after each count of instructions, whichever runs it.
 *
 * An engine is loaded when it is asked for, so that the small ones start at once.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import type { Image } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { REGISTER_A0 } from '#protocol/vm/layout.ts'
import { createMachine, type Machine } from '#protocol/vm/machine.ts'
import { type Status, stateHash } from '#protocol/vm/state.ts'

import { ROOT } from '../support/run.ts'

/** Where a run stands when an engine leaves it. */
export type Stand = {
  readonly status: Status
  /** x10, unsigned. */
  readonly a0: number
  readonly steps: bigint
  /** keccak256 of the 201 bytes. */
  readonly stateHash: string
}

/** Runs a program on an input to its end, or until `maxSteps` instructions, below 2^53, are executed. */
export type Engine = (image: Image, input: Uint8Array, maxSteps: number) => Promise<Stand>

const interpreter: Engine = (image, input, maxSteps) => {
  const machine = createMachine(image, input)
  interpret(machine, maxSteps)
  return Promise.resolve(standOf(machine))
}

const translator: Engine = async (image, input, maxSteps) => {
  const { withEngine } = await import('#runtime/vm/engine.ts')
  const work = ({ machine, run }: { readonly machine: Machine; run(until: number): void }) => {
    run(maxSteps)
    return standOf(machine)
  }
  // who names the translator wants nothing interpreted that can be translated
  return withEngine(image, input, work, { warmUp: 0, hot: 1 })
}

/** Each step by the verifier's bytecode; the contracts are compiled if they never were. */
const solidity: Engine = async (image, input, maxSteps) => {
  if (!existsSync(join(ROOT, 'artifacts', 'contracts'))) {
    const { build } = await import('../network/contracts.ts')
    await build((line) => console.error(line))
  }
  const { createVerifier, runOnVerifier } = await import('./solidity-engine.ts')
  const verifier = await createVerifier()
  try {
    const machine = createMachine(image, input)
    const provenHash = await runOnVerifier(verifier, machine, maxSteps)
    return { ...standOf(machine), stateHash: provenHash }
  } finally {
    await verifier.close()
  }
}

function standOf(machine: Machine): Stand {
  const { status, steps, memory } = machine
  const a0 = (memory.registers[REGISTER_A0] ?? 0) >>> 0
  return { status, a0, steps: BigInt(steps), stateHash: stateHash(machine.packedState()) }
}

/** Engines by name. */
export const ENGINES: ReadonlyMap<string, Engine> = new Map([
  ['interpreter', interpreter],
  ['translator', translator],
  ['solidity', solidity],
])
/** The one that runs where none is named. */
export const DEFAULT_ENGINE = 'translator'
