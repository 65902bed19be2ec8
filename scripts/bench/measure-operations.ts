/**
 * What single acts cost: paying in, opening a deal, joining, being paid, leaving, forcing.
 *
 * @module
 */
import { encodeFunctionData, type Hex, type PrivateKeyAccount } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { Lane, Mode } from '#protocol/types.ts'

import {
  depositWithPermit,
  join,
  mintDollars,
  openDealWithPermit,
  signOffer,
  termsOf,
  workerAddresses,
} from './actors.ts'
import { type Authority, settleCall, signRound } from './batches.ts'
import { checkMoved, checkSettled, readBooks } from './books.ts'
import { type Chain, type ChainOptions, openChain } from './chain.ts'
import type { Operations } from './figures.ts'
import { measureAttestation } from './measure-attestation.ts'
import { measureProofs } from './measure-proofs.ts'
import { packWorld } from './packing.ts'
import { keyOf } from './random.ts'
import { createWorkload, SHAPES, type Shape } from './workload.ts'
import { createWorld, type World } from './world.ts'

const DOLLAR = 1_000_000n
const STAKE = 1_000n * 10n ** 18n
const DAY_SECONDS = 86_400
/** From settling in the attested lane until all of it can be claimed. */
const DAYS_TO_MATURE = 3
const HOUR_SECONDS = 3_600
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
  const packing = await onChain((chain) => measurePacking(chain, options.seed))
  const settling = await onChain((chain) => measureOneGroup(chain, options.seed))
  return {
    ...buying,
    ...providing,
    ...settling,
    ...packing,
    ...(await onChain((chain) => measureProofs(chain, options.seed))),
    ...(await onChain((chain) => measureForcingOne(chain, options.seed))),
    forced100: (await onChain((chain) => measureForced(chain, options.seed, 100))).second,
  }
}

/** A workload of one deal; more deals only bring more of the same. */
function single(receiptsPerStream: number): Shape {
  return { name: 'middle', deals: 1, buyers: 1, streamsPerDeal: 2, receiptsPerStream }
}

async function measureBuying(
  chain: Chain,
  seed: number,
): Promise<Pick<Operations, 'depositPermitFirst' | 'depositPermitRepeat' | 'openDealPermit' | 'openDealFreshId'>> {
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
  await open(0)
  const fresh = await open(1)
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
    openDealFreshId: Number(fresh),
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

async function measurePacking(chain: Chain, seed: number): Promise<Pick<Operations, 'packDeal' | 'packWorker'>> {
  const shape = SHAPES[0]
  if (shape === undefined) throw new Error('there is no workload')
  const world = await createWorld(chain, seed, createWorkload(shape, seed, 1), 'dense')
  const { deals, workers } = await packWorld(world)
  const share = (gas: bigint, of: number): number => Math.round(Number(gas) / of)
  return { packDeal: share(deals, world.deals.length), packWorker: share(workers, world.workers.length) }
}

async function measureOneGroup(
  chain: Chain,
  seed: number,
): Promise<Pick<Operations, 'attestation5of7' | 'claim' | 'claimFirst' | 'claimRolling'>> {
  const world = await createWorld(chain, seed, createWorkload(single(5), seed, 4), 'dense')
  const { settlement } = chain.deployment
  const call = async (round: number, authority: Authority) => {
    const way = { mode: Mode.Calldata, lane: Lane.Attested, authority } as const
    return (await settleCall(world, signRound(world, round).slice(0, 1), way)).data
  }
  await chain.send(world.submitter, settlement, await call(0, 'committee'))
  const attestation5of7 = await measureAttestation(chain, async (authority) => {
    return (await chain.send(world.submitter, settlement, await call(1, authority))).gas
  })

  const claim = encodeFunctionData({ abi: settlementAbi, functionName: 'claim', args: [1] })
  const settle = async (round: number) => chain.send(world.submitter, settlement, await call(round, 'committee'))
  await passDays(chain, DAYS_TO_MATURE)
  const claimFirst = await callSettlement(chain, world.submitter, claim)
  await settle(2)
  await passDays(chain, DAYS_TO_MATURE)
  const rolling = await chain.undone(() => callSettlement(chain, world.submitter, claim))
  await settle(3)
  return {
    attestation5of7,
    claim: Number(await callSettlement(chain, world.submitter, claim)),
    claimFirst: Number(claimFirst),
    claimRolling: Number(rolling),
  }
}

async function measureForcingOne(chain: Chain, seed: number): Promise<Pick<Operations, 'forced1' | 'forced1First'>> {
  const { first, second } = await measureForced(chain, seed, 1)
  return { forced1: second, forced1First: first }
}

/** A stream's first forced batch, nothing packed, and its second one, deal and workers packed. */
async function measureForced(
  chain: Chain,
  seed: number,
  receipts: number,
): Promise<{ readonly first: number; readonly second: number }> {
  const world = await createWorld(chain, seed, createWorkload(single(receipts), seed, 2), 'dense')
  const first = await force(world, 0)
  const { world: packed } = await packWorld(world)
  return { first: Number(first), second: Number(await force(packed, 1)) }
}

async function force(world: World, round: number): Promise<bigint> {
  const { chain, seed, submitter } = world
  const groups = signRound(world, round, Lane.Forced).slice(0, 1)
  const forcedBy = keyOf(seed, 'worker', groups[0]?.plan.worker ?? 0)
  const way = { mode: Mode.Calldata, lane: Lane.Forced, authority: { forcedBy } } as const
  const call = await settleCall(world, groups, way)
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
