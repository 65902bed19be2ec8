/**
 * A chain on which a workload's deals are open and its first batch can be settled.
 *
 * Every limit is finite: rate caps, exposures and budgets are half again what the workload needs, and so is the stake that
 * covers unmatured earnings.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, type PrivateKeyAccount, toHex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { dealKey } from '#protocol/eip712.ts'
import { workerIndex } from '#protocol/worker-pages.ts'

import { defaultParameters } from '../parameters/local.ts'
import {
  depositWithPermit,
  join,
  mintDollars,
  openDeal,
  PRICE,
  registerWorkers,
  type SignedOffer,
  signOffer,
  termsOf,
  workerAddresses,
} from './actors.ts'
import { type Chain, storageAt } from './chain.ts'
import { keyOf } from './random.ts'
import { DEALS_PER_PROVIDER, type DealPlan, sum, WORKERS_PER_DEAL, type Workload } from './workload.ts'

/** An open deal. */
export type OpenDeal = {
  readonly id: number
  readonly key: Hex
  readonly budget: bigint
  /** Where its facts stand in code, once they do. */
  readonly place?: number
}

/** The chain with everything a workload needs. */
export type World = {
  readonly chain: Chain
  readonly seed: number
  readonly workload: Workload
  /** By the deal's place in the workload. */
  readonly deals: readonly OpenDeal[]
  /** Registry index by the worker's place in the workload. */
  readonly workers: readonly number[]
  readonly providers: number
  readonly buyers: readonly Address[]
  /** Account that submits batches. */
  readonly submitter: PrivateKeyAccount
}

/** How ids lie: next to each other, or so that no two streams of a batch share state or short distances. */
export type Density = 'dense' | 'sparse'

const SPARSE_STEP = 1_000
const HOUR = 3_600
const STAKE_UNIT = 10n ** 18n
const HEAD_SLOT = 3n
const LAST_DEAL_SHIFT = 64n
const WORKERS_PER_PROVIDER = DEALS_PER_PROVIDER * WORKERS_PER_DEAL

/** Half again: enough, and within twice what binds. */
const ample = (amount: bigint): bigint => (amount * 3n) / 2n + 1n

/** Brings providers, buyers and deals of a workload onto a fresh chain, and lets an hour pass. */
export async function createWorld(chain: Chain, seed: number, workload: Workload, density: Density): Promise<World> {
  const providers = Math.max(...workload.deals.map(({ provider }) => provider)) + 1
  const offers: SignedOffer[] = []
  const workers: number[] = []
  let pages = 0
  for (let provider = 0; provider < providers; provider += 1) {
    const owner = await chain.actor('provider', provider)
    const units = sum(workload.deals.filter((deal) => deal.provider === provider).map((deal) => deal.units))
    const stake = (ample(units * PRICE) * STAKE_UNIT) / BigInt(defaultParameters.stakeValue)
    const keys = workerAddresses(seed, provider * WORKERS_PER_PROVIDER, WORKERS_PER_PROVIDER)
    const split = density === 'dense' ? [keys] : keys.map((key) => [key])
    await join(chain, { owner, stake, keys: split[0] ?? [] })
    for (const page of split.slice(1)) await registerWorkers(chain, owner, provider + 1, page)
    for (const page of split) {
      pages += 1
      workers.push(...page.map((_, row) => workerIndex(pages, row)))
    }
    offers.push(signOffer(chain, owner, keyOf(seed, 'provider', provider), limitsOf(workload, units)))
  }
  const buyers: Address[] = []
  for (let buyer = 0; buyer < workload.shape.buyers; buyer += 1) {
    const owned = workload.deals.filter((deal) => deal.buyer === buyer)
    const account = await chain.actor('buyer', buyer)
    buyers.push(account.address)
    const budget = sum(owned.map(budgetOf))
    await mintDollars(chain, account, budget * 2n)
    await depositWithPermit(chain, account, budget)
  }
  const deals = await openAll(chain, seed, workload, offers, density)
  const submitter = await chain.actor('submitter', 0)
  chain.pass(HOUR)
  await chain.send(
    submitter,
    chain.deployment.settlement,
    encodeFunctionData({ abi: settlementAbi, functionName: 'tick' }),
  )
  return { chain, seed, workload, deals, workers, providers, buyers, submitter }
}

function budgetOf(deal: DealPlan): bigint {
  return ample(deal.units * PRICE)
}

function limitsOf(workload: Workload, units: bigint): { rateCap: number; maxBudget: bigint; total: bigint } {
  const total = ample(ample(units * PRICE))
  return { rateCap: Number(ample(workload.longestStream)), maxBudget: total, total }
}

async function openAll(
  chain: Chain,
  seed: number,
  workload: Workload,
  offers: readonly SignedOffer[],
  density: Density,
): Promise<OpenDeal[]> {
  const nonces = new Map<number, bigint>()
  const deals: OpenDeal[] = []
  for (const place of openingOrder(workload.deals.length, density)) {
    const plan = workload.deals[place]
    const offer = offers[plan?.provider ?? -1]
    if (plan === undefined || offer === undefined) throw new Error(`no deal ${place}`)
    if (density === 'sparse') await skipIds(chain, SPARSE_STEP - 1)
    const buyer = await chain.actor('buyer', plan.buyer)
    const budget = budgetOf(plan)
    await openDeal(
      chain,
      buyer,
      offer,
      termsOf(seed, plan.buyer, budget, ample(plan.units), workload.shape.streamsPerDeal),
    )
    const nonce = nonces.get(plan.buyer) ?? 0n
    nonces.set(plan.buyer, nonce + 1n)
    deals[place] = { id: await lastDeal(chain), key: dealKey(offer.hash, buyer.address, nonce), budget }
  }
  return deals
}

/** Sparse deals of one provider lie as far apart as can be; dense ones are neighbours. */
function openingOrder(count: number, density: Density): number[] {
  const places = Array.from({ length: count }, (_, index) => index)
  if (density === 'dense') return places
  return [...places.filter((place) => place % 2 === 0), ...places.filter((place) => place % 2 === 1)]
}

async function lastDeal(chain: Chain): Promise<number> {
  const head = await storageAt(chain, chain.deployment.settlement, HEAD_SLOT)
  return Number((head >> LAST_DEAL_SHIFT) & 0xffff_ffffn)
}

/** Moves the counter of ids on, as if `count` deals had been opened by others. */
async function skipIds(chain: Chain, count: number): Promise<void> {
  const settlement: Address = chain.deployment.settlement
  const head = await storageAt(chain, settlement, HEAD_SLOT)
  await chain.setStorage(settlement, HEAD_SLOT, toHex(head + (BigInt(count) << LAST_DEAL_SHIFT), { size: 32 }))
}
