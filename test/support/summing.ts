/**
 * A small provable program, honest runs of it, and runs that err at one step: what liars state.
 *
 * @module
 */

import { loadElf } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { DATA_BASE, OUTPUT_BASE } from '#protocol/vm/layout.ts'
import { createMachine, type Machine } from '#protocol/vm/machine.ts'
import { resultOf } from '#protocol/vm/result.ts'
import { STATUS } from '#protocol/vm/state.ts'
import { witnessOf } from '#protocol/vm/witness.ts'
import { toHex } from '#protocol/words.ts'
import type { ProvableExecution, ProvableExecutor } from '#runtime/provable-execution.ts'

import { asm, elfOfCode, loadValue, wordBytes } from './vm-assembler.ts'

const [COUNT, SUM, SCRATCH, INPUT, OUTPUT] = [5, 6, 7, 8, 9]

/** Reads a number n, does n rounds of five instructions that keep their sum in memory, and answers the sum. */
export const summing = elfOfCode([
  ...loadValue(INPUT, 0x8300_0000),
  ...loadValue(OUTPUT, OUTPUT_BASE),
  ...loadValue(SCRATCH, 0x8040_0000),
  asm.lw(COUNT, 0, INPUT),
  asm.mul(SUM, SUM, COUNT),
  asm.addi(SUM, SUM, 7),
  asm.sw(SUM, 0, SCRATCH),
  asm.addi(COUNT, COUNT, -1),
  asm.bne(COUNT, 0, -16),
  asm.sw(SUM, 0, OUTPUT),
  asm.addi(10, 0, 0),
  asm.addi(11, 0, 4),
  asm.ecall(),
])

/** Instructions of {@link summing} for an input of {@link rounds}. */
export const stepsOf = (count: number): bigint => BigInt(7 + 5 * count + 4)

/** The input that asks for so many rounds. */
export const rounds = (count: number): Uint8Array => wordBytes([count])

/** What goes wrong after so many instructions. */
export type Slip = { readonly after: bigint; readonly change: (machine: Machine) => void }

/** Ways to err. */
export const slips = {
  /** A register is another one for good. */
  register: (after: bigint): Slip => ({
    after,
    change: ({ memory }) => {
      memory.registers[31] = 99
    },
  }),
  /** The answer is another one. */
  output: (after: bigint): Slip => ({ after, change: (machine) => poke(machine, OUTPUT_BASE) }),
  /** Memory that nobody reads is another. */
  memory: (after: bigint): Slip => ({ after, change: (machine) => poke(machine, 0x8123_4560) }),
  /** It goes on for so many more rounds. */
  longer: (after: bigint, more: number): Slip => ({
    after,
    change: ({ memory }) => {
      memory.registers[COUNT] = (memory.registers[COUNT] ?? 0) + more
    },
  }),
} as const

function poke({ memory }: Machine, address: number): void {
  const at = address - DATA_BASE
  memory.bytes[at] = (memory.bytes[at] ?? 0) ^ 0x55
  memory.dirty[at >> 12] = 1
}

/** An executor in this process whose runs err as told. */
export function createInterpreter(slip?: Slip): ProvableExecutor {
  const start = (program: Uint8Array, input: Uint8Array) => createMachine(loadElf(program), input)

  function runTo(machine: Machine, until: bigint): void {
    if (slip !== undefined && machine.steps < slip.after && until >= slip.after) {
      interpret(machine, slip.after)
      slip.change(machine)
    }
    interpret(machine, until)
  }

  return {
    async executeProvable({ program, input, maxUnits }): Promise<ProvableExecution> {
      const machine = start(program, input)
      runTo(machine, maxUnits * 1_000_000n)
      const { output, units, finalState } = resultOf(machine, maxUnits)
      const node = (level: number, index: number) => toHex(machine.memoryTree.nodeAt(level, index))
      const regions = { program: node(20, 0), output: node(19, 2), input: node(19, 3) }
      const status = machine.status === STATUS.halted ? 0 : machine.status === STATUS.trapped ? 1 : 2
      return { status, output, units, instructions: BigInt(machine.steps), finalState, regions }
    },
    async traceStates({ program, input, steps }) {
      const machine = start(program, input)
      return steps.map((step) => {
        runTo(machine, step)
        return machine.packedState()
      })
    },
    async witnessAt({ program, input, step }) {
      const machine = start(program, input)
      runTo(machine, step)
      return witnessOf(machine)
    },
  }
}
