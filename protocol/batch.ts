/**
 * Batches as bytes: `mode (1) ‖ lane (1) ‖ group+`, see "Batch bytes" in docs/protocol.md. Decoding refuses exactly what
 * the chain reverts, and there is one encoding only of what it accepts.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from './errors.ts'
import { merkleRoot } from './merkle.ts'
import { createReader, type Reader } from './reader.ts'
import { encodeReceipts, readReceipt, segmentHash } from './receipts.ts'
import { Lane, Mode, type Receipt, type Tally } from './types.ts'
import { encodeVarint } from './varint.ts'
import { concatBytes, FieldError, fixedBytes, keccak, packWords, toBytes, toHex, uint, uintBytes } from './words.ts'

/** Streams an id has room for: stream number = deal id · 64 + stream. */
export const STREAMS_PER_DEAL = 64
const NUMBER_BITS = 38
const SIGNATURE_BYTES = 64

/** One segment of one stream with its worker's signature; `count` is `first + receipts.length`. */
export type Group = {
  readonly dealId: number
  readonly stream: number
  readonly worker: number
  readonly first: number
  readonly signature: Hex
  /** Present exactly in batches of the acknowledged lane. */
  readonly acknowledgement?: Hex
  readonly receipts: readonly Receipt[]
}

/** A batch; groups by rising stream number. */
export type Batch = { readonly mode: number; readonly lane: number; readonly groups: readonly Group[] }

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

const streamNumber = (group: Group): number => group.dealId * STREAMS_PER_DEAL + group.stream

/** The groups in the order a batch needs them, by rising deal and stream. */
export function sortGroups(groups: readonly Group[]): Group[] {
  return [...groups].sort((left, right) => streamNumber(left) - streamNumber(right))
}

/**
 * The tally a group's signature is for.
 *
 * @param dealKey - Key of the deal the group's id stands for.
 * @param units - The stream's total after the group's last receipt.
 */
export function tallyOfGroup(group: Group, dealKey: Hex, units: bigint): Tally {
  const { stream, first, receipts } = group
  return {
    dealKey,
    stream,
    first,
    count: first + receipts.length,
    units,
    segment: segmentHash(encodeReceipts(receipts)),
  }
}

/** What a group hash covers; every tally has it. */
export type GroupIdentity = Pick<Tally, 'dealKey' | 'stream' | 'first' | 'count' | 'segment'>

/**
 * Leaf of a batch's root. It leaves out the stream's units, so a group that somebody else settled in the meantime
 * changes no root.
 *
 * @throws FieldError when a field does not fit.
 */
export function groupHash(group: GroupIdentity): Hex {
  const words = [
    fixedBytes(group.dealKey, 32, 'group.dealKey'),
    uintBytes(group.stream, 8, 'group.stream'),
    uintBytes(group.first, 32, 'group.first'),
    uintBytes(group.count, 32, 'group.count'),
    fixedBytes(group.segment, 32, 'group.segment'),
  ]
  return toHex(keccak(packWords(words)))
}

/**
 * Root of a batch over the group hashes of all its groups, in order.
 *
 * @throws FieldError when there is none or one is not 32 bytes.
 */
export function batchRoot(groupHashes: readonly Hex[]): Hex {
  return merkleRoot(groupHashes)
}

function checkHeader(mode: number, lane: number): void {
  if (mode !== Mode.Calldata)
    throw new BatchError({ code: 'batch.unsupported-mode', position: 0, problem: `mode ${mode} is not settled` })
  if (lane !== Lane.Acknowledged && lane !== Lane.Attested && lane !== Lane.Forced) {
    throw new BatchError({ code: 'batch.unsupported-lane', position: 1, problem: `there is no lane ${lane}` })
  }
}

function groupBytes(group: Group, lane: number, previous: number): Uint8Array[] {
  uint(group.dealId, 32, 'group.dealId')
  if (uint(group.stream, 8, 'group.stream') >= STREAMS_PER_DEAL) throw new FieldError('group.stream', 'is over 63')
  const step = streamNumber(group) - previous - 1
  if (step < 0) throw new FieldError('groups', 'do not rise strictly by deal and stream')
  if (group.receipts.length === 0) throw new FieldError('group.receipts', 'are none')
  uint(group.worker, 32, 'group.worker')
  uint(group.first + group.receipts.length, 32, 'group.count')
  uint(group.first, 32, 'group.first')
  const integers = [step, group.worker, group.first, group.receipts.length]
  return [
    ...integers.map((integer) => encodeVarint(integer)),
    fixedBytes(group.signature, SIGNATURE_BYTES, 'group.signature'),
    ...acknowledgementBytes(group, lane),
    encodeReceipts(group.receipts),
  ]
}

function acknowledgementBytes(group: Group, lane: number): Uint8Array[] {
  const present = group.acknowledgement !== undefined
  if (present !== (lane === Lane.Acknowledged)) {
    throw new FieldError('group.acknowledgement', 'belongs to every group of the acknowledged lane and to no other')
  }
  return group.acknowledgement === undefined
    ? []
    : [fixedBytes(group.acknowledgement, SIGNATURE_BYTES, 'group.acknowledgement')]
}

/**
 * Bytes of a batch.
 *
 * @throws {@link BatchError} when the chain would revert it; `position` is where the offending group would begin.
 */
export function encodeBatch(batch: Batch): Hex {
  checkHeader(batch.mode, batch.lane)
  const parts: Uint8Array[] = [new Uint8Array([batch.mode, batch.lane])]
  let length = 2
  let previous = -1
  if (batch.groups.length === 0) return malformed(length, 'there is no group')
  for (const group of batch.groups) {
    const bytes = concatBytes(encodedGroup(group, batch.lane, previous, length))
    parts.push(bytes)
    length += bytes.length
    previous = streamNumber(group)
  }
  return toHex(concatBytes(parts))
}

function encodedGroup(group: Group, lane: number, previous: number, position: number): Uint8Array[] {
  try {
    return groupBytes(group, lane, previous)
  } catch (error) {
    if (!(error instanceof FieldError)) throw error
    throw new BatchError({ code: 'batch.malformed', position, problem: error.message }, { cause: error })
  }
}

function readGroup(reader: Reader, lane: number, previous: number): Group {
  const at = reader.position()
  const number = previous + 1 + Number(reader.varint(NUMBER_BITS))
  if (number >= 2 ** NUMBER_BITS) return malformed(at, 'the stream number is too large')
  const worker = Number(reader.varint(32))
  const first = Number(reader.varint(32))
  const lengthAt = reader.position()
  const length = Number(reader.varint(32))
  if (length === 0) return malformed(lengthAt, 'the group has no receipt')
  if (first + length >= 2 ** 32) return malformed(lengthAt, 'the count is too large')
  const signature = toHex(reader.take(SIGNATURE_BYTES))
  const acknowledgement = lane === Lane.Acknowledged ? { acknowledgement: toHex(reader.take(SIGNATURE_BYTES)) } : {}
  const receipts: Receipt[] = []
  while (receipts.length < length) receipts.push(readReceipt(reader, malformed))
  const dealId = Math.floor(number / STREAMS_PER_DEAL)
  return { dealId, stream: number % STREAMS_PER_DEAL, worker, first, signature, ...acknowledgement, receipts }
}

/**
 * A batch from its bytes.
 *
 * @throws {@link BatchError} when the chain would revert it; `position` is where the field that is wrong begins.
 */
export function decodeBatch(encoded: Hex): Batch {
  const bytes = batchBytes(encoded)
  const [mode, lane] = bytes
  if (mode === undefined || lane === undefined || bytes.length === 2)
    return malformed(bytes.length, 'there is no group')
  checkHeader(mode, lane)
  const reader = createReader(bytes, 2, malformed)
  const groups: Group[] = []
  let previous = -1
  do {
    const group = readGroup(reader, lane, previous)
    groups.push(group)
    previous = streamNumber(group)
  } while (!reader.done())
  return { mode, lane, groups }
}

function batchBytes(encoded: Hex): Uint8Array {
  try {
    return toBytes(encoded, 'batch')
  } catch (error) {
    throw new BatchError({ code: 'batch.malformed', position: 0, problem: 'it is not hex' }, { cause: error })
  }
}
