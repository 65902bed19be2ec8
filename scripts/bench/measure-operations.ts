/**
 * What single acts cost: paying in, opening a deal, joining, being paid, leaving, forcing.
 *
 * @module
 */
import { encodeFunctionData, type Hex, type PrivateKeyAccount } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { Lane } from '#protocol/types.ts'

import {
  depositWithPermit,
  join,
  mintDollars,
  openDealWithPermit,
  signOffer,
  termsOf,
  workerAddresses,
} from './actors.ts'
import { settleCall, signRound } from './batches.ts'
import { checkMoved, checkSettled, readBooks } from './books.ts'
import { type Chain, type ChainOptions, openChain } from './chain.ts'
import { keyOf } from './random.ts'
import { createWorkload, type Shape } from './workload.ts'
import { createWorld, type World } from './world.ts'

/**
 * Gas of single acts, whole transactions unless a figure is a difference.
 *
 * - `depositPermitFirst`, `depositPermitRepeat`: a buyer's first and second deposit with a permit.
 * - `openDealPermit`: deposit with a permit and opening in one, in steady state: known buyer, an offer that was taken
 *   before, a recycled id.
 * - `join`: permit, stake and one worker. `perExtraWorker`: a worker more, from 20 to 40 in the joining page.
 * - `claim`: a provider's claim that rolls its wheel, as its second one.
 * - `leave`: thaw and withdrawal of the stake, two transactions.
 * - `attestation5of7`: settling one group less the same with a committee that checks nothing and an empty attestation, plus
 *   the 2,600 gas of calling any committee at all.
 * - `forced1`, `forced100`: a stream's second forced batch of 1 or 100 receipts, sent by a stranger with the worker's
 *   signature.
 * - `challenge`: not there yet.
 */
export type Operations = {
  readonly depositPermitFirst: number
  readonly depositPermitRepeat: number
  readonly openDealPermit: number
  readonly join: number
  readonly perExtraWorker: number
  readonly claim: number
  readonly leave: number
  readonly attestation5of7: number
  readonly challenge: null
  readonly forced1: number
  readonly forced100: number
}

const DOLLAR = 1_000_000n
const STAKE = 1_000n * 10n ** 18n
const DAY_SECONDS = 86_400
const HOUR_SECONDS = 3_600
const COLD_ACCOUNT_GAS = 2_600n
const PAGE = 20

/** Measures every act on chains of its own. */
export async function measureOperations(options: ChainOptions): Promise<Operations> {
  const onChain = async <T>(act: (chain: Chain) => Promise<T>): Promise<T> => {
    const chain = await openChain(options)
    try {
      return await act(chain)
    } finally {
      await chain.close()
    }
  }
  const buying = await onChain((chain) => measureBuying(chain, options.seed))
  const providing = await onChain((chain) => measureProviding(chain, options.seed))
  const settling = await onChain((chain) => measureOneGroup(chain, options.seed))
  return {
    ...buying,
    ...providing,
    ...settling,
    challenge: null,
    forced1: await onChain((chain) => measureForced(chain, options.seed, 1)),
    forced100: await onChain((chain) => measureForced(chain, options.seed, 100)),
  }
}

/** A workload of one deal; more deals only bring more of the same. */
function single(receiptsPerStream: number): Shape {
  return { name: 'middle', deals: 1, buyers: 1, streamsPerDeal: 2, receiptsPerStream }
}

async function measureBuying(
  chain: Chain,
  seed: number,
): Promise<Pick<Operations, 'depositPermitFirst' | 'depositPermitRepeat' | 'openDealPermit'>> {
  const owner = await chain.actor('provider', 0)
  await join(chain, { owner, stake: STAKE, keys: workerAddresses(seed, 0, 1) })
  const limits = { rateCap: 1_000_000, maxBudget: 100n * DOLLAR, total: 10_000n * DOLLAR }
  const offer = signOffer(chain, owner, keyOf(seed, 'provider', 0), limits)
  const deposits: bigint[] = []
  // the second buyer's figures count: the ledger is then one that holds money already
  for (const place of [0, 1]) {
    const buyer = await chain.actor('buyer', place)
    await mintDollars(chain, buyer, 1_000n * DOLLAR)
    deposits.push((await depositWithPermit(chain, buyer, 10n * DOLLAR)).gas)
    deposits.push((await depositWithPermit(chain, buyer, 10n * DOLLAR)).gas)
  }
  const open = async (place: number): Promise<bigint> => {
    const terms = termsOf(seed, place, 50n * DOLLAR, 1_000_000n, 2)
    const buyer = await chain.actor('buyer', place)
    return (await openDealWithPermit(chain, buyer, offer, terms, 50n * DOLLAR)).gas
  }
  for (const place of [0, 1]) await open(place)
  const first = await chain.actor('buyer', 0)
  await callSettlement(chain, first, encodeFunctionData({ abi: settlementAbi, functionName: 'stop', args: [1] }))
  await passDays(chain, 2)
  await callSettlement(chain, first, encodeFunctionData({ abi: settlementAbi, functionName: 'close', args: [1] }))
  await passDays(chain, 8)
  await callSettlement(chain, first, encodeFunctionData({ abi: settlementAbi, functionName: 'recycle', args: [1] }))
  return {
    depositPermitFirst: Number(deposits[2]),
    depositPermitRepeat: Number(deposits[3]),
    openDealPermit: Number(await open(1)),
  }
}

async function measureProviding(
  chain: Chain,
  seed: number,
): Promise<Pick<Operations, 'join' | 'perExtraWorker' | 'leave'>> {
  const joinWith = async (place: number, workers: number): Promise<bigint> => {
    const owner = await chain.actor('provider', place)
    return (await join(chain, { owner, stake: STAKE, keys: workerAddresses(seed, place * 64, workers) })).gas
  }
  await joinWith(0, 1) // the registry's very first provider and stake
  const one = await joinWith(1, 1)
  const page = await joinWith(2, PAGE)
  const twoPages = await joinWith(3, 2 * PAGE)

  const owner = await chain.actor('provider', 1)
  const { registry } = chain.deployment
  const thaw = encodeFunctionData({ abi: registryAbi, functionName: 'thaw', args: [2, STAKE] })
  const thawed = await chain.send(owner, registry, thaw)
  await passDays(chain, 8)
  const withdraw = encodeFunctionData({ abi: registryAbi, functionName: 'withdrawStake', args: [2, owner.address] })
  const withdrawn = await chain.send(owner, registry, withdraw)
  return {
    join: Number(one),
    perExtraWorker: Number((twoPages - page) / BigInt(PAGE)),
    leave: Number(thawed.gas + withdrawn.gas),
  }
}

async function measureOneGroup(chain: Chain, seed: number): Promise<Pick<Operations, 'attestation5of7' | 'claim'>> {
  const world = await createWorld(chain, seed, createWorkload(single(5), seed, 3), 'dense')
  const { settlement, committee } = chain.deployment
  const call = (round: number, authority: 'committee' | 'none') =>
    settleCall(world, signRound(world, round).slice(0, 1), Lane.Attested, authority)
  await chain.send(world.submitter, settlement, call(0, 'committee').data)
  const unchecked = await chain.undone(async () => {
    await chain.setCode(committee, BELIEVES_ALL)
    return (await chain.send(world.submitter, settlement, call(1, 'none').data)).gas
  })
  const checked = (await chain.send(world.submitter, settlement, call(1, 'committee').data)).gas

  const claim = encodeFunctionData({ abi: settlementAbi, functionName: 'claim', args: [1] })
  await passDays(chain, 3)
  await callSettlement(chain, world.submitter, claim)
  await chain.send(world.submitter, settlement, call(2, 'committee').data)
  await passDays(chain, 3)
  const claimed = await callSettlement(chain, world.submitter, claim)
  return { attestation5of7: Number(checked - unchecked + COLD_ACCOUNT_GAS), claim: Number(claimed) }
}

/** Answers epoch 0 and every claim, whatever is asked: PUSH1 15, PUSH1 32, MSTORE, PUSH1 64, PUSH0, RETURN. */
const BELIEVES_ALL: Hex = '0x600f60205260405ff3'

async function measureForced(chain: Chain, seed: number, receipts: number): Promise<number> {
  const world = await createWorld(chain, seed, createWorkload(single(receipts), seed, 2), 'dense')
  let gas = 0n
  for (const round of [0, 1]) gas = await force(world, round)
  return Number(gas)
}

async function force(world: World, round: number): Promise<bigint> {
  const { chain, seed, submitter } = world
  const groups = signRound(world, round, Lane.Forced).slice(0, 1)
  const forcedBy = keyOf(seed, 'worker', groups[0]?.plan.worker ?? 0)
  const call = settleCall(world, groups, Lane.Forced, { forcedBy })
  const before = await readBooks(world)
  const mined = await chain.send(submitter, chain.deployment.settlement, call.data)
  await checkSettled(world, call, mined)
  checkMoved(world, [call], before, await readBooks(world))
  return mined.gas
}

async function callSettlement(chain: Chain, from: PrivateKeyAccount, data: Hex): Promise<bigint> {
  return (await chain.send(from, chain.deployment.settlement, data)).gas
}

/** Lets days pass on the protocol clock, which moves an hour at most with each touch. */
async function passDays(chain: Chain, days: number): Promise<void> {
  const passer = await chain.actor('passer', 0)
  const tick = encodeFunctionData({ abi: settlementAbi, functionName: 'tick' })
  for (let hours = (days * DAY_SECONDS) / HOUR_SECONDS; hours > 0; hours -= 1) {
    chain.pass(HOUR_SECONDS)
    await callSettlement(chain, passer, tick)
  }
}
