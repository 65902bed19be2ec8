/**
 * `npm run fix`: mends what a program can mend, formatting and import order above all.
 *
 * @module
 */
import { run } from './support/run.ts'

const biome = await run('biome', ['check', '--write'], { show: true })
const prettier = await run(
  'prettier',
  ['--write', '--log-level', 'warn', '--no-error-on-unmatched-pattern', '{contracts,test}/**/*.sol'],
  { show: true },
)
process.exitCode = biome.code === 0 && prettier.code === 0 ? 0 : 1
