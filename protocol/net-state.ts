/**
 * Where net mode stands, and what batches and executed groups make of it. States are never changed: moving some deals gives
 * another state, which shares everything else with the first, so a move costs what it moves and not what there is.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { BlobRow } from './net-batch.ts'
import { DEAL_ELEMENTS, GROUP_ELEMENTS, readPayload } from './net-blobs.ts'
import {
  DEAL_RECORD_BYTES,
  type DealRecord,
  decodeDealRecord,
  decodeGroupRecord,
  GROUP_RECORD_BYTES,
  type GroupRecord,
} from './net-records.ts'
import { cellsOf, createNetTree, encodeNetLeaf, type NetPath, type NetTree, type StreamCell } from './net-tree.ts'

/** Where net mode stands. */
export type NetState = {
  /** Where every netted deal's streams stand; its root is the net root. */
  readonly tree: NetTree
  /** Announced groups below this index were looked at by a batch. */
  readonly queueFrom: number
}

/** What moving a deal's streams takes to know of it. */
export type MovedDeal = { readonly key: Hex; readonly streams: number }

/** The deal that has an id now; undefined if it is none that is netted. */
export type DealOf = (dealId: number) => MovedDeal | undefined

/** Where one stream of a deal stands from now on. */
export type StreamMove = { readonly dealId: number; readonly stream: number; readonly cell: StreamCell }

/** All records of a batch, in order. */
export type NetRecords = { readonly groups: readonly GroupRecord[]; readonly deals: readonly DealRecord[] }

/** A tree after a batch, and the root after each of its deal records. */
export type MovedTree = { readonly tree: NetTree; readonly roots: readonly Hex[] }

/** What {@link proofOf} gives: a leaf, `0x` where there is none, and its path, as the contracts take them. */
export type NetProof = { readonly leaf: Hex; readonly path: NetPath }

/** Before anything was settled. */
export function createNetState(): NetState {
  return { tree: createNetTree(), queueFrom: 0 }
}

/** The tree with some streams of one deal moved; one that the deal does not have moves nothing. */
export function withStreams(tree: NetTree, { key, streams }: MovedDeal, moves: readonly StreamMove[]): NetTree {
  const [first] = moves
  if (first === undefined) return tree
  const cells = cellsOf(tree.leafAt(first.dealId), key, streams)
  for (const { stream, cell } of moves) if (stream < streams) cells[stream] = cell
  return tree.withLeaf(first.dealId, { key, cells })
}

/**
 * Moves the deals of a batch, one deal record after the other. Whatever records say, this ends: what no deal has moves
 * nothing, and whoever follows the chain compares the root.
 */
export function withRecords(tree: NetTree, { groups, deals }: NetRecords, dealOf: DealOf): MovedTree {
  const moves = new Map<number, StreamMove[]>()
  for (const { dealId, stream, count, units } of groups) {
    const move = { dealId, stream, cell: { cursor: count, units } }
    const known = moves.get(dealId)
    if (known === undefined) moves.set(dealId, [move])
    else known.push(move)
  }
  let moved = tree
  const roots = deals.map(({ dealId }) => {
    const deal = dealOf(dealId)
    if (deal !== undefined) moved = withStreams(moved, deal, moves.get(dealId) ?? [])
    return moved.root
  })
  return { tree: moved, roots }
}

/**
 * The state after a net batch.
 *
 * @param queueTo - The index the batch names.
 */
export function withNetBatch(state: NetState, records: NetRecords, queueTo: number, dealOf: DealOf): NetState {
  return { tree: withRecords(state.tree, records, dealOf).tree, queueFrom: queueTo }
}

/** The state after an announced group was executed; the queue stays where it is. */
export function withForce(state: NetState, move: StreamMove, deal: MovedDeal): NetState {
  return { ...state, tree: withStreams(state.tree, deal, [move]) }
}

/** What a `ForceExecuted` event calls a cell: receipts (24 bits) ‖ units (40 bits). */
export function unpackCell(cell: bigint): StreamCell {
  return { cursor: Number(cell >> 40n), units: cell & (2n ** 40n - 1n) }
}

/** A deal's leaf and path, as closing, stopping, forcing and proving take them. */
export function proofOf({ tree }: Pick<NetState, 'tree'>, dealId: number): NetProof {
  const leaf = tree.leafAt(dealId)
  return { leaf: leaf === undefined ? '0x' : encodeNetLeaf(leaf), path: tree.pathOf(dealId) }
}

/**
 * Reads all records of a batch from its blobs.
 *
 * @param rows - Records of each blob, as the batch says.
 * @throws NetBlobError when an element carries no bytes or a blob is none.
 */
export function readNetRecords(rows: readonly BlobRow[], blobs: readonly Uint8Array[]): NetRecords {
  const all = rows.map((row, index) => recordsOf(row, blobs[index] ?? new Uint8Array()))
  return { groups: all.flatMap(({ groups }) => groups), deals: all.flatMap(({ deals }) => deals) }
}

function recordsOf(row: BlobRow, blob: Uint8Array): NetRecords {
  const end = GROUP_ELEMENTS * row.groups
  const groupAt = (index: number) => readPayload(blob, GROUP_ELEMENTS * index, GROUP_RECORD_BYTES)
  const dealAt = (index: number) => readPayload(blob, end + DEAL_ELEMENTS * index, DEAL_RECORD_BYTES)
  return {
    groups: Array.from({ length: row.groups }, (_, index) => decodeGroupRecord(groupAt(index))),
    deals: Array.from({ length: row.deals }, (_, index) => decodeDealRecord(dealAt(index))),
  }
}
