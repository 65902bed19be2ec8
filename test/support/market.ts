/**
 * Providers with workers, buyers with money, and deals between them.
 *
 * @module
 */
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import { type Address, type Hex, stringToHex, zeroAddress, zeroHash } from 'viem'

import { dealKey, offerHash, types } from '#protocol/eip712.ts'
import { type DealTerms, Kind, Mode, type Offer } from '#protocol/types.ts'
import { packKeys } from '#protocol/worker-pages.ts'

import { type Signer, signerNamed } from './actors.ts'
import type { Deployment } from './deployment.ts'
import { createStream, type StreamLog, workHashOf } from './work.ts'

/** Settlement token base units per dollar. */
export const USD = 1_000_000n
/** Stake token base units per token. */
export const STAKE = 10n ** 18n
/** No permit: the allowance is there already. */
export const NO_PERMIT = { deadline: 0n, v: 27, r: zeroHash, s: zeroHash }

/** A provider that has joined. */
export type Provider = {
  readonly id: number
  readonly owner: HardhatEthersSigner
  readonly workers: readonly Signer[]
  /** Index of the first worker; the others follow. */
  readonly firstWorker: number
}

/** A deal that was opened. */
export type OpenDeal = {
  readonly id: number
  readonly key: Hex
  readonly nonce: bigint
  readonly offer: Offer
  readonly signature: Hex
  readonly terms: DealTerms
  readonly buyer: HardhatEthersSigner
  readonly provider: Provider
  /** Stream `index`, worked on by the provider's worker of the same number unless said otherwise. */
  stream(index?: number, worker?: number): StreamLog
}

/** Keys of the usual deal. */
export const ackKey = signerNamed('acknowledgement')
export const orderKey = signerNamed('order')

/** What the usual provider joins with. */
export type JoinOptions = { stake?: bigint; workers?: readonly Signer[]; operator?: string; payout?: string }

/** Lets `owner` join with stake and three workers. */
export async function joinProvider(
  deployment: Deployment,
  owner: HardhatEthersSigner,
  options: JoinOptions = {},
): Promise<Provider> {
  const { registry, stake } = deployment
  const amount = options.stake ?? 10_000n * STAKE
  const workers = options.workers ?? [0, 1, 2].map((index) => signerNamed(`${owner.address} worker ${index}`))
  await stake.mint(owner, amount)
  await stake.connect(owner).approve(registry, amount)
  const keys = packKeys(workers.map(({ address }) => address))
  const operator = options.operator ?? zeroAddress
  const firstPage = await nextPage(deployment)
  await registry.connect(owner).join(amount, NO_PERMIT, options.payout ?? owner.address, operator, keys)
  const id = Number(await registry.idOf(owner))
  return { id, owner, workers, firstWorker: firstPage * 512 }
}

/** Number of the page that the next registration of workers writes: pages are the registry's creations. */
async function nextPage({ ethers, registry }: Deployment): Promise<number> {
  return await ethers.provider.getTransactionCount(await registry.getAddress())
}

/** Gives `buyer` money and pays it into escrow. */
export async function fundBuyer(deployment: Deployment, buyer: HardhatEthersSigner, amount: bigint): Promise<void> {
  const { dollar, tally } = deployment
  await dollar.mint(buyer, amount)
  await dollar.connect(buyer).approve(tally, amount)
  await tally.connect(buyer).deposit(buyer, amount)
}

/** The usual offer: a tenth of a cent per unit, 1,000 units a second and stream. */
export async function offerOf({ tally }: Deployment, { owner }: Provider, change: Partial<Offer> = {}): Promise<Offer> {
  return {
    provider: owner.address as Address,
    nonce: 0n,
    salt: workHashOf('salt'),
    program: workHashOf('program'),
    kind: Kind.Repeatable,
    unit: stringToHex('1M fuel', { size: 32 }),
    price: USD / 1000n,
    rateCap: 3_600_000,
    minBudget: USD,
    maxBudget: 1000n * USD,
    total: 5000n * USD,
    buyer: zeroAddress,
    openingFee: USD,
    maxDuration: 30 * 86_400,
    expiry: Number(await tally.clock()) + 30 * 86_400,
    mode: Mode.Calldata,
    maxStreams: 62,
    minExposure: 0,
    arbiter: zeroAddress,
    panel: false,
    ...change,
  }
}

/** The usual terms: a hundred dollars, half of them before anything is acknowledged, four streams for a week. */
export function termsOf(change: Partial<DealTerms> = {}): DealTerms {
  return {
    budget: 100n * USD,
    exposure: 50_000n,
    duration: 7 * 86_400,
    streams: 4,
    orderKey: orderKey.address,
    ackKey: ackKey.address,
    taskRoot: zeroHash,
    ...change,
  }
}

/** The owner's signature over an offer, as a wallet gives it. */
export async function signOffer({ domain }: Deployment, owner: HardhatEthersSigner, offer: Offer): Promise<Hex> {
  const full = { name: 'Tallystick', version: '1', ...domain }
  return (await owner.signTypedData(full, { Offer: [...types.Offer] }, offer)) as Hex
}

/** What the usual deal may differ in. */
export type DealOptions = { offer?: Partial<Offer>; terms?: Partial<DealTerms>; buyer?: HardhatEthersSigner }

/** Lets a buyer take an offer of the provider's. */
export async function openDeal(
  deployment: Deployment,
  provider: Provider,
  options: DealOptions = {},
): Promise<OpenDeal> {
  const { tally, domain } = deployment
  const buyer = options.buyer ?? deployment.buyer
  const offer = await offerOf(deployment, provider, options.offer)
  const terms = termsOf(options.terms)
  const signature = await signOffer(deployment, provider.owner, offer)
  const { nonce } = await tally.account(buyer)
  const id = Number(await tally.connect(buyer).openDeal.staticCall(offer, signature, terms))
  await tally.connect(buyer).openDeal(offer, signature, terms)
  const key = dealKey(offerHash(offer, domain), buyer.address as Address, nonce)
  return {
    ...{ id, key, nonce, offer, signature, terms, buyer, provider },
    stream(index = 0, worker = index % provider.workers.length) {
      const signer = provider.workers[worker]
      if (signer === undefined) throw new Error(`the provider has no worker ${worker}`)
      const place = { dealId: id, dealKey: key, stream: index, worker: provider.firstWorker + worker, signer }
      return createStream(domain, place)
    },
  }
}

/** A provider, a buyer with 5,000 dollars in escrow and one usual deal, one hour after its opening. */
export async function createMarket(deployment: Deployment, options: DealOptions & { join?: JoinOptions } = {}) {
  const { owner, operator, payout, buyer } = deployment
  const join = { operator: operator.address, payout: payout.address, ...options.join }
  const provider = await joinProvider(deployment, owner, join)
  await fundBuyer(deployment, buyer, 5000n * USD)
  const deal = await openDeal(deployment, provider, options)
  return { ...deployment, provider, deal }
}

/** What {@link createMarket} gives. */
export type Market = Awaited<ReturnType<typeof createMarket>>
