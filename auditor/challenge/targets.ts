/**
 * Settled receipts as the disputes contract is shown them.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, type PublicClient, zeroAddress } from 'viem'

import { disputesAbi } from '#protocol/abi.generated.ts'
import { Source, shownSettled } from '#protocol/courts.ts'
import type { Claim } from '#protocol/disputes.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import type { Receipt } from '#protocol/types.ts'

import type { Book, BookDeal, BookGroup } from '../watch/book.ts'
import { placeOf, type ReadInterval } from '../watch/places.ts'

/** A settled receipt. */
export type Target = {
  readonly deal: BookDeal
  readonly group: BookGroup
  readonly stream: number
  /** Receipts of the stream before it. */
  readonly index: number
  /** Units of the stream before it. */
  readonly keep: bigint
  readonly receipt: Receipt
}

/** Which receipt: by its work hash, or by its place. */
export type Sought =
  | { readonly workHash: Hex }
  | { readonly dealId: number; readonly stream: number; readonly index: number }

/** Receipts that a group added to its stream; none where they do not stand in calldata. */
export function targetsIn(group: BookGroup, deal: BookDeal): Target[] {
  const { tally, before, applied } = group
  const { receipts = [], tally: signed } = tally
  if (!applied) return []
  let keep = before.units
  return receipts.flatMap((receipt, at) => {
    const index = signed.first + at
    if (index < before.cursor) return []
    const target = { deal, group, stream: signed.stream, index, keep, receipt }
    keep += receipt.units
    return [target]
  })
}

/** The receipts that are meant, newest deals last: a work hash may have been paid twice. */
export function findTargets(book: Book, sought: Sought): Target[] {
  const found: Target[] = []
  for (const groups of book.groups.values()) {
    for (const group of groups) {
      const deal = book.deals.get(group.tally.tally.dealKey)
      if (deal !== undefined) found.push(...targetsIn(group, deal).filter((target) => isMeant(target, sought)))
    }
  }
  return found
}

function isMeant({ deal, stream, index, receipt }: Target, sought: Sought): boolean {
  if ('workHash' in sought) return receipt.workHash.toLowerCase() === sought.workHash.toLowerCase()
  return deal.id === sought.dealId && stream === sought.stream && index === sought.index
}

/** Whether a claim is about this receipt. */
export function isAbout({ key, stream, index, workHash }: Claim, { deal, ...target }: Target): boolean {
  return key === deal.key && stream === target.stream && index === target.index && workHash === target.receipt.workHash
}

/** Bond of a challenge if it came now, settlement token base units; 0 where nobody judges this kind of work. */
export async function bondOf(client: PublicClient, disputes: Address, target: Target): Promise<bigint> {
  const own = { address: disputes, abi: disputesAbi } as const
  const referee = await client.readContract({ ...own, functionName: 'refereeOf', args: [target.deal.offer.kind] })
  if (referee === zeroAddress) return 0n
  return await client.readContract({ ...own, functionName: 'bondOf', args: [claimOn(target, referee)] })
}

/** The claim that challenging a receipt opens. */
function claimOn({ deal, group, stream, index, keep, receipt }: Target, referee: Address): Claim {
  const { offer } = deal
  return {
    ...{ id: deal.id, key: deal.key, stream, index, units: Number(receipt.units), keep: Number(keep) },
    ...{ settledAt: group.batch.time, workHash: receipt.workHash, provider: deal.provider, program: offer.program },
    ...{ kind: offer.kind, arbiter: offer.arbiter ?? zeroAddress, referee },
  }
}

/** Calldata that challenges a receipt; null where the chain does not keep its place any more. */
export async function challengeCall(book: Book, target: Target, readInterval: ReadInterval): Promise<Hex | null> {
  const { deal, group, index } = target
  const place = await placeOf(book, group, readInterval)
  if (place === null || group.tally.receipts === undefined) return null
  const source = place.recorded ? Source.Stream : Source.Batch
  const shown = shownSettled(source, place.bytes, encodeReceipts(group.tally.receipts), index)
  const args = [deal.id, shown, deal.offer, deal.nonce] as const
  return encodeFunctionData({ abi: disputesAbi, functionName: 'challenge', args })
}
