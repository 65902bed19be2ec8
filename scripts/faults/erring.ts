/**
 * Runs of provable programs that lie: right up to one instruction, after which another answer stands in the output.
 *
 * @module
 */
import { loadElf } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { DATA_BASE, OUTPUT_BASE, OUTPUT_DEPTH, PAGE_BYTES, PROGRAM_DEPTH } from '#protocol/vm/layout.ts'
import { createMachine, type Machine } from '#protocol/vm/machine.ts'
import { instructionLimit, resultOf } from '#protocol/vm/result.ts'
import { STATUS } from '#protocol/vm/state.ts'
import { toHex } from '#protocol/words.ts'
import type { Rerun } from '#runtime/games/truth.ts'
import type { ProvableExecution } from '#runtime/provable-execution.ts'

/** A program on an input, with the units it may use. */
export type Run = { readonly program: Uint8Array; readonly input: Uint8Array; readonly maxUnits: bigint }

const OUTPUT_AT = OUTPUT_BASE - DATA_BASE

/** How a run ends when its answer is changed right before it halts, and what it would have to show for it. */
export function runWrongly({ program, input, maxUnits }: Run): { readonly execution: ProvableExecution } & Rerun {
  const honest = createMachine(loadElf(program), input)
  interpret(honest, instructionLimit(maxUnits))
  if (honest.status !== STATUS.halted) throw new Error('the program does not answer within its units')
  const slip = honest.steps - 1

  /** Goes on to a step; at the slip the answer's first byte becomes another. */
  function goOn(machine: Machine, to: number): void {
    if (machine.steps < slip && to >= slip) {
      interpret(machine, slip)
      const { bytes, dirty } = machine.memory
      bytes[OUTPUT_AT] = ((bytes[OUTPUT_AT] ?? 0) + 1) & 0xff
      dirty[OUTPUT_AT / PAGE_BYTES] = 1
    }
    interpret(machine, to)
  }

  function execution(): ProvableExecution {
    const machine = createMachine(loadElf(program), input)
    goOn(machine, honest.steps)
    const { output, units, finalState } = resultOf(machine, maxUnits)
    const nodeAt = (depth: number, index: number) => toHex(machine.memoryTree.nodeAt(depth, index))
    const regions = {
      program: nodeAt(PROGRAM_DEPTH, 0),
      output: nodeAt(OUTPUT_DEPTH, 2),
      input: nodeAt(OUTPUT_DEPTH, 3),
    }
    return { status: 0, output, units, instructions: BigInt(machine.steps), finalState, regions }
  }

  return {
    execution: execution(),
    async traceStates({ steps }) {
      const machine = createMachine(loadElf(program), input)
      return steps.map((step) => {
        goOn(machine, Number(step))
        return machine.packedState()
      })
    },
    witnessAt: async () => {
      throw new Error('whoever is asked for an instruction does not lie any more')
    },
  }
}
