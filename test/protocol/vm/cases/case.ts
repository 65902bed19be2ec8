/**
 * One case of conformance: a small program and the state in which it ends by the RISC-V specification and the machine's.
 *
 * @module
 */
import { CODE_BASE } from '#protocol/vm/layout.ts'
import type { StatusName } from '#protocol/vm/state.ts'

import { asm, elfOfCode, loadValue } from '../../../support/vm-assembler.ts'

/** A program and what has to come of it. */
export type ConformanceCase = {
  /** What it is about: a mnemonic, or a rule of the machine. */
  readonly about: string
  readonly name: string
  readonly elf: Uint8Array
  readonly input: Uint8Array
  readonly expected: Expected
}

/** The state in which a program ends. */
export type Expected = {
  readonly status: StatusName
  readonly pc: number
  /** Instructions, the one that ends it included. */
  readonly steps: number
  /** Values of some registers, as unsigned words. */
  readonly registers: Readonly<Record<number, number>>
  /** Bytes at an address of data memory. */
  readonly memory?: { readonly address: number; readonly bytes: readonly number[] }
}

/** What a register holds that must not be written. */
export const UNTOUCHED = 0x5a5a_a5a5

/** Values in registers before the instructions of interest. */
export type Before = Readonly<Record<number, number>>

const NO_INPUT = new Uint8Array()

/** Words that put values into registers, two instructions each. */
export function setUp(before: Before): number[] {
  return Object.entries(before).flatMap(([register, value]) => loadValue(Number(register), value))
}

/** A program of straight code that ends with ecall. */
export function halting(
  about: string,
  name: string,
  { before, code, registers, memory, steps }: Straight,
): ConformanceCase {
  const words = [...setUp(before), ...code]
  const counted = steps ?? words.length + 1
  const expected = { status: 'halted' as const, pc: CODE_BASE + 4 * words.length, steps: counted, registers }
  return {
    about,
    name,
    elf: elfOfCode([...words, asm.ecall()]),
    input: NO_INPUT,
    expected: memory === undefined ? expected : { ...expected, memory },
  }
}

/** Code between what sets it up and an ecall. */
export type Straight = {
  readonly before: Before
  readonly code: readonly number[]
  readonly registers: Readonly<Record<number, number>>
  readonly memory?: { readonly address: number; readonly bytes: readonly number[] }
  /** Instructions executed, if not all of them once. */
  readonly steps?: number
}

/** A program whose last word traps where it stands; no register changes. */
export function trapping(about: string, name: string, before: Before, word: number): ConformanceCase {
  const words = [...setUp({ ...before, 31: UNTOUCHED }), word]
  return {
    about,
    name,
    elf: elfOfCode([...words, asm.ecall()]),
    input: NO_INPUT,
    expected: {
      status: 'trapped',
      pc: CODE_BASE + 4 * (words.length - 1),
      steps: words.length,
      registers: { ...unsigned(before), 31: UNTOUCHED },
    },
  }
}

/** The same values as unsigned words. */
export function unsigned(values: Before): Record<number, number> {
  return Object.fromEntries(Object.entries(values).map(([register, value]) => [register, value >>> 0]))
}

/** A word as people write it. */
export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`
}
