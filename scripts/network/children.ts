/**
 * The processes of a local network: each with its own settings and nothing else in its environment, its log in a file, and
 * none of them left when this process ends.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { ROOT } from '../support/run.ts'

const STOP_MS = 8_000

/** One process to start. */
export type ChildSpec = {
  readonly name: string
  /** Arguments after Node's own path, the program first. */
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** The processes of one network. */
export type Children = {
  /** Starts a process and leaves it to itself. */
  start(spec: ChildSpec): ChildProcess
  /**
   * Starts a process and waits for the first line on its standard output, which is JSON.
   *
   * @throws Error when it ends before, naming its log.
   */
  startAndWait(spec: ChildSpec): Promise<unknown>
  /** Ends a process by its name and waits for it. */
  stop(name: string): Promise<void>
  /** Ends all of them, last started first. */
  stopAll(): Promise<void>
}

/** Creates the processes' keeper; `logDir` exists. `onEnd` is told when one ends by itself. */
export function createChildren(options: {
  readonly logDir: string
  readonly onEnd?: (name: string, log: string) => void
}): Children {
  const running = new Map<string, ChildProcess>()
  const stopping = new Set<string>()
  const logOf = (name: string) => join(options.logDir, `${name}.log`)

  // however this process ends short of SIGKILL, nothing outlives it
  const killAll = () => {
    for (const child of running.values()) child.kill('SIGKILL')
  }
  process.once('exit', killAll)

  function start({ name, args, env }: ChildSpec): ChildProcess {
    const child = spawn(process.execPath, [...args], {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log = createWriteStream(logOf(name), { flags: 'a', mode: 0o600 })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    running.set(name, child)
    child.once('close', () => {
      log.end()
      running.delete(name)
      if (!stopping.has(name)) options.onEnd?.(name, logOf(name))
    })
    return child
  }

  async function stop(name: string): Promise<void> {
    const child = running.get(name)
    if (child === undefined) return
    stopping.add(name)
    const { promise, resolve } = Promise.withResolvers<void>()
    child.once('close', () => resolve())
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await promise
    clearTimeout(timer)
    stopping.delete(name)
  }

  return {
    start,
    async startAndWait(spec) {
      const child = start(spec)
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      child.once('error', reject)
      child.once('close', (code) => {
        reject(new Error(`${spec.name} ended with code ${code} before it was ready: see ${logOf(spec.name)}`))
      })
      if (child.stdout !== null) {
        createInterface({ input: child.stdout }).once('line', (line) => {
          try {
            resolve(JSON.parse(line))
          } catch (cause) {
            reject(new Error(`${spec.name} said "${line}" where JSON was expected`, { cause }))
          }
        })
      }
      return promise
    },
    stop,
    async stopAll() {
      for (const name of [...running.keys()].reverse()) stopping.add(name)
      // the chain was started first and ends last: the others may still be talking to it
      const [chain, ...nodes] = [...running.keys()]
      await Promise.all(nodes.map(stop))
      if (chain !== undefined) await stop(chain)
      process.off('exit', killAll)
    },
  }
}
