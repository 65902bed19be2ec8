/**
 * `npm run test:audit`: plants every bug of `test/planted/auditor` into the contracts, one at a time, settles a chain by
 * them and asks that an audit names the transaction.
 *
 * Compiled contracts are kept in `cache/planted`, so that a second run takes seconds.
 *
 * @module
 */
import { run } from './support/run.ts'

const build = await run('hardhat', ['build', '--no-tests'], { show: true })
if (build.code !== 0) process.exit(1)
const { code } = await run('hardhat', ['test', 'mocha', '--no-compile', 'test/auditor/planted.test.ts'], {
  show: true,
  env: { TALLY_PLANTED: 'all' },
})
process.exitCode = code
