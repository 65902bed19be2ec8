/**
 * Compiles programs of examples as `tally program build` does. Debian 12's GCC 12.2 and picolibc 1.8 make the same bytes.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { compile } from '../../cli/toolchain.ts'

/** Programs of an example's folder: the names of their sources without `.c`. */
export async function buildPrograms(folder: string, names: readonly string[], output = folder): Promise<void> {
  for (const name of names) {
    writeFileSync(join(output, `${name}.elf`), await compile({ sources: [join(folder, `${name}.c`)] }))
  }
}
