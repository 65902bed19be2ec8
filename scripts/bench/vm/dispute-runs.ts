/**
 * Machines and runs for measuring disputes: a realistic state to step from, and traces of any length of which nothing but
 * that state is real. The chain cannot tell the difference.
 *
 * @module
 */
import { type Hex, keccak256 } from 'viem'

import type { FinalState } from '#protocol/bisection-opening.ts'
import { loadElf } from '#protocol/vm/elf.ts'
import { DATA_BASE, INPUT_BASE, OUTPUT_BASE, OUTPUT_DEPTH, PAGE_BYTES, PROGRAM_DEPTH } from '#protocol/vm/layout.ts'
import { createMachine, type Machine } from '#protocol/vm/machine.ts'
import { packCore, packState, STATUS, stateHash } from '#protocol/vm/state.ts'
import { paddedRoot } from '#protocol/vm/tree.ts'
import { verifyStep } from '#protocol/vm/verify-step.ts'
import { witnessOf } from '#protocol/vm/witness.ts'
import { concatBytes, toBytes, toHex, uintBytes } from '#protocol/words.ts'

import type { Random } from '../random.ts'

const CODE_KIB = 48
const ADD = 0x00c5_8533 // add a0, a1, a2
const LOAD = 0x0005_2583 // lw a1, 0(a0)
const STORE = 0x00b5_2023 // sw a1, 0(a0)
const [ELF_HEADER, ELF_TABLE] = [52, 32]
/** Where the measured instructions stand in the code, and what they load and store: in a heap. */
const INSTRUCTION_AT = 0x5ac4
const HEAP = 0x8009_3214
const OUTPUT_BYTES = 5_000

/** Kinds of steps whose gas differs. */
export const STEPS = { alu: ADD, load: LOAD, store: STORE } as const

/** State hashes by step, and the one step that can be proven. */
export type Trace = { at(step: bigint): Hex; witness(step: bigint): Hex }

/** A dispute's runs: both agree up to a step, and from then on about nothing. */
export type Quarrel = { readonly asserter: Trace; readonly challenger: Trace }

/** A machine amid its work, and what it began with. */
export type Amid = { readonly machine: Machine; readonly input: Uint8Array; readonly programRoot: Hex }

/** A machine amid its work: 48 KiB of code, data behind it, a heap, a stack, an input and some output. */
export function machineAmidWork(random: Random, word: number): Amid {
  const code = randomWords(random, CODE_KIB * 1024).slice()
  new DataView(code.buffer).setUint32(INSTRUCTION_AT, word, true)
  const input = randomWords(random, 100_000)
  const machine = createMachine(loadElf(elfOf(code)), input)
  machine.commit()
  const programRoot = toHex(machine.memoryTree.nodeAt(PROGRAM_DEPTH, 0))
  const { bytes, dirty, registers } = machine.memory
  const write = (address: number, length: number) => {
    const at = address - DATA_BASE
    bytes.set(randomWords(random, length), at)
    dirty.fill(1, Math.floor(at / PAGE_BYTES), Math.ceil((at + length) / PAGE_BYTES))
  }
  write(0x8001_0000, 40_000) // data and what is zero at first
  write(0x8008_0000, 300_000) // heap
  write(0x81ff_e000, 8192) // stack
  write(OUTPUT_BASE, OUTPUT_BYTES)
  for (let register = 1; register < 32; register += 1) registers[register] = Math.floor(random.next() * 2 ** 32) | 0
  registers[10] = HEAP | 0
  machine.pc = DATA_BASE + INSTRUCTION_AT
  machine.steps = 123_456_789
  return { machine, input, programRoot }
}

/** A witness of a step with every sibling of both trees. */
export function densest(witness: Uint8Array, random: Random): Uint8Array {
  const [core, code] = [witness.slice(0, 137), witness.slice(137, 169)]
  const siblings = (levels: number) => randomWords(random, 32 * levels)
  const parts = [core, code, uintBytes(2 ** 17 - 1, 24, 'mask'), siblings(17)]
  const data = [randomWords(random, 32), uintBytes(2 ** 21 - 1, 24, 'mask'), siblings(21)]
  return concatBytes([...parts, ...data])
}

/** Runs that agree up to step `at`, where the machine stands in both; what comes after is made up by each. */
export function quarrelAt(machine: Machine, at: bigint, steps: bigint, final: Hex): Quarrel {
  const witness = witnessOf(machine)
  const { pre, post } = verifyStep(witness)
  const invented = (who: string, step: bigint): Hex => keccak256(toHex(new TextEncoder().encode(`${who} ${step}`)))
  const by = (who: string, next: Hex, last: Hex): Trace => ({
    at: (step) => {
      if (step === at) return pre
      if (step === at + 1n) return next
      if (step === steps) return last
      return invented(step < at ? 'both' : who, step)
    },
    witness: () => toHex(witness),
  })
  return {
    asserter: by('asserter', invented('asserter', at + 1n), final),
    challenger: by('challenger', post, invented('challenger', steps)),
  }
}

/** The machine as if it had halted after so many steps, with its output behind it. */
export function endOf(machine: Machine, steps: bigint): { readonly hash: Hex; readonly final: FinalState } {
  const state = machine.commit()
  const registers = state.registers.slice()
  registers[11] = OUTPUT_BYTES
  const last = { ...state, registers, steps, status: STATUS.halted }
  const at = OUTPUT_BASE - DATA_BASE
  const output = paddedRoot(machine.memory.bytes.subarray(at, at + OUTPUT_BYTES)).root
  const node = (depth: number, index: number) => toHex(machine.memoryTree.nodeAt(depth, index))
  const inputRoot = node(OUTPUT_DEPTH, (INPUT_BASE - DATA_BASE) / (INPUT_BASE - OUTPUT_BASE))
  return {
    hash: stateHash(packState(last)),
    final: { programRoot: node(PROGRAM_DEPTH, 0), output: toHex(output), inputRoot, core: toHex(packCore(last)) },
  }
}

/** Bytes of the machine's output, for its data root. */
export function outputOf({ memory }: Machine): Uint8Array {
  const at = OUTPUT_BASE - DATA_BASE
  return memory.bytes.slice(at, at + OUTPUT_BYTES)
}

function randomWords(random: Random, length: number): Uint8Array {
  return concatBytes(Array.from({ length: Math.ceil(length / 32) }, () => toBytes(random.bytes32()))).subarray(
    0,
    length,
  )
}

/** An ELF file of one executable segment where code begins. */
function elfOf(code: Uint8Array): Uint8Array {
  const file = new Uint8Array(ELF_HEADER + ELF_TABLE + code.length)
  const view = new DataView(file.buffer)
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1])
  view.setUint16(16, 2, true)
  view.setUint16(18, 243, true)
  const header = [1, DATA_BASE, ELF_HEADER, 0, 0]
  header.forEach((word, at) => {
    view.setUint32(20 + 4 * at, word, true)
  })
  view.setUint16(40, ELF_HEADER, true)
  view.setUint16(42, ELF_TABLE, true)
  view.setUint16(44, 1, true)
  const from = ELF_HEADER + ELF_TABLE
  const segment = [1, from, DATA_BASE, DATA_BASE, code.length, code.length, 5, 4]
  segment.forEach((word, at) => {
    view.setUint32(ELF_HEADER + 4 * at, word, true)
  })
  file.set(code, from)
  return file
}
