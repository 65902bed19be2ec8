/**
 * Compiles the example: `node examples/flight-routes/build.ts [FOLDER]`. See docs/programs.md for the compiler.
 *
 * @module
 */
import { buildPrograms } from '../support/build.ts'

await buildPrograms(import.meta.dirname, ['routes.c'], process.argv[2])
