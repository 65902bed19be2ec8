/**
 * What providers and buyers do: join, offer, deposit, open deals. Every call is a transaction as its actor would send it.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, type PrivateKeyAccount, zeroAddress, zeroHash } from 'viem'

import { demoDollarAbi, demoStakeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { offerHash } from '#protocol/eip712.ts'
import { addressOf, expand, signCompact } from '#protocol/signature.ts'
import { type DealTerms, type Domain, Kind, Mode, type Offer } from '#protocol/types.ts'

import type { Chain, Mined } from './chain.ts'
import { signPermit } from './permits.ts'
import { keyOf } from './random.ts'

/** An offer with its provider's signature and digest. */
export type SignedOffer = { readonly offer: Offer; readonly signature: Hex; readonly hash: Hex }

/** Settlement token base units per unit in every bench. */
export const PRICE = 100n
const EXPIRY = 4_000_000_000
const MAX_DURATION = 90 * 86_400

/** Domain of everything but attestations. */
export function settlementDomain(chain: Chain): Domain {
  return { chainId: chain.chainId, verifyingContract: chain.deployment.settlement }
}

/** Mints settlement tokens. */
export async function mintDollars(chain: Chain, to: PrivateKeyAccount, amount: bigint): Promise<void> {
  const data = encodeFunctionData({ abi: demoDollarAbi, functionName: 'mint', args: [to.address, amount] })
  await chain.send(to, chain.deployment.token, data)
}

/** Settlement tokens that the settlement holds. */
export async function heldBy({ reader, deployment: { token, settlement } }: Chain): Promise<bigint> {
  return reader.readContract({ address: token, abi: demoDollarAbi, functionName: 'balanceOf', args: [settlement] })
}

/** Deposits `amount`, which the buyer has, with a permit. */
export async function depositWithPermit(chain: Chain, buyer: PrivateKeyAccount, amount: bigint): Promise<Mined> {
  const { settlement, token } = chain.deployment
  const permit = await signPermit(chain, buyer, token, settlement, amount)
  const args = [buyer.address, amount, permit] as const
  return chain.send(
    buyer,
    settlement,
    encodeFunctionData({ abi: settlementAbi, functionName: 'depositWithPermit', args }),
  )
}

/** What joining takes. */
export type Joining = { readonly owner: PrivateKeyAccount; readonly stake: bigint; readonly keys: readonly Address[] }

/** Mints the stake, then joins with permit, stake and one page of workers; the transaction returned is the joining. */
export async function join(chain: Chain, { owner, stake, keys }: Joining): Promise<Mined> {
  const { registry, stakeToken } = chain.deployment
  // one token more than the stake: a provider's balance stays
  const mint = encodeFunctionData({ abi: demoStakeAbi, functionName: 'mint', args: [owner.address, stake + 1n] })
  await chain.send(owner, stakeToken, mint)
  const permit = await signPermit(chain, owner, stakeToken, registry, stake)
  const args = [stake, permit, owner.address, zeroAddress, pack(keys)] as const
  return chain.send(owner, registry, encodeFunctionData({ abi: registryAbi, functionName: 'join', args }))
}

/** Adds a page of workers. */
export async function registerWorkers(
  chain: Chain,
  owner: PrivateKeyAccount,
  provider: number,
  keys: readonly Address[],
): Promise<Mined> {
  const data = encodeFunctionData({ abi: registryAbi, functionName: 'registerWorkers', args: [provider, pack(keys)] })
  return chain.send(owner, chain.deployment.registry, data)
}

function pack(keys: readonly Address[]): Hex {
  return `0x${keys.map((key) => key.slice(2)).join('')}`
}

/** Addresses of workers' keys, from place `from` on. */
export function workerAddresses(seed: number, from: number, count: number): Address[] {
  return Array.from({ length: count }, (_, index) => addressOf(keyOf(seed, 'worker', from + index)))
}

/** Limits an offer sets. */
export type Limits = { readonly rateCap: number; readonly maxBudget: bigint; readonly total: bigint }

/** Signs a provider's offer. */
export function signOffer(
  chain: Chain,
  provider: PrivateKeyAccount,
  providerKey: Hex,
  limits: Limits,
  mode: Mode = Mode.Calldata,
): SignedOffer {
  const offer: Offer = {
    provider: provider.address,
    nonce: 0n,
    salt: zeroHash,
    program: offerProgram,
    kind: Kind.Repeatable,
    unit: '0x4d6675656c000000000000000000000000000000000000000000000000000000', // Mfuel
    price: PRICE,
    rateCap: limits.rateCap,
    minBudget: 1n,
    maxBudget: limits.maxBudget,
    total: limits.total,
    buyer: zeroAddress,
    openingFee: 1n, // within the bond of the smallest budget
    maxDuration: MAX_DURATION,
    expiry: EXPIRY,
    mode,
    maxStreams: 62,
    minExposure: 0,
    arbiter: zeroAddress,
    panel: false,
  }
  const hash = offerHash(offer, settlementDomain(chain))
  return { offer, hash, signature: expand(signCompact(hash, providerKey)) }
}

const offerProgram: Hex = '0x8f1c3a5b7d9e2f4061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8'

/** What a buyer fixes in a bench: keys of its own for orders and acknowledgements, no task root. */
export function termsOf(seed: number, buyer: number, budget: bigint, exposure: bigint, streams: number): DealTerms {
  return {
    budget,
    exposure,
    duration: 30 * 86_400,
    streams,
    orderKey: addressOf(keyOf(seed, 'orders', buyer)),
    ackKey: addressOf(keyOf(seed, 'acknowledgements', buyer)),
    taskRoot: zeroHash,
  }
}

/** viem takes integers of 48 bits as numbers. */
const asArgument = (terms: DealTerms) => ({ ...terms, exposure: Number(terms.exposure) })

/** Takes an offer with free balance. */
export async function openDeal(
  chain: Chain,
  buyer: PrivateKeyAccount,
  { offer, signature }: SignedOffer,
  terms: DealTerms,
): Promise<Mined> {
  const data = encodeFunctionData({
    abi: settlementAbi,
    functionName: 'openDeal',
    args: [offer, signature, asArgument(terms)],
  })
  return chain.send(buyer, chain.deployment.settlement, data)
}

/** Deposits `amount` with a permit and takes an offer in one transaction. */
export async function openDealWithPermit(
  chain: Chain,
  buyer: PrivateKeyAccount,
  { offer, signature }: SignedOffer,
  terms: DealTerms,
  amount: bigint,
): Promise<Mined> {
  const { settlement, token } = chain.deployment
  const permit = await signPermit(chain, buyer, token, settlement, amount)
  const args = [offer, signature, asArgument(terms), amount, permit] as const
  return chain.send(
    buyer,
    settlement,
    encodeFunctionData({ abi: settlementAbi, functionName: 'openDealWithPermit', args }),
  )
}
