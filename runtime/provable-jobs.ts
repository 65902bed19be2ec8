/**
 * Asks confined processes about runs of provable programs.
 *
 * @module
 */
import { INPUT_BYTES, INSTRUCTIONS_PER_UNIT, OUTPUT_BYTES, PROGRAM_BYTES } from '#protocol/vm/layout.ts'
import { STATE_BYTES } from '#protocol/vm/state.ts'
import { toHex } from '#protocol/words.ts'
import { unitsOfFuel } from '#protocol/work.ts'

import { ExecutionError } from './execution-error.ts'
import type { ProvableExecution, ProvableExecutor, ProvableRequest } from './provable-execution.ts'
import { answerLimit } from './sandbox/frames.ts'
import type { EndedFrame, SandboxPool } from './sandbox/pool.ts'
import { encodeProvableJob, type ProvableJob } from './sandbox/provable-frames.ts'

/** Longest program: all of its region, and as much again for what a file holds besides. */
const MAX_PROGRAM = 2 * PROGRAM_BYTES
/** Counts of instructions are exact numbers below it. */
const MAX_STEPS = 2n ** 53n
/** Units no process lives to use up; their instructions are still counted exactly. */
const MAX_UNITS = MAX_STEPS / BigInt(INSTRUCTIONS_PER_UNIT) - 1n
/** States asked for at once. */
const MAX_STATES = 65_536
/** What stands in front of an output: the last state and the roots of three regions. */
const RESULT_BYTES = STATE_BYTES + 3 * 32
/** Longer than every witness. */
const MAX_WITNESS = 4_096

/** Creates what asks the processes of a pool. */
export function createProvableJobs(pool: SandboxPool): ProvableExecutor {
  function run(job: () => ProvableJob, answerBytes: number, signal: AbortSignal | undefined): Promise<EndedFrame> {
    return pool.run(() => ({ frame: encodeProvableJob(checked(job())), answerBytes: answerLimit(answerBytes) }), signal)
  }
  return {
    async executeProvable(request, { signal } = {}) {
      const { program, input } = request
      const job = () => ({ task: 'run', program, input, limit: limitOf(request) }) as const
      return toExecution(await run(job, RESULT_BYTES + OUTPUT_BYTES, signal), request)
    },
    async traceStates({ program, input, steps }, { signal } = {}) {
      const job = () => ({ task: 'states', program, input, steps: checkedSteps(steps) }) as const
      const { output } = await run(job, STATE_BYTES * Math.min(steps.length, MAX_STATES), signal)
      return steps.map((_, index) => output.slice(STATE_BYTES * index, STATE_BYTES * (index + 1)))
    },
    async witnessAt({ program, input, step }, { signal } = {}) {
      checkedSteps([step])
      return (await run(() => ({ task: 'witness', program, input, steps: [step] }), MAX_WITNESS, signal)).output
    },
  }
}

function checked(job: ProvableJob): ProvableJob {
  if (job.program.length > MAX_PROGRAM) {
    throw new ExecutionError('execution.program-too-large', { detail: `${job.program.length} bytes` })
  }
  if (job.input.length > INPUT_BYTES) {
    throw new ExecutionError('execution.input-too-large', { detail: `${job.input.length} bytes` })
  }
  return job
}

/** Instructions of the most units. */
function limitOf({ maxUnits }: ProvableRequest): bigint {
  if (maxUnits < 1n || maxUnits >= 2n ** 48n) {
    throw new ExecutionError('execution.units-invalid', { detail: `${maxUnits} units` })
  }
  const units = maxUnits < MAX_UNITS ? maxUnits : MAX_UNITS
  return units * BigInt(INSTRUCTIONS_PER_UNIT)
}

function checkedSteps(steps: readonly bigint[]): readonly bigint[] {
  const isAscending = steps.every((step, index) => step >= (steps[index - 1] ?? 0n) && step < MAX_STEPS)
  if (isAscending && steps.length <= MAX_STATES) return steps
  throw new ExecutionError('execution.steps-invalid', { detail: `${steps.length} counts, not ascending below 2⁵³` })
}

function toExecution({ status, fuel, output }: EndedFrame, { maxUnits }: ProvableRequest): ProvableExecution {
  const rootAt = (index: number) => toHex(output.subarray(STATE_BYTES + 32 * index, STATE_BYTES + 32 * (index + 1)))
  return {
    status,
    output: output.slice(RESULT_BYTES),
    units: status === 2 ? maxUnits : unitsOfFuel(fuel),
    instructions: fuel,
    finalState: output.slice(0, STATE_BYTES),
    regions: { program: rootAt(0), output: rootAt(1), input: rootAt(2) },
  }
}
