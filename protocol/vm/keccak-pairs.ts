/**
 * Keccak-256 of pairs of nodes in bulk: what Merkle trees over machine memory and content are hashed with.
 *
 * The work is done inside WebAssembly, whole levels per call; where it is not to be had, by the plain function.
 *
 * @module
 */
import { keccak } from '../words.ts'
import { keccakModule, SCRATCH_AT, SCRATCH_BYTES } from './keccak-module.ts'

/** Hashes the pairs that fill the first 64 · pairs bytes of `scratch`, in place into its first 32 · pairs bytes. */
export type PairHasher = { readonly scratch: Uint8Array; hashPairs(pairs: number): void }

const NODE_BYTES = 32

/** The hasher in WebAssembly. */
export function createVectorHasher(): PairHasher {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(keccakModule()))
  const { memory, hashPairs } = exports as { memory: WebAssembly.Memory; hashPairs: (...all: number[]) => void }
  const scratch = new Uint8Array(memory.buffer, SCRATCH_AT, SCRATCH_BYTES)
  return { scratch, hashPairs: (pairs) => hashPairs(SCRATCH_AT, SCRATCH_AT, pairs) }
}

/** The hasher in plain TypeScript: the fall-back, and what the other is tested against. */
export function createPlainHasher(): PairHasher {
  const scratch = new Uint8Array(SCRATCH_BYTES)
  const hashPairs = (pairs: number) => {
    for (let at = 0; at < pairs; at += 1) scratch.set(keccak(scratch.subarray(64 * at, 64 * at + 64)), 32 * at)
  }
  return { scratch, hashPairs }
}

let shared: PairHasher | undefined

function hasher(): PairHasher {
  if (shared === undefined) {
    try {
      shared = createVectorHasher()
    } catch {
      shared = createPlainHasher()
    }
  }
  return shared
}

/**
 * Roots of the subtrees of `levels` levels over nodes that stand one after the other.
 *
 * @param nodes - A multiple of 32 · 2^levels bytes, a subtree of at most 256 KiB.
 * @returns 32 bytes per subtree, in order.
 */
export function subtreeRoots(nodes: Uint8Array, levels: number): Uint8Array {
  const { scratch, hashPairs } = hasher()
  const roots = new Uint8Array(nodes.length >>> levels)
  for (let at = 0; at < nodes.length; at += SCRATCH_BYTES) {
    const part = nodes.subarray(at, at + SCRATCH_BYTES)
    scratch.set(part)
    let bytes = part.length
    for (let level = 0; level < levels; level += 1) {
      hashPairs(bytes / (2 * NODE_BYTES))
      bytes /= 2
    }
    roots.set(scratch.subarray(0, bytes), at >>> levels)
  }
  return roots
}

/** Node over a left and a right one. */
export function parentOf(left: Uint8Array, right: Uint8Array): Uint8Array {
  const pair = new Uint8Array(2 * NODE_BYTES)
  pair.set(left)
  pair.set(right, NODE_BYTES)
  return keccak(pair)
}

const ZEROS: Uint8Array[] = [new Uint8Array(NODE_BYTES)]

/** Root of a tree of that many levels over zeros: Z_0 is 32 zero bytes, Z_(i+1) = keccak256(Z_i ‖ Z_i). */
export function zeroNode(level: number): Uint8Array {
  for (let last = ZEROS.length - 1; last < level; last += 1) {
    const below = ZEROS[last] ?? new Uint8Array(NODE_BYTES)
    ZEROS.push(parentOf(below, below))
  }
  return ZEROS[level] ?? new Uint8Array(NODE_BYTES)
}
