/**
 * A chain on which a workload's deals are open and its first batch can be settled.
 *
 * Every limit is finite: rate caps, exposures and budgets are half again what the workload needs, and so is the stake that
 * covers unmatured earnings.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, type PrivateKeyAccount } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { dealKey } from '#protocol/eip712.ts'
import { Mode } from '#protocol/types.ts'
import { workerIndex } from '#protocol/worker-pages.ts'

import { defaultParameters } from '../parameters/local.ts'
import {
  depositWithPermit,
  heldBy,
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
import { bondMembers } from './bonds.ts'
import type { Chain } from './chain.ts'
import { fieldOf, readCounter, skipCounts } from './layout.ts'
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
  /** What its deals settle in. */
  readonly mode: Mode
  /** By the deal's place in the workload. */
  readonly deals: readonly OpenDeal[]
  /** Registry index by the worker's place in the workload. */
  readonly workers: readonly number[]
  /** Registry id by the provider's place in the workload. */
  readonly providers: readonly number[]
  readonly buyers: readonly Address[]
  /** What the settlement held for others before, settlement token base units. */
  readonly others: bigint
  /** Account that submits batches. */
  readonly submitter: PrivateKeyAccount
}

/** How ids lie: next to each other, or so that no two streams of a batch share state or short distances. */
export type Density = 'dense' | 'sparse'

const SPARSE_STEP = 1_000
const HOUR = 3_600
const STAKE_UNIT = 10n ** 18n
/** Counters that ids come from. */
const LAST_PROVIDER = fieldOf('Registry', '_lastProvider')
const LAST_DEAL = fieldOf('Settlement', '_head', 'lastDeal')
const NET_BUYERS = fieldOf('Settlement', '_netHead', 'buyers')
const WORKERS_PER_PROVIDER = DEALS_PER_PROVIDER * WORKERS_PER_DEAL

/** Half again: enough, and within twice what binds. */
const ample = (amount: bigint): bigint => (amount * 3n) / 2n + 1n

/**
 * Brings providers, buyers and deals of a workload onto a fresh chain, and lets an hour pass.
 *
 * @param mode - What the deals settle in; deals of calldata settle in blobs too.
 */
export async function createWorld(
  chain: Chain,
  seed: number,
  workload: Workload,
  density: Density,
  mode: Mode = Mode.Calldata,
): Promise<World> {
  const others = await heldBy(chain)
  const { providers, workers, offers } = await joinAll(chain, seed, workload, density, mode)
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
  if (mode === Mode.Net) await bondMembers(chain, stakeFor(sum(workload.deals.map(({ units }) => units))))
  const submitter = await chain.actor('submitter', 0)
  chain.pass(HOUR)
  await chain.send(
    submitter,
    chain.deployment.settlement,
    encodeFunctionData({ abi: settlementAbi, functionName: 'tick' }),
  )
  return { chain, seed, workload, mode, deals, workers, providers, buyers, others, submitter }
}

type Joined = Pick<World, 'providers' | 'workers'> & { readonly offers: readonly SignedOffer[] }

async function joinAll(chain: Chain, seed: number, workload: Workload, density: Density, mode: Mode): Promise<Joined> {
  const count = Math.max(...workload.deals.map(({ provider }) => provider)) + 1
  const { registry } = chain.deployment
  const [providers, workers, offers]: [number[], number[], SignedOffer[]] = [[], [], []]
  let pages = 0
  for (let place = 0; place < count; place += 1) {
    if (density === 'sparse') await skipCounts(chain, registry, LAST_PROVIDER, SPARSE_STEP - 1)
    const owner = await chain.actor('provider', place)
    const units = sum(workload.deals.filter((deal) => deal.provider === place).map((deal) => deal.units))
    const keys = workerAddresses(seed, place * WORKERS_PER_PROVIDER, WORKERS_PER_PROVIDER)
    const split = density === 'dense' ? [keys] : keys.map((key) => [key])
    await join(chain, { owner, stake: stakeFor(units), keys: split[0] ?? [] })
    const id = await readCounter(chain, registry, LAST_PROVIDER)
    providers.push(id)
    for (const page of split.slice(1)) await registerWorkers(chain, owner, id, page)
    for (const page of split) {
      pages += 1
      workers.push(...page.map((_, row) => workerIndex(pages, row)))
    }
    offers.push(signOffer(chain, owner, keyOf(seed, 'provider', place), limitsOf(workload, units), mode))
  }
  return { providers, workers, offers }
}

/** Stake that is worth half again what `units` cost, stake token base units. */
function stakeFor(units: bigint): bigint {
  return (ample(units * PRICE) * STAKE_UNIT) / BigInt(defaultParameters.stakeValue)
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
  const { settlement } = chain.deployment
  const nonces = new Map<number, bigint>()
  const deals: OpenDeal[] = []
  for (const place of openingOrder(workload.deals.length, density)) {
    const plan = workload.deals[place]
    const offer = offers[plan?.provider ?? -1]
    if (plan === undefined || offer === undefined) throw new Error(`no deal ${place}`)
    if (density === 'sparse') {
      await skipCounts(chain, settlement, LAST_DEAL, SPARSE_STEP - 1)
      await skipCounts(chain, settlement, NET_BUYERS, SPARSE_STEP - 1)
    }
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
    deals[place] = {
      id: await readCounter(chain, settlement, LAST_DEAL),
      key: dealKey(offer.hash, buyer.address, nonce),
      budget,
    }
  }
  return deals
}

/** Sparse deals of one provider lie as far apart as can be; dense ones are neighbours. */
function openingOrder(count: number, density: Density): number[] {
  const places = Array.from({ length: count }, (_, index) => index)
  if (density === 'dense') return places
  return [...places.filter((place) => place % 2 === 0), ...places.filter((place) => place % 2 === 1)]
}
