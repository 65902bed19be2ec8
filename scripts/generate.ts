/**
 * `npm run generate`: compiles, then writes what follows from the code: `protocol/abi.generated.ts` and
 * `test/snapshots/<Contract>.json` from the contracts, `docs/openapi/<node>.json` from the nodes' routes, charts and
 * figures of pages from the records in `docs/data`. With `--check` it writes nothing and fails when a file is stale.
 *
 * @module
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'

import { oracleApi } from '#oracle/adapters/routes.ts'
import { type OpenApiSource, openApiOf } from '#runtime/openapi.ts'
import { workerApi } from '#worker/adapters/routes.ts'

import { documents } from './docs/documents.ts'
import { type BuiltContract, readBuiltContracts } from './support/contract-build.ts'
import { brokenLimits, snapshotText } from './support/contract-snapshot.ts'
import { ROOT, run } from './support/run.ts'

const ARTIFACTS = join(ROOT, 'artifacts')

/** Contracts whose code another one runs on its own state. */
const CODE: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['Settlement', new Set(['Desk', 'Faults', 'Nets'])],
  ['Registry', new Set(['Pools'])],
])

/** What answers at a contract's address: its own functions and, by delegatecall, those of its code elsewhere. */
function withAll(contracts: readonly BuiltContract[]): BuiltContract[] {
  return contracts.map((contract) => {
    const code = CODE.get(contract.name)
    if (code === undefined) return contract
    const others = contracts.filter(({ name }) => code.has(name)).flatMap(({ abi }) => abi)
    const entries = [...contract.abi, ...others.filter((item) => item.type !== 'constructor')]
    const byText = new Map(entries.map((item) => [JSON.stringify(item), item]))
    return { ...contract, abi: [...byText.values()] }
  })
}

function abiText(contracts: readonly BuiltContract[]): string {
  const constants = withAll(contracts).map(({ name, abi }) => {
    const items = abi.map((item) => `  ${JSON.stringify(item)},\n`).join('')
    return `export const ${name.charAt(0).toLowerCase()}${name.slice(1)}Abi = [\n${items}] as const\n`
  })
  return `/**
 * ABIs of the deployed contracts. The settlement's holds those of desk, faults and nets too: all answer at its address.
 *
 * Written by \`npm run generate\` from the compiler's output; edits are overwritten.
 *
 * @module
 */
${constants.join('\n')}`
}

function apiText(source: OpenApiSource): string {
  return `${JSON.stringify(openApiOf(source), null, 2)}\n`
}

/** Every generated file by path, with the text it must have. */
function wantedFiles(contracts: readonly BuiltContract[], demo: readonly BuiltContract[]): Map<string, string> {
  const snapshots = contracts.map(
    (contract) => [`test/snapshots/${contract.name}.json`, snapshotText(contract)] as const,
  )
  return new Map([
    ['protocol/abi.generated.ts', abiText([...contracts, ...demo])],
    ['docs/openapi/oracle.json', apiText(oracleApi)],
    ['docs/openapi/worker.json', apiText(workerApi)],
    ...documents(),
    ...snapshots,
  ])
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

function built(pattern: string): BuiltContract[] {
  const sources = globSync(pattern, { cwd: ROOT })
  const artifacts = sources.flatMap((source) => globSync(`${source}/*.json`, { cwd: ARTIFACTS }))
  return readBuiltContracts(
    ARTIFACTS,
    artifacts.map((path) => join(ARTIFACTS, path)),
  )
}

const contracts = built('contracts/*.sol')
const demo = built('contracts/demo/*.sol')
const wanted = wantedFiles(contracts, demo)
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
