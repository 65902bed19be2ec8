/**
 * One group of a batch as bytes, in either mode; see "Batch bytes" in docs/protocol.md.
 *
 * @module
 */
import type { BlobGroup, Group, GroupHead } from './batch.ts'
import type { Reader } from './reader.ts'
import { encodeReceipts, readReceipt } from './receipts.ts'
import { Lane, type Receipt } from './types.ts'
import { encodeVarint } from './varint.ts'
import { concatBytes, FieldError, fixedBytes, toHex, uint } from './words.ts'

/** Streams an id has room for: stream number = deal id · 64 + stream. */
const STREAMS_PER_DEAL = 64
const NUMBER_BITS = 38
const PLACE_BITS = 32
const WORKER_BITS = 40
const COUNT_BITS = 24
const UNITS_BITS = 40
const SIGNATURE_BYTES = 64
const SEGMENT_BYTES = 32

/** What a group's bytes depend on besides itself. */
export type GroupContext = {
  readonly lane: number
  /** The group before it in the batch. */
  readonly previous: GroupHead | undefined
}

/** What groups are ordered by. */
export function streamNumber({ dealId, stream }: GroupHead): number {
  return dealId * STREAMS_PER_DEAL + stream
}

/**
 * Bytes of a group of a calldata batch.
 *
 * @throws FieldError when a field does not fit or the group does not rise above the one before it.
 */
export function groupBytes(group: Group, context: GroupContext): Uint8Array {
  const { receipts } = group
  const head = headBytes(group, receipts.length, context)
  return concatBytes([...head, ...signatureBytes(group, context.lane), encodeReceipts(receipts)])
}

/**
 * Bytes of a group of a blob batch.
 *
 * @throws FieldError when a field does not fit or the group does not rise above the one before it.
 */
export function blobGroupBytes(group: BlobGroup, context: GroupContext): Uint8Array {
  return concatBytes([
    ...headBytes(group, group.count - group.first, context),
    encodeVarint(uint(group.units, UNITS_BITS, 'group.units')),
    fixedBytes(group.segment, SEGMENT_BYTES, 'group.segment'),
    ...signatureBytes(group, context.lane),
  ])
}

function headBytes(group: GroupHead, receipts: number, { previous }: GroupContext): Uint8Array[] {
  uint(group.dealId, 32, 'group.dealId')
  if (uint(group.stream, 8, 'group.stream') >= STREAMS_PER_DEAL) throw new FieldError('group.stream', 'is over 63')
  if (receipts < 1) throw new FieldError('group.receipts', 'are none')
  uint(group.first + receipts, COUNT_BITS, 'group.count')
  const step = streamNumber(group) - nextNumber(previous)
  if (step < 0) throw new FieldError('groups', 'do not rise strictly by deal and stream')
  const place = previous?.dealId === group.dealId ? [] : [uint(group.place ?? 0, PLACE_BITS, 'group.place')]
  const worker = uint(group.worker, WORKER_BITS, 'group.worker')
  const first = uint(group.first, COUNT_BITS, 'group.first')
  return [step, ...place, worker, first, receipts].map((integer) => encodeVarint(integer))
}

/** The lowest stream number the next group may have. */
function nextNumber(previous: GroupHead | undefined): number {
  return previous === undefined ? 0 : streamNumber(previous) + 1
}

function signatureBytes(group: GroupHead, lane: number): Uint8Array[] {
  const { signature, acknowledgement } = group
  if ((acknowledgement !== undefined) !== (lane === Lane.Acknowledged)) {
    throw new FieldError('group.acknowledgement', 'belongs to every group of the acknowledged lane and to no other')
  }
  const bytes = [fixedBytes(signature, SIGNATURE_BYTES, 'group.signature')]
  if (acknowledgement !== undefined) bytes.push(fixedBytes(acknowledgement, SIGNATURE_BYTES, 'group.acknowledgement'))
  return bytes
}

/** Throws the batch's own error. */
type Fail = (position: number, problem: string) => never

/** The next group of a calldata batch. */
export function readGroup(reader: Reader, context: GroupContext, fail: Fail): Group {
  const { head, count } = readHead(reader, context, fail)
  const signatures = readSignatures(reader, context.lane)
  const receipts: Receipt[] = []
  while (receipts.length < count - head.first) receipts.push(readReceipt(reader, fail))
  return { ...head, ...signatures, receipts }
}

/** The next group of a blob batch. */
export function readBlobGroup(reader: Reader, context: GroupContext, fail: Fail): BlobGroup {
  const { head, count } = readHead(reader, context, fail)
  const units = reader.varint(UNITS_BITS)
  const segment = toHex(reader.take(SEGMENT_BYTES))
  return { ...head, ...readSignatures(reader, context.lane), count, units, segment }
}

type ReadHead = { head: Omit<GroupHead, 'signature' | 'acknowledgement'>; count: number }

function readHead(reader: Reader, { previous }: GroupContext, fail: Fail): ReadHead {
  const at = reader.position()
  const number = nextNumber(previous) + Number(reader.varint(NUMBER_BITS))
  if (number >= 2 ** NUMBER_BITS) return fail(at, 'the stream number is too large')
  const dealId = Math.floor(number / STREAMS_PER_DEAL)
  const place = previous?.dealId === dealId ? previous.place : Number(reader.varint(PLACE_BITS))
  const worker = Number(reader.varint(WORKER_BITS))
  const first = Number(reader.varint(COUNT_BITS))
  const lengthAt = reader.position()
  const length = Number(reader.varint(COUNT_BITS))
  if (length === 0) return fail(lengthAt, 'the group has no receipt')
  const count = first + length
  if (count >= 2 ** COUNT_BITS) return fail(lengthAt, 'the count is too large')
  const hint = place ? { place } : {}
  return { head: { dealId, stream: number % STREAMS_PER_DEAL, ...hint, worker, first }, count }
}

function readSignatures(reader: Reader, lane: number): Pick<GroupHead, 'signature' | 'acknowledgement'> {
  const signature = toHex(reader.take(SIGNATURE_BYTES))
  return lane === Lane.Acknowledged
    ? { signature, acknowledgement: toHex(reader.take(SIGNATURE_BYTES)) }
    : { signature }
}
