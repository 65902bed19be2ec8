/**
 * Compiles programs of examples as `tally program build` does. Debian 12's GCC 12.2 and picolibc 1.8 make the same
 * bytes.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { compile } from '../../cli/toolchain.ts'

/** Programs of an example's folder, by their sources' names. */
export async function buildPrograms(folder: string, sources: readonly string[], output = folder): Promise<void> {
  for (const source of sources) {
    writeFileSync(join(output, elfOf(source)), await compile({ sources: [join(folder, source)] }))
  }
}

/** Name of the program that a source is compiled to. */
export function elfOf(source: string): string {
  return source.replace(/\.[a-z]+$/, '.elf')
}
