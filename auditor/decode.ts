/**
 * The auditor's own reader of batch bytes, written from docs/protocol.md and not from the encoder.
 *
 * It accepts exactly what the chain accepts: every byte belongs to a field, every number is in its range, stream numbers
 * rise. Two readers that share no code and agree are evidence; one reader is an opinion.
 *
 * @module
 */
import { bytesToHex, type Hex, keccak256 } from 'viem'

import { AuditError } from './errors.ts'

/** One finished task as it stands in the batch; `units` is at least 1. */
export type ReadReceipt = { units: bigint; workHash: Hex }

/** One worker's segment of one stream. */
export type ReadGroup = {
  dealId: number
  stream: number
  /** Where the deal's facts are said to stand in code; changes nothing but gas. */
  place: number
  worker: number
  /** Receipts of the stream before this segment. */
  first: number
  /** Receipts of the stream after this segment. */
  count: number
  /** Units of the stream after this segment, as its worker signed them. */
  units: bigint
  /** Hash of the receipts' bytes: of those in the batch, or of those the blob must hold. */
  segment: Hex
  signature: Hex
  /** Lane 0 only. */
  acknowledgement: Hex | null
  /** The receipts' bytes; null where they stand in a blob. */
  bytes: Uint8Array | null
}

/** A whole batch. */
export type ReadBatch = {
  mode: number
  lane: number
  /** Groups in each blob, in order; empty where the receipts stand in the batch. */
  blobs: readonly number[]
  groups: readonly ReadGroup[]
}

/** Receipts' bytes in the batch itself. */
export const IN_CALLDATA = 0
/** Receipts' bytes in blobs. */
export const IN_BLOBS = 1

const ACKNOWLEDGED = 0
const FORCED = 2
const STREAMS_PER_DEAL = 64
const SIGNATURE_BYTES = 64
const HASH_BYTES = 32
const UNITS_BYTES = 3
const RECEIPT_BYTES = UNITS_BYTES + HASH_BYTES
const MAX_STREAM_NUMBER = 2 ** 38
const MAX_COUNT = 2 ** 24
const MAX_BLOBS = 6

/** Reads bytes from their beginning on. */
export type Reader = {
  /** Bytes read so far. */
  at: () => number
  isDone: () => boolean
  take: (length: number) => Uint8Array
  /** Next number of `length` bytes, the highest first. */
  number: (length: number) => number
}

/** Bytes that are no batch. */
export function malformed(position: number, why: string): AuditError {
  return new AuditError('batch.malformed', `batch is malformed at byte ${position}: ${why}`)
}

/** Creates a reader. */
export function createReader(bytes: Uint8Array): Reader {
  let at = 0
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw malformed(at, `${length} bytes wanted, ${bytes.length - at} left`)
    at += length
    return bytes.subarray(at - length, at)
  }
  const number = (length: number): number => take(length).reduce((value, byte) => value * 256 + byte, 0)
  return { at: () => at, isDone: () => at === bytes.length, take, number }
}

/** Receipts from their bytes; null where the bytes are not `count` receipts of at least one unit each. */
export function readReceipts(bytes: Uint8Array, count: number): ReadReceipt[] | null {
  if (bytes.length !== count * RECEIPT_BYTES) return null
  const reader = createReader(bytes)
  const receipts: ReadReceipt[] = []
  while (receipts.length < count) {
    const units = BigInt(reader.number(UNITS_BYTES))
    receipts.push({ units, workHash: bytesToHex(reader.take(HASH_BYTES)) })
  }
  return receipts.every(({ units }) => units > 0n) ? receipts : null
}

function readHead(reader: Reader, previous: number) {
  const position = reader.at()
  const number = reader.number(5)
  if (number >= MAX_STREAM_NUMBER) throw malformed(position, 'stream number is too large')
  if (number <= previous) throw malformed(position, 'stream number does not rise')
  const [place, worker, first, length] = [reader.number(4), reader.number(5), reader.number(3), reader.number(2)]
  const units = BigInt(reader.number(5))
  if (length === 0) throw malformed(position, 'a group has no receipts')
  if (first + length >= MAX_COUNT) throw malformed(position, 'count is too large')
  const dealId = Math.floor(number / STREAMS_PER_DEAL)
  return { dealId, stream: number % STREAMS_PER_DEAL, place, worker, first, count: first + length, units }
}

function readSignatures(reader: Reader, lane: number): Pick<ReadGroup, 'signature' | 'acknowledgement'> {
  const signature = bytesToHex(reader.take(SIGNATURE_BYTES))
  return { signature, acknowledgement: lane === ACKNOWLEDGED ? bytesToHex(reader.take(SIGNATURE_BYTES)) : null }
}

function readGroup(reader: Reader, mode: number, lane: number, previous: number): ReadGroup {
  const head = readHead(reader, previous)
  if (mode === IN_BLOBS) {
    const segment = bytesToHex(reader.take(HASH_BYTES))
    return { ...head, segment, ...readSignatures(reader, lane), bytes: null }
  }
  const signatures = readSignatures(reader, lane)
  const position = reader.at()
  const length = head.count - head.first
  const bytes = reader.take(length * RECEIPT_BYTES)
  if (readReceipts(bytes, length) === null) throw malformed(position, 'a receipt has no units')
  return { ...head, segment: keccak256(bytes), ...signatures, bytes }
}

function readBlobs(reader: Reader, mode: number): number[] {
  if (mode === IN_CALLDATA) return []
  const position = reader.at()
  const count = reader.number(1)
  if (count === 0 || count > MAX_BLOBS) throw malformed(position, `${count} blobs`)
  const blobs = Array.from({ length: count }, () => reader.number(2))
  if (blobs.includes(0)) throw malformed(position, 'a blob has no groups')
  return blobs
}

/**
 * Reads a batch.
 *
 * @param bytes The first argument of `settle`.
 * @returns Mode, lane and groups, with each group's receipts' bytes where they stand in it.
 * @throws AuditError `batch.malformed` where the chain would revert.
 */
export function readBatch(bytes: Uint8Array): ReadBatch {
  const reader = createReader(bytes)
  const mode = reader.number(1)
  if (mode !== IN_CALLDATA && mode !== IN_BLOBS) throw malformed(0, `mode ${mode} is not settled here`)
  const lane = reader.number(1)
  if (lane > FORCED || (lane === FORCED && mode === IN_BLOBS)) throw malformed(1, `mode ${mode} has no lane ${lane}`)

  const blobs = readBlobs(reader, mode)
  const groups: ReadGroup[] = []
  let previous = -1
  do {
    const group = readGroup(reader, mode, lane, previous)
    previous = group.dealId * STREAMS_PER_DEAL + group.stream
    groups.push(group)
  } while (!reader.isDone())
  const inBlobs = blobs.reduce((sum, count) => sum + count, 0)
  if (mode === IN_BLOBS && inBlobs !== groups.length) throw malformed(2, `${inBlobs} groups in blobs`)
  return { mode, lane, blobs, groups }
}
