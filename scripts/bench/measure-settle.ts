/**
 * What settling a workload costs.
 *
 * @module
 */
import { encodeFunctionData, type Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Mode } from '#protocol/types.ts'

import { type SettleCall, signRound, splitCalls } from './batches.ts'
import { checkMoved, checkSettled, readBooks } from './books.ts'
import { type Chain, type ChainOptions, MAX_TX_GAS, type Mined, openChain } from './chain.ts'
import type { Figures } from './figures.ts'
import { checkNetted, createNetBooks, type NetBooks, netCalls } from './netting.ts'
import { packWorld } from './packing.ts'
import { createWorkload, receiptsOf, type Shape, sum } from './workload.ts'
import { createWorld, type Density, type World } from './world.ts'

type Call = Pick<SettleCall, 'groups' | 'data' | 'blobs'>
/** What the batches of one round took, all transactions. */
export type Round = {
  readonly gas: bigint
  readonly blobGas: bigint
  readonly bytes: number
  readonly calls: readonly Call[]
  readonly each: readonly Mined[]
}

/** A world on the way: what it settles in, and where its netted deals stand. */
export type Course = { readonly world: World; readonly mode: Mode; readonly books: NetBooks | null }

const HOUR = 3_600
const HOURS_OF_DAY = 24

/**
 * Settles batches of the same streams and checks the books after each: a first one as the streams were opened; then,
 * with deals and workers packed, another one on that day and the first one of the next. Once more with nothing shared.
 */
export async function measureSettling(options: ChainOptions, shape: Shape, mode: Mode): Promise<Figures> {
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

/** Acts on a chain of its own. */
export async function onChain<T>(options: ChainOptions, act: (chain: Chain) => Promise<T>): Promise<T> {
  const chain = await openChain(options)
  try {
    return await act(chain)
  } finally {
    await chain.close()
  }
}

type Dense = { readonly first: Round; readonly steady: Round; readonly dayFirst: Round; readonly floor: bigint }

async function settleDense(options: ChainOptions, shape: Shape, mode: Mode): Promise<Dense> {
  return onChain(options, async (chain) => {
    const course = await begin(chain, options.seed, shape, { mode, density: 'dense', rounds: 3 })
    const first = await settleRound(course, 0)
    const packed = await pack(course)
    const steady = await settleRound(packed, 1)
    await passDay(chain)
    const dayFirst = await settleRound(packed, 2)
    const inputs = steady.calls.map(({ data }) => data)
    return { first, steady, dayFirst, floor: await measureFloor(chain, inputs) }
  })
}

/** Nothing is packed here: a page would be shared. */
async function settleSparse(options: ChainOptions, shape: Shape, mode: Mode): Promise<Round> {
  return onChain(options, async (chain) => {
    const course = await begin(chain, options.seed, shape, { mode, density: 'sparse', rounds: 2 })
    await settleRound(course, 0)
    return settleRound(course, 1)
  })
}

/** How a course is run. */
export type Terms = { readonly mode: Mode; readonly density: Density; readonly rounds: number }

/** A world in which nothing was settled yet. */
export async function begin(
  chain: Chain,
  seed: number,
  shape: Shape,
  { mode, density, rounds }: Terms,
): Promise<Course> {
  const isNet = mode === Mode.Net
  const workload = createWorkload(shape, seed, rounds)
  const world = await createWorld(chain, seed, workload, density, isNet ? Mode.Net : Mode.Calldata)
  return { world, mode, books: isNet ? await createNetBooks(world) : null }
}

/** Net batches read neither deals' facts nor workers' keys. */
export async function pack(course: Course): Promise<Course> {
  return course.mode === Mode.Net ? course : { ...course, world: (await packWorld(course.world)).world }
}

/** Settles what round `round` brings to every stream. @throws Error when the books do not add up after it. */
export async function settleRound({ world, mode, books }: Course, round: number): Promise<Round> {
  const before = await readBooks(world)
  const settled = books === null ? await settleGroups(world, mode, round) : await settleNets(world, books, round)
  checkMoved(world, settled.calls, before, await readBooks(world))
  return settled
}

async function settleGroups(world: World, mode: Mode, round: number): Promise<Round> {
  const calls = await splitCalls(world, signRound(world, round), mode === Mode.Blob ? Mode.Blob : Mode.Calldata)
  return sendAll(world, calls, (call, mined) => checkSettled(world, call, mined))
}

async function settleNets(world: World, books: NetBooks, round: number): Promise<Round> {
  const calls = await netCalls(world, books, round)
  return sendAll(world, calls, (call, mined) => checkNetted(world, call, mined))
}

async function sendAll<C extends Call>(
  { chain, submitter }: World,
  calls: readonly C[],
  check: (call: C, mined: Mined) => Promise<void>,
): Promise<Round> {
  const each: Mined[] = []
  for (const call of calls) {
    const mined = await chain.send(submitter, chain.deployment.settlement, call.data, call.blobs)
    if (mined.gas > MAX_TX_GAS) throw new Error(`a transaction used ${mined.gas} gas`)
    await check(call, mined)
    each.push(mined)
  }
  return {
    gas: sum(each.map(({ gas }) => gas)),
    blobGas: sum(each.map(({ blobGas }) => blobGas)),
    bytes: each.reduce((total, { data }) => total + (data.length - 2) / 2, 0),
    ...{ calls, each },
  }
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
