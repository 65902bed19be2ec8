/**
 * The auditor's own reader of net batches and their blobs, written from docs/net-mode.md and not from the writer.
 *
 * @module
 */
import { bytesToHex, type Hex, hexToBigInt } from 'viem'

import type { DealRecord, GroupRecord } from '#protocol/net-records.ts'

import { createReader, malformed, type Reader } from './decode.ts'

/** What one provider receives or one buyer pays. */
export type ReadNet = { of: number; amount: bigint }

/** Records of one blob. */
export type ReadRow = { groups: number; deals: number }

/** What a net batch brings the chain. */
export type ReadNetBatch = {
  until: number
  queueTo: number
  root: Hex
  blobs: readonly ReadRow[]
  providers: readonly ReadNet[]
  buyers: readonly ReadNet[]
}

/** What its blobs hold. */
export type ReadRecords = {
  groups: readonly GroupRecord[]
  deals: readonly DealRecord[]
  /** Receipts' bytes of each group; 'void' where they do not stand where its record says. */
  receipts: readonly (Uint8Array | 'void')[]
  /** What is not as it must be in an element that belongs to no receipts. */
  malformed: readonly string[]
}

/** The mode of a net batch. */
export const NETTED = 2

const ATTESTED = 1
const MAX_BLOBS = 6
const ELEMENTS = 4096
const ELEMENT_BYTES = 32
const PAYLOAD = 31
const MAX_GROUP_ELEMENTS = 256
const GROUP_ELEMENTS = 5
const DEAL_ELEMENTS = 2
const RECEIPT_BYTES = 35
const STREAMS_PER_DEAL = 64

const hexOf = (reader: Reader, length: number): Hex => bytesToHex(reader.take(length))
const wide = (reader: Reader, length: number): bigint => hexToBigInt(hexOf(reader, length))

function readNets(reader: Reader, count: number): ReadNet[] {
  return Array.from({ length: count }, () => ({ of: reader.number(4), amount: wide(reader, 7) }))
}

function readRow(reader: Reader): ReadRow {
  const position = reader.at()
  const row = { groups: reader.number(2), deals: reader.number(2) }
  const elements = GROUP_ELEMENTS * row.groups + DEAL_ELEMENTS * row.deals
  if (elements === 0 || elements > ELEMENTS) throw malformed(position, `a blob with records of ${elements} elements`)
  return row
}

/**
 * Reads a net batch.
 *
 * @throws AuditError `batch.malformed` where the chain would revert.
 */
export function readNetBatch(bytes: Uint8Array): ReadNetBatch {
  const reader = createReader(bytes)
  if (reader.number(1) !== NETTED) throw malformed(0, 'it is of another mode')
  if (reader.number(1) !== ATTESTED) throw malformed(1, 'net batches are attested')
  const [until, queueTo, root] = [reader.number(4), reader.number(4), hexOf(reader, 32)]
  const count = reader.number(1)
  if (count > MAX_BLOBS) throw malformed(reader.at() - 1, `${count} blobs`)
  const blobs = Array.from({ length: count }, () => readRow(reader))
  const [providers, buyers] = [reader.number(2), reader.number(2)]
  const batch = {
    until,
    queueTo,
    root,
    blobs,
    providers: readNets(reader, providers),
    buyers: readNets(reader, buyers),
  }
  if (!reader.isDone()) throw malformed(reader.at(), 'there is more')
  return batch
}

/** Payload of some elements, whatever their first bytes are. */
function payloadOf(blob: Uint8Array, first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(PAYLOAD * count)
  for (let i = 0; i < count; i++) {
    const from = ELEMENT_BYTES * (first + i)
    bytes.set(blob.subarray(from + 1, from + ELEMENT_BYTES), PAYLOAD * i)
  }
  return bytes
}

function carriesBytes(blob: Uint8Array, first: number, count: number): boolean {
  return Array.from({ length: count }, (_, i) => blob[ELEMENT_BYTES * (first + i)]).every((byte) => byte === 0)
}

function readGroup(bytes: Uint8Array): GroupRecord {
  const reader = createReader(bytes)
  const [provider, number] = [reader.number(4), reader.number(5)]
  return {
    provider,
    dealId: Math.floor(number / STREAMS_PER_DEAL),
    stream: number % STREAMS_PER_DEAL,
    amount: wide(reader, 7),
    providerTotal: wide(reader, 7),
    count: reader.number(3),
    units: wide(reader, 5),
    dealUnits: wide(reader, 6),
    start: reader.number(2),
    worker: reader.number(5),
    first: reader.number(3),
    cursorBefore: reader.number(3),
    unitsBefore: wide(reader, 5),
    dealRecord: reader.number(4),
    segment: hexOf(reader, 32),
    signature: hexOf(reader, 64),
  }
}

function readDeal(bytes: Uint8Array): DealRecord {
  const reader = createReader(bytes)
  const [buyer, dealId] = [reader.number(4), reader.number(4)]
  const [amount, buyerTotal] = [wide(reader, 7), wide(reader, 7)]
  return {
    buyer,
    dealId,
    amount,
    buyerTotal,
    firstGroup: reader.number(4),
    lastGroup: reader.number(4),
    root: hexOf(reader, 32),
  }
}

/** Bytes of a group's receipts, and which elements they take; null where its record names no place for them. */
function placeOf({ first, count, start }: GroupRecord, { groups, deals }: ReadRow) {
  const length = RECEIPT_BYTES * (count - first)
  const elements = Math.ceil(length / PAYLOAD)
  const isBehind = start >= GROUP_ELEMENTS * groups + DEAL_ELEMENTS * deals
  if (length <= 0 || elements > MAX_GROUP_ELEMENTS || !isBehind || start + elements > ELEMENTS) return null
  return { start, elements, length }
}

function readBlob(blob: Uint8Array, row: ReadRow, index: number): ReadRecords {
  const wrong: string[] = []
  const take = <record>(what: string, place: number, size: number, read: (bytes: Uint8Array) => record): record => {
    if (!carriesBytes(blob, place, size)) wrong.push(`${what} in blob ${index} carries no bytes`)
    return read(payloadOf(blob, place, size))
  }
  const groups = Array.from({ length: row.groups }, (_, i) =>
    take(`group record ${i}`, GROUP_ELEMENTS * i, GROUP_ELEMENTS, readGroup),
  )
  const dealsAt = GROUP_ELEMENTS * row.groups
  const deals = Array.from({ length: row.deals }, (_, i) =>
    take(`deal record ${i}`, dealsAt + DEAL_ELEMENTS * i, DEAL_ELEMENTS, readDeal),
  )
  const used = new Set(Array.from({ length: dealsAt + DEAL_ELEMENTS * row.deals }, (_, i) => i))
  const receipts = groups.map((group) => {
    const place = placeOf(group, row)
    if (place === null) return 'void' as const
    for (let i = 0; i < place.elements; i++) used.add(place.start + i)
    const bytes = payloadOf(blob, place.start, place.elements)
    const isWhole = carriesBytes(blob, place.start, place.elements) && !bytes.subarray(place.length).some(Boolean)
    return isWhole ? bytes.slice(0, place.length) : ('void' as const)
  })
  const isZero = (element: number): boolean =>
    !blob.subarray(ELEMENT_BYTES * element, ELEMENT_BYTES * (element + 1)).some(Boolean)
  const stray = Array.from({ length: ELEMENTS }, (_, i) => i).find((i) => !used.has(i) && !isZero(i))
  if (stray !== undefined) wrong.push(`element ${stray} of blob ${index} belongs to nothing and is not zero`)
  return { groups, deals, receipts, malformed: wrong }
}

/** Everything in the blobs of a batch; `blobs` are as many as its rows, each of the right size. */
export function readNetRecords({ blobs: rows }: ReadNetBatch, blobs: readonly Uint8Array[]): ReadRecords {
  const read = rows.map((row, index) => readBlob(blobs[index] ?? new Uint8Array(), row, index))
  return {
    groups: read.flatMap(({ groups }) => groups),
    deals: read.flatMap(({ deals }) => deals),
    receipts: read.flatMap(({ receipts }) => receipts),
    malformed: read.flatMap((one) => one.malformed),
  }
}
