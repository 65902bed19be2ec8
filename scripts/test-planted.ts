/**
 * `npm run test:planted`: builds, then plants one bug after the other into the contracts; see
 * `test/planted/plant-contracts.ts`. Arguments are parts of patch names to plant only some.
 *
 * @module
 */
import { run } from './support/run.ts'

const build = await run('hardhat', ['build'], { show: true })
if (build.code !== 0) process.exit(1)
const { code } = await run('node', ['test/planted/plant-contracts.ts', ...process.argv.slice(2)], { show: true })
process.exitCode = code
