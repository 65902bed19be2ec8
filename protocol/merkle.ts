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

import { concatBytes, FieldError, fixedBytes, keccak, packWords, toHex, uintBytes } from './words.ts'

/** Bytes of one chunk of content; the last one may be shorter. */
export const CHUNK_BYTES = 4096
const LEAF_BYTES = 32

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

/** Levels of content's tree below the node of one chunk: 128 leaves of 32 bytes. */
export const CHUNK_LEVELS = 7

const zeroNodes: Uint8Array[] = [new Uint8Array(LEAF_BYTES)]

/** Node over 2^level leaves of zeros; level 0 is such a leaf itself. */
export function zeroNode(level: number): Uint8Array {
  for (let top = zeroNodes.at(-1); zeroNodes.length <= level; top = zeroNodes.at(-1)) {
    if (top !== undefined) zeroNodes.push(keccak(concatBytes([top, top])))
  }
  return zeroNodes[level] ?? new Uint8Array(LEAF_BYTES)
}

/** Levels of the tree over that many bytes, padded with zeros to 4,096 · 2^k of them, k ≥ 0 the smallest. */
export function contentLevels(length: number): number {
  const chunks = Math.max(1, Math.ceil(length / CHUNK_BYTES))
  return CHUNK_LEVELS + 32 - Math.clz32(chunks - 1)
}

/** Nodes of content's chunks in its tree, the padding's chunks with them; no bytes are one chunk of zeros. */
export function chunkNodes(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: 2 ** (contentLevels(bytes.length) - CHUNK_LEVELS) }, (_, index) =>
    chunkNode(bytes.subarray(CHUNK_BYTES * index, CHUNK_BYTES * (index + 1))),
  )
}

/** Root over the 128 leaves of a chunk, which are its bytes themselves, 32 each. */
function chunkNode(chunk: Uint8Array): Uint8Array {
  if (isZero(chunk)) return zeroNode(CHUNK_LEVELS)
  const nodes = new Uint8Array(CHUNK_BYTES)
  nodes.set(chunk)
  for (let width = CHUNK_BYTES / 2; width >= LEAF_BYTES; width /= 2) {
    for (let at = 0; at < width; at += LEAF_BYTES) nodes.set(keccak(nodes.subarray(2 * at, 2 * at + 64)), at)
  }
  return nodes.slice(0, LEAF_BYTES)
}

function isZero(chunk: Uint8Array): boolean {
  return chunk.every((byte) => byte === 0)
}

/** Root of content's tree of 32-byte leaves over its bytes, of as many levels as {@link contentLevels} says. */
export function contentRoot(bytes: Uint8Array): Uint8Array {
  return root(chunkNodes(bytes))
}

/** Address of content: keccak256 of its length and the root of its tree. */
export function dataRoot(bytes: Uint8Array): Hex {
  return toHex(keccak(packWords([uintBytes(bytes.length, 256, 'length'), contentRoot(bytes)])))
}
