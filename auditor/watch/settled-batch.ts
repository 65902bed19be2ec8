/**
 * Enters a settled batch into the book: its groups, what settling did to them, and where they stand.
 *
 * @module
 */
import { type Hex, hexToBytes } from 'viem'

import { type Batch, type BlobGroup, decodeBatch, type Group } from '#protocol/batch.ts'
import { batchRoot, groupHash, type RootedBatch, tallyOfGroup } from '#protocol/batch-root.ts'
import { encodeFacts, factsRoot, type GroupFacts } from '#protocol/facts.ts'
import { Lane, Mode, Outcome, type Tally } from '#protocol/types.ts'

import {
  type Book,
  type BookBatch,
  type BookDeal,
  type BookGroup,
  intervalOf,
  listOf,
  streamKey,
  unitsOf,
} from './book.ts'

const ZERO_KEY: Hex = `0x${'00'.repeat(32)}`

/** A `settle` that went through, as its transaction and event tell. */
export type SettledEvent = {
  readonly bytes: Hex
  readonly authority: Hex
  readonly root: Hex
  readonly lane: number
  /** One bit a group, the lowest of a byte first. */
  readonly applied: Hex
  readonly time: number
  readonly transaction: Hex
  readonly block: bigint
  readonly blobs: readonly Hex[]
}

/** Asks for the facts `settle` returned, where not all of its groups applied; null where nobody tells. */
export type AskFacts = (event: SettledEvent) => Promise<Hex | null>

/**
 * Enters a batch of mode 0 or 1.
 *
 * @throws Error when the bytes are no batch or lead to another root: then they are not what settled.
 */
export async function enterBatch(book: Book, event: SettledEvent, askFacts: AskFacts): Promise<readonly BookGroup[]> {
  const batch = decodeBatch(event.bytes)
  const tallies = batch.groups.map((group) => tallyOf(book, group))
  const rooted = rootedBatch(batch, tallies.map(groupHash), event.blobs)
  if (batchRoot(rooted) !== event.root) throw new Error(`transaction ${event.transaction} settled other bytes`)
  const moves = batch.groups.map((_, index) => isApplied(event.applied, index))
  const records = batch.groups.map((group, index) => (moves[index] ? move(book, group, tallies[index] as Tally) : null))
  const facts = records.every((record) => record !== null) ? encodeFacts(records) : await askFacts(event)
  const { root, lane, time, transaction, block, authority } = event
  const entered: BookBatch = { rooted, root, lane, time, transaction, block, authority, facts }
  const groups = batch.groups.map((group, index): BookGroup => {
    const tally = tallies[index] as Tally
    const { dealId, worker, signature } = group
    const receipts = 'receipts' in group ? { receipts: group.receipts } : {}
    const seen = { tally, dealId, worker, signature, ...receipts, hash: groupHash(tally) }
    const applied = moves[index] ?? false
    return {
      tally: seen,
      batch: entered,
      index,
      applied,
      before: { units: records[index]?.units ?? 0n, cursor: records[index]?.cursor ?? 0 },
    }
  })
  for (const [index, group] of groups.entries()) enterGroup(book, group, records[index] ?? null)
  if (lane === Lane.Attested && moves.includes(true)) chain(book, entered)
  return groups
}

function tallyOf(book: Book, group: Group | BlobGroup): Tally {
  const dealKey = book.keys.get(group.dealId) ?? ZERO_KEY
  if ('receipts' in group) return tallyOfGroup(group, dealKey)
  const { stream, first, count, units, segment } = group
  return { dealKey, stream, first, count, units, segment }
}

function rootedBatch(batch: Batch, groupHashes: readonly Hex[], hashes: readonly Hex[]): RootedBatch {
  if (batch.mode === Mode.Calldata) return { mode: batch.mode, groupHashes }
  const blobs = batch.blobs.map(({ groups }, index) => ({ groups, versionedHash: hashes[index] ?? ZERO_KEY }))
  return { mode: batch.mode, groupHashes, blobs }
}

function isApplied(bits: Hex, index: number): boolean {
  const byte = hexToBytes(bits)[Math.floor(index / 8)] ?? 0
  return ((byte >> (index % 8)) & 1) === 1
}

const paidFor = (units: bigint, { offer, budget }: BookDeal): bigint => {
  const worth = units * offer.price
  return worth < budget ? worth : budget
}

/** Moves the group's stream in the book; what the chain recorded of it. */
function move(book: Book, { dealId }: { readonly dealId: number }, tally: Tally): GroupFacts | null {
  const deal = book.deals.get(book.keys.get(dealId) ?? ZERO_KEY)
  if (deal === undefined) return null
  const { stream, count, units } = tally
  const before = { cursor: deal.cursors[stream] ?? 0, units: deal.units[stream] ?? 0n }
  const paid = paidFor(unitsOf(deal), deal)
  deal.units[stream] = units
  deal.cursors[stream] = count
  const worth = (units - before.units) * deal.offer.price
  const amount = paidFor(unitsOf(deal), deal) - paid
  return { ...before, amount, outcome: amount < worth ? Outcome.Clamped : Outcome.Applied }
}

function enterGroup(book: Book, group: BookGroup, record: GroupFacts | null): void {
  const { tally, batch } = group
  const key = streamKey(tally.tally.dealKey, tally.tally.stream)
  listOf(book.groups, key).push(group)
  if (record === null || batch.lane === Lane.Attested) return
  const link = { groupHash: tally.hash, record: encodeFacts([record]), time: batch.time }
  listOf(book.records, key).push({ ...link, group })
}

function chain(book: Book, batch: BookBatch): void {
  const links = listOf(book.intervals, intervalOf(batch.time))
  const { root, time, facts } = batch
  links.push({ root, time, batch, factsRoot: facts === null ? ZERO_KEY : factsRoot(facts) })
}
