/**
 * Hardhat's own mocha test task; when `TALLY_TEST_REPORT` names a file, it writes the counts there and lets no test
 * stay unrun.
 *
 * @module
 */
import type { TaskOverrideActionFunction } from 'hardhat/types/tasks'

import { CountingReporter } from './mocha-reporter.ts'

const runAndReport: TaskOverrideActionFunction = async (args, hre, runSuper) => {
  const output = process.env.TALLY_TEST_REPORT
  if (output !== undefined) {
    Object.assign(hre.config.test.mocha, {
      forbidOnly: true,
      forbidPending: true,
      reporter: CountingReporter,
      reporterOptions: { output },
    })
  }
  return await runSuper(args)
}

export default runAndReport
