/**
 * One confined child process and the one job it is running.
 *
 * @module
 */
import { fileURLToPath } from 'node:url'

import { type ConfinedProcess, sealProcess, startConfined } from './confinement.ts'
import { type AnswerFrame, createFrameCollector, decodeAnswer } from './frames.ts'

/** What a process runs: WebAssembly programs, or provable ones. */
export type ProcessKind = 'program' | 'provable'

/** A child process ready for jobs. */
export type SandboxProcess = {
  /**
   * Runs one job; one at a time. Rejects with {@link ProcessEnded} when the process ended or broke its bounds.
   *
   * @param frame - The message, its length in front.
   */
  run(frame: Buffer, maxAnswerBytes: number): Promise<AnswerFrame>
  /** Ends the process at once; a running job is rejected. */
  kill(): void
  /** False once the process has ended or been killed. */
  isAlive(): boolean
}

/** Thrown when a child process ended before it answered. */
export class ProcessEnded extends Error {
  override readonly name = 'ProcessEnded'
  /** Whether it ended for lack of memory. */
  readonly outOfMemory: boolean

  constructor(reason: string, outOfMemory: boolean) {
    super(reason)
    this.outOfMemory = outOfMemory
  }
}

type Waiting = { resolve(answer: AnswerFrame): void; reject(error: Error): void }

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** What each kind of process runs, may read of its own code, and is started with; translated code's functions are small. */
const kinds: Readonly<Record<ProcessKind, Omit<Parameters<typeof startConfined>[0], 'system'>>> = {
  program: {
    script: pathOf('./child.ts'),
    readable: [pathOf('./'), pathOf('../fuel/')],
    // compiled in one pass over the code, whatever it is
    flags: ['--liftoff-only'],
  },
  provable: {
    script: pathOf('./provable-child.ts'),
    readable: [
      ...[pathOf('../../package.json'), pathOf('../../protocol/'), pathOf('../../runtime/')],
      pathOf('../../node_modules/@noble/hashes/'),
    ],
    memory: { heapMib: 512, dataBytes: 2_147_483_648 },
  },
}

/** Longest time a process may take to be ready. */
const START_TIMEOUT_MS = 20_000

/**
 * Starts a child process and resolves when it is ready and sealed.
 *
 * @param system - Whether the operating system can confine it.
 */
export async function startSandboxProcess(kind: ProcessKind, system: boolean): Promise<SandboxProcess> {
  const child = startConfined({ ...kinds[kind], system })
  const channel = openChannel(child)
  const timer = setTimeout(() => channel.kill('it was not ready in time'), START_TIMEOUT_MS)
  try {
    await channel.next(64)
    if (system) await sealProcess(child)
  } catch (error) {
    channel.kill('it could not be confined')
    throw error
  } finally {
    clearTimeout(timer)
  }
  return {
    run(frame, maxAnswerBytes) {
      child.stdin.write(frame)
      return channel.next(maxAnswerBytes)
    },
    kill: () => channel.kill('it was killed'),
    isAlive: channel.isAlive,
  }
}

type Channel = { next(maxBytes: number): Promise<AnswerFrame>; kill(reason: string): void; isAlive(): boolean }

function openChannel(child: ConfinedProcess): Channel {
  let waiting: Waiting | undefined
  let ended: ProcessEnded | undefined
  let maxBytes = 64
  let complaint = ''

  function end(reason: string): void {
    if (ended !== undefined) return
    ended = new ProcessEnded(reason, /out of memory|allocation failed|OOM/i.test(complaint))
    child.kill('SIGKILL')
    waiting?.reject(ended)
    waiting = undefined
  }

  const collect = createFrameCollector(() => maxBytes)
  child.stdout.on('data', (chunk: Buffer) => {
    const frames = collect(chunk)
    const [frame, ...more] = frames ?? []
    const answer = frame === undefined ? undefined : decodeAnswer(frame)
    // one answer per job and nothing in between: anything else is a process gone astray
    if (
      frames === null ||
      more.length > 0 ||
      (frame !== undefined && (answer === undefined || waiting === undefined))
    ) {
      end('the process answered what it was not asked')
    } else if (answer !== undefined) {
      const { resolve } = waiting as Waiting
      waiting = undefined
      resolve(answer)
    }
  })
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString('latin1')).slice(-4_096)
  })
  child.stdin.on('error', () => {}) // its end is told by `close`
  child.on('error', (error) => end(`the process could not be started: ${error.message}`))
  child.on('close', (code, signal) => end(`the process ended (${signal ?? code}) ${complaint.trim().slice(-300)}`))

  return {
    next(limit) {
      if (ended !== undefined) return Promise.reject(ended)
      maxBytes = limit
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject }
      })
    },
    kill: end,
    isAlive: () => ended === undefined,
  }
}
