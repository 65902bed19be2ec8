/**
 * `tally program`: writing, trying and proving programs of the provable machine.
 *
 * @module
 */
import type { Command } from 'commander'

import { parseAddress, parseCount, parseUrl } from './arguments.ts'
import type { Io } from './io.ts'
import { type BuildFlags, buildCommand } from './program-build.ts'
import { type InspectFlags, inspectCommand } from './program-inspect.ts'
import { type ProveFlags, proveCommand } from './program-prove.ts'
import { type RunFlags, runCommand } from './program-run.ts'
import { DEFAULT_COMPILER } from './toolchain.ts'

const DEFAULT_MAX_UNITS = 10_000
const MAX_UNITS = 2 ** 33
const MAX_STEP = Number.MAX_SAFE_INTEGER - 1

const collect = (value: string, all: readonly string[] = []): readonly string[] => [...all, value]

/** Adds `program build`, `inspect`, `run` and `prove`. */
export function addProgram(tally: Command, io: Io): void {
  const program = tally.command('program').description('write, try and prove programs whose every step can be disputed')
  program
    .command('build <file...>')
    .description('compile C, or a WebAssembly module of kind repeatable, into a program; see docs/programs.md')
    .requiredOption('-o, --output <file>', 'ELF file to write')
    .option('--gcc <argument>', 'further argument of the compiler, such as --gcc=-O3; may be given again', collect)
    .option('--compiler <name>', 'GCC for bare RISC-V machines', DEFAULT_COMPILER)
    .option('--json', 'print JSON')
    .action(async (files: readonly string[], flags: BuildFlags) => await buildCommand(io, files, flags))
  program
    .command('inspect <file>')
    .description('show a program’s hash, sizes and instructions, and whether it can be sold')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: InspectFlags) => await inspectCommand(io, file, flags))
  program
    .command('run <file>')
    .description('run a program as a worker does')
    .option('--input <file>', 'what it is asked; nothing by default')
    .option('--max-units <number>', 'most units it may use', parseCount('--max-units', 1, MAX_UNITS), DEFAULT_MAX_UNITS)
    .option('--output <file>', 'where to write its output')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: RunFlags) => await runCommand(io, file, flags))
  program
    .command('prove <file>')
    .description('prove one instruction of a run, as the chain’s verifier wants it')
    .requiredOption('--step <number>', 'instructions executed before it', parseCount('--step', 0, MAX_STEP))
    .option('--input <file>', 'what the program is asked; nothing by default')
    .option('--output <file>', 'where to write the witness')
    .option('--rpc <url>', 'JSON-RPC endpoint of a chain whose verifier is to be asked', parseUrl('--rpc'))
    .option('--verifier <address>', 'contract with the one-step verifier', parseAddress('--verifier'))
    .option('--json', 'print JSON')
    .action(async (file: string, flags: ProveFlags) => await proveCommand(io, file, flags))
}
