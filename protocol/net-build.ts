/**
 * Makes a net batch of groups and what the chain knows of their deals. The same groups always give the same bytes, so a
 * member checks a batch by making it again.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { Group } from './batch.ts'
import { TallyError } from './errors.ts'
import { encodeNetBatch, type Net, type NetBatch } from './net-batch.ts'
import { planNetBlobs, writeNetBlobs } from './net-blobs.ts'
import { type DealRecord, encodeDealRecord, encodeGroupRecord, type GroupRecord } from './net-records.ts'
import { withStreams } from './net-state.ts'
import { cellsOf, type NetTree } from './net-tree.ts'
import { encodeReceipts, segmentHash, totalUnits } from './receipts.ts'

/** What a batch needs to know of a deal. */
export type NetDeal = {
  readonly key: Hex
  readonly provider: number
  /** Buyer's index. */
  readonly buyer: number
  /** Settlement token base units per unit. */
  readonly price: bigint
  /** Settlement token base units. */
  readonly budget: bigint
  readonly streams: number
}

/** What a batch is made of. */
export type NetOrder = {
  /** Where every netted deal stands before it. */
  readonly tree: NetTree
  readonly deals: ReadonlyMap<number, NetDeal>
  /** In any order, at most one a stream. Whether each may settle by rate, exposure and signature is not asked here. */
  readonly groups: readonly Group[]
  readonly until: number
  readonly queueTo: number
}

/** A net batch with everything that belongs to it. */
export type BuiltNetBatch = {
  readonly batch: NetBatch
  readonly encoded: Hex
  readonly blobs: readonly Uint8Array[]
  readonly groups: readonly GroupRecord[]
  /** Bytes of each group's receipts. */
  readonly receipts: readonly Uint8Array[]
  readonly deals: readonly DealRecord[]
  /** Where every netted deal stands after it. */
  readonly tree: NetTree
}

/** Thrown when a group does not continue its stream: `net-build.group`. */
export class NetBuildError extends TallyError {
  override readonly name = 'NetBuildError'
  readonly dealId: number
  readonly stream: number

  constructor({ dealId, stream }: Group, problem: string) {
    super('net-build.group', `deal ${dealId}, stream ${stream}: ${problem}`)
    this.dealId = dealId
    this.stream = stream
  }
}

/** A group and where it stands, before running totals and places are known. */
type Judged = Omit<GroupRecord, 'providerTotal' | 'start' | 'dealRecord'> & {
  readonly deal: NetDeal
  readonly receipts: Uint8Array
}

/**
 * Makes a net batch.
 *
 * @throws {@link NetBuildError} when a deal is unknown or a group does not continue its stream; NetBlobError when blobs
 * cannot hold it.
 */
export function buildNetBatch(order: NetOrder): BuiltNetBatch {
  const judged = judge(order)
  const moved = moveDeals(order.tree, judged)
  const plan = planNetBlobs(
    judged.map(({ receipts }) => receipts.length),
    moved.deals.length,
  )
  const places = new Map(moved.deals.map(({ dealId }, index) => [dealId, index]))
  let total = 0n
  const groups = judged.map(({ deal: _deal, receipts: _receipts, ...record }, index): GroupRecord => {
    total = record.amount + (judged[index - 1]?.provider === record.provider ? total : 0n)
    const [start = 0, dealRecord = 0] = [plan.starts[index], places.get(record.dealId)]
    return { ...record, providerTotal: total, start, dealRecord }
  })
  const batch: NetBatch = {
    until: order.until,
    queueTo: order.queueTo,
    root: moved.tree.root,
    blobs: plan.rows,
    providers: lastOf(groups.map(({ provider, providerTotal }) => ({ of: provider, amount: providerTotal }))),
    buyers: lastOf(moved.deals.map(({ buyer, buyerTotal }) => ({ of: buyer, amount: buyerTotal }))),
  }
  const receipts = judged.map((group) => group.receipts)
  const content = { groups: groups.map(encodeGroupRecord), receipts, deals: moved.deals.map(encodeDealRecord) }
  return {
    batch,
    encoded: encodeNetBatch(batch),
    blobs: writeNetBlobs(content, plan),
    groups,
    receipts,
    deals: moved.deals,
    tree: moved.tree,
  }
}

function judge({ tree, deals, groups }: NetOrder): Judged[] {
  const provider = (group: Group): number => dealOf(deals, group).provider
  const sorted = groups.toSorted(
    (a, b) => provider(a) - provider(b) || a.dealId - b.dealId || a.stream - b.stream || a.first - b.first,
  )
  let dealUnits = 0n
  return sorted.map((group, index): Judged => {
    const deal = dealOf(deals, group)
    const cells = cellsOf(tree.leafAt(group.dealId), deal.key, deal.streams)
    const before = sorted[index - 1]
    if (before?.dealId !== group.dealId) dealUnits = cells.reduce((sum, { units }) => sum + units, 0n)
    else if (before.stream === group.stream) throw new NetBuildError(group, 'it comes twice')
    const cell = cells[group.stream]
    const count = group.first + group.receipts.length
    if (cell === undefined) throw new NetBuildError(group, 'the deal has no such stream')
    if (group.first > cell.cursor || count <= cell.cursor)
      throw new NetBuildError(group, `it does not continue from receipt ${cell.cursor}`)
    const { units } = group
    if (units !== cell.units + totalUnits(group.receipts.slice(cell.cursor - group.first)))
      throw new NetBuildError(group, `its receipts do not make ${units} units of the stream's ${cell.units}`)
    const paid = paidFor(deal, dealUnits)
    dealUnits += units - cell.units
    const receipts = encodeReceipts(group.receipts)
    return {
      deal,
      receipts,
      provider: deal.provider,
      dealId: group.dealId,
      stream: group.stream,
      amount: paidFor(deal, dealUnits) - paid,
      count,
      units,
      dealUnits,
      worker: group.worker,
      first: group.first,
      cursorBefore: cell.cursor,
      unitsBefore: cell.units,
      segment: segmentHash(receipts),
      signature: group.signature,
    }
  })
}

/** What a deal has paid once its streams come to `units`. */
function paidFor({ price, budget }: NetDeal, units: bigint): bigint {
  const due = price * units
  return due < budget ? due : budget
}

function dealOf(deals: ReadonlyMap<number, NetDeal>, group: Group): NetDeal {
  const deal = deals.get(group.dealId)
  if (deal === undefined) throw new NetBuildError(group, 'nobody knows the deal')
  return deal
}

function moveDeals(tree: NetTree, judged: readonly Judged[]): { deals: DealRecord[]; tree: NetTree } {
  const runs = new Map<number, number[]>()
  judged.forEach(({ dealId }, index) => {
    runs.set(dealId, [...(runs.get(dealId) ?? []), index])
  })
  const entries = [...runs].flatMap(([dealId, run]) => {
    const groups = run.flatMap((index) => judged[index] ?? [])
    const [first] = groups
    return first === undefined ? [] : [{ dealId, run, groups, deal: first.deal }]
  })
  entries.sort((a, b) => a.deal.buyer - b.deal.buyer || a.dealId - b.dealId)
  let moved = tree
  let total = 0n
  let last = -1
  const deals = entries.map(({ dealId, run, groups, deal }): DealRecord => {
    const moves = groups.map(({ stream, count, units }) => ({ dealId, stream, cell: { cursor: count, units } }))
    moved = withStreams(moved, deal, moves)
    const amount = groups.reduce((sum, group) => sum + group.amount, 0n)
    total = amount + (deal.buyer === last ? total : 0n)
    last = deal.buyer
    const [firstGroup = 0, lastGroup = 0] = [run[0], run.at(-1)]
    return { buyer: deal.buyer, dealId, amount, buyerTotal: total, firstGroup, lastGroup, root: moved.root }
  })
  return { deals, tree: moved }
}

/** The last net of each run of the same one. */
function lastOf(nets: readonly Net[]): Net[] {
  return nets.filter((net, index) => nets[index + 1]?.of !== net.of)
}
