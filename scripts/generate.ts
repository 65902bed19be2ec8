/**
 * `npm run generate`: compiles, then writes what the contracts decide for others: `protocol/abi.generated.ts` and
 * `test/snapshots/<Contract>.json`. With `--check` it writes nothing and fails when a file is stale.
 *
 * @module
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'

import { type BuiltContract, readBuiltContracts } from './support/contract-build.ts'
import { brokenLimits, snapshotText } from './support/contract-snapshot.ts'
import { ROOT, run } from './support/run.ts'

const ARTIFACTS = join(ROOT, 'artifacts')

function abiText(contracts: readonly BuiltContract[]): string {
  const entries = contracts.map(
    ({ name, abi }) => `  ${name}: [\n${abi.map((item) => `    ${JSON.stringify(item)},\n`).join('')}  ],\n`,
  )
  return `/**
 * ABIs of the deployed contracts, by contract name.
 *
 * Written by \`npm run generate\` from the compiler's output; edits are overwritten.
 *
 * @module
 */
export const abi = {\n${entries.join('')}} as const\n`
}

/** Every generated file by path, with the text it must have. */
function wantedFiles(contracts: readonly BuiltContract[]): Map<string, string> {
  const snapshots = contracts.map(
    (contract) => [`test/snapshots/${contract.name}.json`, snapshotText(contract)] as const,
  )
  return new Map([['protocol/abi.generated.ts', abiText(contracts)], ...snapshots])
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8')
  } catch {
    return undefined
  }
}

/** Snapshots of contracts that are gone; other snapshots (gas) do not start with a contract's name. */
function orphans(wanted: ReadonlyMap<string, string>): string[] {
  return globSync('test/snapshots/*.json', { cwd: ROOT }).filter(
    (path) => !wanted.has(path) && (textOf(path) ?? '').startsWith('{\n  "contract":'),
  )
}

function write(path: string, text: string): void {
  const file = join(ROOT, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  console.log(`wrote ${path}`)
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
const build = await run('hardhat', ['build', '--no-tests'], { show: true })
if (build.code !== 0) process.exit(1)

const contracts = readBuiltContracts(
  ARTIFACTS,
  globSync('contracts/*.sol', { cwd: ROOT }).flatMap((source) =>
    globSync(`${source}/*.json`, { cwd: ARTIFACTS }).map((path) => join(ARTIFACTS, path)),
  ),
)
const wanted = wantedFiles(contracts)
const stale = [...wanted].filter(([path, text]) => textOf(path) !== text)
const gone = orphans(wanted)
const broken = contracts.flatMap(brokenLimits)

if (values.check) {
  for (const path of [...stale.map(([path]) => path), ...gone]) console.error(`${path} is stale: npm run generate`)
} else {
  for (const [path, text] of stale) write(path, text)
  for (const path of gone) rmSync(join(ROOT, path))
}
for (const limit of broken) console.error(limit)
const isFresh = !values.check || stale.length + gone.length === 0
process.exitCode = isFresh && broken.length === 0 ? 0 : 1
