/**
 * Offers on the members' boards, and deals made from them.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'

import { type Address, type Hex, parseEventLogs, stringToHex, zeroAddress, zeroHash } from 'viem'
import { settlementAbi } from '#protocol/abi.generated.ts'
import { offerHash, tallystickDomain, types } from '#protocol/eip712.ts'
import { addressOf, compact, recoverCompact } from '#protocol/signature.ts'
import type { Offer } from '#protocol/types.ts'
import { type OfferMessage, parseOffersAnswer, toWire } from '#protocol/wire.ts'

import type { Actor } from './actor.ts'
import { eachOf, getJson, postJson } from './boards.ts'
import { JOBS, type Job } from './jobs.ts'
import type { LocalNetwork } from './local-network.ts'
import { signPermit } from './permit.ts'
import { type DealPlan, DURATION, PRICE, RATE_CAP } from './plan.ts'

/** A deal that is open. */
export type Deal = {
  readonly id: number
  readonly key: Hex
  readonly plan: DealPlan
  readonly buyer: Actor
  readonly provider: number
  readonly offer: Offer
  /** Signs orders, and acknowledgements where the plan has any. */
  readonly orderKey: Hex
}

/** Digests' domain of a network. */
export function domainOf(network: Pick<LocalNetwork, 'deployment'>) {
  return { chainId: network.deployment.chainId, verifyingContract: network.deployment.settlement }
}

/** Every provider signs an offer of every program and posts it on every member's board. */
export async function publishOffers(network: LocalNetwork): Promise<void> {
  const { timestamp } = await network.client.getBlock()
  for (const { owner } of network.providers) {
    for (const job of JOBS) await publishOffer(network, owner, job, Number(timestamp))
  }
}

async function publishOffer(network: LocalNetwork, owner: Actor, job: Job, now: number): Promise<void> {
  const offer: Offer = {
    ...{ provider: owner.address, nonce: 0n, salt: `0x${randomBytes(32).toString('hex')}` },
    ...{ program: job.root, kind: job.kind, unit: stringToHex('1,000,000 instructions', { size: 32 }) },
    ...{ price: PRICE, rateCap: RATE_CAP, minBudget: 1_000_000n, maxBudget: 50_000_000n, total: 200_000_000n },
    ...{ buyer: zeroAddress, openingFee: 10_000n, maxDuration: 7 * DURATION },
    ...{ expiry: now + 30 * DURATION, mode: 0 },
    ...{ maxStreams: 62, minExposure: 0, arbiter: zeroAddress, panel: false },
  }
  const signature = await owner.wallet.signTypedData({
    ...{ account: owner.account, domain: tallystickDomain(domainOf(network)), primaryType: 'Offer', message: offer },
    types: { Offer: types.Offer },
  })
  await eachOf(network.members, 3, async ({ url }) => {
    await postJson(`${url}/v1/offers`, toWire({ offer, signature }))
  })
}

/** The offer of a provider as a buyer finds it: on a board, signed by who makes it, for this program. */
export async function findOffer(network: LocalNetwork, provider: Address, job: Job): Promise<OfferMessage> {
  const [member] = network.members
  const { offers } = parseOffersAnswer(await getJson(`${member?.url}/v1/offers`))
  const found = offers.find(({ offer, signature }) => {
    const signer = recoverCompact(offerHash(offer, domainOf(network)), compact(signature))
    return offer.provider === provider && offer.program === job.root && offer.kind === job.kind && signer === provider
  })
  if (found === undefined) throw new Error(`no offer of ${provider} for ${job.name} on the boards`)
  return found
}

/** A buyer takes an offer with its free balance, or with a permit in the same transaction. */
export async function openDeal(
  network: LocalNetwork,
  plan: DealPlan,
  buyer: Actor,
  options: { readonly withPermit: boolean },
): Promise<Deal> {
  const provider = network.providers.find(({ name }) => name === plan.provider)
  if (provider === undefined) throw new Error(`there is no provider ${plan.provider}`)
  const { offer, signature } = await findOffer(network, provider.owner.address, plan.job)
  const orderKey: Hex = `0x${randomBytes(32).toString('hex')}`
  const keyAddress = addressOf(orderKey)
  const terms = {
    ...{ budget: plan.budget, exposure: Number(plan.exposure), duration: DURATION, streams: plan.streams },
    ...{ orderKey: keyAddress, ackKey: keyAddress, taskRoot: zeroHash },
  }
  const { settlement: address, token } = network.deployment
  const contract = { address, abi: settlementAbi } as const
  const { client } = network
  const receipt = options.withPermit
    ? await buyer.call({
        ...{ ...contract, functionName: 'openDealWithPermit' },
        args: [
          ...([offer, signature, terms, plan.budget] as const),
          await signPermit({ client, owner: buyer, token, spender: address, amount: plan.budget }),
        ],
      })
    : await buyer.call({ ...contract, functionName: 'openDeal', args: [offer, signature, terms] })
  const [opened] = parseEventLogs({ abi: settlementAbi, eventName: 'DealOpened', logs: receipt.logs })
  if (opened === undefined) throw new Error('the deal did not open')
  const { id, key } = opened.args
  return { id, key, plan, buyer, provider: provider.id, offer, orderKey }
}

/** Pays a buyer's dollars into its escrow account with a permit. */
export async function deposit(network: LocalNetwork, buyer: Actor, amount: bigint): Promise<void> {
  const { settlement: address, token } = network.deployment
  const permit = await signPermit({ client: network.client, owner: buyer, token, spender: address, amount })
  await buyer.call({
    ...{ address, abi: settlementAbi, functionName: 'depositWithPermit' },
    args: [buyer.address, amount, permit],
  })
}
