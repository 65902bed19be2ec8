/**
 * Compiles the example: `node examples/city-weather/build.ts [FOLDER]`. See docs/programs.md for the compiler.
 *
 * @module
 */
import { buildPrograms } from '../support/build.ts'

await buildPrograms(import.meta.dirname, ['forecast.c'], process.argv[2])
