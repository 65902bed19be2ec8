/**
 * What courts are shown, see `contracts/interfaces/ICourt.sol`: receipts by where they were settled or by who signed
 * them, chunks of content with their paths, and what makes an order one.
 *
 * @module
 */
import type { Hex } from 'viem'

import { CHUNK_BYTES, chunkNodes, merklePath } from './merkle.ts'
import type { Tally } from './types.ts'
import { concatBytes, FieldError, fixedBytes, toHex, uintBytes } from './words.ts'

/** What proves a receipt that is shown. */
export const Source = { Batch: 0, Stream: 1, Signed: 2 } as const
export type Source = (typeof Source)[keyof typeof Source]

/** A receipt as a court is shown it. */
export type Shown = {
  readonly source: Source
  /** Worker's index; 0 unless it is shown by its signature. */
  readonly worker: number
  /** Receipts of the stream before it. */
  readonly index: number
  readonly place: Hex
  readonly receipts: Hex
  readonly signature: Hex
}

/** A chunk of content with its path. */
export type Chunk = {
  /** Bytes of the whole content. */
  readonly length: bigint
  readonly data: Hex
  readonly path: Hex
}

/** A receipt that was settled, by its group's place in a batch or in its stream. */
export function shownSettled(source: 0 | 1, place: Hex, receipts: Uint8Array, index: number): Shown {
  return { source, worker: 0, index, place, receipts: toHex(receipts), signature: '0x' }
}

/**
 * A receipt that its worker signed.
 *
 * @param worker - Worker's index in the registry.
 * @param signature - The worker's over the tally, EIP-2098.
 * @throws FieldError when a field of the tally does not fit.
 */
export function shownSigned(tally: Tally, worker: number, signature: Hex, receipts: Uint8Array, index: number): Shown {
  const place = concatBytes([
    fixedBytes(tally.dealKey, 32, 'dealKey'),
    uintBytes(tally.stream, 8, 'stream'),
    uintBytes(tally.first, 24, 'first'),
    uintBytes(tally.count, 24, 'count'),
    uintBytes(tally.units, 40, 'units'),
  ])
  return { source: Source.Signed, worker, index, place: toHex(place), receipts: toHex(receipts), signature }
}

/**
 * Chunk `index` of content, or its last one where it has fewer: what answers a demand for it.
 *
 * @throws FieldError when the index is negative.
 */
export function chunkOf(content: Uint8Array, index: number): Chunk {
  if (index < 0) throw new FieldError('index', 'is negative')
  const at = Math.min(index, Math.max(0, Math.ceil(content.length / CHUNK_BYTES) - 1))
  const path = merklePath(chunkNodes(content).map(toHex), at).map((sibling) => fixedBytes(sibling, 32, 'sibling'))
  return {
    length: BigInt(content.length),
    data: toHex(content.slice(CHUNK_BYTES * at, CHUNK_BYTES * (at + 1))),
    path: toHex(concatBytes(path)),
  }
}

/**
 * What makes a task of a deal's task root billable: its place among the root's leaves.
 *
 * @param tasks - Task hashes, all of them in order.
 * @throws FieldError when there is no such task.
 */
export function taskAuthority(tasks: readonly Hex[], index: number): Hex {
  const path = merklePath(tasks, index).map((sibling) => fixedBytes(sibling, 32, 'sibling'))
  return toHex(concatBytes([uintBytes(index, 32, 'index'), uintBytes(tasks.length, 32, 'tasks'), ...path]))
}
