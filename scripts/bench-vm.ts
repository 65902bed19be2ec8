/**
 * `npm run bench:vm -- [--json] [--record]`: how fast provable programs run, translated, interpreted and against native
 * code, what committing to their memory takes, and what proving a step and whole disputes cost on chain.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import Table from 'cli-table3'

import { measureCommit } from './bench/vm/commit.ts'
import { type ProofGas, type Speed, VM_RECORD, type VmRecord } from './bench/vm/figures.ts'
import { findCompiler } from './bench/vm/native.ts'
import { BENCH_PROGRAMS, measureSpeed } from './bench/vm/speed.ts'
import { ROOT } from './support/run.ts'

const HELP = `npm run bench:vm -- [--json] [--record]

  --json     the last line is {sha256, branchy, gas, commit}
  --record   writes ${VM_RECORD}, from which npm run generate takes the documentation's figures`

const PLAIN = { head: [], border: [], compact: true }
const MEGA = 1e6

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function shown(value: number | null, digits: number): string {
  return value === null ? '-' : value.toLocaleString('en', { maximumFractionDigits: digits })
}

function tables({ sha256, branchy, commit, gas }: VmRecord): string {
  const head = ['program', 'M instructions', 'native s', 'translated s', 'M/s', 'interpreted M/s', 'to native', 'times']
  const table = new Table({ head, style: PLAIN })
  for (const [name, speed] of Object.entries({ sha256, branchy })) {
    table.push([
      name,
      shown(speed.instructions / MEGA, 0),
      shown(speed.nativeSeconds, 3),
      shown(speed.translatedSeconds, 3),
      shown(speed.translatorPerSecond / MEGA, 0),
      shown(speed.interpreterPerSecond / MEGA, 1),
      shown(speed.translatorToNative, 3),
      shown(speed.translatorToInterpreter, 1),
    ])
  }
  return [
    table.toString(),
    `committing: 64 MiB ${commit.full64MiBMs} ms, 1,000 pages ${commit.incrementalPer1000PagesMs} ms`,
    `gas: a step ${shown(gas.aluStep, 0)}, one with memory ${shown(gas.memoryStep, 0)}`,
    ...[dispute('2^27', gas.dispute27), dispute('2^40', gas.dispute40)],
  ].join('\n')
}

function dispute(steps: string, { total, transactions, challenge, opening, proof }: ProofGas['dispute27']): string {
  const parts = `challenge ${shown(challenge, 0)}, opening ${shown(opening, 0)}, last move ${shown(proof, 0)}`
  return `gas: a dispute about ${steps} steps ${shown(total, 0)} in ${transactions} transactions (${parts})`
}

function jsonOf({ sha256, branchy, gas, commit, withoutNative }: VmRecord): string {
  const { translatorToNative, translatorToInterpreter, interpreterPerSecond } = sha256
  return JSON.stringify({
    sha256: { translatorToNative, translatorToInterpreter, interpreterPerSecond },
    branchy: { translatorToNative: branchy.translatorToNative },
    gas: {
      aluStep: gas.aluStep,
      memoryStep: gas.memoryStep,
      dispute27: gas.dispute27.total,
      dispute40: gas.dispute40.total,
    },
    commit,
    withoutNative,
  })
}

/** Measured last: the chain's client needs time and memory of its own. */
async function measureGas(): Promise<ProofGas> {
  const { build } = await import('./network/contracts.ts')
  await build(console.error)
  console.error('gas')
  const { measureVmGas } = await import('./bench/vm/gas.ts')
  return await measureVmGas()
}

async function main(): Promise<void> {
  const compiler = findCompiler()
  const hasCompiler = 'version' in compiler
  if (!hasCompiler) console.error(`no native figures: ${compiler.reason}`)
  const speeds = new Map<string, Speed>()
  for (const program of BENCH_PROGRAMS) {
    console.error(program.name)
    speeds.set(program.name, measureSpeed(program, hasCompiler))
  }
  console.error('commit')
  const commit = measureCommit()
  const record: VmRecord = {
    command: 'npm run bench:vm',
    versions: {
      node: process.versions.node,
      v8: process.versions.v8,
      ...(hasCompiler ? { gcc: compiler.version } : {}),
    },
    ...(hasCompiler ? {} : { withoutNative: compiler.reason }),
    sha256: speeds.get('sha256') as Speed,
    branchy: speeds.get('branchy') as Speed,
    commit,
    gas: await measureGas(),
  }
  if (values.record) writeFileSync(join(ROOT, VM_RECORD), `${JSON.stringify(record, null, 2)}\n`)
  console.log(tables(record))
  if (values.json) console.log(jsonOf(record))
}

if (values.help) console.log(HELP)
else await main()
