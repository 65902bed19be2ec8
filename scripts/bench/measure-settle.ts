/**
 * What settling a workload costs.
 *
 * @module
 */
import type { Hex } from 'viem'

import { type SettleCall, signRound, splitCalls } from './batches.ts'
import { checkMoved, checkSettled, readBooks } from './books.ts'
import { type Chain, type ChainOptions, MAX_TX_GAS, openChain } from './chain.ts'
import { createWorkload, type Shape } from './workload.ts'
import { createWorld, type Density, type World } from './world.ts'

/** Figures of one workload in one mode; gas is of whole transactions. */
export type Figures = {
  /** All transactions of the second batch. */
  readonly gas: number
  readonly gasPerReceipt: number
  /** Bytes of the transactions' input, per receipt. */
  readonly bytesPerReceipt: number
  readonly txs: number
  /** Least gas any transactions with this input use (EIP-7623 and its successor), measured; of all transactions. */
  readonly calldataFloor: number
  readonly blobGas: number
  /** Gas per receipt of the streams' first batch. */
  readonly firstTime: number
  /** `gasPerReceipt` where no two streams of the batch share state and ids lie far apart. */
  readonly sparse: number
}

type Round = { readonly gas: bigint; readonly bytes: number; readonly calls: readonly SettleCall[] }

const ROUNDS = 2

/** Settles two batches of the same streams, dense and sparse, and checks the books after each. */
export async function measureSettling(options: ChainOptions, shape: Shape): Promise<Figures> {
  const receipts = shape.deals * shape.streamsPerDeal * shape.receiptsPerStream
  const perReceipt = (value: bigint | number): number => Math.round((Number(value) / receipts) * 100) / 100
  const dense = await settleRounds(options, shape, 'dense')
  const sparse = await settleRounds(options, shape, 'sparse')
  const [first, second] = dense.rounds
  return {
    gas: Number(second.gas),
    gasPerReceipt: perReceipt(second.gas),
    bytesPerReceipt: perReceipt(second.bytes),
    txs: second.calls.length,
    calldataFloor: Number(dense.floor),
    blobGas: 0,
    firstTime: perReceipt(first.gas),
    sparse: perReceipt(sparse.rounds[1].gas),
  }
}

type Run = { readonly rounds: readonly [Round, Round]; readonly floor: bigint }

async function settleRounds(options: ChainOptions, shape: Shape, density: Density): Promise<Run> {
  const chain = await openChain(options)
  try {
    const world = await createWorld(chain, options.seed, createWorkload(shape, options.seed, ROUNDS), density)
    const first = await settleRound(world, 0)
    const second = await settleRound(world, 1)
    return {
      rounds: [first, second],
      floor: await measureFloor(
        chain,
        second.calls.map(({ data }) => data),
      ),
    }
  } finally {
    await chain.close()
  }
}

async function settleRound(world: World, round: number): Promise<Round> {
  const { chain, submitter } = world
  const calls = await splitCalls(world, signRound(world, round))
  const before = await readBooks(world)
  let gas = 0n
  let bytes = 0
  for (const call of calls) {
    const mined = await chain.send(submitter, chain.deployment.settlement, call.data)
    if (mined.gas > MAX_TX_GAS) throw new Error(`a transaction used ${mined.gas} gas`)
    await checkSettled(world, call, mined)
    gas += mined.gas
    bytes += (mined.data.length - 2) / 2
  }
  checkMoved(world, calls, before, await readBooks(world))
  return { gas, bytes, calls }
}

/** What the same inputs cost when they are sent to an account without code. */
async function measureFloor(chain: Chain, inputs: readonly Hex[]): Promise<bigint> {
  const nobody = await chain.actor('nobody', 0)
  let gas = 0n
  for (const data of inputs) gas += (await chain.send(nobody, nobody.address, data)).gas
  return gas
}
