/**
 * Compiles the example: `node examples/co2-curve/build.ts [FOLDER]`. See docs/programs.md for the compiler.
 *
 * @module
 */
import { buildPrograms } from '../support/build.ts'

await buildPrograms(import.meta.dirname, ['keeling.c'], process.argv[2])
