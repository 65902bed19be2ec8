/**
 * Runs provable programs in this very process, one instruction after the other.
 *
 * @module
 */
import { loadElf, ProgramError } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { createMachine } from '#protocol/vm/machine.ts'
import { instructionLimit, resultOf } from '#protocol/vm/result.ts'

import { toHex } from '#protocol/words.ts'

import { ExecutionError } from './execution-error.ts'
import type { Executor } from './executor.ts'
import type { ProvableExecutor } from './provable-execution.ts'

const ENDINGS = { halted: 0, trapped: 1, 'out-of-units': 2 } as const

/** An executor that runs provable programs as well. */
export function withInterpreter(executor: Executor): Executor & Pick<ProvableExecutor, 'executeProvable'> {
  return {
    ...executor,
    async executeProvable({ program, input, maxUnits }) {
      try {
        const machine = createMachine(loadElf(program), input)
        interpret(machine, instructionLimit(maxUnits))
        const { ending, output, units, finalState } = resultOf(machine, maxUnits)
        const regionOf = (level: number, index: number) => toHex(machine.memoryTree.nodeAt(level, index))
        const regions = { program: regionOf(20, 0), output: regionOf(19, 2), input: regionOf(19, 3) }
        return { status: ENDINGS[ending], output, units, instructions: BigInt(machine.steps), finalState, regions }
      } catch (error) {
        if (error instanceof ProgramError)
          throw new ExecutionError('execution.program-invalid', { detail: error.message })
        throw error
      }
    },
  }
}
