/**
 * One group of a batch as bytes, in either mode; see "Batch bytes" in docs/protocol.md.
 *
 * @module
 */
import type { BlobGroup, Group, GroupHead } from './batch.ts'
import type { Reader } from './reader.ts'
import { encodeReceipts, readReceipt } from './receipts.ts'
import { Lane, type Receipt } from './types.ts'
import { concatBytes, FieldError, fixedBytes, toHex, uint, uintBytes } from './words.ts'

/** Streams an id has room for: stream number = deal id · 64 + stream. */
const STREAMS_PER_DEAL = 64
const NUMBERS = 2 ** 38
const COUNTS = 2 ** 24
const NUMBER_BYTES = 5
const PLACE_BYTES = 4
const WORKER_BYTES = 5
const FIRST_BYTES = 3
const LENGTH_BYTES = 2
const UNITS_BYTES = 5
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
    fixedBytes(group.segment, SEGMENT_BYTES, 'group.segment'),
    ...signatureBytes(group, context.lane),
  ])
}

function headBytes(group: GroupHead, receipts: number, { previous }: GroupContext): Uint8Array[] {
  uint(group.dealId, 32, 'group.dealId')
  if (uint(group.stream, 8, 'group.stream') >= STREAMS_PER_DEAL) throw new FieldError('group.stream', 'is over 63')
  if (previous !== undefined && streamNumber(group) <= streamNumber(previous)) {
    throw new FieldError('groups', 'do not rise strictly by deal and stream')
  }
  if (receipts === 0) throw new FieldError('group.receipts', 'are none')
  if (group.first + receipts >= COUNTS) throw new FieldError('group.count', 'is more than a stream can have')
  return [
    integerBytes(streamNumber(group), NUMBER_BYTES, 'group.stream'),
    integerBytes(isFirstOfDeal(group.dealId, previous) ? (group.place ?? 0) : 0, PLACE_BYTES, 'group.place'),
    integerBytes(group.worker, WORKER_BYTES, 'group.worker'),
    integerBytes(group.first, FIRST_BYTES, 'group.first'),
    integerBytes(receipts, LENGTH_BYTES, 'group.receipts'),
    integerBytes(group.units, UNITS_BYTES, 'group.units'),
  ]
}

/** Only the first group of a deal is asked where the deal stands. */
function isFirstOfDeal(dealId: number, previous: GroupHead | undefined): boolean {
  return previous?.dealId !== dealId
}

function integerBytes(value: bigint | number, length: number, field: string): Uint8Array {
  return uintBytes(value, 8 * length, field)
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
  const segment = toHex(reader.take(SEGMENT_BYTES))
  return { ...head, ...readSignatures(reader, context.lane), count, segment }
}

type ReadHead = { head: Omit<GroupHead, 'signature' | 'acknowledgement'>; count: number }

function readHead(reader: Reader, { previous }: GroupContext, fail: Fail): ReadHead {
  const at = reader.position()
  const number = reader.integer(NUMBER_BYTES)
  if (number >= NUMBERS) return fail(at, 'the stream number is too large')
  if (previous !== undefined && number <= streamNumber(previous)) return fail(at, 'the stream number does not rise')
  const place = reader.integer(PLACE_BYTES)
  const worker = reader.integer(WORKER_BYTES)
  const first = reader.integer(FIRST_BYTES)
  const lengthAt = reader.position()
  const length = reader.integer(LENGTH_BYTES)
  if (length === 0) return fail(lengthAt, 'the group has no receipt')
  if (first + length >= COUNTS) return fail(lengthAt, 'the count is too large')
  const units = BigInt(reader.integer(UNITS_BYTES))
  const dealId = Math.floor(number / STREAMS_PER_DEAL)
  const hint = place !== 0 && isFirstOfDeal(dealId, previous) ? { place } : {}
  const head = { dealId, stream: number % STREAMS_PER_DEAL, ...hint, worker, first, units }
  return { head, count: first + length }
}

function readSignatures(reader: Reader, lane: number): Pick<GroupHead, 'signature' | 'acknowledgement'> {
  const signature = toHex(reader.take(SIGNATURE_BYTES))
  return lane === Lane.Acknowledged
    ? { signature, acknowledgement: toHex(reader.take(SIGNATURE_BYTES)) }
    : { signature }
}
