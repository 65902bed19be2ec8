/**
 * Hardhat's own Solidity test task, which also writes the counts to a file when `TALLY_TEST_REPORT` names one.
 *
 * @module
 */
import type { TaskOverrideActionFunction } from 'hardhat/types/tasks'
import { z } from 'zod'

import { writeSuiteReport } from './suite-report.ts'

const suiteResults = z.array(
  z.object({
    id: z.object({ source: z.string() }),
    testResults: z.array(z.object({ status: z.enum(['Success', 'Failure', 'Skipped']) })),
  }),
)
const outcome = z.union([
  z.object({ success: z.literal(true), value: z.object({ suiteResults }) }),
  z.object({ success: z.literal(false), error: z.object({ suiteResults }) }),
])

const runAndReport: TaskOverrideActionFunction = async (args, _hre, runSuper) => {
  const result: unknown = await runSuper(args)
  const output = process.env.TALLY_TEST_REPORT
  if (output !== undefined) {
    const parsed = outcome.parse(result)
    const suites = parsed.success ? parsed.value.suiteResults : parsed.error.suiteResults
    const statuses = suites.flatMap((suite) => suite.testResults.map((test) => test.status))
    const passed = statuses.filter((status) => status === 'Success').length
    const files = suites.filter((suite) => suite.testResults.length > 0).map((suite) => suite.id.source)
    writeSuiteReport(output, { passed, failed: statuses.length - passed, files: [...new Set(files)] })
  }
  return result
}

export default runAndReport
