/**
 * Starts a Node process that can do nothing but compute.
 *
 * Everywhere: an empty environment, Node's permission model with reading its own source files as the only right, bounded
 * heap, no code from strings, compilation in one pass over the code. Where util-linux is there: bounds on the data
 * segment and the stack, no new privileges, death with its parent, and, from {@link sealProcess} on, no new file
 * descriptor, hence no file and no socket, whatever the process does.
 *
 * @module
 */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
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

/** Whether the operating system's part of the confinement is there; without it Node's part and WebAssembly's remain. */
export function hasSystemConfinement(): boolean {
  return process.platform === 'linux' && existsSync(PRLIMIT) && existsSync(SETPRIV)
}

/**
 * Starts `script` confined.
 *
 * @param options - `script`: absolute path; `readable`: further folders it may read its own code from.
 */
export function startConfined(options: {
  readonly script: string
  readonly readable?: readonly string[]
  readonly memory?: ProcessMemory
}): ConfinedProcess {
  const memory = options.memory ?? defaultMemory
  const readable = [options.script, ...(options.readable ?? [])]
  const node = [
    process.execPath,
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--liftoff-only',
    '--expose-gc',
    '--stack-size=3900',
    `--max-old-space-size=${memory.heapMib}`,
    '--max-semi-space-size=4',
    '--disallow-code-generation-from-strings',
    '--disable-proto=delete',
    '--no-warnings',
    options.script,
  ]
  const system = hasSystemConfinement()
    ? [SETPRIV, '--no-new-privs', '--pdeathsig=KILL', PRLIMIT, ...systemLimits(memory), '--']
    : []
  const [command = process.execPath, ...args] = [...system, ...node]
  return spawn(command, args, { env: {}, cwd: dirname(options.script), stdio: ['pipe', 'pipe', 'pipe'] })
}

/** Takes from a started process the right to open anything; does nothing where the system cannot. */
export async function sealProcess(child: ConfinedProcess): Promise<void> {
  const { pid } = child
  if (pid === undefined || !hasSystemConfinement()) return
  await new Promise<void>((resolve, reject) => {
    execFile(PRLIMIT, [`--pid=${pid}`, '--nofile=0:0'], { env: {}, timeout: 5_000 }, (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}

function systemLimits(memory: ProcessMemory): string[] {
  return [`--data=${memory.dataBytes}`, '--stack=8388608', '--core=0', '--fsize=0']
}
