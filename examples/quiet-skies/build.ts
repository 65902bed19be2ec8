/**
 * Compiles the program: `node examples/quiet-skies/build.ts`. The compiler is pinned, so the module comes out byte for byte.
 *
 * @module
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const here = import.meta.dirname
const compiler = join(here, '../../node_modules/assemblyscript/bin/asc.js')
const output = process.argv[2] ?? join(here, 'sudden-silence.wasm')
execFileSync(
  process.execPath,
  [compiler, 'sudden-silence.as.ts', '--outFile', output, '-O3', '--runtime', 'stub', '--use', 'abort='],
  { cwd: here, stdio: 'inherit' },
)
