/**
 * The C compiler for the provable machine, and what every program is linked with (`cli/sdk`).
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
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
  /** Files that GCC takes (C, assembly, objects, archives), or one WebAssembly module. */
  readonly sources: readonly string[]
  /** Further arguments of GCC. */
  readonly extra?: readonly string[]
  readonly compiler?: string
  /** Is given what the compiler says: warnings, errors. */
  readonly report?: (text: string) => void
}

/**
 * Compiles and links a program into an ELF file.
 *
 * @throws CliError `cli.no-compiler` when compiler or C library are not installed, `cli.does-not-compile`,
 * `cli.no-wasm2c` when a module is to be compiled and wabt is not installed.
 */
export async function compile({ sources, extra = [], ...build }: Build): Promise<Uint8Array> {
  const { compiler = DEFAULT_COMPILER, report = () => undefined } = build
  const folder = await mkdtemp(join(tmpdir(), 'tally-build-'))
  const output = join(folder, 'program.elf')
  const [first = '.'] = sources
  // relative to where the sources are, so that no path of this machine gets into the program
  const cwd = dirname(resolve(first))
  const names = [`-ffile-prefix-map=${sdk}=sdk`, `-ffile-prefix-map=${folder}=.`]
  const own = [join(sdk, 'start.S'), join(sdk, 'tally.c'), '-T', join(sdk, 'tally.ld'), '-I', sdk]
  try {
    const files = first.endsWith('.wasm')
      ? await translateModule(resolve(first), folder)
      : sources.map((source) => relative(cwd, resolve(source)))
    const given = [...flags, ...names, ...own, ...files, ...extra, '-lm', '-o', output]
    const { stderr } = await promisify(execFile)(compiler, given, { cwd, maxBuffer: 2 ** 24 })
    if (stderr !== '') report(stderr.trimEnd())
    return Uint8Array.from(await readFile(output))
  } catch (error) {
    throw error instanceof CliError ? error : explain(error, compiler, report)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** C of a module that was written for the kind Repeatable, and of what it imports. */
async function translateModule(module: string, folder: string): Promise<string[]> {
  const code = join(folder, 'program.c')
  let wasm2c: string
  try {
    wasm2c = join(dirname(fileURLToPath(import.meta.resolve('wabt/package.json'))), 'bin/wasm2c')
  } catch (error) {
    throw new CliError('cli.no-wasm2c', 'wasm2c is not installed; npm install wabt', { cause: error })
  }
  try {
    await promisify(execFile)(process.execPath, [wasm2c, '-n', 'program', module, '-o', code])
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { readonly stderr?: string; readonly stdout?: string }
    const [first = 'no reason given'] = `${stderr}\n${stdout}`.split('\n').filter((line) => line.trim() !== '')
    throw new CliError('cli.does-not-compile', `wasm2c refused it: ${first}`, { cause: error })
  }
  return [join(sdk, 'wasm/module.c'), code, '-I', join(sdk, 'wasm'), '-I', folder]
}

function explain(error: unknown, compiler: string, report: (text: string) => void): CliError {
  const { code, stderr = '' } = error as { readonly code?: unknown; readonly stderr?: string }
  const how = `on Debian and Ubuntu: apt-get install ${PACKAGES}`
  if (code === 'ENOENT')
    return new CliError('cli.no-compiler', `${compiler} is not installed; ${how}`, { cause: error })
  if (stderr.includes('picolibc.specs')) {
    return new CliError('cli.no-compiler', `${compiler} finds no C library; ${how}`, { cause: error })
  }
  report(stderr.trimEnd())
  const first = stderr.split('\n').find((line) => line.includes('error') || line.includes('undefined')) ?? String(code)
  return new CliError('cli.does-not-compile', `${compiler} refused it: ${first.trim()}`, { cause: error })
}
