/**
 * Starts a Node process that can do nothing but compute.
 *
 * Everywhere: an empty environment, Node's permission model with reading its own source files as the only right, bounded
 * heap, no code from strings. Where util-linux is there: bounds on the data segment and the stack, no new privileges, death with its parent, and, from {@link sealProcess} on, no new file
 * descriptor, hence no file and no socket, whatever the process does.
 *
 * @module
 */
import { type ChildProcessByStdio, execFile, spawn, spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** A confined process; standard error is kept for telling why it died. */
export type ConfinedProcess = ChildProcessByStdio<Writable, Readable, Readable>

/** Memory one process may have. */
export type ProcessMemory = {
  /** V8's heap, in MiB. */
  readonly heapMib: number
  /** Everything written to, in bytes, 576 MiB of which V8 reserves without using. */
  readonly dataBytes: number
}

const defaultMemory: ProcessMemory = { heapMib: 256, dataBytes: 1_342_177_280 }
const PRLIMIT = '/usr/bin/prlimit'
const SETPRIV = '/usr/bin/setpriv'

/**
 * Tries whether the operating system's part of the confinement works here; without it Node's part and WebAssembly's remain.
 *
 * Blocks for some milliseconds: to be asked once.
 */
export function detectSystemConfinement(): boolean {
  if (process.platform !== 'linux') return false
  const [command = SETPRIV, ...args] = [...systemCommand(defaultMemory), process.execPath, '--version']
  return spawnSync(command, args, { env: {}, stdio: 'ignore', timeout: 5_000 }).status === 0
}

/**
 * Starts `script` confined.
 *
 * @param options - `script`: absolute path; `system`: what {@link detectSystemConfinement} said; `readable`: further folders
 *   it may read its own code from; `flags`: what else its V8 is told.
 */
export function startConfined(options: {
  readonly script: string
  readonly system: boolean
  readonly readable?: readonly string[]
  readonly flags?: readonly string[]
  readonly memory?: ProcessMemory
}): ConfinedProcess {
  const memory = options.memory ?? defaultMemory
  const readable = [options.script, ...(options.readable ?? [])]
  const node = [
    process.execPath,
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    ...(options.flags ?? []),
    '--expose-gc',
    '--stack-size=3900',
    `--max-old-space-size=${memory.heapMib}`,
    '--max-semi-space-size=4',
    '--disallow-code-generation-from-strings',
    '--disable-proto=delete',
    '--no-warnings',
    options.script,
  ]
  const [command = process.execPath, ...args] = [...(options.system ? systemCommand(memory) : []), ...node]
  return spawn(command, args, { env: {}, cwd: dirname(options.script), stdio: ['pipe', 'pipe', 'pipe'] })
}

/** Takes from a process started with `system` the right to open anything. */
export async function sealProcess({ pid }: ConfinedProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(PRLIMIT, [`--pid=${pid}`, '--nofile=0:0'], { env: {}, timeout: 5_000 }, (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}

/** The command that bounds what is started by it. */
function systemCommand({ dataBytes }: ProcessMemory): string[] {
  const limits = [`--data=${dataBytes}`, '--stack=8388608', '--core=0', '--fsize=0']
  return [SETPRIV, '--no-new-privs', '--pdeathsig=KILL', PRLIMIT, ...limits, '--']
}
