/**
 * Plants every bug of `test/planted/contracts` into the contracts, one at a time, and asks that the named test file fails
 * in exactly the tests the patch names: a test that cannot fail proves nothing. Run by `npm run test:planted`.
 *
 * Works in a copy of the repository, on copied artifacts; only the contract a patch touches is compiled anew, and kept
 * in `cache/planted`. Arguments are parts of patch names to plant only some.
 *
 * @module
 */
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { ROOT, run } from '#scripts/support/run.ts'
import { type Planted, plant, readPlanted } from './planted.ts'

const PATCHES = 'test/planted/contracts'
const COPIED = ['contracts', 'protocol', 'runtime', 'scripts', 'test', 'types', 'artifacts', 'cache']
const FILES = ['package.json', 'hardhat.config.ts', 'tsconfig.json']
/** The same random calls in every run, so that what is found today is found tomorrow. */
const SEED = `0x${'5eed'.repeat(16)}`

type Verdict = { name: string; bug: string; caught: boolean; note: string; seconds: number }

function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tally-planted-'))
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  for (const name of FILES) cpSync(join(ROOT, name), join(folder, name))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** Titles of the tests that failed; undefined when the runner did not get to its summary. */
function failedTitles(output: string): Set<string> | undefined {
  const [tree = '', summary] = stripVTControlCharacters(output).split(/^\s*\d+ passing/m)
  if (summary === undefined) return undefined
  const lines = [...tree.matchAll(/^\s+\d+\) (.+?)(?:\(.*\))?\s*$/gm)]
  return new Set(lines.map(([, title]) => (title ?? '').trim()))
}

function judge(expected: readonly string[], failed: Set<string> | undefined, output: string): string {
  if (failed === undefined) return `the test run broke:\n${output.slice(-2000)}`
  const missing = expected.filter((title) => !failed.has(title))
  const extra = [...failed].filter((title) => !expected.includes(title))
  return [...missing.map((title) => `not caught by: ${title}`), ...extra.map((title) => `also fails: ${title}`)].join(
    '\n',
  )
}

async function runTest(folder: string, test: string): Promise<string> {
  const runner = test.endsWith('.sol') ? 'solidity' : 'mocha'
  const { output } = await run('hardhat', ['test', runner, '--no-compile', test], {
    show: false,
    cwd: folder,
    env: { TALLY_FUZZ_SEED: SEED },
  })
  return output
}

async function check(folder: string, planted: Planted): Promise<Verdict> {
  const startedMs = performance.now()
  const restore = plant(folder, planted)
  try {
    const output = await runTest(folder, planted.test)
    const note = judge(planted.fails, failedTitles(output), output)
    const seconds = (performance.now() - startedMs) / 1000
    return { name: planted.name, bug: planted.bug, caught: note === '', note, seconds }
  } finally {
    restore()
  }
}

function show({ name, bug, caught, note, seconds }: Verdict): void {
  console.log(`${caught ? 'caught' : 'MISSED'}  ${name.padEnd(28)} ${bug} (${seconds.toFixed(0)} s)`)
  if (note !== '') console.log(note.replace(/^/gm, '        '))
}

const parts = process.argv.slice(2)
const files = globSync(`${PATCHES}/*.patch`, { cwd: ROOT })
  .filter((file) => parts.length === 0 || parts.some((part) => basename(file).includes(part)))
  .sort()
const folder = copyTree()
const verdicts: Verdict[] = []
try {
  for (const file of files) {
    const planted = readPlanted(basename(file, '.patch'), readFileSync(join(ROOT, file), 'utf8'))
    const verdict = await check(folder, planted)
    show(verdict)
    verdicts.push(verdict)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
const failed = verdicts.filter(({ caught }) => !caught).length
console.log(`\n${verdicts.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 && verdicts.length > 0 ? 0 : 1
