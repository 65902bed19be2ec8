/**
 * `npm run test:chaos`: clusters of real processes under kills and re-organisations that a seed decides, longer and wilder
 * than `npm test` has time for.
 *
 * `-- --rounds 5` runs five seeds per client (two if left out); `TALLY_SEED` repeats one. Other arguments are parts of
 * names of the files in `test/e2e/` to run.
 *
 * @module
 */
import { globSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { ROOT, run } from './support/run.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '2' } },
})
const files = globSync('test/e2e/*.{chaos,test}.ts', { cwd: ROOT })
  .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)))
  .sort()
if (files.length === 0) {
  console.error('no such file in test/e2e/')
  process.exit(1)
}
const build = await run('hardhat', ['build'], { show: true })
if (build.code !== 0) process.exit(build.code)
const { code } = await run('mocha', ['--forbid-only', '--forbid-pending', ...files], {
  show: true,
  env: { TALLY_ROUNDS: values.rounds },
})
process.exitCode = code
