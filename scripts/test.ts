/**
 * `npm test`: every mocha and Solidity test, then one line with the sum.
 *
 * A test that is skipped, a file without tests and a runner without files all count as failed: silence is no proof.
 * Arguments are parts of file names to run only some; `--deep` gives fuzzing and invariants their long profile.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { ROOT, run } from './support/run.ts'
import { readSuiteReport } from './support/suite-report.ts'

const EXIT_GRACE_MS = 30_000
const POLL_MS = 500

/** One runner and the files it is given. */
type Suite = { name: 'mocha' | 'solidity'; files: string[] }
type Counts = { passed: number; failed: number }

function filesNamed(pattern: string, parts: readonly string[]): string[] {
  return globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules/**'] })
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .sort()
}

/** Aborts once the report is there and the runner still does not end: a test left something open. */
async function watchForHang(report: string, hang: AbortController, ended: AbortSignal): Promise<void> {
  const options = { signal: ended }
  try {
    while (readSuiteReport(report) === undefined) await delay(POLL_MS, undefined, options)
    await delay(EXIT_GRACE_MS, undefined, options)
    console.error(`the runner did not end ${EXIT_GRACE_MS / 1000} s after its last test: something is left open`)
    hang.abort()
  } catch (error) {
    if (!ended.aborted) throw error
  }
}

/** Adds to a runner's own counts what it does not count: a crash, a hang, a file without tests. */
function judge(suite: Suite, report: string, code: number): Counts {
  const counts = readSuiteReport(report)
  if (counts === undefined) {
    console.error(`${suite.name} ended before it reported (exit code ${code})`)
    return { passed: 0, failed: 1 }
  }
  const seen = new Set(counts.files.map((file) => relative(ROOT, resolve(ROOT, file.replace(/^project\//, '')))))
  const empty = suite.files.filter((file) => !seen.has(file))
  for (const file of empty) console.error(`no test in ${file}`)
  const unexplained = code !== 0 && counts.failed === 0 ? 1 : 0
  return { passed: counts.passed, failed: counts.failed + empty.length + unexplained }
}

async function runSuite(suite: Suite, folder: string, env: Record<string, string>): Promise<Counts> {
  if (suite.files.length === 0) {
    console.error(`no ${suite.name} tests found`)
    return { passed: 0, failed: 1 }
  }
  const report = join(folder, `${suite.name}.json`)
  const hang = new AbortController()
  const ended = new AbortController()
  const watch = watchForHang(report, hang, ended.signal)
  const { code } = await run('hardhat', ['test', suite.name, '--no-compile', ...suite.files], {
    show: true,
    env: { ...env, TALLY_TEST_REPORT: report },
    signal: hang.signal,
  })
  ended.abort()
  await watch
  return judge(suite, report, code)
}

async function runAll(suites: readonly Suite[], env: Record<string, string>): Promise<Counts> {
  const build = await run('hardhat', ['build'], { show: true })
  if (build.code !== 0) return { passed: 0, failed: 1 }

  const sum: Counts = { passed: 0, failed: 0 }
  const folder = mkdtempSync(join(tmpdir(), 'tally-test-'))
  try {
    for (const suite of suites) {
      const counts = await runSuite(suite, folder, env)
      console.log(`${suite.name}: ${counts.passed} passed, ${counts.failed} failed`)
      sum.passed += counts.passed
      sum.failed += counts.failed
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return sum
}

function deepEnvironment(): Record<string, string> {
  const seed = process.env.TALLY_FUZZ_SEED ?? `0x${randomBytes(32).toString('hex')}`
  console.log(`fuzz seed ${seed} (set TALLY_FUZZ_SEED to repeat it)`)
  return { TALLY_DEEP: '1', TALLY_FUZZ_SEED: seed }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { deep: { type: 'boolean', default: false } },
})
const all: Suite[] = [
  { name: 'mocha', files: filesNamed('test/**/*.test.ts', positionals) },
  { name: 'solidity', files: filesNamed('test/**/*.t.sol', positionals) },
]
const chosen = positionals.length === 0 ? all : all.filter((suite) => suite.files.length > 0)
const total = await runAll(chosen, values.deep ? deepEnvironment() : {})
if (total.passed + total.failed === 0) total.failed = 1
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1
