/**
 * Runs programs nobody has to trust: whatever a program does, it ends in an {@link Execution} that is the same on every
 * machine, or in a named error, and the next one runs as if it had never been.
 *
 * A program is a WebAssembly module that may import, from `tally`, `input_length() → i32`, `input_read(to, from, length)` and
 * `output_write(from, length)`, and exports `memory` and `run()`. See `fuel/` for what else it may hold and how it is metered.
 *
 * @module
 */
import { TallyError } from '#protocol/errors.ts'
import { FUEL_PER_UNIT } from '#protocol/work.ts'

import { moduleLimits } from './fuel/module-limits.ts'
import { detectSystemConfinement } from './sandbox/confinement.ts'
import type { AnswerFrame, JobFrame } from './sandbox/frames.ts'
import { ProcessEnded, type SandboxProcess, startSandboxProcess } from './sandbox/sandbox-process.ts'

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
  /** Longest input, default 1 MiB. */
  readonly inputBytes: number
  /** Longest output, default 1 MiB less the status byte. */
  readonly outputBytes: number
  /** Jobs waiting at once, default 10,000. */
  readonly waiting: number
}

/** Why a job has no execution. */
export type ExecutionErrorCode =
  | 'execution.timeout'
  | 'execution.memory'
  | 'execution.output-too-large'
  | 'execution.program-invalid'
  | 'execution.program-too-large'
  | 'execution.input-too-large'
  | 'execution.units-invalid'
  | 'execution.crashed'
  | 'execution.overloaded'
  | 'execution.closed'

/** Thrown when a job has no execution: nothing is payable. */
export class ExecutionError extends TallyError {
  override readonly name = 'ExecutionError'
  declare readonly code: ExecutionErrorCode

  constructor(code: ExecutionErrorCode, problem: { readonly detail: string; readonly cause?: unknown }) {
    super(code, problem.detail, { cause: problem.cause })
  }
}

/** Runs programs in processes of its own. */
export type Executor = {
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
  inputBytes: 1_048_576,
  outputBytes: 1_048_575,
  waiting: 10_000,
}

/** Jobs after which a process is replaced, so that what V8 keeps of them stays bounded. */
const JOBS_PER_PROCESS = 2_000
/** Below V8's sign bit: no program lives to use it up. */
const MAX_FUEL = 2n ** 62n

type Job = {
  readonly frame: JobFrame
  readonly request: ExecutionRequest
  readonly signal: AbortSignal | undefined
  resolve(execution: Execution): void
  reject(error: unknown): void
}

/**
 * Creates an executor; its processes start with the first jobs.
 *
 * @param options - `processes`: jobs run at once, default 1.
 */
export function createExecutor(
  options: { readonly limits?: Partial<ExecutorLimits>; readonly processes?: number } = {},
): Executor {
  const limits = { ...defaultLimits, ...options.limits }
  const queue: Job[] = []
  const lanes = new Set<Promise<void>>()
  const closing = new AbortController()
  const system = detectSystemConfinement()

  const idle: Seat[] = []

  /** Takes jobs until none is left; its process waits for the next ones. */
  async function serve(): Promise<void> {
    let seat = idle.pop()
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      try {
        job.signal?.throwIfAborted()
        seat = await usable(seat, system)
        job.resolve(await runJob(seat.process, job, limits.timeoutMs, closing.signal))
      } catch (error) {
        job.reject(asExecutionError(error))
      }
    }
    if (seat === undefined) return
    if (closing.signal.aborted) seat.process.kill()
    else idle.push(seat)
  }

  function startLane(): void {
    if (lanes.size >= (options.processes ?? 1)) return
    const lane: Promise<void> = serve().finally(() => {
      lanes.delete(lane)
      if (queue.length > 0) startLane()
    })
    lanes.add(lane)
  }

  return {
    confinedBySystem: system,
    async execute(request, { signal } = {}) {
      signal?.throwIfAborted()
      check(request, limits, queue.length, closing.signal.aborted)
      return new Promise<Execution>((resolve, reject) => {
        queue.push({ frame: toFrame(request, limits), request, signal, resolve, reject })
        startLane()
      })
    },
    async close() {
      closing.abort()
      for (const job of queue.splice(0)) job.reject(closed())
      await Promise.all(lanes)
      for (const { process } of idle.splice(0)) process.kill()
    },
  }
}

function check(request: ExecutionRequest, limits: ExecutorLimits, waiting: number, isClosed: boolean): void {
  const { program, input, maxUnits } = request
  if (isClosed) throw closed()
  if (waiting >= limits.waiting) throw new ExecutionError('execution.overloaded', { detail: `${waiting} jobs wait` })
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

/** A process and how many jobs it has run. */
type Seat = { readonly process: SandboxProcess; jobs: number }

/** A living process for one more job: the given one, or a new one where that is dead or worn. */
async function usable(seat: Seat | undefined, system: boolean): Promise<Seat> {
  const isFit = seat?.process.isAlive() === true && seat.jobs < JOBS_PER_PROCESS
  if (!isFit) seat?.process.kill()
  const next = isFit ? seat : { process: await startSandboxProcess(system), jobs: 0 }
  next.jobs += 1
  return next
}

/** Runs a job on a process, which is killed when the job takes too long or is not wanted any more. */
async function runJob(process: SandboxProcess, job: Job, timeoutMs: number, closing: AbortSignal): Promise<Execution> {
  let stopped: unknown
  const stop = (reason: unknown) => {
    stopped ??= reason
    process.kill()
  }
  const onAbort = () => stop(job.signal?.reason)
  const onClose = () => stop(closed())
  const timer = setTimeout(() => {
    stop(new ExecutionError('execution.timeout', { detail: `not done after ${timeoutMs} ms` }))
  }, timeoutMs)
  job.signal?.addEventListener('abort', onAbort, { once: true })
  closing.addEventListener('abort', onClose, { once: true })
  try {
    if (closing.aborted) onClose()
    if (job.signal?.aborted === true) onAbort()
    return toExecution(await process.run(job.frame), job.request)
  } catch (error) {
    throw stopped ?? error
  } finally {
    clearTimeout(timer)
    job.signal?.removeEventListener('abort', onAbort)
    closing.removeEventListener('abort', onClose)
  }
}

function toExecution(answer: AnswerFrame, request: ExecutionRequest): Execution {
  if (answer.kind === 'ended') {
    const { status, fuel, output } = answer
    if (status === 2) return { status, output, units: request.maxUnits, fuel }
    const units = (fuel + FUEL_PER_UNIT - 1n) / FUEL_PER_UNIT
    return { status, output, units: units > 1n ? units : 1n, fuel }
  }
  if (answer.kind === 'failed' && isFailureCode(answer.code)) {
    throw new ExecutionError(answer.code, { detail: answer.detail })
  }
  throw new ExecutionError('execution.crashed', { detail: 'the process gave no answer' })
}

const failureCodes = [
  'execution.memory',
  'execution.output-too-large',
  'execution.program-invalid',
  'execution.program-too-large',
  'execution.crashed',
] as const

function isFailureCode(code: string): code is (typeof failureCodes)[number] {
  return failureCodes.some((known) => known === code)
}

function asExecutionError(error: unknown): unknown {
  if (!(error instanceof ProcessEnded)) return error
  const code = error.outOfMemory ? 'execution.memory' : 'execution.crashed'
  return new ExecutionError(code, { detail: error.message, cause: error })
}

function closed(): ExecutionError {
  return new ExecutionError('execution.closed', { detail: 'the executor is closed' })
}
