/**
 * What a batch touches, group by group: the cost model's view of it.
 *
 * @module
 */
import { MAX_BLOBS } from '#protocol/batch.ts'
import { elementsFor, MAX_GROUP_BYTES, MAX_GROUP_ELEMENTS } from '#protocol/blob.ts'
import { DEAL_ROWS } from '#protocol/deal-pages.ts'
import { BLOB_ELEMENTS } from '#protocol/kzg.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { PAGE_ROWS } from '#protocol/worker-pages.ts'
import type { BatchShape } from './cost-model.ts'

/** How a batch is settled. */
export type Route = {
  readonly mode: Mode
  readonly lane: Lane
  /** Committee signatures it carries. */
  readonly signatures: number
}

/** What the chain says about a group's deal, as far as its cost goes. */
export type DealOutline = {
  readonly provider: number
  /** Settlement token base units per unit. */
  readonly price: bigint
  readonly streams: number
  /** Where its facts stand in code: page * 256 + row; 0 if nowhere. */
  readonly place: number
  /** Whether it settles in net batches, and in no others. */
  readonly netted?: boolean
}

/** A group, as far as its cost goes. */
export type GroupOutline = {
  readonly dealId: number
  readonly stream: number
  /** Worker's index in the registry. */
  readonly worker: number
  readonly first: number
  readonly count: number
  /** Bytes of its receipts. */
  readonly receiptBytes: number
  readonly deal: DealOutline
}

/** Streams whose cells stand in a word that two deals share; further ones fill words of four. */
const INLINE_STREAMS = 2
const CELLS_PER_WORD = 4
const ROOMS_PER_WORD = 4
const DEALS_PER_WORD = 2
/** Elements that are surely usable: each blob but the last may end with less room than the next group needs. */
const USABLE_ELEMENTS = MAX_BLOBS * BLOB_ELEMENTS - (MAX_BLOBS - 1) * MAX_GROUP_ELEMENTS

/** What the words and pages are told apart by. */
type Touched = {
  readonly deals: number
  readonly storedDeals: number
  readonly dealPages: number
  readonly workerPages: number
  readonly cellWords: string
  readonly newCellWords: string
  readonly roomWords: number
  readonly providers: number
}
type Sets = { readonly [Name in keyof Touched]: Set<Touched[Name]> }

/** A shape that grows. */
export type GrowingShape = {
  readonly shape: () => BatchShape
  /** The shape with one group more; null where its receipts find no room in blobs. */
  readonly after: (group: GroupOutline) => BatchShape | null
  readonly add: (group: GroupOutline) => void
}

/** Creates the shape of an empty batch. */
export function createShape(route: Route): GrowingShape {
  const sets: Sets = {
    deals: new Set(),
    storedDeals: new Set(),
    dealPages: new Set(),
    workerPages: new Set(),
    cellWords: new Set(),
    newCellWords: new Set(),
    roomWords: new Set(),
    providers: new Set(),
  }
  const names = Object.keys(sets) as (keyof Sets)[]
  let elements = 0
  let shape: BatchShape = {
    ...{ mode: route.mode, lane: route.lane, memberSignatures: route.signatures },
    ...{ groups: 0, receipts: 0, receiptBytes: 0, blobs: 0, readWords: 0 },
    ...{ deals: 0, storedDeals: 0, dealPages: 0, workerPages: 0 },
    ...{ cellWords: 0, newCellWords: 0, roomWords: 0, providers: 0 },
  }

  function grown(group: GroupOutline): BatchShape {
    const touched = touchedBy(group, route.lane)
    const more = (name: keyof Sets) => {
      const key = touched[name]
      return shape[name] + (key !== undefined && !sets[name].has(key as never) ? 1 : 0)
    }
    const isNewDeal = !sets.deals.has(group.dealId)
    // a further word that a group rewrites was counted as read when its deal came
    const rewrites = group.stream >= INLINE_STREAMS ? more('cellWords') - shape.cellWords : 0
    return {
      ...shape,
      ...Object.fromEntries(names.map((name) => [name, more(name)])),
      groups: shape.groups + 1,
      receipts: shape.receipts + group.count - group.first,
      receiptBytes: shape.receiptBytes + group.receiptBytes,
      blobs: route.mode === Mode.Calldata ? 0 : Math.ceil((elements + elementsOf(group)) / BLOB_ELEMENTS),
      readWords: shape.readWords + (isNewDeal ? furtherWords(group.deal.streams) : 0) - rewrites,
    }
  }

  return {
    shape: () => shape,
    after(group) {
      const fits = group.receiptBytes <= MAX_GROUP_BYTES && elements + elementsOf(group) <= USABLE_ELEMENTS
      return route.mode === Mode.Calldata || fits ? grown(group) : null
    },
    add(group) {
      shape = grown(group)
      elements += elementsOf(group)
      const touched = touchedBy(group, route.lane)
      for (const name of names) {
        const key = touched[name]
        if (key !== undefined) sets[name].add(key as never)
      }
    },
  }
}

/** Shape of a batch of exactly these groups. */
export function shapeOf(groups: readonly GroupOutline[], route: Route): BatchShape {
  const growing = createShape(route)
  for (const group of groups) growing.add(group)
  return growing.shape()
}

/** Elements of a blob that a group takes, its entry in the table among them. */
function elementsOf({ receiptBytes }: GroupOutline): number {
  return 1 + elementsFor(receiptBytes)
}

function touchedBy(group: GroupOutline, lane: Lane): { [Name in keyof Touched]: Touched[Name] | undefined } {
  const { dealId, deal } = group
  const word = cellWordOf(group)
  // the acknowledged lane changes the deal where it is stored
  const isStored = deal.place === 0 || lane === Lane.Acknowledged
  return {
    deals: dealId,
    storedDeals: isStored ? dealId : undefined,
    dealPages: isStored ? undefined : Math.floor(deal.place / DEAL_ROWS),
    workerPages: Math.floor(group.worker / PAGE_ROWS),
    cellWords: word,
    newCellWords: group.first === 0 ? word : undefined,
    roomWords: Math.floor(deal.provider / ROOMS_PER_WORD),
    providers: deal.provider,
  }
}

function cellWordOf({ dealId, stream }: GroupOutline): string {
  if (stream < INLINE_STREAMS) return `${Math.floor(dealId / DEALS_PER_WORD)}`
  return `${dealId} ${Math.floor((stream - INLINE_STREAMS) / CELLS_PER_WORD)}`
}

function furtherWords(streams: number): number {
  return Math.max(0, Math.ceil((streams - INLINE_STREAMS) / CELLS_PER_WORD))
}
