/**
 * Mocha's spec reporter, which also writes the counts to a file.
 *
 * @module
 */
import Mocha from 'mocha'

import { writeSuiteReport } from './suite-report.ts'

function filesOf(suite: Mocha.Suite): string[] {
  const own = suite.tests.flatMap((test) => (test.file === undefined ? [] : [test.file]))
  return [...own, ...suite.suites.flatMap(filesOf)]
}

/** A class only because mocha calls reporters with `new` and keeps what they print in the base class. */
export class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const files = [...new Set(filesOf(runner.suite))] // read now: mocha empties the suites while it runs
    let passed = 0
    let failures = 0
    runner.on('pass', () => {
      passed += 1
    })
    runner.on('fail', () => {
      failures += 1
    })
    runner.once('end', () => {
      const output: unknown = options.reporterOptions?.output
      if (typeof output !== 'string') throw new Error('reporterOptions.output must name a file')
      // a failing hook hides the tests behind it: whatever did not pass has failed
      writeSuiteReport(output, { passed, failed: Math.max(runner.total - passed, failures), files })
    })
  }
}
