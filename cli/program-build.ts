/**
 * `tally program build`: C into a program that can be sold and whose every step can be proven.
 *
 * @module
 */
import { loadElf, programHash } from '#protocol/vm/elf.ts'

import type { Io } from './io.ts'
import { toJson } from './io.ts'
import { writeBytes } from './program-file.ts'
import { compile } from './toolchain.ts'

/** Flags of `tally program build`. */
export type BuildFlags = {
  output: string
  compiler: string
  gcc?: readonly string[]
  json?: boolean
}

/** Runs `tally program build`. */
export async function buildCommand(io: Io, sources: readonly string[], flags: BuildFlags): Promise<void> {
  const { compiler, output, gcc } = flags
  const elf = await compile({ sources, compiler, extra: gcc ?? [], report: io.err })
  const hash = programHash(loadElf(elf))
  await writeBytes(output, elf)
  io.out(
    flags.json === true ? toJson({ file: output, bytes: elf.length, program: hash }) : `${output}: program ${hash}`,
  )
}
