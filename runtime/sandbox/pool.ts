/**
 * Jobs in a row before confined processes: each runs one at a time, is killed when it takes too long, and replaced when it dies.
 *
 * @module
 */
import { ExecutionError, type ExecutionErrorCode, executorClosed } from '../execution-error.ts'
import type { AnswerFrame } from './frames.ts'
import { ProcessEnded, type ProcessKind, type SandboxProcess, startSandboxProcess } from './sandbox-process.ts'

/** A job for a process. */
export type PoolJob = {
  /** The message to the process, its length in front. */
  readonly frame: Buffer
  /** Longest answer to it. */
  readonly answerBytes: number
}

/** An answer that is no failure. */
export type EndedFrame = AnswerFrame & { readonly kind: 'ended' }

/** Processes of one kind. */
export type SandboxPool = {
  /** Rejects with an ExecutionError, or with the signal's reason when `signal` is aborted: the job is killed. */
  run(job: () => PoolJob, signal: AbortSignal | undefined): Promise<EndedFrame>
  /** Ends every process; jobs not done yet are rejected with `execution.closed`. */
  close(): Promise<void>
}

/** What a pool is made of. */
export type PoolOptions = {
  readonly kind: ProcessKind
  /** Whether the operating system can confine processes. */
  readonly system: boolean
  /** Jobs run at once. */
  readonly processes: number
  /** Longest wall time of one job. */
  readonly timeoutMs: number
  /** Jobs waiting at once. */
  readonly waiting: number
}

/** Jobs after which a process is replaced, so that what V8 keeps of them stays bounded. */
const JOBS_PER_PROCESS = 2_000

type Job = PoolJob & {
  readonly signal: AbortSignal | undefined
  resolve(answer: EndedFrame): void
  reject(error: unknown): void
}

/** A process and how many jobs it has run. */
type Seat = { readonly process: SandboxProcess; jobs: number }

/** Creates a pool; its processes start with the first jobs. */
export function createSandboxPool(options: PoolOptions): SandboxPool {
  const queue: Job[] = []
  const lanes = new Set<Promise<void>>()
  const closing = new AbortController()
  const idle: Seat[] = []

  /** Takes jobs until none is left; its process waits for the next ones. */
  async function serve(): Promise<void> {
    let seat = idle.pop()
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      try {
        job.signal?.throwIfAborted()
        seat = await usable(seat, options)
        job.resolve(await runJob(seat.process, job, options.timeoutMs, closing.signal))
      } catch (error) {
        job.reject(asExecutionError(error))
      }
    }
    if (seat === undefined) return
    if (closing.signal.aborted) seat.process.kill()
    else idle.push(seat)
  }

  function startLane(): void {
    if (lanes.size >= options.processes) return
    const lane: Promise<void> = serve().finally(() => {
      lanes.delete(lane)
      if (queue.length > 0) startLane()
    })
    lanes.add(lane)
  }

  return {
    async run(job, signal) {
      signal?.throwIfAborted()
      if (closing.signal.aborted) throw executorClosed()
      if (queue.length >= options.waiting) {
        throw new ExecutionError('execution.overloaded', { detail: `${queue.length} jobs wait` })
      }
      return new Promise<EndedFrame>((resolve, reject) => {
        queue.push({ ...job(), signal, resolve, reject })
        startLane()
      })
    },
    async close() {
      closing.abort()
      for (const job of queue.splice(0)) job.reject(executorClosed())
      await Promise.all(lanes)
      for (const { process } of idle.splice(0)) process.kill()
    },
  }
}

/** A living process for one more job: the given one, or a new one where that is dead or worn. */
async function usable(seat: Seat | undefined, { kind, system }: PoolOptions): Promise<Seat> {
  const isFit = seat?.process.isAlive() === true && seat.jobs < JOBS_PER_PROCESS
  if (!isFit) seat?.process.kill()
  const next = isFit ? seat : { process: await startSandboxProcess(kind, system), jobs: 0 }
  next.jobs += 1
  return next
}

/** Runs a job on a process, which is killed when the job takes too long or is not wanted any more. */
async function runJob(process: SandboxProcess, job: Job, timeoutMs: number, closing: AbortSignal): Promise<EndedFrame> {
  let stopped: unknown
  const stop = (reason: unknown) => {
    stopped ??= reason
    process.kill()
  }
  const onAbort = () => stop(job.signal?.reason)
  const onClose = () => stop(executorClosed())
  const timer = setTimeout(() => {
    stop(new ExecutionError('execution.timeout', { detail: `not done after ${timeoutMs} ms` }))
  }, timeoutMs)
  job.signal?.addEventListener('abort', onAbort, { once: true })
  closing.addEventListener('abort', onClose, { once: true })
  try {
    if (closing.aborted) onClose()
    if (job.signal?.aborted === true) onAbort()
    return endedOf(await process.run(job.frame, job.answerBytes))
  } catch (error) {
    throw stopped ?? error
  } finally {
    clearTimeout(timer)
    job.signal?.removeEventListener('abort', onAbort)
    closing.removeEventListener('abort', onClose)
  }
}

function endedOf(answer: AnswerFrame): EndedFrame {
  if (answer.kind === 'ended') return answer
  if (answer.kind === 'failed' && isFailureCode(answer.code)) {
    throw new ExecutionError(answer.code, { detail: answer.detail })
  }
  throw new ExecutionError('execution.crashed', { detail: 'the process gave no answer' })
}

const failureCodes = [
  'execution.memory',
  'execution.output-too-large',
  'execution.output-dirty',
  'execution.program-invalid',
  'execution.program-too-large',
  'execution.input-too-large',
  'execution.crashed',
] as const satisfies readonly ExecutionErrorCode[]

function isFailureCode(code: string): code is (typeof failureCodes)[number] {
  return failureCodes.some((known) => known === code)
}

function asExecutionError(error: unknown): unknown {
  if (!(error instanceof ProcessEnded)) return error
  const code = error.outOfMemory ? 'execution.memory' : 'execution.crashed'
  return new ExecutionError(code, { detail: error.message, cause: error })
}
