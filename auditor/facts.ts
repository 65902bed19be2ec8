/**
 * What the chain remembers of settling, re-derived: a batch's root, the records of what settling did to each group, and
 * the chains that both are hashed into.
 *
 * @module
 */
import {
  concatHex,
  encodeAbiParameters,
  encodePacked,
  type Hex,
  keccak256,
  parseAbiParameters,
  slice,
  zeroHash,
} from 'viem'

import { merkleRoot } from '#protocol/merkle.ts'
import type { Outcome } from '#protocol/types.ts'

import { IN_BLOBS, type ReadBatch } from './decode.ts'

/** What settling did to one group; all zero but the outcome where the stream did not move. */
export type Facts = { outcome: Outcome; count: number; units: bigint; amount: bigint }

/** An interval's chain before its first batch. */
export const NO_INTERVAL = slice(zeroHash, 0, 26)
/** A stream's chain before its first record. */
export const NO_RECORD = slice(zeroHash, 0, 27)

const RECORDS_PER_CHUNK = 16
const TALLIES_PER_CHUNK = 8
const ROOT_FIELDS = parseAbiParameters('uint8 mode, uint256 groups, bytes32 merkleRoot, bytes32 blobs')

/** Merkle root over the hashes of chunks of items, the last one shorter. */
function chunkedRoot(items: readonly Hex[], size: number): Hex {
  const leaves: Hex[] = []
  for (let at = 0; at < items.length; at += size) leaves.push(keccak256(concatHex(items.slice(at, at + size))))
  return merkleRoot(leaves)
}

/** Root of a batch over the hashes of its groups' tallies. `versionedHashes` are those of the transaction's blobs. */
export function rootOf({ mode, blobs }: ReadBatch, tallyHashes: readonly Hex[], versionedHashes: readonly Hex[]): Hex {
  const parts = blobs.map((groups, i) => encodePacked(['bytes32', 'uint16'], [versionedHashes[i] ?? zeroHash, groups]))
  const blobsHash = mode === IN_BLOBS ? keccak256(concatHex(parts)) : zeroHash
  const words = [mode, BigInt(tallyHashes.length), chunkedRoot(tallyHashes, TALLIES_PER_CHUNK), blobsHash] as const
  return keccak256(encodeAbiParameters(ROOT_FIELDS, words))
}

/** A group's 16 bytes. */
export function recordOf({ outcome, count, units, amount }: Facts): Hex {
  return encodePacked(['uint8', 'uint24', 'uint40', 'uint56'], [outcome, count, Number(units), amount])
}

/** Root over the records of a batch's groups. */
export function factsRootOf(records: readonly Hex[]): Hex {
  return chunkedRoot(records, RECORDS_PER_CHUNK)
}

/** An interval's chain after one more attested batch that moved a stream, at `clock`. */
export function chainBatch(chain: Hex, root: Hex, factsRoot: Hex, clock: number): Hex {
  const packed = encodePacked(['bytes26', 'bytes32', 'bytes32', 'uint32'], [chain, root, factsRoot, clock])
  return slice(keccak256(packed), 0, 26)
}

/** A stream's chain after one more forced or acknowledged group that moved it, at `clock`. */
export function chainGroup(chain: Hex, tallyHash: Hex, record: Hex, clock: number): Hex {
  return slice(keccak256(concatHex([chain, tallyHash, record, encodePacked(['uint32'], [clock])])), 0, 27)
}
