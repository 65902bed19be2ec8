/**
 * Leaves of the tree under the net root, as calls show them: what the contract reads in their bytes, and whether they are
 * under a root.
 *
 * @module
 */
import { type Hex, hexToBigInt, keccak256, size, slice, zeroHash } from 'viem'

import { type NetPath, netLeafHash, netRootOver, type StreamCell } from '#protocol/net-tree.ts'

import type { Deal } from './state.ts'

/** A leaf and its path, as closing, stopping and forcing show them. */
export type ShownLeaf = { leaf: Hex; path: NetPath }

const KEY = 32
const CELL = 8
const UNITS = 2n ** 40n - 1n

/** Whether the leaf stands under `root` at the deal's id. */
export function isUnder(root: Hex, dealId: number, { leaf, path }: ShownLeaf): boolean {
  return netRootOver(leaf === '0x' ? zeroHash : keccak256(leaf), dealId, path) === root
}

/** Where the deal's streams stand by a leaf: what it is too short for, or another deal's, was never settled. */
export function cellsShown({ key, streams }: Deal, leaf: Hex): StreamCell[] {
  return streams.map((_, index) => {
    const from = KEY + CELL * index
    if (size(leaf) < from + CELL || slice(leaf, 0, KEY) !== key) return { cursor: 0, units: 0n }
    const cell = hexToBigInt(slice(leaf, from, from + CELL))
    return { cursor: Number(cell >> 40n), units: cell & UNITS }
  })
}

/** Units of all streams of a deal by a leaf. */
export function unitsShown(deal: Deal, leaf: Hex): bigint {
  return cellsShown(deal, leaf).reduce((sum, { units }) => sum + units, 0n)
}

/** Root once one stream of the leaf's deal stands at `cell`. */
export function rootAfter(deal: Deal, { leaf, path }: ShownLeaf, stream: number, cell: StreamCell): Hex {
  const cells = cellsShown(deal, leaf).map((known, index) => (index === stream ? cell : known))
  return netRootOver(netLeafHash({ key: deal.key, cells }), deal.id, path)
}
