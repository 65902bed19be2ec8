/**
 * `npm run bench:gas -- [--json] [--record] [--seed N]`: what settling and every single act cost, in gas of whole transactions, on
 * two forks and two clients. Every figure is taken on contracts deployed as `npm start` deploys them, and after each one
 * the books are checked.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { keccak256 } from 'viem'

import { Mode } from '#protocol/types.ts'

import { type ChainOptions, type Client, type Fork, openChain } from './bench/chain.ts'
import { type BenchResult, type ClientFigures, GAS_RECORD, type GasRecord, type Modes } from './bench/figures.ts'
import { measureOperations } from './bench/measure-operations.ts'
import { measureSettling } from './bench/measure-settle.ts'
import { differences, tables } from './bench/report.ts'
import { versionsOf } from './bench/versions.ts'
import { SHAPES, type Shape } from './bench/workload.ts'
import { ROOT } from './support/run.ts'

const HELP = `npm run bench:gas -- [--json] [--record] [--seed N]

  --json     the last line is {fork: {client: {workload: {mode: figures}, ops}}}
  --record   writes ${GAS_RECORD}, from which npm run generate takes the documentation's figures
  --seed N   keys, units and work hashes; 1 if left out

Workloads: W 1,000 receipts in 200 streams of 100 deals; W10 10,000 in the same streams; W1 1,000 in 1,000 streams.
Figures are of the streams' second batch, with deals and workers packed into code pages; gas, calldataFloor (the least gas
the same input costs, EIP-7623) and blobGas (131,072 a blob, priced apart) are sums over all transactions. gasPerReceipt,
bytesPerReceipt, firstTime (first batch, nothing packed), dayFirst (first batch of a day) and sparse (no shared state,
nothing packed) are per receipt. null: not there yet.`

const MAX_MESSAGE = 2_000

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})

async function measure(fork: Fork, client: Client, seed: number): Promise<ClientFigures> {
  const options: ChainOptions = { fork, client, seed }
  const modes = async (name: Shape['name']): Promise<Modes> => {
    const shape = SHAPES.find((one) => one.name === name)
    if (shape === undefined) throw new Error(`no workload ${name}`)
    console.error(`${fork} on ${client}: ${name}`)
    const calldata = await measureSettling(options, shape, Mode.Calldata)
    const blob = await measureSettling(options, shape, Mode.Blob)
    return { calldata, blob, net: await measureSettling(options, shape, Mode.Net) }
  }
  const [W, W10, W1] = [await modes('W'), await modes('W10'), await modes('W1')]
  console.error(`${fork} on ${client}: single acts`)
  return { W, W10, W1, ops: await measureOperations(options) }
}

/** What was measured, by its code. */
async function printCode(options: ChainOptions): Promise<void> {
  const chain = await openChain(options)
  const { registry, desk, committee, settlement, token, stakeToken } = chain.deployment
  for (const [name, address] of Object.entries({ registry, desk, committee, settlement, token, stakeToken })) {
    const code = (await chain.reader.getCode({ address })) ?? '0x'
    console.error(`${name.padEnd(10)} ${(code.length - 2) / 2} bytes, code hash ${keccak256(code)}`)
  }
  await chain.close()
}

function keep(result: BenchResult): void {
  const versions = versionsOf('hardhat', '@nomicfoundation/edr', '@foundry-rs/anvil', 'solc')
  const record: GasRecord = { command: 'npm run bench:gas', versions, result }
  writeFileSync(join(ROOT, GAS_RECORD), `${JSON.stringify(record, null, 2)}\n`)
}

async function main(seed: number, options: { readonly json: boolean; readonly record: boolean }): Promise<number> {
  await printCode({ fork: 'osaka', client: 'edr', seed })
  // chains of their own, so one's waiting is another's working
  const [edr, anvil, amsterdam] = await Promise.all([
    measure('osaka', 'edr', seed),
    measure('osaka', 'anvil', seed),
    measure('amsterdam', 'edr', seed),
  ])
  const result: BenchResult = { osaka: { edr, anvil }, amsterdam: { edr: amsterdam, anvil: null } }
  const disputed = differences(edr, anvil)
  for (const figure of disputed) console.error(`the clients do not agree on ${figure}`)
  if (options.record) keep(result)
  console.log(options.json ? JSON.stringify(result) : tables(result))
  return disputed.length === 0 ? 0 : 1
}

const seed = Number(values.seed)
if (values.help) {
  console.log(HELP)
} else if (!Number.isSafeInteger(seed) || seed < 0) {
  console.error(`--seed takes a whole number, not ${values.seed}`)
  process.exitCode = 2
} else {
  try {
    process.exitCode = await main(seed, values)
  } catch (error) {
    // viem's messages repeat the whole input of a call
    console.error(error instanceof Error ? (error.stack ?? error.message).slice(0, MAX_MESSAGE) : error)
    process.exitCode = 1
  }
}
