/**
 * Starts the programs of node_modules under the Node that runs this one.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

/** The repository's folder. */
export const ROOT = join(import.meta.dirname, '..', '..')

/** How a program ended. */
export type Ended = { code: number; output: string; elapsedMs: number }

/** Where its output goes: shown as it comes, or kept for the caller. */
export type RunOptions = {
  show: boolean
  env?: Record<string, string>
  /** Folder to run in; the repository's unless given. */
  cwd?: string
  /** Ends the program when aborted. */
  signal?: AbortSignal
}

/** `process.env`, with the repository's own programs found first and nothing sent home. */
function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const bin = join(ROOT, 'node_modules', '.bin')
  const path = `${bin}${delimiter}${process.env.PATH ?? ''}`
  return { ...process.env, PATH: path, HARDHAT_DISABLE_TELEMETRY: 'true', ...extra }
}

/**
 * Runs a program to its end.
 *
 * @returns Its exit code (1 when a signal ended it) and, unless shown, everything it printed.
 */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const startedMs = performance.now()
  const child = spawn(command, args, {
    cwd: options.cwd ?? ROOT,
    env: environment(options.env),
    stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
    ...(options.signal === undefined ? {} : { signal: options.signal, killSignal: 'SIGKILL' as const }),
  })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  const { promise, resolve } = Promise.withResolvers<number>()
  child.once('error', (error) => {
    chunks.push(Buffer.from(`${command}: ${error.message}\n`))
    resolve(1)
  })
  child.once('close', (code) => resolve(code ?? 1))
  const code = await promise
  return { code, output: Buffer.concat(chunks).toString('utf8'), elapsedMs: performance.now() - startedMs }
}
