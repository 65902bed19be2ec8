/**
 * Compiles the example: `node examples/grid-battery/build.ts [FOLDER]`. See docs/programs.md for the compiler.
 *
 * @module
 */
import { buildPrograms } from '../support/build.ts'

await buildPrograms(import.meta.dirname, ['balance.c'], process.argv[2])
