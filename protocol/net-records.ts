/**
 * Records of a net batch, as its blobs hold them: one a group, by rising provider, deal and stream, and one a deal, by
 * rising buyer and deal. Each carries running totals, so that a wrong net shows between two neighbours.
 *
 * @module
 */
import type { Hex } from 'viem'

import { concatBytes, fixedBytes, toHex, uintBytes } from './words.ts'

/** What a batch says of one group. */
export type GroupRecord = {
  readonly provider: number
  readonly dealId: number
  readonly stream: number
  /** What the deal pays for it, settlement token base units. */
  readonly amount: bigint
  /** Amounts of its provider's groups up to this one. */
  readonly providerTotal: bigint
  /** Receipts of the stream after it. */
  readonly count: number
  /** Units of the stream after it, as the worker signed them. */
  readonly units: bigint
  /** Units of all the deal's streams after it. */
  readonly dealUnits: bigint
  /** Element of its blob at which its receipts begin. */
  readonly start: number
  /** Worker's index in the registry. */
  readonly worker: number
  /** Receipts of the stream before its segment. */
  readonly first: number
  /** Receipts of the stream that were settled before. */
  readonly cursorBefore: number
  /** Units of the stream that were settled before. */
  readonly unitsBefore: bigint
  /** Which of the deal records is its deal's. */
  readonly dealRecord: number
  readonly segment: Hex
  /** Worker's signature over the tally. */
  readonly signature: Hex
}

/** What a batch says of one deal. */
export type DealRecord = {
  /** Buyer's index. */
  readonly buyer: number
  readonly dealId: number
  /** What the deal pays, settlement token base units. */
  readonly amount: bigint
  /** Amounts of its buyer's deals up to this one. */
  readonly buyerTotal: bigint
  /** Which of the group records is its first. */
  readonly firstGroup: number
  /** Which of the group records is its last. */
  readonly lastGroup: number
  /** Net root once this deal and those before it were moved. */
  readonly root: Hex
}

/** Bytes of a group record: five elements. */
export const GROUP_RECORD_BYTES = 155
/** Bytes of a deal record: two elements. */
export const DEAL_RECORD_BYTES = 62

const STREAMS = 64

/**
 * Bytes of a group record.
 *
 * @throws FieldError when a field does not fit.
 */
export function encodeGroupRecord(record: GroupRecord): Uint8Array {
  return concatBytes([
    uintBytes(record.provider, 32, 'provider'),
    uintBytes(record.dealId * STREAMS + record.stream, 40, 'stream number'),
    uintBytes(record.amount, 56, 'amount'),
    uintBytes(record.providerTotal, 56, 'providerTotal'),
    uintBytes(record.count, 24, 'count'),
    uintBytes(record.units, 40, 'units'),
    uintBytes(record.dealUnits, 48, 'dealUnits'),
    uintBytes(record.start, 16, 'start'),
    uintBytes(record.worker, 40, 'worker'),
    uintBytes(record.first, 24, 'first'),
    uintBytes(record.cursorBefore, 24, 'cursorBefore'),
    uintBytes(record.unitsBefore, 40, 'unitsBefore'),
    uintBytes(record.dealRecord, 32, 'dealRecord'),
    fixedBytes(record.segment, 32, 'segment'),
    fixedBytes(record.signature, 64, 'signature'),
  ])
}

/** Reads a group record of {@link GROUP_RECORD_BYTES} bytes, whatever stands in it. */
export function decodeGroupRecord(bytes: Uint8Array): GroupRecord {
  const { wide, integer, take } = fieldsOf(bytes)
  const provider = integer(4)
  const number = integer(5)
  return {
    provider,
    dealId: Math.floor(number / STREAMS),
    stream: number % STREAMS,
    amount: wide(7),
    providerTotal: wide(7),
    count: integer(3),
    units: wide(5),
    dealUnits: wide(6),
    start: integer(2),
    worker: integer(5),
    first: integer(3),
    cursorBefore: integer(3),
    unitsBefore: wide(5),
    dealRecord: integer(4),
    segment: take(32),
    signature: take(64),
  }
}

/**
 * Bytes of a deal record.
 *
 * @throws FieldError when a field does not fit.
 */
export function encodeDealRecord(record: DealRecord): Uint8Array {
  return concatBytes([
    uintBytes(record.buyer, 32, 'buyer'),
    uintBytes(record.dealId, 32, 'dealId'),
    uintBytes(record.amount, 56, 'amount'),
    uintBytes(record.buyerTotal, 56, 'buyerTotal'),
    uintBytes(record.firstGroup, 32, 'firstGroup'),
    uintBytes(record.lastGroup, 32, 'lastGroup'),
    fixedBytes(record.root, 32, 'root'),
  ])
}

/** Reads a deal record of {@link DEAL_RECORD_BYTES} bytes, whatever stands in it. */
export function decodeDealRecord(bytes: Uint8Array): DealRecord {
  const { wide, integer, take } = fieldsOf(bytes)
  return {
    buyer: integer(4),
    dealId: integer(4),
    amount: wide(7),
    buyerTotal: wide(7),
    firstGroup: integer(4),
    lastGroup: integer(4),
    root: take(32),
  }
}

/** Takes fields one after the other; every byte string is one of these records, so nothing can be missing. */
function fieldsOf(bytes: Uint8Array) {
  let at = 0
  const take = (length: number): Hex => {
    at += length
    return toHex(bytes.subarray(at - length, at))
  }
  return { take, wide: (length: number) => BigInt(take(length)), integer: (length: number) => Number(take(length)) }
}
