/**
 * Providers join: stake, payout address and workers' keys in one transaction with a permit.
 *
 * @module
 */
import { type Address, parseEventLogs } from 'viem'

import { registryAbi } from '#protocol/abi.generated.ts'
import { packKeys } from '#protocol/worker-pages.ts'

import type { Actor } from './actor.ts'
import type { KeyFile, KeyRing } from './key-ring.ts'
import type { Site } from './nodes.ts'
import { signPermit } from './permit.ts'
import type { ProviderPlan } from './settings.ts'

/** A worker that is registered and can be started. */
export type WorkerSeat = {
  readonly name: string
  readonly delivery: 'members' | 'forced'
  readonly key: KeyFile
  readonly index: number
}

/** A provider that has joined. */
export type Provider = {
  readonly name: string
  readonly id: number
  readonly owner: Actor
  readonly ownerKeyFile: string
  /** Receives what it earns; another account than the one that stakes. */
  readonly payout: Address
  readonly workers: readonly WorkerSeat[]
}

/** Joins with permit, payout and workers in one transaction. */
export async function joinProvider(site: Site, plan: ProviderPlan, owner: Actor, ring: KeyRing): Promise<Provider> {
  const { client } = site.chain
  const { registry, stakeToken } = site.deployment
  const amount = plan.stake * 10n ** 18n
  const folder = plan.name.toLowerCase()
  const [payout, keys, permit] = await Promise.all([
    ring.make(`${folder}-payout`, 'owner'),
    Promise.all(plan.workers.map(({ name }) => ring.make(name, 'worker'))),
    signPermit({ client, owner, token: stakeToken, spender: registry, amount }),
  ])
  // the owner forces by itself, so nobody else is made operator
  const operator = '0x0000000000000000000000000000000000000000'
  const receipt = await owner.call({
    ...{ address: registry, abi: registryAbi, functionName: 'join' },
    args: [amount, permit, payout.address, operator, packKeys(keys.map(({ address }) => address))],
  })
  const [registered] = parseEventLogs({ abi: registryAbi, eventName: 'WorkersRegistered', logs: receipt.logs })
  if (registered === undefined) throw new Error(`${plan.name} joined without workers`)
  const { provider: id, firstIndex } = registered.args
  const workers = plan.workers.flatMap(({ name, delivery }, row) => {
    const key = keys[row]
    return key === undefined ? [] : [{ name, delivery, key, index: firstIndex + row }]
  })
  return { name: plan.name, id, owner, ownerKeyFile: ring.fileOf(folder, 'owner'), payout: payout.address, workers }
}
