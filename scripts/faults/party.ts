/**
 * One cheat's own people: a provider with a worker, a buyer with money, and a deal between them.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'

import { type Address, type Hex, parseEventLogs, stringToHex, zeroAddress, zeroHash } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { tallystickDomain, types } from '#protocol/eip712.ts'
import { Kind, type Offer } from '#protocol/types.ts'
import type { Key } from '#runtime/keystore.ts'

import { type Actor, createActor, fund } from '../network/actor.ts'
import { demoTokenAbi, signPermit } from '../network/permit.ts'
import { joinProvider } from '../network/providers.ts'
import { pass } from './time.ts'
import type { World } from './world.ts'

/** Whole stake tokens a provider joins with, and whole dollars a buyer is given. */
const STAKE = 400n
const DOLLARS = 100n
const TOKEN = 1_000_000n
/** What a buyer keeps in its wallet, and a provider has in it. */
const POCKET = 10n * TOKEN
const MINUTE = 60

/** A provider and a buyer. */
export type Party = {
  readonly name: string
  readonly provider: {
    readonly id: number
    readonly owner: Actor
    readonly payout: Address
    readonly worker: { readonly key: Key; readonly index: number }
  }
  readonly buyer: Actor
}

/** A deal of a party's. */
export type Deal = {
  readonly id: number
  readonly key: Hex
  readonly party: Party
  readonly offer: Offer
  readonly budget: bigint
  readonly streams: number
  /** Signs orders and acknowledgements. */
  readonly orderKey: Hex
}

/** What a deal may differ in. */
export type DealOptions = Partial<Pick<Offer, 'rateCap' | 'price' | 'minBudget' | 'mode' | 'program' | 'kind'>> & {
  readonly durationSeconds?: number
  readonly streams?: number
}

/** A provider joins with a worker, and a buyer pays into escrow. */
export async function makeParty(world: World, name: string): Promise<Party> {
  const { ring, deployment } = world
  const [owner, buyer] = await Promise.all(
    ['provider', 'buyer'].map(async (role) =>
      createActor(world, `${name} ${role}`, await ring.make(`${name}-${role}`, 'owner')),
    ),
  )
  if (owner === undefined || buyer === undefined) throw new Error('there are two people')
  await fund(world, [owner.address, buyer.address])
  const stake = [owner.address, STAKE * 10n ** 18n] as const
  await owner.call({ address: deployment.stakeToken, abi: demoTokenAbi, functionName: 'mint', args: stake })
  // what it would stake on a game
  const purse = [owner.address, POCKET] as const
  await owner.call({ address: deployment.token, abi: demoTokenAbi, functionName: 'mint', args: purse })
  const plan = {
    name: `${name}-provider`,
    stake: STAKE,
    workers: [{ name: `${name}-worker`, delivery: 'members' }],
  } as const
  const site = { chain: world, deployment, folder: world.folder, children: world.children }
  const { id, payout, workers } = await joinProvider(site, plan, owner, ring)
  const [worker] = workers
  if (worker === undefined) throw new Error(`${name} has no worker`)
  await deposit(world, buyer)
  return { name, provider: { id, owner, payout, worker }, buyer }
}

async function deposit({ client, deployment }: World, buyer: Actor): Promise<void> {
  const { token, settlement } = deployment
  const amount = DOLLARS * TOKEN
  const minted = [buyer.address, amount + POCKET] as const
  await buyer.call({ address: token, abi: demoTokenAbi, functionName: 'mint', args: minted })
  const permit = await signPermit({ client, owner: buyer, token, spender: settlement, amount })
  const args = [buyer.address, amount, permit] as const
  await buyer.call({ address: settlement, abi: settlementAbi, functionName: 'depositWithPermit', args })
}

/** The party's buyer takes an offer of its provider. */
export async function openDeal(world: World, party: Party, options: DealOptions = {}): Promise<Deal> {
  const { client, deployment } = world
  const { timestamp } = await client.getBlock()
  const { price = 10_000n, rateCap = 3_600_000, minBudget = 1n, mode = 0 } = options
  const { program = zeroHash, kind = Kind.Service } = options
  const duration = options.durationSeconds ?? 7_200
  const budget = 20n * TOKEN
  const offer: Offer = {
    ...{ provider: party.provider.owner.address, nonce: 0n, salt: `0x${randomBytes(32).toString('hex')}` },
    ...{ program, kind, unit: stringToHex('task', { size: 32 }), price, rateCap, minBudget },
    ...{ maxBudget: budget, total: budget, buyer: zeroAddress, openingFee: 0n, maxDuration: duration },
    ...{ expiry: Number(timestamp) + 86_400, mode, maxStreams: 62, minExposure: 0, arbiter: zeroAddress, panel: false },
  }
  const { owner } = party.provider
  const domain = tallystickDomain(domainOf(world))
  const signature = await owner.wallet.signTypedData({
    ...{ account: owner.account, domain, primaryType: 'Offer', message: offer, types: { Offer: types.Offer } },
  })
  const orderKey: Hex = `0x${randomBytes(32).toString('hex')}`
  const { address } = createActor(world, 'order key', { address: zeroAddress, privateKey: orderKey }).account
  const terms = {
    ...{ budget, exposure: 1_000_000, duration, streams: options.streams ?? 1 },
    ...{ orderKey: address, ackKey: address, taskRoot: zeroHash },
  }
  const receipt = await party.buyer.call({
    ...{
      address: deployment.settlement,
      abi: settlementAbi,
      functionName: 'openDeal',
      args: [offer, signature, terms],
    },
  })
  const [opened] = parseEventLogs({ abi: settlementAbi, eventName: 'DealOpened', logs: receipt.logs })
  if (opened === undefined) throw new Error('the deal did not open')
  const { id, key } = opened.args
  // the rate cap allows nothing at the very first second
  await pass(world, MINUTE)
  return { id, key, party, offer, budget, streams: terms.streams, orderKey }
}

/** Digests' domain of the settlement. */
export function domainOf({ deployment }: Pick<World, 'deployment'>) {
  return { chainId: deployment.chainId, verifyingContract: deployment.settlement }
}

/** Digests' domain of the committee. */
export function committeeDomainOf({ deployment }: Pick<World, 'deployment'>) {
  return { chainId: deployment.chainId, verifyingContract: deployment.committee }
}
