/**
 * What a watcher knows of the chain: deals, every signed tally that was settled, where each group stands in what the
 * settlement keeps hashes of, and the vault's cases. Made anew from events; nothing in it is anybody's word.
 *
 * @module
 */
import type { Address, Hex, ParseEventLogsReturnType } from 'viem'

import type { demandsAbi } from '#protocol/abi.generated.ts'
import type { RootedBatch } from '#protocol/batch-root.ts'
import { type RecordLink, type RingLink, ringChain } from '#protocol/openings.ts'

import type { SeenTally, WatchedDeal } from './facts.ts'
import type { BookNet } from './find-wrong-net.ts'

/** Seconds of one interval of the ring. */
const INTERVAL = 900

/** A deal and where it stands. */
export type BookDeal = WatchedDeal & {
  /** Key that signed orders when it was opened. */
  readonly orderKey: Address
  /** Tasks agreed on beforehand; zero for none. */
  readonly taskRoot: Hex
  budget: bigint
  end: number
  /** Units and receipts settled of each stream, and whether a fault froze it. */
  readonly units: bigint[]
  readonly cursors: number[]
  readonly frozen: boolean[]
  /** Whether its buyer or a fault stopped it, or its provider asked for work in vain. */
  isExcused: boolean
  isClosed: boolean
}

/** One settled batch. */
export type BookBatch = {
  readonly rooted: RootedBatch
  readonly root: Hex
  readonly lane: number
  /** Second on the protocol clock. */
  readonly time: number
  readonly transaction: Hex
  readonly block: bigint
  readonly authority: Hex
  /** What `settle` returned; null where it could not be told. */
  readonly facts: Hex | null
}

/** A group of a settled batch. */
export type BookGroup = {
  /** With receipts once they were read: at once where they stand in calldata. */
  tally: SeenTally
  readonly batch: BookBatch
  /** Place in the batch. */
  readonly index: number
  readonly applied: boolean
  /** Stream before it, where it applied. */
  readonly before: { readonly units: bigint; readonly cursor: number }
}

/** `IVault.Case`. */
export type CaseFacts = {
  readonly subject: Hex
  readonly provider: number
  readonly signer: Address
  readonly own: bigint
  readonly delegated: bigint
  readonly restitution: bigint
  readonly victim: Address
  readonly reporter: Address
  readonly evidence: Hex
  readonly blockNumber: bigint
  readonly slashedAt: number
}

/** A case in the vault. */
export type BookCase = {
  facts: CaseFacts
  readonly fault: number
  isOver: boolean
}

/** What a case's evidence is the hash of: the first receipt that the fault makes void, and what was signed or asked. */
export type Refuted = { readonly index: number; readonly detail: Hex }

/** `IDemands.Demand` as its event has it, by its identity. */
export type BookDemand = { readonly facts: DemandFacts; isOpen: boolean }
export type DemandFacts = NonNullable<
  Extract<ParseEventLogsReturnType<typeof demandsAbi>[number], { eventName: 'Demanded' }>['args']['facts']
>

/** What moved streams of netted deals: a batch, or an announced group that was settled without the committee. */
export type BookNetStep =
  | { readonly kind: 'batch'; readonly net: BookNet }
  | {
      readonly kind: 'executed'
      readonly dealId: number
      readonly stream: number
      /** Receipts (24 bits) ‖ units (40 bits). */
      readonly cell: bigint
      /** Net root after it. */
      readonly root: Hex
    }

/** Everything a watcher knows of the chain. */
export type Book = {
  readonly deals: Map<Hex, BookDeal>
  /** Key of the deal that has an id now. */
  readonly keys: Map<number, Hex>
  readonly nonces: Map<Address, bigint>
  /** Groups of each stream in the order they were settled, skipped ones too. */
  readonly groups: Map<string, BookGroup[]>
  /** Forced and acknowledged groups of each stream that moved it. */
  readonly records: Map<string, (RecordLink & { readonly group: BookGroup })[]>
  /** Attested batches of each interval; net batches have no groups here. */
  readonly intervals: Map<number, (RingLink & { readonly batch: BookBatch | null })[]>
  readonly nets: BookNet[]
  /** Everything that moved netted deals' streams, in order. */
  readonly netSteps: BookNetStep[]
  /** Buyers of netted deals by their index. */
  readonly buyers: Map<number, Address>
  readonly cases: Map<Hex, BookCase>
  /** By the subject of the case. */
  readonly refuted: Map<Hex, Refuted>
  readonly demands: Map<Hex, BookDemand>
}

/** Nothing known. */
export function createBook(): Book {
  return {
    deals: new Map(),
    keys: new Map(),
    nonces: new Map(),
    groups: new Map(),
    records: new Map(),
    intervals: new Map(),
    nets: [],
    netSteps: [],
    buyers: new Map(),
    cases: new Map(),
    refuted: new Map(),
    demands: new Map(),
  }
}

/** Name of a stream in the book's maps. */
export function streamKey(dealKey: Hex, stream: number): string {
  return `${dealKey}/${stream}`
}

/** The list under a key, empty at first. */
export function listOf<Key, Item>(map: Map<Key, Item[]>, key: Key): Item[] {
  const known = map.get(key)
  if (known !== undefined) return known
  const list: Item[] = []
  map.set(key, list)
  return list
}

/** Interval of the ring that a second belongs to. */
export function intervalOf(time: number): number {
  return Math.floor(time / INTERVAL)
}

/** Chained hash of an interval as the book has it. */
export function chainOf(book: Book, interval: number): Hex {
  return ringChain(book.intervals.get(interval) ?? [])
}

/** Units settled of all streams of a deal. */
export function unitsOf({ units }: Pick<BookDeal, 'units'>): bigint {
  return units.reduce((sum, one) => sum + one, 0n)
}
