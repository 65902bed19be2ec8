/**
 * Merkle tree over a machine's memory: fixed depth, leaves of 32 bytes, rehashed page by page where pages are dirty.
 *
 * A leaf is its bytes, a node keccak256(left ‖ right). Only nodes from pages' roots on are kept; those inside of a page
 * are computed when a proof asks for them.
 *
 * @module
 */
import { concatBytes, keccak } from '../words.ts'
import { parentOf, subtreeRoots, zeroNode } from './keccak-pairs.ts'
import { LEAF_BYTES, PAGE_BYTES, PAGE_DEPTH } from './layout.ts'

/** What leads from a leaf to the root: bit l of the mask says that the sibling at level l is given, else it is Z_l. */
export type LeafProof = {
  readonly leaf: Uint8Array
  readonly mask: number
  /** From the lowest level up. */
  readonly siblings: readonly Uint8Array[]
}

/** A tree over memory that others write to; what they write counts from the next `update` on. */
export type MemoryTree = {
  readonly depth: number
  /** Rehashes the pages whose byte in `dirty` is 1 and clears them; says how many there were. */
  update(dirty: Uint8Array): number
  root(): Uint8Array
  /** Node `index` of a level, 0 the leftmost; leaves are level 0. */
  nodeAt(level: number, index: number): Uint8Array
  /** Proof of the leaf that holds the byte at `offset` from the memory's beginning. */
  proofOf(offset: number): LeafProof
}

const BATCH_PAGES = 64
const ZERO_PAGE = new Uint8Array(PAGE_BYTES)
const LEAVES_PER_PAGE = PAGE_BYTES / LEAF_BYTES

/**
 * A tree over memory that is all zero so far; pages that are not have to be marked dirty.
 *
 * @param bytes - Whole pages; where they are fewer than the tree spans, the rest is zero for ever.
 */
export function createMemoryTree(bytes: Uint8Array, depth: number): MemoryTree {
  const levels = zeroLevels(depth)
  const pageRoots = levels[0] ?? new Uint8Array()

  const nodeAt = (level: number, index: number): Uint8Array => {
    const kept = levels[level - PAGE_DEPTH]
    if (kept !== undefined) return kept.slice(LEAF_BYTES * index, LEAF_BYTES * (index + 1))
    const length = LEAF_BYTES << level
    const at = length * index
    const page = pageAt(bytes, Math.floor(at / PAGE_BYTES))
    return subtreeRoots(page.subarray(at % PAGE_BYTES, (at % PAGE_BYTES) + length), level)
  }

  return {
    depth,
    nodeAt,
    root: () => nodeAt(depth, 0),
    update: (dirty) => {
      const pages = takeDirty(dirty)
      rehashPages(bytes, pages, pageRoots)
      rehashAbove(levels, pages)
      return pages.length
    },
    proofOf: (offset) => {
      const page = pageAt(bytes, Math.floor(offset / PAGE_BYTES))
      const inside = pageNodes(page)
      const siblingAt = (level: number): Uint8Array => {
        const index = Math.floor(offset / (LEAF_BYTES << level)) ^ 1
        const nodes = inside[level]
        if (nodes === undefined) return nodeAt(level, index)
        const within = index % (LEAVES_PER_PAGE >> level)
        return nodes.subarray(LEAF_BYTES * within, LEAF_BYTES * (within + 1))
      }
      const at = (offset % PAGE_BYTES) - (offset % LEAF_BYTES)
      return proofOver(page.slice(at, at + LEAF_BYTES), depth, siblingAt)
    },
  }
}

function pageAt(bytes: Uint8Array, page: number): Uint8Array {
  const at = PAGE_BYTES * page
  return at < bytes.length ? bytes.subarray(at, at + PAGE_BYTES) : ZERO_PAGE
}

function zeroLevels(depth: number): Uint8Array[] {
  const levels: Uint8Array[] = []
  for (let level = PAGE_DEPTH; level <= depth; level += 1) {
    const nodes = new Uint8Array(LEAF_BYTES << (depth - level))
    nodes.set(zeroNode(level))
    for (let filled = LEAF_BYTES; filled < nodes.length; filled *= 2) nodes.copyWithin(filled, 0, filled)
    levels.push(nodes)
  }
  return levels
}

function takeDirty(dirty: Uint8Array): number[] {
  const pages: number[] = []
  for (let page = dirty.indexOf(1); page >= 0; page = dirty.indexOf(1, page + 1)) pages.push(page)
  dirty.fill(0)
  return pages
}

function rehashPages(bytes: Uint8Array, pages: readonly number[], pageRoots: Uint8Array): void {
  const gathered = new Uint8Array(Math.min(pages.length, BATCH_PAGES) * PAGE_BYTES)
  for (let at = 0; at < pages.length; at += BATCH_PAGES) {
    const batch = pages.slice(at, at + BATCH_PAGES)
    batch.forEach((page, index) => {
      gathered.set(pageAt(bytes, page), PAGE_BYTES * index)
    })
    const roots = subtreeRoots(gathered.subarray(0, PAGE_BYTES * batch.length), PAGE_DEPTH)
    scatter(roots, batch, pageRoots)
  }
}

/** Rehashes every ancestor of the pages, level by level. */
function rehashAbove(levels: readonly Uint8Array[], pages: readonly number[]): void {
  let changed = pages
  levels.slice(1).forEach((nodes, index) => {
    const below = levels[index] ?? nodes
    changed = parentsOf(changed)
    const pairs = new Uint8Array(2 * LEAF_BYTES * changed.length)
    changed.forEach((parent, position) => {
      pairs.set(below.subarray(2 * LEAF_BYTES * parent, 2 * LEAF_BYTES * (parent + 1)), 2 * LEAF_BYTES * position)
    })
    scatter(subtreeRoots(pairs, 1), changed, nodes)
  })
}

/** Indices of the parents, ascending and each once, of nodes in ascending order. */
function parentsOf(indices: readonly number[]): number[] {
  const parents: number[] = []
  for (const index of indices) {
    const parent = index >> 1
    if (parents.at(-1) !== parent) parents.push(parent)
  }
  return parents
}

function scatter(nodes: Uint8Array, indices: readonly number[], into: Uint8Array): void {
  indices.forEach((index, position) => {
    into.set(nodes.subarray(LEAF_BYTES * position, LEAF_BYTES * (position + 1)), LEAF_BYTES * index)
  })
}

/** Nodes of a page by level, leaves first, without its root. */
function pageNodes(page: Uint8Array): Uint8Array[] {
  const levels = [page]
  for (let level = 1; level < PAGE_DEPTH; level += 1) levels.push(subtreeRoots(levels[level - 1] ?? page, 1))
  return levels
}

function proofOver(leaf: Uint8Array, depth: number, siblingAt: (level: number) => Uint8Array): LeafProof {
  const siblings: Uint8Array[] = []
  let mask = 0
  for (let level = 0; level < depth; level += 1) {
    const sibling = siblingAt(level)
    if (sameNode(sibling, zeroNode(level))) continue
    siblings.push(sibling)
    mask |= 1 << level
  }
  return { leaf, mask, siblings }
}

function sameNode(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, index) => byte === other[index])
}

/** Root over a leaf at `offset` and its proof's siblings. */
export function rootOver({ leaf, mask, siblings }: LeafProof, offset: number, depth: number): Uint8Array {
  let node = leaf
  let next = 0
  for (let level = 0; level < depth; level += 1) {
    const sibling = (mask >>> level) & 1 ? (siblings[next++] ?? zeroNode(level)) : zeroNode(level)
    const isRight = Math.floor(offset / (LEAF_BYTES << level)) % 2 === 1
    node = keccak(concatBytes(isRight ? [sibling, node] : [node, sibling]))
  }
  return node
}

/** Root of the smallest tree over whole pages, 4096 · 2^k bytes, that holds the bytes padded with zeros. */
export function paddedRoot(bytes: Uint8Array): { readonly root: Uint8Array; readonly depth: number } {
  let depth = PAGE_DEPTH
  while (LEAF_BYTES << depth < bytes.length) depth += 1
  return { root: paddedNode(bytes, depth), depth }
}

function paddedNode(bytes: Uint8Array, depth: number): Uint8Array {
  const whole = new Uint8Array(Math.ceil(Math.max(bytes.length, 1) / PAGE_BYTES) * PAGE_BYTES)
  whole.set(bytes)
  let nodes = subtreeRoots(whole, PAGE_DEPTH)
  for (let level = PAGE_DEPTH; level < depth; level += 1) {
    const isOdd = nodes.length % (2 * LEAF_BYTES) !== 0
    nodes = subtreeRoots(isOdd ? concatBytes([nodes, zeroNode(level)]) : nodes, 1)
  }
  return nodes
}

/** Root of a tree of `to` levels whose leftmost subtree of `from` levels has this root and whose rest is zero. */
export function extendedRoot(root: Uint8Array, from: number, to: number): Uint8Array {
  let node = root
  for (let level = from; level < to; level += 1) node = parentOf(node, zeroNode(level))
  return node
}
