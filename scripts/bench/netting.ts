/**
 * Net batches of a world's streams: bonds that bound them, books of where they stand, and the transactions.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, type PrivateKeyAccount, parseEventLogs, zeroHash } from 'viem'

import { demoStakeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { netBatchRoot } from '#protocol/net-batch.ts'
import { type BuiltNetBatch, buildNetBatch, type NetDeal } from '#protocol/net-build.ts'
import { createNetTree, type NetTree } from '#protocol/net-tree.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'

import { PRICE } from './actors.ts'
import { attestationOf } from './attestations.ts'
import { type SettleCall, type SignedGroup, signRound } from './batches.ts'
import { must } from './books.ts'
import { type Chain, COMMITTEE, KZG, type Mined } from './chain.ts'
import { signPermit } from './permits.ts'
import type { World } from './world.ts'

/** Where the netted deals stand, moved on by every batch. */
export type NetBooks = { tree: NetTree; readonly deals: ReadonlyMap<number, NetDeal> }

/** A second that no bench reaches, the same on every client. */
const UNTIL = 2_100_000_001
/** What a batch says of announced groups: there are none. */
const QUEUE = 0

/** Lets every member of the committee bond `amount` stake token base units. */
export async function bondMembers(chain: Chain, amount: bigint): Promise<void> {
  const owner = await chain.actor('bonder', 0)
  const { registry, stakeToken } = chain.deployment
  const total = amount * BigInt(COMMITTEE.members) + 1n
  const mint = encodeFunctionData({ abi: demoStakeAbi, functionName: 'mint', args: [owner.address, total] })
  await chain.send(owner, stakeToken, mint)
  for (let index = 0; index < COMMITTEE.members; index += 1) {
    const member = await chain.actor('member', index)
    const name = [member.address, owner.address] as const
    await send(
      chain,
      member,
      registry,
      encodeFunctionData({ abi: registryAbi, functionName: 'nameBondOwner', args: name }),
    )
    const permit = await signPermit(chain, owner, stakeToken, registry, amount)
    const bond = [member.address, amount, permit] as const
    await send(chain, owner, registry, encodeFunctionData({ abi: registryAbi, functionName: 'bond', args: bond }))
  }
}

async function send(chain: Chain, from: PrivateKeyAccount, to: Address, data: Hex): Promise<void> {
  await chain.send(from, to, data)
}

/** Books of a world whose deals are netted and in which nothing was settled. */
export async function createNetBooks({ chain, workload, deals, buyers, providers }: World): Promise<NetBooks> {
  const { reader, deployment } = chain
  const indexes = await Promise.all(
    buyers.map(async (buyer) => {
      const [index] = await reader.readContract({
        ...{ address: deployment.settlement, abi: settlementAbi, functionName: 'netBuyer', args: [buyer] },
      })
      return index
    }),
  )
  const entries = workload.deals.map((plan, place): [number, NetDeal] => {
    const deal = deals[place]
    if (deal === undefined) throw new Error(`no deal ${place}`)
    const { key, budget } = deal
    const buyer = indexes[plan.buyer] ?? 0
    return [
      deal.id,
      {
        key,
        provider: providers[plan.provider] ?? 0,
        buyer,
        price: PRICE,
        budget,
        streams: workload.shape.streamsPerDeal,
      },
    ]
  })
  return { tree: createNetTree(), deals: new Map(entries) }
}

/** One net batch that settles `groups` and moves the books on. */
export async function netCall(world: World, books: NetBooks, groups: readonly SignedGroup[]): Promise<NetCall> {
  const { tree, deals } = books
  const built = buildNetBatch({
    ...{ tree, deals, groups: groups.map(({ group }) => group) },
    ...{ until: UNTIL, queueTo: QUEUE },
  })
  const blobs = await commitBlobs(KZG, built.blobs)
  const versionedHashes = blobs.map(({ versionedHash }) => versionedHash)
  const root = netBatchRoot(built.encoded, { versionedHashes, previous: tree.root, queueFrom: QUEUE })
  books.tree = built.tree
  const args = [built.encoded, attestationOf(world, root, COMMITTEE.threshold)] as const
  const data = encodeFunctionData({ abi: settlementAbi, functionName: 'settle', args })
  return { groups, root, data, blobs, built }
}

/** A net batch and its transaction. */
export type NetCall = Pick<SettleCall, 'groups' | 'root' | 'data' | 'blobs'> & { readonly built: BuiltNetBatch }

/** Net batches of a round, one if its blobs hold it all. */
export async function netCalls(world: World, books: NetBooks, round: number): Promise<NetCall[]> {
  return [await netCall(world, books, signRound(world, round))]
}

/** Checks one mined net batch: the chain took it, and stands where it says. */
export async function checkNetted({ chain }: World, { root, built }: NetCall, mined: Mined): Promise<void> {
  const [event] = parseEventLogs({ abi: settlementAbi, eventName: 'Settled', logs: mined.receipt.logs })
  must(event !== undefined && event.args.root === root, 'the chain settled another root')
  const address = chain.deployment.settlement
  const stands = await chain.reader.readContract({ address, abi: settlementAbi, functionName: 'netRoot' })
  must(stands === built.tree.root && stands !== zeroHash, `the net root is ${stands}`)
}
