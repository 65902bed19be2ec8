/**
 * The tree under the net root: where every netted deal's streams stand, by deal id.
 *
 * A Merkle tree of 32 levels; an empty leaf is zero, and so is a node over two zeros. Trees are never changed: moving a
 * deal gives another tree, which shares everything else with the first.
 *
 * @module
 */
import { type Hex, zeroHash } from 'viem'

import { concatBytes, fixedBytes, keccak, toHex, uint, uintBytes } from './words.ts'

/** Where one stream stands. */
export type StreamCell = { readonly cursor: number; readonly units: bigint }

/** Where a deal's streams stand. */
export type NetLeaf = { readonly key: Hex; readonly cells: readonly StreamCell[] }

/** Siblings from a leaf up; those that are zero are left out, and bit i of the mask says that sibling i is not. */
export type NetPath = { readonly mask: number; readonly siblings: readonly Hex[] }

/** All netted deals. */
export type NetTree = {
  readonly root: Hex
  /** What stands at a deal's id; undefined if nothing was ever settled under it. */
  leafAt(dealId: number): NetLeaf | undefined
  pathOf(dealId: number): NetPath
  /** The tree with another leaf at a deal's id. */
  withLeaf(dealId: number, leaf: NetLeaf): NetTree
}

type Node = {
  readonly hash: Hex
  readonly left: Node | undefined
  readonly right: Node | undefined
  readonly leaf: NetLeaf | undefined
}

/** Levels of the tree. */
export const NET_DEPTH = 32

/** A tree in which nothing was settled; its root is zero. */
export function createNetTree(): NetTree {
  return treeOf(undefined)
}

function treeOf(top: Node | undefined): NetTree {
  return {
    root: hashOf(top),
    leafAt: (dealId) => {
      let node = top
      for (let level = NET_DEPTH - 1; level >= 0; level -= 1) node = bit(dealId, level) ? node?.right : node?.left
      return node?.leaf
    },
    pathOf: (dealId) => pathOf(top, dealId),
    withLeaf: (dealId, leaf) => treeOf(replaced(top, uint(dealId, NET_DEPTH, 'dealId'), leaf, NET_DEPTH - 1)),
  }
}

function replaced(node: Node | undefined, dealId: bigint, leaf: NetLeaf, level: number): Node {
  if (level < 0) return { hash: netLeafHash(leaf), left: undefined, right: undefined, leaf }
  const isRight = bit(Number(dealId), level)
  const left = isRight ? node?.left : replaced(node?.left, dealId, leaf, level - 1)
  const right = isRight ? replaced(node?.right, dealId, leaf, level - 1) : node?.right
  return { hash: parent(hashOf(left), hashOf(right)), left, right, leaf: undefined }
}

function pathOf(top: Node | undefined, dealId: number): NetPath {
  const siblings: Hex[] = []
  let mask = 0
  let node = top
  for (let level = NET_DEPTH - 1; level >= 0; level -= 1) {
    const sibling = hashOf(bit(dealId, level) ? node?.left : node?.right)
    if (sibling !== zeroHash) {
      siblings.unshift(sibling)
      mask += 2 ** level
    }
    node = bit(dealId, level) ? node?.right : node?.left
  }
  return { mask, siblings }
}

/** Whether bit `level` of an id of 32 bits is one; JavaScript's shifts would take the highest for a sign. */
function bit(dealId: number, level: number): boolean {
  return Math.floor(dealId / 2 ** level) % 2 === 1
}

function hashOf(node: Node | undefined): Hex {
  return node?.hash ?? zeroHash
}

function parent(left: Hex, right: Hex): Hex {
  if (left === zeroHash && right === zeroHash) return zeroHash
  return toHex(keccak(concatBytes([fixedBytes(left, 32, 'left'), fixedBytes(right, 32, 'right')])))
}

/**
 * Bytes of a leaf: deal key, then `cursor (3) ‖ units (5)` of each stream.
 *
 * @throws FieldError when a field does not fit.
 */
export function encodeNetLeaf({ key, cells }: NetLeaf): Hex {
  const parts = cells.flatMap(({ cursor, units }) => [uintBytes(cursor, 24, 'cursor'), uintBytes(units, 40, 'units')])
  return toHex(concatBytes([fixedBytes(key, 32, 'key'), ...parts]))
}

/** Root over a leaf's hash, zero for none, and its path, as the chain computes it. */
export function netRootOver(leaf: Hex, dealId: number, { mask, siblings }: NetPath): Hex {
  let hash = leaf
  let next = 0
  for (let level = 0; level < NET_DEPTH; level += 1) {
    const sibling = bit(mask, level) ? (siblings[next++] ?? zeroHash) : zeroHash
    hash = bit(dealId, level) ? parent(sibling, hash) : parent(hash, sibling)
  }
  return hash
}

/** Hash of a leaf. */
export function netLeafHash(leaf: NetLeaf): Hex {
  return toHex(keccak(fixedBytes(encodeNetLeaf(leaf), 32 + 8 * leaf.cells.length, 'leaf')))
}

/**
 * Where a deal's streams stand by what is kept under its id: a leaf of another key is of the deal that had the id before.
 *
 * @param streams - Number of the deal's streams.
 */
export function cellsOf(leaf: NetLeaf | undefined, key: Hex, streams: number): StreamCell[] {
  const cells = leaf?.key === key ? leaf.cells : []
  return Array.from({ length: streams }, (_, index) => cells[index] ?? { cursor: 0, units: 0n })
}
