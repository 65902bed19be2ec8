/**
 * Runs programs nobody has to trust: whatever a program does, it ends in an {@link Execution} that is the same on every
 * machine, or in a named error, and the next one runs as if it had never been.
 *
 * A program is a WebAssembly module that may import, from `tally`, `input_length() → i32`, `input_read(to, from, length)` and
 * `output_write(from, length)`, and exports `memory` and `run()`. See `fuel/` for what else it may hold and how it is metered.
 * A provable program is an ELF file; see `provable-execution.ts`.
 *
 * @module
 */
import { FUEL_PER_UNIT, unitsOfFuel } from '#protocol/work.ts'

import { ExecutionError } from './execution-error.ts'
import { moduleLimits } from './fuel/module-limits.ts'
import type { ProvableExecutor } from './provable-execution.ts'
import { createProvableJobs } from './provable-jobs.ts'
import { detectSystemConfinement } from './sandbox/confinement.ts'
import { answerLimit, encodeJob, type JobFrame } from './sandbox/frames.ts'
import { createSandboxPool, type EndedFrame } from './sandbox/pool.ts'

/** How a program ended; all three are payable. */
export type Execution = {
  /** 0 done, 1 trap, 2 out of units. */
  readonly status: 0 | 1 | 2
  /** What the program wrote; empty unless done. */
  readonly output: Uint8Array
  /** `max(1, ceil(fuel / 10⁶))`; the job's maximum when out of units. */
  readonly units: bigint
  /** Instructions executed, as the program counted them; the whole allowance when out of units. */
  readonly fuel: bigint
}

/** A program, what it works on, and the most it may use. */
export type ExecutionRequest = {
  readonly program: Uint8Array
  readonly input: Uint8Array
  /** 1 to 2⁴⁸ − 1. */
  readonly maxUnits: bigint
}

/** Bounds of one executor; those of programs are the same everywhere and stand in `fuel/module-limits.ts`. */
export type ExecutorLimits = {
  /** Longest wall time of one job, default 60,000 ms. */
  readonly timeoutMs: number
  /** The same of a provable one, default 600,000 ms. */
  readonly provableTimeoutMs: number
  /** Longest input, default 1 MiB. */
  readonly inputBytes: number
  /** Longest output, default 1 MiB less the status byte. */
  readonly outputBytes: number
  /** Jobs waiting at once, default 10,000. */
  readonly waiting: number
}

/** Runs programs in processes of its own. */
export type Executor = ProvableExecutor & {
  /** Whether the operating system confines the processes too, beyond Node's permission model. */
  readonly confinedBySystem: boolean
  /**
   * Runs one program to its end.
   *
   * @throws ExecutionError, or the signal's reason when `signal` is aborted: the job is killed.
   */
  execute(request: ExecutionRequest, options?: { readonly signal?: AbortSignal }): Promise<Execution>
  /** Ends every process; jobs not done yet are rejected with `execution.closed`. */
  close(): Promise<void>
}

const defaultLimits: ExecutorLimits = {
  timeoutMs: 60_000,
  provableTimeoutMs: 600_000,
  inputBytes: 1_048_576,
  outputBytes: 1_048_575,
  waiting: 10_000,
}

/** Below V8's sign bit: no program lives to use it up. */
const MAX_FUEL = 2n ** 62n

/**
 * Creates an executor; its processes start with the first jobs.
 *
 * @param options - `processes`: jobs of either kind run at once, default 1.
 */
export function createExecutor(
  options: { readonly limits?: Partial<ExecutorLimits>; readonly processes?: number } = {},
): Executor {
  const limits = { ...defaultLimits, ...options.limits }
  const system = detectSystemConfinement()
  const common = { system, processes: options.processes ?? 1, waiting: limits.waiting }
  const programs = createSandboxPool({ ...common, kind: 'program', timeoutMs: limits.timeoutMs })
  const provable = createSandboxPool({ ...common, kind: 'provable', timeoutMs: limits.provableTimeoutMs })

  return {
    confinedBySystem: system,
    ...createProvableJobs(provable),
    async execute(request, { signal } = {}) {
      const job = () => {
        check(request, limits)
        return { frame: encodeJob(toFrame(request, limits)), answerBytes: answerLimit(limits.outputBytes) }
      }
      return toExecution(await programs.run(job, signal), request)
    },
    async close() {
      await Promise.all([programs.close(), provable.close()])
    },
  }
}

function check({ program, input, maxUnits }: ExecutionRequest, limits: ExecutorLimits): void {
  if (program.length > moduleLimits.moduleBytes) {
    throw new ExecutionError('execution.program-too-large', { detail: `${program.length} bytes` })
  }
  if (input.length > limits.inputBytes) {
    throw new ExecutionError('execution.input-too-large', { detail: `${input.length} bytes` })
  }
  if (maxUnits < 1n || maxUnits >= 2n ** 48n) {
    throw new ExecutionError('execution.units-invalid', { detail: `${maxUnits} units` })
  }
}

function toFrame({ program, input, maxUnits }: ExecutionRequest, limits: ExecutorLimits): JobFrame {
  const fuel = maxUnits * FUEL_PER_UNIT
  return { program, input, fuel: fuel < MAX_FUEL ? fuel : MAX_FUEL, maxOutputBytes: limits.outputBytes }
}

function toExecution({ status, fuel, output }: EndedFrame, request: ExecutionRequest): Execution {
  if (status === 2) return { status, output, units: request.maxUnits, fuel }
  return { status, output, units: unitsOfFuel(fuel), fuel }
}
