/**
 * Batches as bytes, see "Batch bytes" in docs/protocol.md. Decoding refuses exactly what the chain reverts, and but for
 * places that nobody reads there is one encoding only of what it accepts.
 *
 * @module
 */
import type { Hex } from 'viem'

import {
  blobGroupBytes,
  type GroupContext,
  groupBytes,
  readBlobGroup,
  readGroup,
  streamNumber,
} from './batch-groups.ts'
import { TallyError } from './errors.ts'
import { createReader, type Reader } from './reader.ts'
import { Lane, Mode, type Receipt } from './types.ts'
import { concatBytes, FieldError, toBytes, toHex, uintBytes } from './words.ts'

/** Blobs one batch may stand in. */
export const MAX_BLOBS = 6
const BLOB_GROUPS_BYTES = 2

/** What a group says wherever the bytes of its receipts live. */
export type GroupHead = {
  readonly dealId: number
  readonly stream: number
  /**
   * Where the deal's facts stand in code: page · 256 + row; absent = in storage. A hint that saves gas and changes
   * nothing else. Of several groups of one deal only the first one's is written and read.
   */
  readonly place?: number
  readonly worker: number
  readonly first: number
  /** The stream's total after the group's last receipt. */
  readonly units: bigint
  readonly signature: Hex
  /** Present exactly in batches of the acknowledged lane. */
  readonly acknowledgement?: Hex
}

/** One segment of one stream with its worker's signature; `count` is `first + receipts.length`. */
export type Group = GroupHead & { readonly receipts: readonly Receipt[] }

/** A group whose receipts' bytes stand in a blob: what its tally says of them stands in their place. */
export type BlobGroup = GroupHead & {
  readonly count: number
  readonly segment: Hex
}

/** A batch with its receipts; groups by rising stream number. */
export type CalldataBatch = {
  readonly mode: typeof Mode.Calldata
  readonly lane: number
  readonly groups: readonly Group[]
}

/** A batch whose receipts stand in blobs of the same transaction; never forced. */
export type BlobBatch = {
  readonly mode: typeof Mode.Blob
  readonly lane: number
  /** How many of the groups, in order, each blob holds. */
  readonly blobs: readonly { readonly groups: number }[]
  readonly groups: readonly BlobGroup[]
}

export type Batch = CalldataBatch | BlobBatch

/** Why a batch is refused: as `SettlementMalformedBatch`, `SettlementUnsupportedMode`, `SettlementUnsupportedLane`. */
export type BatchErrorCode = 'batch.malformed' | 'batch.unsupported-mode' | 'batch.unsupported-lane'

type BatchFault = { readonly code: BatchErrorCode; readonly position: number; readonly problem: string }

/** Thrown when a batch cannot be written or read. */
export class BatchError extends TallyError {
  override readonly name = 'BatchError'
  /** Where the field that is wrong begins, in bytes of the batch. */
  readonly position: number

  constructor(fault: BatchFault, options?: ErrorOptions) {
    super(fault.code, `batch at ${fault.position}: ${fault.problem}`, options)
    this.position = fault.position
  }
}

const malformed = (position: number, problem: string): never => {
  throw new BatchError({ code: 'batch.malformed', position, problem })
}

/** The groups in the order a batch needs them, by rising deal and stream. */
export function sortGroups<G extends GroupHead>(groups: readonly G[]): G[] {
  return [...groups].sort((left, right) => streamNumber(left) - streamNumber(right))
}

function knownMode(mode: number): Batch['mode'] {
  if (mode === Mode.Calldata || mode === Mode.Blob) return mode
  throw new BatchError({ code: 'batch.unsupported-mode', position: 0, problem: `mode ${mode} is not settled` })
}

function checkLane(mode: Batch['mode'], lane: number): void {
  if (lane === Lane.Acknowledged || lane === Lane.Attested) return
  // A force must not depend on a blob that only its sender may have seen.
  if (lane === Lane.Forced && mode === Mode.Calldata) return
  throw new BatchError({ code: 'batch.unsupported-lane', position: 1, problem: `mode ${mode} has no lane ${lane}` })
}

/**
 * Bytes of a batch.
 *
 * @throws {@link BatchError} when the chain would revert it; `position` is where the offending group would begin.
 */
export function encodeBatch(batch: Batch): Hex {
  const { lane } = batch
  checkLane(knownMode(batch.mode), lane)
  const parts: Uint8Array[] = [new Uint8Array([batch.mode, lane])]
  if (batch.mode === Mode.Calldata) {
    pushGroups(parts, batch.groups, lane, groupBytes)
  } else {
    parts.push(placed(2, () => blobCounts(batch)))
    pushGroups(parts, batch.groups, lane, blobGroupBytes)
  }
  return toHex(concatBytes(parts))
}

function blobCounts({ blobs, groups }: BlobBatch): Uint8Array {
  if (blobs.length < 1 || blobs.length > MAX_BLOBS) throw new FieldError('blobs', `are ${blobs.length}`)
  if (blobs.some((blob) => blob.groups === 0)) throw new FieldError('blob.groups', 'are none')
  if (blobs.reduce((sum, blob) => sum + blob.groups, 0) !== groups.length) {
    throw new FieldError('blob.groups', 'do not add up to the groups of the batch')
  }
  const counts = blobs.map((blob) => uintBytes(blob.groups, 8 * BLOB_GROUPS_BYTES, 'blob.groups'))
  return concatBytes([new Uint8Array([blobs.length]), ...counts])
}

function pushGroups<G extends GroupHead>(
  parts: Uint8Array[],
  groups: readonly G[],
  lane: number,
  write: (group: G, context: GroupContext) => Uint8Array,
): void {
  let length = parts.reduce((sum, part) => sum + part.length, 0)
  if (groups.length === 0) malformed(length, 'there is no group')
  let previous: G | undefined
  for (const group of groups) {
    const context = { lane, previous }
    const bytes = placed(length, () => write(group, context))
    parts.push(bytes)
    length += bytes.length
    previous = group
  }
}

/** Says at which position of the batch a field does not fit. */
function placed(position: number, write: () => Uint8Array): Uint8Array {
  try {
    return write()
  } catch (error) {
    if (!(error instanceof FieldError)) throw error
    throw new BatchError({ code: 'batch.malformed', position, problem: error.message }, { cause: error })
  }
}

/**
 * A batch from its bytes.
 *
 * @throws {@link BatchError} when the chain would revert it; `position` is where the field that is wrong begins.
 */
export function decodeBatch(encoded: Hex): Batch {
  const bytes = batchBytes(encoded)
  const [first, lane] = bytes
  if (first === undefined || lane === undefined || bytes.length === 2)
    return malformed(bytes.length, 'there is no group')
  const mode = knownMode(first)
  checkLane(mode, lane)
  const reader = createReader(bytes, 2, malformed)
  return mode === Mode.Calldata ? readCalldata(reader, lane) : readBlobs(reader, lane)
}

function readCalldata(reader: Reader, lane: number): CalldataBatch {
  const groups: Group[] = []
  do groups.push(readGroup(reader, { lane, previous: groups.at(-1) }, malformed))
  while (!reader.done())
  return { mode: Mode.Calldata, lane, groups }
}

function readBlobs(reader: Reader, lane: number): BlobBatch {
  const count = reader.integer(1)
  if (count < 1 || count > MAX_BLOBS) return malformed(2, `it stands in ${count} blobs`)
  const blobs = Array.from({ length: count }, () => readBlob(reader))
  const total = blobs.reduce((sum, blob) => sum + blob.groups, 0)
  const groups: BlobGroup[] = []
  while (groups.length < total) groups.push(readBlobGroup(reader, { lane, previous: groups.at(-1) }, malformed))
  if (!reader.done()) return malformed(reader.position(), 'there are more groups than its blobs hold')
  return { mode: Mode.Blob, lane, blobs, groups }
}

function readBlob(reader: Reader): { groups: number } {
  const at = reader.position()
  const groups = reader.integer(BLOB_GROUPS_BYTES)
  return groups === 0 ? malformed(at, 'a blob holds no group') : { groups }
}

function batchBytes(encoded: Hex): Uint8Array {
  try {
    return toBytes(encoded, 'batch')
  } catch (error) {
    throw new BatchError({ code: 'batch.malformed', position: 0, problem: 'it is not hex' }, { cause: error })
  }
}
