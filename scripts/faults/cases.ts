/**
 * Cases in the vault, as the watcher brings them there.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { demandsAbi, registryAbi } from '#protocol/abi.generated.ts'

import type { Played } from './cheat.ts'
import type { Deal, Party } from './party.ts'
import { until } from './waiting.ts'
import type { World } from './world.ts'

/** A proven case. */
export type Proven = {
  readonly subject: Hex
  readonly transaction: Hex
  readonly gas: number
  /** Stake token base units. */
  readonly taken: bigint
}

/** Cases against a party's provider, or against members who took part, oldest first. */
export async function casesOf(world: World, party: Party, played: Played): Promise<Proven[]> {
  const { client, deployment } = world
  const events = await client.getContractEvents({
    ...{ address: deployment.registry, abi: registryAbi, eventName: 'Slashed', strict: true },
    ...{ fromBlock: deployment.fromBlock, toBlock: 'latest' },
  })
  const members = new Set((played.members ?? []).map((one) => one.toLowerCase()))
  const own = events.filter(({ args: { facts, fault } }) =>
    played.slashed === 'provider'
      ? facts.provider === party.provider.id
      : members.has(facts.signer.toLowerCase()) && fault === played.membersFault,
  )
  return await Promise.all(
    own.map(async ({ args, transactionHash: transaction }) => {
      const { gasUsed } = await client.getTransactionReceipt({ hash: transaction })
      const taken = args.facts.own + args.facts.delegated
      return { subject: args.subject, transaction, gas: Number(gasUsed), taken }
    }),
  )
}

/** Waits until the watcher has proven the cheat. */
export async function untilProven(world: World, party: Party, played: Played, what: string): Promise<Proven> {
  await until(world, `proving ${what}`, async () => (await casesOf(world, party, played)).length > 0)
  const [first] = await casesOf(world, party, played)
  if (first === undefined) throw new Error(`${what} was not proven`)
  return first
}

/** Waits until so many cases were paid out. */
export async function untilPaid(world: World, subjects: readonly Hex[]): Promise<void> {
  const { client, deployment } = world
  await until(world, 'paying the cases out', async () => {
    const events = await client.getContractEvents({
      ...{ address: deployment.registry, abi: registryAbi, eventName: 'CasePaid', strict: true },
      ...{ fromBlock: deployment.fromBlock, toBlock: 'latest' },
    })
    const paid = new Set(events.map(({ args }) => args.subject))
    return subjects.every((subject) => paid.has(subject))
  })
}

/** Hands out what courts owe somebody: anyone may. */
export async function handOut(world: World, account: Address): Promise<void> {
  const { client, deployment, anyone } = world
  const own = { address: deployment.demands, abi: demandsAbi } as const
  const owed = await client.readContract({ ...own, functionName: 'owed', args: [account] })
  if (owed > 0n) await anyone.call({ ...own, functionName: 'withdraw', args: [account] })
}

/** Waits until something is demanded of each of these deals. */
export async function untilDemanded(world: World, deals: readonly Deal[]): Promise<void> {
  const { client, deployment } = world
  await until(world, 'demanding what nobody shows', async () => {
    const events = await client.getContractEvents({
      ...{ address: deployment.demands, abi: demandsAbi, eventName: 'Demanded', strict: true },
      ...{ fromBlock: deployment.fromBlock, toBlock: 'latest' },
    })
    const asked = new Set(events.map(({ args }) => args.id))
    return deals.every(({ id }) => asked.has(id))
  })
}
