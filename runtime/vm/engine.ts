/**
 * What moves a machine: the interpreter, or the translator, which leaves to the interpreter what it cannot do.
 *
 * @module
 */
import type { Image } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { createMachine, type Machine } from '#protocol/vm/machine.ts'

import { createTranslatedMachine, type TranslatedOptions, TranslationError } from './translated-machine.ts'

/** A machine and what moves it. */
export type Engine = {
  readonly machine: Machine
  /** Runs until the machine has executed `until` instructions in all, below 2⁵³, or has ended. */
  run(until: number | bigint): void
}

/**
 * A machine before its first instruction, to be interpreted.
 *
 * @throws MachineError when the input is too long.
 */
export function createInterpretedMachine(image: Image, input: Uint8Array): Engine {
  const machine = createMachine(image, input)
  return { machine, run: (until) => interpret(machine, until) }
}

/**
 * Does work on a machine before its first instruction: translated, and once more interpreted should that fail.
 *
 * @throws MachineError when the input is too long.
 */
export function withEngine<Result>(
  image: Image,
  input: Uint8Array,
  work: (engine: Engine) => Result,
  options?: TranslatedOptions,
): Result {
  try {
    return work(createTranslatedMachine(image, input, options))
  } catch (error) {
    const isOurs = error instanceof TranslationError || error instanceof WebAssembly.CompileError
    if (!isOurs) throw error
    return work(createInterpretedMachine(image, input))
  }
}
