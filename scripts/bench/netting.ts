/**
 * Net batches of a world's streams: books of where they stand, and the transactions.
 *
 * @module
 */
import { encodeFunctionData, parseEventLogs, zeroHash } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { netBatchRoot } from '#protocol/net-batch.ts'
import { NetBlobError, planNetBlobs } from '#protocol/net-blobs.ts'
import { type BuiltNetBatch, buildNetBatch, type NetDeal } from '#protocol/net-build.ts'
import { createNetTree, type NetTree } from '#protocol/net-tree.ts'
import { RECEIPT_BYTES } from '#protocol/receipts.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'

import { PRICE } from './actors.ts'
import { attestationOf } from './attestations.ts'
import { type SettleCall, type SignedGroup, signRound } from './batches.ts'
import { must } from './books.ts'
import { COMMITTEE, KZG, type Mined } from './chain.ts'
import type { World } from './world.ts'

/** Where the netted deals stand, moved on by every batch. */
export type NetBooks = { tree: NetTree; readonly deals: ReadonlyMap<number, NetDeal> }

/** A second that no bench reaches, the same on every client. */
const UNTIL = 2_100_000_001
/** What a batch says of announced groups: there are none. */
const QUEUE = 0

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

/** Fewest net batches of about equal size that settle a round, each built on the one before. */
export async function netCalls(world: World, books: NetBooks, round: number): Promise<NetCall[]> {
  const groups = signRound(world, round)
  const calls: NetCall[] = []
  for (const part of partsOf(groups)) calls.push(await netCall(world, books, part))
  return calls
}

function partsOf(groups: readonly SignedGroup[]): (readonly SignedGroup[])[] {
  for (let count = 1; count <= groups.length; count += 1) {
    const size = Math.ceil(groups.length / count)
    const parts = Array.from({ length: count }, (_, part) => groups.slice(part * size, (part + 1) * size))
    const filled = parts.filter((part) => part.length > 0)
    if (filled.every(fitsBlobs)) return filled
  }
  throw new Error('one group alone does not fit a net batch')
}

/** Whether the blobs of one transaction hold the records and receipts. */
function fitsBlobs(groups: readonly SignedGroup[]): boolean {
  const deals = new Set(groups.map(({ group }) => group.dealId))
  try {
    planNetBlobs(
      groups.map(({ group }) => group.receipts.length * RECEIPT_BYTES),
      deals.size,
    )
    return true
  } catch (error) {
    if (error instanceof NetBlobError && error.code === 'net-blobs.too-many') return false
    throw error
  }
}

/** Checks one mined net batch: the chain took it, and stands where it says. */
export async function checkNetted({ chain }: World, { root, built }: NetCall, mined: Mined): Promise<void> {
  const [event] = parseEventLogs({ abi: settlementAbi, eventName: 'Settled', logs: mined.receipt.logs })
  must(event !== undefined && event.args.root === root, 'the chain settled another root')
  const address = chain.deployment.settlement
  const stands = await chain.reader.readContract({ address, abi: settlementAbi, functionName: 'netRoot' })
  must(stands === built.tree.root && stands !== zeroHash, `the net root is ${stands}`)
}
