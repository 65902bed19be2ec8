/**
 * The processes of a cluster under test: started, watched, killed at named points, started again, and none left over.
 *
 * Each one leads a process group of its own, so that a kill takes its sandboxes along.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const REAPER = join(import.meta.dirname, 'cluster-reaper.ts')
const STOP_MS = 15_000
const TAIL_CHARACTERS = 3_000

/** What to start. */
export type ProcessSpec = {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Fault points at which it is to die, one after the other; it is started again each time. */
  readonly faults?: readonly string[]
}

/** A process that is started again when it dies where it was told to, or is killed. */
export type Supervised = {
  readonly name: string
  /** Fault points it has died at. */
  readonly fired: readonly string[]
  /** Fault points it has not passed yet. */
  readonly armed: readonly string[]
  /** Times it was started. */
  starts(): number
  /** First line of standard output of the running process, as JSON; waits until it is there. */
  ready(): Promise<unknown>
  /** Kills it; it is started again at once. */
  kill(): Promise<void>
  /** Ends it for good and gives its exit code, or the signal that ended it. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | string>
  /** Starts it again after {@link Supervised.stop}. */
  restart(): void
}

/** All processes of one cluster. */
export type Processes = {
  supervise(spec: ProcessSpec): Supervised
  /** @throws Error when a process has ended that nobody told to, with the end of its log. */
  check(): void
  /** Kills everything that is left and waits for it. */
  end(): Promise<void>
}

/** Creates the keeper of a cluster's processes; logs and markers go to `folder`. */
export function createProcesses(folder: string): Processes {
  const all = new Map<string, ReturnType<typeof createSupervised>>()
  const surprises: string[] = []
  // the pipe to the reaper ends when this process does, however that happens
  const reaper = spawn(process.execPath, [REAPER], { stdio: ['pipe', 'ignore', 'inherit'], detached: true })
  const tell = (line: string) => void reaper.stdin.write(`${line}\n`)
  reaper.stdin.on('error', () => {})

  return {
    supervise(spec) {
      const supervised = createSupervised(spec, { folder, tell, surprises })
      all.set(spec.name, supervised)
      supervised.restart()
      return supervised
    },
    check() {
      if (surprises.length > 0) throw new Error(surprises.join('\n'))
    },
    async end() {
      await Promise.all([...all.values()].map((one) => one.stop('SIGKILL')))
      reaper.stdin.end()
    },
  }
}

type Surroundings = {
  readonly folder: string
  readonly tell: (line: string) => void
  readonly surprises: string[]
}

function createSupervised(spec: ProcessSpec, { folder, tell, surprises }: Surroundings): Supervised {
  const { name } = spec
  const log = join(folder, `${name}.log`)
  const armed = [...(spec.faults ?? [])]
  const fired: string[] = []
  let starts = 0
  let child: ChildProcess | null = null
  let isWanted = false
  let isKilled = false
  let isServing = false
  let firstLine = Promise.withResolvers<unknown>()
  let ended = Promise.withResolvers<number | string>()

  const markerOf = (point: string) => join(folder, `${name}.${point}`)

  function start(): void {
    starts += 1
    isKilled = false
    ended = Promise.withResolvers()
    const [point] = armed
    const output = openSync(log, 'a', 0o600)
    const own = spawn(spec.command, [...spec.args], {
      stdio: ['ignore', 'pipe', output],
      detached: true,
      env: {
        PATH: process.env.PATH ?? '',
        NODE_NO_WARNINGS: '1',
        ...spec.env,
        ...(point === undefined ? {} : { TALLY_FAULT_POINT: `${point}@${markerOf(point)}` }),
      },
    })
    closeSync(output)
    child = own
    const { pid, stdout } = own
    if (pid !== undefined) tell(`+${pid}`)
    if (stdout === null) throw new Error(`${name} has no standard output`)
    const lines = createInterface({ input: stdout })
    lines.once('line', (line) => {
      // what a dead process said last may come after its end
      if (child !== own) return
      isServing = true
      firstLine.resolve(line.startsWith('{') ? JSON.parse(line) : line)
    })
    own.once('error', (error) => {
      if (pid !== undefined) return
      surprises.push(`${name} cannot be started: ${error.message}`)
      child = null
      ended.resolve('not started')
    })
    own.once('exit', (code, signal) => onExit(pid, signal ?? code ?? 'nothing'))
  }

  function onExit(pid: number | undefined, how: number | string): void {
    if (pid !== undefined) {
      killGroup(pid) // its sandboxes, if any
      tell(`-${pid}`)
    }
    child = null
    // whoever waits for one that died before it served waits for the next
    if (isServing) firstLine = Promise.withResolvers()
    isServing = false
    const [point] = armed
    if (how === 'SIGKILL' && point !== undefined && existsSync(markerOf(point))) {
      fired.push(point)
      armed.shift()
    } else if (isWanted && !isKilled) {
      isWanted = false
      surprises.push(`${name} ended with ${how} by itself:\n${tailOf(log)}`)
    }
    ended.resolve(how)
    if (isWanted) start()
  }

  const supervised: Supervised = {
    name,
    fired,
    armed,
    starts: () => starts,
    ready: () => firstLine.promise,
    async kill() {
      isKilled = true
      const { promise } = ended
      if (child?.pid !== undefined) killGroup(child.pid)
      await promise
    },
    async stop(signal = 'SIGTERM') {
      isWanted = false
      const stopped = child
      if (stopped === null) return 'not running'
      const { promise } = ended
      if (signal === 'SIGKILL' && stopped.pid !== undefined) killGroup(stopped.pid)
      else stopped.kill(signal)
      const timer = setTimeout(() => stopped.pid !== undefined && killGroup(stopped.pid), STOP_MS)
      const how = await promise
      clearTimeout(timer)
      return how
    },
    restart() {
      isWanted = true
      if (child === null) start()
    },
  }
  return supervised
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // the group is gone
  }
}

function tailOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-TAIL_CHARACTERS) : '(no log)'
}
