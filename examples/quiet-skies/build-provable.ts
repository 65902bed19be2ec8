/**
 * Compiles the module into a provable program: `node examples/quiet-skies/build-provable.ts [FOLDER]`. wabt's wasm2c
 * makes C of it, GCC a program (see docs/programs.md for the compiler).
 *
 * @module
 */
import { buildPrograms } from '../support/build.ts'

await buildPrograms(import.meta.dirname, ['sudden-silence.wasm'], process.argv[2])
