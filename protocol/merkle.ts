/**
 * Merkle roots: over the group hashes of a batch, and over the 4,096-byte chunks that content is addressed by.
 *
 * What a root covers says how many leaves there are, and so fixes the tree's shape.
 *
 * @module
 */
import type { Hex } from 'viem'

import { concatBytes, FieldError, fixedBytes, keccak, packWords, toHex, uintBytes } from './words.ts'

/** Bytes of one chunk of content; the last one may be shorter. */
export const CHUNK_BYTES = 4096
const CHUNK_TAG = new Uint8Array([0])

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

/** Leaves over content: the hashes of its chunks; no bytes are one empty chunk. */
export function chunkLeaves(bytes: Uint8Array): Hex[] {
  const leaves: Hex[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += CHUNK_BYTES) {
    leaves.push(toHex(keccak(concatBytes([CHUNK_TAG, bytes.subarray(at, at + CHUNK_BYTES)]))))
  }
  return leaves
}

/** Address of content: keccak256 of its length and the Merkle root over its chunks. */
export function dataRoot(bytes: Uint8Array): Hex {
  const top = fixedBytes(merkleRoot(chunkLeaves(bytes)), 32, 'root')
  return toHex(keccak(packWords([uintBytes(bytes.length, 256, 'length'), top])))
}
