/**
 * What a decoder makes of a batch in one word: a digest of every field it read, or the number of its refusal.
 *
 * @module
 */
import type { Hex } from 'viem'

import { type Batch, BatchError, type BlobGroup, decodeBatch, type Group } from '#protocol/batch.ts'
import { batchRoot, groupHash } from '#protocol/batch-root.ts'
import { leavesRoot } from '#protocol/merkle.ts'
import { encodeReceipts, segmentHash } from '#protocol/receipts.ts'
import { Mode } from '#protocol/types.ts'
import { concatBytes, keccak, toBytes, toHex } from '#protocol/words.ts'

/** Faults of the plain reading, in the order of `ReferenceBatchLib.Fault`. */
export const FAULTS = [
  'read',
  'short',
  'mode',
  'lane',
  'blobs',
  'cut off',
  'stream',
  'count',
  'units',
  'trailing',
] as const
export type Fault = (typeof FAULTS)[number]

/** The codec's code for a reading that ends with a fault. */
export const CODE_OF_FAULT: Readonly<Record<Fault, string>> = {
  read: '',
  short: 'batch.malformed',
  mode: 'batch.unsupported-mode',
  lane: 'batch.unsupported-lane',
  blobs: 'batch.malformed',
  'cut off': 'batch.malformed',
  stream: 'batch.malformed',
  count: 'batch.malformed',
  units: 'batch.malformed',
  trailing: 'batch.malformed',
}

/** Key of a deal that never was. */
const NO_KEY: Hex = `0x${'00'.repeat(32)}`

/** A batch as the TypeScript codec reads it. */
export type ReadBatch = {
  readonly batch: Batch
  /** Digest of every field and of the Merkle root, as `DecoderProbe` takes it. */
  readonly digest: Hex
  /** Root if none of its deals exist; its blobs are {@link blobHashes}. */
  readonly root: Hex
}

/** What the TypeScript codec makes of bytes: a batch, or the code of its refusal. */
export function codecVerdict(bytes: Uint8Array): ReadBatch | { readonly code: string } {
  try {
    const batch = decodeBatch(toHex(bytes))
    const groups = batch.mode === Mode.Blob ? batch.groups : batch.groups.map(summary)
    const groupHashes = groups.map((group) => groupHash({ dealKey: NO_KEY, ...group }))
    const digest = toHex(keccak(concatBytes([fieldsDigest(batch, groups), toBytes(leavesRoot(groupHashes))])))
    return { batch, digest, root: rootOf(batch, groupHashes) }
  } catch (error) {
    if (error instanceof BatchError) return { code: error.code }
    throw error
  }
}

/** Versioned hashes of as many blobs. */
export function blobHashes(blobs: number): Hex[] {
  return Array.from({ length: blobs }, (_, index): Hex => `0x01${`0${index + 1}`.repeat(31)}`)
}

function rootOf(batch: Batch, groupHashes: readonly Hex[]): Hex {
  if (batch.mode === Mode.Calldata) return batchRoot({ mode: batch.mode, groupHashes })
  const hashes = blobHashes(batch.blobs.length)
  const blobs = batch.blobs.map(({ groups }, index) => ({ groups, versionedHash: hashes[index] ?? NO_KEY }))
  return batchRoot({ mode: batch.mode, groupHashes, blobs })
}

/** The group as it would stand in a blob batch. */
function summary({ receipts, ...head }: Group): BlobGroup {
  const segment = segmentHash(encodeReceipts(receipts))
  return { ...head, count: head.first + receipts.length, segment }
}

const word = (value: number | bigint): string => value.toString(16).padStart(64, '0')

const hashOf = (...hex: string[]): Uint8Array => keccak(Buffer.from(hex.join(''), 'hex'))

function fieldsDigest(batch: Batch, groups: readonly BlobGroup[]): Uint8Array {
  const blobs = batch.mode === Mode.Blob ? batch.blobs.map((blob) => blob.groups) : []
  let digest = hashOf(...[batch.mode, batch.lane, blobs.length, ...blobs].map(word))
  for (const group of groups) {
    const { dealId, stream, place = 0, worker, first, count, units, segment, signature, acknowledgement = '0x' } = group
    const signatures = hashOf(signature.slice(2), acknowledgement.slice(2))
    const words = [dealId, stream, place, worker, first, count, units].map(word).join('')
    const fields = Buffer.from(words + segment.slice(2), 'hex')
    digest = keccak(concatBytes([digest, fields, signatures]))
  }
  return digest
}
