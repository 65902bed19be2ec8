/**
 * What settling a workload costs.
 *
 * @module
 */
import { encodeFunctionData, type Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Mode } from '#protocol/types.ts'

import { type BenchMode, type SettleCall, signRound, splitCalls } from './batches.ts'
import { checkMoved, checkSettled, readBooks } from './books.ts'
import { type Chain, type ChainOptions, MAX_TX_GAS, openChain } from './chain.ts'
import type { Figures } from './figures.ts'
import { packWorld } from './packing.ts'
import { createWorkload, receiptsOf, type Shape } from './workload.ts'
import { createWorld, type World } from './world.ts'

type Round = {
  readonly gas: bigint
  readonly blobGas: bigint
  readonly bytes: number
  readonly calls: readonly SettleCall[]
}

const HOUR = 3_600
const HOURS_OF_DAY = 24

/**
 * Settles batches of the same streams and checks the books after each: a first one as the streams were opened; then,
 * with deals and workers packed, another one on that day and the first one of the next. Once more with nothing shared.
 */
export async function measureSettling(options: ChainOptions, shape: Shape, mode: BenchMode): Promise<Figures> {
  const receipts = receiptsOf(shape)
  const perReceipt = (value: bigint | number): number => Math.round((Number(value) / receipts) * 100) / 100
  const { first, steady, dayFirst, floor } = await settleDense(options, shape, mode)
  const sparse = await settleSparse(options, shape, mode)
  return {
    gas: Number(steady.gas),
    gasPerReceipt: perReceipt(steady.gas),
    bytesPerReceipt: perReceipt(steady.bytes),
    txs: steady.calls.length,
    calldataFloor: Number(floor),
    blobGas: Number(steady.blobGas),
    firstTime: perReceipt(first.gas),
    dayFirst: perReceipt(dayFirst.gas),
    sparse: perReceipt(sparse.gas),
  }
}

async function onChain<T>(options: ChainOptions, act: (chain: Chain) => Promise<T>): Promise<T> {
  const chain = await openChain(options)
  try {
    return await act(chain)
  } finally {
    await chain.close()
  }
}

type Dense = { readonly first: Round; readonly steady: Round; readonly dayFirst: Round; readonly floor: bigint }

async function settleDense(options: ChainOptions, shape: Shape, mode: BenchMode): Promise<Dense> {
  return onChain(options, async (chain) => {
    const world = await createWorld(chain, options.seed, createWorkload(shape, options.seed, 3), 'dense')
    const first = await settleRound(world, 0, mode)
    const { world: packed } = await packWorld(world)
    const steady = await settleRound(packed, 1, mode)
    await passDay(chain)
    const dayFirst = await settleRound(packed, 2, mode)
    const inputs = steady.calls.map(({ data }) => data)
    return { first, steady, dayFirst, floor: await measureFloor(chain, inputs) }
  })
}

/** Nothing is packed here: a page would be shared. */
async function settleSparse(options: ChainOptions, shape: Shape, mode: BenchMode): Promise<Round> {
  return onChain(options, async (chain) => {
    const world = await createWorld(chain, options.seed, createWorkload(shape, options.seed, 2), 'sparse')
    await settleRound(world, 0, mode)
    return settleRound(world, 1, mode)
  })
}

/** Settles what round `round` brings to every stream. @throws Error when the books do not add up after it. */
export async function settleRound(world: World, round: number, mode: BenchMode = Mode.Calldata): Promise<Round> {
  const { chain, submitter } = world
  const calls = await splitCalls(world, signRound(world, round), mode)
  const before = await readBooks(world)
  let [gas, blobGas, bytes] = [0n, 0n, 0]
  for (const call of calls) {
    const mined = await chain.send(submitter, chain.deployment.settlement, call.data, call.blobs)
    if (mined.gas > MAX_TX_GAS) throw new Error(`a transaction used ${mined.gas} gas`)
    await checkSettled(world, call, mined)
    gas += mined.gas
    blobGas += mined.blobGas
    bytes += (mined.data.length - 2) / 2
  }
  checkMoved(world, calls, before, await readBooks(world))
  return { gas, blobGas, bytes, calls }
}

/** Lets a day pass on the protocol clock, which moves an hour at most with each touch. */
async function passDay(chain: Chain): Promise<void> {
  const passer = await chain.actor('passer', 0)
  const tick = encodeFunctionData({ abi: settlementAbi, functionName: 'tick' })
  for (let hour = 0; hour < HOURS_OF_DAY; hour += 1) {
    chain.pass(HOUR)
    await chain.send(passer, chain.deployment.settlement, tick)
  }
}

/** What the same inputs cost when they are sent to an account without code. */
async function measureFloor(chain: Chain, inputs: readonly Hex[]): Promise<bigint> {
  const nobody = await chain.actor('nobody', 0)
  let gas = 0n
  for (const data of inputs) gas += (await chain.send(nobody, nobody.address, data)).gas
  return gas
}
