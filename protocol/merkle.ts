/**
 * Merkle roots: over the group hashes of a batch, and over content, shown in chunks of 4,096 bytes.
 *
 * What a root covers says how many leaves there are, and so fixes the tree's shape. Content's tree goes down to its
 * 32-byte words, as a machine's memory does, and grows by zeros alone: so a root of content says what a region of a
 * memory holds that it was copied to.
 *
 * @module
 */
import type { Hex } from 'viem'

import { subtreeRoots, zeroNode } from './vm/keccak-pairs.ts'
import { PAGE_DEPTH } from './vm/layout.ts'
import { paddedRoot } from './vm/tree.ts'
import { concatBytes, FieldError, fixedBytes, keccak, packWords, toHex, uintBytes } from './words.ts'

/** Bytes of one chunk of content; the last one may be shorter. */
export const CHUNK_BYTES = 4096

/**
 * Root of a binary tree over the leaves in order: parent = keccak256(left ‖ right), an odd last node moves up unhashed.
 *
 * @throws FieldError when there is no leaf or one is not 32 bytes.
 */
export function merkleRoot(leaves: readonly Hex[]): Hex {
  return toHex(root(leaves.map((leaf) => fixedBytes(leaf, 32, 'leaf'))))
}

function root(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves
  while (level.length > 1) level = parentsOf(level)
  const top = level[0]
  if (top === undefined) throw new FieldError('leaves', 'are none')
  return top
}

function parentsOf(level: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = []
  for (let at = 0; at < level.length; at += 2) {
    const pair = level.slice(at, at + 2)
    parents.push(pair.length === 2 ? keccak(concatBytes(pair)) : concatBytes(pair))
  }
  return parents
}

/** Leaves of a batch that are hashed together. */
export const CHUNK_LEAVES = 8

/**
 * Root over the hashes of the leaves' chunks of 8, the last one shorter.
 *
 * @throws FieldError when there is no leaf or one is not 32 bytes.
 */
export function leavesRoot(leaves: readonly Hex[]): Hex {
  return toHex(root(chunkHashes(leaves)))
}

function chunkHashes(leaves: readonly Hex[]): Uint8Array[] {
  const bytes = leaves.map((leaf) => fixedBytes(leaf, 32, 'leaf'))
  const hashes: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += CHUNK_LEAVES) {
    hashes.push(keccak(concatBytes(bytes.slice(at, at + CHUNK_LEAVES))))
  }
  return hashes
}

/**
 * Siblings on the way from leaf `index` to the root, from below; a node that moves up unhashed has none.
 *
 * @throws FieldError when there is no such leaf or one is not 32 bytes.
 */
export function merklePath(leaves: readonly Hex[], index: number): Hex[] {
  if (leaves[index] === undefined) throw new FieldError('index', 'is no leaf')
  const path: Hex[] = []
  let level = leaves.map((leaf) => fixedBytes(leaf, 32, 'leaf'))
  for (let at = index; level.length > 1; at >>= 1) {
    const sibling = level[at ^ 1]
    if (sibling !== undefined) path.push(toHex(sibling))
    level = parentsOf(level)
  }
  return path
}

/** Nodes of content's chunks in its tree, those of the zeros behind it with them; no bytes are one chunk of zeros. */
export function chunkNodes(bytes: Uint8Array): Uint8Array[] {
  const chunks = Math.max(1, Math.ceil(bytes.length / CHUNK_BYTES))
  const padded = new Uint8Array(CHUNK_BYTES * chunks)
  padded.set(bytes)
  const roots = subtreeRoots(padded, PAGE_DEPTH)
  const nodes = Array.from({ length: chunks }, (_, index) => roots.subarray(32 * index, 32 * (index + 1)))
  while ((nodes.length & (nodes.length - 1)) !== 0) nodes.push(zeroNode(PAGE_DEPTH))
  return nodes
}

/** Address of content: keccak256 of its length and the root of its tree. */
export function dataRoot(bytes: Uint8Array): Hex {
  return toHex(keccak(packWords([uintBytes(bytes.length, 256, 'length'), paddedRoot(bytes).root])))
}
