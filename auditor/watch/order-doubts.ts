/**
 * Doubts about orders: of what was settled and no member can show an order for, the order is demanded on chain, and
 * silence about it is drawn its consequence from.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, type PublicClient, parseAbi } from 'viem'

import { demandsAbi } from '#protocol/abi.generated.ts'
import { Source, shownSettled } from '#protocol/courts.ts'
import { type Domain, orderDigest } from '#protocol/eip712.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { recoverCompact } from '#protocol/signature.ts'
import type { SignedSegment } from '#protocol/wire.ts'
import type { Act } from '#runtime/act-sender.ts'
import type { Book, BookDeal, BookGroup } from './book.ts'
import { placeOf, type ReadInterval } from './places.ts'

const tokenAbi = parseAbi([
  'function approve(address spender, uint256 amount) returns (bool)',
  'function allowance(address owner, address spender) view returns (uint256)',
])
const NO_TASKS: Hex = `0x${'00'.repeat(32)}`

/** Whether a segment shows an order by the deal's key for every receipt from `from` on. */
export function hasOrders(shown: SignedSegment, deal: BookDeal, domain: Domain): boolean {
  return shown.receipts.every(({ work }) => {
    if (work === undefined) return false
    const { index, inputRoot, maxUnits, signature } = work.order
    const digest = orderDigest({ dealKey: deal.key, index, inputRoot, maxUnits }, domain)
    return recoverCompact(digest, signature)?.toLowerCase() === deal.orderKey.toLowerCase()
  })
}

/** Whether an order may be demanded of a group's deal: not where tasks were agreed on beforehand. */
export function isDoubtful({ applied, tally }: BookGroup, deal: BookDeal | undefined): boolean {
  return applied && tally.receipts !== undefined && deal !== undefined && deal.taskRoot === NO_TASKS
}

/** Demands the order of a group's last receipt, which nobody could show. */
export async function demandFor(
  book: Book,
  group: BookGroup,
  demands: Address,
  readInterval: ReadInterval,
): Promise<Act | null> {
  const { tally, before } = group
  const place = await placeOf(book, group, readInterval)
  if (place === null || tally.receipts === undefined) return null
  const source = place.recorded ? Source.Stream : Source.Batch
  const shown = shownSettled(source, place.bytes, encodeReceipts(tally.receipts), before.cursor)
  const data = encodeFunctionData({ abi: demandsAbi, functionName: 'demandOrder', args: [tally.dealId, shown] })
  return { name: `demand order ${tally.hash} ${before.cursor}`, to: demands, data }
}

/** Lets the demands contract take what demands prepay; it is returned on silence. */
export async function approvalFor(
  client: PublicClient,
  options: { readonly token: Address; readonly owner: Address; readonly demands: Address; readonly budget: bigint },
): Promise<Act | null> {
  const { token, owner, demands, budget } = options
  const args = [owner, demands] as const
  const allowed = await client.readContract({ address: token, abi: tokenAbi, functionName: 'allowance', args })
  if (allowed > 0n) return null
  const data = encodeFunctionData({ abi: tokenAbi, functionName: 'approve', args: [demands, budget] })
  return { name: `approve ${demands}`, to: token, data }
}

/** Draws the consequence of every demand that nobody answered in time. */
export function lapses(book: Book, demands: Address, clock: number): Act[] {
  return [...book.demands].flatMap(([id, { facts, isOpen }]) => {
    if (!isOpen || clock <= facts.until) return []
    const data = encodeFunctionData({ abi: demandsAbi, functionName: 'lapse', args: [facts] })
    return [{ name: `lapse ${id}`, to: demands, data }]
  })
}
