/**
 * The bench's programs as native ones, built by this machine's C compiler.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Folder of the programs' sources. */
export const PROGRAMS = join(import.meta.dirname, 'programs')

/** One run of a native program. */
export type NativeRun = { readonly seconds: number; readonly digest: string }

/** A built program. */
export type NativeProgram = {
  run(rounds: number): NativeRun
  remove(): void
}

/** The version of `gcc`, or why there is none. */
export function findCompiler(): { readonly version: string } | { readonly reason: string } {
  const { status, stdout } = spawnSync('gcc', ['-dumpfullversion'], { encoding: 'utf8' })
  return status === 0 ? { version: stdout.trim() } : { reason: 'gcc is not installed here' }
}

/**
 * Builds a program with `gcc -O2`.
 *
 * @throws Error with the compiler's words.
 */
export function buildNative(name: string): NativeProgram {
  const folder = mkdtempSync(join(tmpdir(), 'tally-bench-vm-'))
  const file = join(folder, name)
  const sources = ['host.c', `${name}.c`].map((source) => join(PROGRAMS, source))
  const { status, stderr } = spawnSync('gcc', ['-O2', '-std=c11', '-o', file, ...sources], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`gcc: ${stderr}`)
  return {
    run(rounds) {
      const [nanoseconds, digest = ''] = spawnSync(file, [String(rounds)], { encoding: 'utf8' })
        .stdout.trim()
        .split(' ')
      return { seconds: Number(nanoseconds) / 1e9, digest }
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}
