/**
 * The auditor's own reader of batch bytes, written from docs/protocol.md and not from the encoder.
 *
 * It accepts exactly what the chain accepts: every byte belongs to a field, every number is in its shortest form and in
 * its range, stream numbers rise. Two readers that share no code and agree are evidence; one reader is an opinion.
 *
 * @module
 */
import { bytesToHex, type Hex } from 'viem'

import { AuditError } from './errors.ts'

/** One finished task as it stands in the batch; `units` is at least 1. */
export type ReadReceipt = { units: bigint; workHash: Hex }

/** One worker's segment of one stream. */
export type ReadGroup = {
  dealId: number
  stream: number
  worker: number
  /** Receipts of the stream before this segment. */
  first: number
  /** Receipts of the stream after this segment. */
  count: number
  signature: Hex
  /** Lane 0 only. */
  acknowledgement: Hex | null
  receipts: readonly ReadReceipt[]
  /** The receipts' bytes, which the tally's segment hash covers. */
  bytes: Uint8Array
}

/** A whole batch. */
export type ReadBatch = { mode: number; lane: number; groups: readonly ReadGroup[] }

const LANES = 3
const STREAMS_PER_DEAL = 64
const SIGNATURE_BYTES = 64
const HASH_BYTES = 32
const MAX_STREAM_NUMBER = 2 ** 38
const MAX_WORD = 2 ** 32
const MAX_UNITS = 2 ** 48

type Reader = {
  /** Bytes read so far. */
  at: () => number
  isDone: () => boolean
  take: (length: number) => Uint8Array
  /** Next number; below `limit`, in its shortest form. */
  number: (limit: number) => number
}

function malformed(position: number, why: string): AuditError {
  return new AuditError('batch.malformed', `batch is malformed at byte ${position}: ${why}`)
}

function checkedNumber(start: number, value: number, limit: number, isRedundant: boolean): number {
  if (isRedundant) throw malformed(start, 'number ends in a redundant zero')
  if (value >= limit) throw malformed(start, `number is not below ${limit}`)
  return value
}

function createReader(bytes: Uint8Array): Reader {
  let at = 0
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw malformed(at, `${length} bytes wanted, ${bytes.length - at} left`)
    at += length
    return bytes.subarray(at - length, at)
  }
  const number = (limit: number): number => {
    const start = at
    let value = 0
    let byte = 0
    // a run of 0x80 adds nothing to the value, so the weight of its digits is bounded as well
    for (let weight = 1; weight <= limit; weight *= 128) {
      byte = take(1)[0] ?? 0
      value += (byte % 128) * weight
      if (byte < 128) return checkedNumber(start, value, limit, byte === 0 && weight > 1)
    }
    throw malformed(start, `number is not below ${limit}`)
  }
  return { at: () => at, isDone: () => at === bytes.length, take, number }
}

function readReceipts(reader: Reader, length: number): ReadReceipt[] {
  const receipts: ReadReceipt[] = []
  for (let i = 0; i < length; i++) {
    const position = reader.at()
    const units = reader.number(MAX_UNITS)
    if (units === 0) throw malformed(position, 'a receipt has no units')
    receipts.push({ units: BigInt(units), workHash: bytesToHex(reader.take(HASH_BYTES)) })
  }
  return receipts
}

function readGroup(bytes: Uint8Array, reader: Reader, lane: number, previous: number): ReadGroup {
  const position = reader.at()
  const number = previous + 1 + reader.number(MAX_STREAM_NUMBER)
  if (number >= MAX_STREAM_NUMBER) throw malformed(position, 'stream number is too large')
  const worker = reader.number(MAX_WORD)
  const first = reader.number(MAX_WORD)
  const lengthPosition = reader.at()
  const length = reader.number(MAX_WORD)
  if (length === 0) throw malformed(lengthPosition, 'a group has no receipts')
  if (first + length >= MAX_WORD) throw malformed(lengthPosition, 'count is too large')
  const signature = bytesToHex(reader.take(SIGNATURE_BYTES))
  const acknowledgement = lane === 0 ? bytesToHex(reader.take(SIGNATURE_BYTES)) : null
  const start = reader.at()
  const receipts = readReceipts(reader, length)
  return {
    dealId: Math.floor(number / STREAMS_PER_DEAL),
    stream: number % STREAMS_PER_DEAL,
    worker,
    first,
    count: first + length,
    signature,
    acknowledgement,
    receipts,
    bytes: bytes.subarray(start, reader.at()),
  }
}

/**
 * Reads a batch.
 *
 * @param bytes The first argument of `settle`.
 * @returns Mode, lane and groups, with each group's receipts' bytes.
 * @throws AuditError `batch.malformed` where the chain would revert.
 */
export function readBatch(bytes: Uint8Array): ReadBatch {
  const reader = createReader(bytes)
  const mode = reader.take(1)[0] ?? 0
  if (mode !== 0) throw malformed(0, `mode ${mode} is not settled here`)
  const lane = reader.take(1)[0] ?? 0
  if (lane >= LANES) throw malformed(1, `there is no lane ${lane}`)

  const groups: ReadGroup[] = []
  let previous = -1
  do {
    const group = readGroup(bytes, reader, lane, previous)
    previous = group.dealId * STREAMS_PER_DEAL + group.stream
    groups.push(group)
  } while (!reader.isDone())
  return { mode, lane, groups }
}
