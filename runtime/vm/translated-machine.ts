/**
 * Runs a machine by translating its hot code to WebAssembly, exactly as the interpreter would, to any count of instructions.
 *
 * What is cold, what is too large to translate, and the last instructions before a stop are left to the interpreter.
 *
 * @module
 */
import { TallyError } from '#protocol/errors.ts'
import type { Image } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { CODE_BYTES, DATA_BYTES, DATA_PAGES } from '#protocol/vm/layout.ts'
import { createMachine, type Machine } from '#protocol/vm/machine.ts'
import { STATUS } from '#protocol/vm/state.ts'

import { codeOffset } from './blocks.ts'
import { CASES_AT, DIRTY_AT, FUEL_AT, MEMORY_PAGES, PC_AT, REGISTERS_AT, SLOTS_AT } from './memory-plan.ts'
import { installEntry, type Shared } from './module.ts'
import { createTranslator } from './translator.ts'

/** A machine and the engine that moves it. */
export type TranslatedMachine = {
  readonly machine: Machine
  /**
   * Runs until the machine has executed `until` instructions in all, below 2⁵³, or has ended.
   *
   * @throws {@link TranslationError}
   */
  run(until: number | bigint): void
  /** How many of its instructions translated code has executed. */
  readonly translatedSteps: number
}

/** Thrown when V8 gave up on translated code: the machine's state is lost, a new one has to be interpreted. */
export class TranslationError extends TallyError {
  override readonly name = 'TranslationError'

  constructor(cause: unknown) {
    super('machine.translation', 'translated code could not be run', { cause })
  }
}

/** Instructions interpreted before anything is translated: most short jobs end within them. */
const WARM_UP = 100_000
/** Instructions interpreted at once where no translated code is met. */
const STRETCH = 1_000
/** The same when nothing more will be translated. */
const LONG_STRETCH = 200_000
/** Instructions interpreted one by one to find translated code, or where a jump leads to. */
const PATIENCE = 64
/**
 * Instructions translated code executes before it comes back, at first and at most: V8 exchanges functions for better
 * ones while it runs them, but not one that is inside of a loop.
 */
const FIRST_SLICE = 1_000_000
const LONGEST_SLICE = 100_000_000
/** Arrivals at a place after which it is translated. */
const HOT = 2

/** What translated code works on: memory, a table of functions, and the way into one of them. */
export type TranslatedSpace = Shared & { enter(slot: number): void }

/** A space for one machine: all zero, and no function in it. */
export function createTranslatedSpace(): TranslatedSpace {
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES })
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 })
  return { memory, table, enter: installEntry({ memory, table }) }
}

/** How a translated machine is made. */
export type TranslatedOptions = {
  /** Instructions that are interpreted first. */
  readonly warmUp?: number
  /** Arrivals at a place after which it is translated. */
  readonly hot?: number
  readonly space?: TranslatedSpace
}

/**
 * A machine before its first instruction.
 *
 * @throws MachineError when the input is too long.
 */
export function createTranslatedMachine(
  image: Image,
  input: Uint8Array,
  { warmUp = WARM_UP, hot = HOT, space = createTranslatedSpace() }: TranslatedOptions = {},
): TranslatedMachine {
  const { buffer } = space.memory
  const machine = createMachine(image, input, {
    bytes: new Uint8Array(buffer, 0, DATA_BYTES),
    dirty: new Uint8Array(buffer, DIRTY_AT, DATA_PAGES),
    registers: new Int32Array(buffer, REGISTERS_AT, 32),
  })
  const slots = new Int32Array(buffer, SLOTS_AT, CODE_BYTES / 4)
  const pcCell = new Uint32Array(buffer, PC_AT, 1)
  const fuelCell = new BigInt64Array(buffer, FUEL_AT, 1)
  const numbers = new Uint16Array(buffer, CASES_AT, CODE_BYTES / 4)
  const translator = createTranslator({ image, shared: space, slots, numbers })
  let translatedSteps = 0
  let slice = FIRST_SLICE
  const arrivals = new Map<number, number>()

  const slotAt = (pc: number): number => {
    const offset = codeOffset(pc)
    return offset < CODE_BYTES && offset % 4 === 0 ? (slots[offset / 4] ?? 0) : 0
  }

  /** Runs translated code; false when it did not get anywhere. */
  function runTranslated(slot: number, until: number): boolean {
    const fuel = Math.min(until - machine.steps, slice)
    slice = Math.min(2 * slice, LONGEST_SLICE)
    pcCell[0] = machine.pc
    fuelCell[0] = BigInt(fuel)
    try {
      space.enter(slot)
    } catch (cause) {
      throw new TranslationError(cause)
    }
    const used = fuel - Number(fuelCell[0])
    machine.pc = pcCell[0] as number
    machine.steps += used
    translatedSteps += used
    return used > 0
  }

  /** Counts arrivals at a place and translates it when it is hot; false when it will not be. */
  function arrive(pc: number): boolean {
    const count = (arrivals.get(pc) ?? 0) + 1
    if (arrivals.size > 100_000) arrivals.clear()
    arrivals.set(pc, count)
    return count < hot || translator.translate(pc)
  }

  /** Interprets one by one until translated code begins, and at last until a jump was taken. */
  function seek(until: number): void {
    for (let patience = PATIENCE; patience > 0 && machine.steps < until; patience -= 1) {
      const { pc } = machine
      interpret(machine, machine.steps + 1)
      const isJump = machine.pc !== pc + 4
      if (machine.status !== STATUS.running || (isJump && slotAt(machine.pc) !== 0)) return
      if (isJump && patience < PATIENCE / 2) return
    }
  }

  /** Moves the machine by interpreting, and translates what it keeps coming back to. */
  function runCold(until: number): void {
    if (machine.steps < warmUp) {
      interpret(machine, Math.min(until, warmUp))
      return
    }
    if (!arrive(machine.pc)) {
      interpret(machine, Math.min(until, machine.steps + LONG_STRETCH))
      seek(until)
    } else if (slotAt(machine.pc) === 0) {
      seek(until)
      if (slotAt(machine.pc) !== 0) return
      interpret(machine, Math.min(until, machine.steps + STRETCH))
      seek(until)
    }
  }

  /** Moves the machine by at least one instruction. */
  function advance(limit: number): void {
    const slot = slotAt(machine.pc)
    if (slot === 0) runCold(limit)
    else if (!runTranslated(slot, limit)) {
      const isLast = limit - machine.steps < translator.need
      interpret(machine, isLast ? limit : machine.steps + 1)
    }
  }

  return {
    machine,
    get translatedSteps() {
      return translatedSteps
    },
    run(until) {
      const limit = Number(until)
      while (machine.status === STATUS.running && machine.steps < limit) advance(limit)
    },
  }
}
