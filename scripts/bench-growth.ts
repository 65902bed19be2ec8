/**
 * `npm run bench:growth -- [--json] [--record] [--seed N]`: what a receipt costs as there are more receipts, and more
 * providers and deals of others. It fails where a receipt's cost grows with the ledger by more than 1 %.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import Table from 'cli-table3'

import type { ChainOptions } from './bench/chain.ts'
import { versionsOf } from './bench/versions.ts'
import { receiptsOf } from './bench/workload.ts'
import { measureBuilding } from './growth/building.ts'
import { CROWDS, checkCrowds, measureCrowd } from './growth/crowds.ts'
import {
  type Building,
  type Crowd,
  GROWTH_RECORD,
  type GrowthRecord,
  type Settled,
  type Size,
} from './growth/figures.ts'
import { measureSize, SIZES } from './growth/sizes.ts'
import { ROOT } from './support/run.ts'

const HELP = `npm run bench:growth -- [--json] [--record] [--seed N]

  --json     the last line is {sizes, building, crowds}
  --record   writes ${GROWTH_RECORD}, from which npm run generate takes the documentation's figures
  --seed N   keys, units and work hashes; 1 if left out`

const MAX_MESSAGE = 2_000
const PLAIN = { head: [], border: [], compact: true }

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})

function tables(sizes: readonly Size[], building: readonly Building[], crowds: readonly Crowd[]): string {
  const numbers = (...list: readonly number[]) => list.map((one) => one.toLocaleString('en'))
  const head = ['receipts', 'groups', 'gas', 'txs', 'gas in blobs', 'txs', 'blob gas', 'net gas', 'txs', 'blob gas']
  const settled = new Table({ head, style: PLAIN })
  const ofMode = ({ gasPerReceipt, txs, blobGasPerReceipt }: Settled) => [gasPerReceipt, txs, blobGasPerReceipt]
  for (const { receipts, groups, calldata, blob, net } of sizes)
    settled.push(numbers(receipts, groups, ...ofMode(calldata).slice(0, 2), ...ofMode(blob), ...ofMode(net)))
  const built = new Table({ head: ['receipts', 'groups', 'batches', 'plan ms', 'encode ms', 'heap'], style: PLAIN })
  for (const { receipts, groups, batches, planMs, encodeMs, heapBytes } of building)
    built.push(numbers(receipts, groups, batches, planMs, encodeMs, heapBytes))
  const among = new Table({ head: ['deals', 'providers', 'by', 'gas', 'in blobs', 'netted'], style: PLAIN })
  for (const { deals, providers, by, calldata, blob, net } of crowds)
    among.push([...numbers(deals, providers), by, ...numbers(calldata, blob, net)])
  return `${settled.toString()}\n${built.toString()}\n${among.toString()}`
}

async function main(seed: number): Promise<void> {
  const building = SIZES.map((size) => measureBuilding(receiptsOf(size)))
  const sizes: Size[] = []
  for (const size of SIZES) {
    console.error(`${receiptsOf(size)} receipts`)
    sizes.push(await measureSize({ fork: 'osaka', client: 'edr', seed }, size))
  }
  const options: ChainOptions = { fork: 'osaka', client: 'anvil', seed }
  const crowds: Crowd[] = []
  for (const crowd of CROWDS) {
    console.error(`among ${crowd[0]} deals, by ${crowd[1]}`)
    crowds.push(await measureCrowd(options, crowd))
  }
  checkCrowds(crowds)
  const versions = versionsOf('hardhat', '@nomicfoundation/edr', '@foundry-rs/anvil', 'solc')
  const record: GrowthRecord = { command: 'npm run bench:growth', versions, sizes, building, crowds }
  if (values.record) writeFileSync(join(ROOT, GROWTH_RECORD), `${JSON.stringify(record, null, 2)}\n`)
  console.log(values.json ? JSON.stringify({ sizes, building, crowds }) : tables(sizes, building, crowds))
}

const seed = Number(values.seed)
if (values.help) {
  console.log(HELP)
} else if (!Number.isSafeInteger(seed) || seed < 0) {
  console.error(`--seed takes a whole number, not ${values.seed}`)
  process.exitCode = 2
} else {
  try {
    await main(seed)
  } catch (error) {
    // viem's messages repeat the whole input of a call
    console.error(error instanceof Error ? (error.stack ?? error.message).slice(0, MAX_MESSAGE) : error)
    process.exitCode = 1
  }
}
