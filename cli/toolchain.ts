/**
 * The C compiler for the provable machine, and what every program is linked with (`cli/sdk`).
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'

import { CliError } from './errors.ts'

/** GCC for bare RISC-V machines, as Debian and Ubuntu name it. */
export const DEFAULT_COMPILER = 'riscv64-unknown-elf-gcc'
const PACKAGES = 'gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf'
const sdk = join(import.meta.dirname, 'sdk')

/** Always the same, so that the same source and compiler make the same program. */
const flags = [
  // no compressed instructions, no floating-point ones: libgcc computes floats with integers
  ...['-march=rv32im', '-mabi=ilp32', '--specs=picolibc.specs', '-nostartfiles'],
  ...['-O2', '-Wall', '-ffunction-sections', '-fdata-sections', '-static'],
  ...['-Wl,--gc-sections', '-Wl,--build-id=none', '-Wl,-n', '-s'],
]

/** What to compile. */
export type Build = {
  /** Files that GCC takes: C, assembly, objects, archives. */
  readonly sources: readonly string[]
  /** Further arguments of GCC. */
  readonly extra?: readonly string[]
  readonly compiler?: string
}

/** A program and what the compiler had to say about it. */
export type Built = { readonly elf: Uint8Array; readonly warnings: string }

/**
 * Compiles and links a program.
 *
 * @throws CliError `cli.no-compiler` when it is not installed, `cli.does-not-compile`.
 */
export async function compile({ sources, extra = [], compiler = DEFAULT_COMPILER }: Build): Promise<Built> {
  const folder = await mkdtemp(join(tmpdir(), 'tally-build-'))
  const output = join(folder, 'program.elf')
  // relative to where the sources are, so that no path of this machine gets into the program
  const cwd = dirname(resolve(sources[0] ?? '.'))
  const own = [join(sdk, 'start.S'), join(sdk, 'tally.c'), '-T', join(sdk, 'tally.ld'), '-I', sdk]
  const files = sources.map((source) => relative(cwd, resolve(source)))
  try {
    const { stderr } = await promisify(execFile)(
      compiler,
      [...flags, `-ffile-prefix-map=${sdk}=sdk`, ...own, ...files, ...extra, '-lm', '-o', output],
      { cwd, maxBuffer: 2 ** 24 },
    )
    return { elf: Uint8Array.from(await readFile(output)), warnings: stderr.trim() }
  } catch (error) {
    throw explain(error, compiler)
  } finally {
    await rm(folder, { recursive: true })
  }
}

function explain(error: unknown, compiler: string): CliError {
  const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string }
  if (code === 'ENOENT') {
    const how = `on Debian and Ubuntu: apt-get install ${PACKAGES}`
    return new CliError('cli.no-compiler', `${compiler} is not installed (${how})`, { cause: error })
  }
  if (stderr?.includes('picolibc.specs') === true) {
    const how = `on Debian and Ubuntu: apt-get install ${PACKAGES}`
    return new CliError('cli.no-compiler', `${compiler} finds no C library (${how})`, { cause: error })
  }
  return new CliError('cli.does-not-compile', `${compiler} refused it:\n${stderr?.trim() ?? String(error)}`, {
    cause: error,
  })
}
