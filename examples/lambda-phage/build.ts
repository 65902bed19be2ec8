/**
 * Compiles the example: `node examples/lambda-phage/build.ts [FOLDER]`. See docs/programs.md for the compiler.
 *
 * @module
 */
import { buildPrograms } from '../support/build.ts'

await buildPrograms(import.meta.dirname, ['map-reads.c', 'digest.c'], process.argv[2])
