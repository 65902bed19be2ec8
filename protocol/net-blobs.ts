/**
 * How blobs carry a net batch. A blob begins with its group records of five elements each, then its deal records of two,
 * so a record stands where its number says; behind them come the receipts of its groups, each from an element of its own
 * on. An element is a zero byte and 31 bytes of payload; everything not written is zero.
 *
 * @module
 */
import { ELEMENT_PAYLOAD, MAX_GROUP_ELEMENTS } from './blob.ts'
import { TallyError } from './errors.ts'
import { BLOB_BYTES, BLOB_ELEMENTS } from './kzg.ts'
import { type BlobRow, MAX_NET_BLOBS } from './net-batch.ts'
import { DEAL_RECORD_BYTES, GROUP_RECORD_BYTES } from './net-records.ts'

/** Elements of a group record. */
export const GROUP_ELEMENTS = GROUP_RECORD_BYTES / ELEMENT_PAYLOAD
/** Elements of a deal record. */
export const DEAL_ELEMENTS = DEAL_RECORD_BYTES / ELEMENT_PAYLOAD

/** Where everything of a batch stands. */
export type NetPlan = {
  readonly rows: readonly BlobRow[]
  /** By group, the element of its blob at which its receipts begin. */
  readonly starts: readonly number[]
}

/** A group's place among blobs. */
export type NetContent = {
  /** Records of the groups, {@link GROUP_RECORD_BYTES} bytes each. */
  readonly groups: readonly Uint8Array[]
  /** Bytes of each group's receipts. */
  readonly receipts: readonly Uint8Array[]
  /** Records of the deals, {@link DEAL_RECORD_BYTES} bytes each. */
  readonly deals: readonly Uint8Array[]
}

/** Thrown when blobs cannot carry a batch or hold none: `net-blobs.group-size`, `.too-many`, `.size`, `.element`. */
export class NetBlobError extends TallyError {
  override readonly name = 'NetBlobError'
}

/** Elements that this many bytes take. */
export function elementsFor(bytes: number): number {
  return Math.ceil(bytes / ELEMENT_PAYLOAD)
}

/**
 * Finds a place for every record and all receipts.
 *
 * @param lengths - Bytes of each group's receipts, in order.
 * @param deals - Number of deal records.
 * @throws {@link NetBlobError} `net-blobs.group-size` or `net-blobs.too-many`.
 */
export function planNetBlobs(lengths: readonly number[], deals: number): NetPlan {
  const blobs: { groups: number[]; deals: number; room: number }[] = []
  const last = (needed: number) => {
    const blob = blobs.at(-1)
    if (blob !== undefined && blob.room >= needed) return blob
    if (blobs.length === MAX_NET_BLOBS) throw new NetBlobError('net-blobs.too-many', 'it does not fit six blobs')
    const fresh = { groups: [], deals: 0, room: BLOB_ELEMENTS }
    blobs.push(fresh)
    return fresh
  }
  lengths.forEach((length, index) => {
    const elements = elementsFor(length)
    if (elements === 0 || elements > MAX_GROUP_ELEMENTS)
      throw new NetBlobError('net-blobs.group-size', `group ${index} has ${length} bytes of receipts`)
    const blob = last(GROUP_ELEMENTS + elements)
    blob.groups.push(elements)
    blob.room -= GROUP_ELEMENTS + elements
  })
  for (let left = deals; left > 0; left -= 1) {
    const blob = last(DEAL_ELEMENTS)
    blob.deals += 1
    blob.room -= DEAL_ELEMENTS
  }
  const rows = blobs.map((blob) => ({ groups: blob.groups.length, deals: blob.deals }))
  return { rows, starts: blobs.flatMap((blob) => startsOf(blob.groups, blob.deals)) }
}

function startsOf(groups: readonly number[], deals: number): number[] {
  let next = GROUP_ELEMENTS * groups.length + DEAL_ELEMENTS * deals
  return groups.map((elements) => {
    next += elements
    return next - elements
  })
}

/**
 * Writes blobs.
 *
 * @param plan - From {@link planNetBlobs} for this content.
 */
export function writeNetBlobs({ groups, receipts, deals }: NetContent, { rows, starts }: NetPlan): Uint8Array[] {
  let [group, deal] = [0, 0]
  return rows.map((row) => {
    const blob = new Uint8Array(BLOB_BYTES)
    for (let index = 0; index < row.groups; index += 1, group += 1) {
      put(blob, GROUP_ELEMENTS * index, groups[group])
      put(blob, starts[group] ?? 0, receipts[group])
    }
    for (let index = 0; index < row.deals; index += 1, deal += 1) {
      put(blob, GROUP_ELEMENTS * row.groups + DEAL_ELEMENTS * index, deals[deal])
    }
    return blob
  })
}

function put(blob: Uint8Array, element: number, bytes: Uint8Array = new Uint8Array()): void {
  for (let at = 0; at < bytes.length; at += ELEMENT_PAYLOAD) {
    blob.set(bytes.subarray(at, at + ELEMENT_PAYLOAD), 32 * (element + at / ELEMENT_PAYLOAD) + 1)
  }
}

/**
 * Bytes that stand from an element on.
 *
 * @throws {@link NetBlobError} `net-blobs.element` when one begins with another byte than zero or there are not as many,
 * `net-blobs.size` when the blob has another size.
 */
export function readPayload(blob: Uint8Array, element: number, length: number): Uint8Array {
  if (blob.length !== BLOB_BYTES) throw new NetBlobError('net-blobs.size', `a blob has ${BLOB_BYTES} bytes`)
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += ELEMENT_PAYLOAD) {
    const from = 32 * (element + at / ELEMENT_PAYLOAD)
    if (blob[from] !== 0) throw new NetBlobError('net-blobs.element', `element ${from / 32} carries no bytes`)
    bytes.set(blob.subarray(from + 1, from + 1 + Math.min(ELEMENT_PAYLOAD, length - at)), at)
  }
  return bytes
}

/** A record's blob and the element it begins at. */
export type RecordPlace = { readonly blob: number; readonly element: number }

/** Where group record `index` stands; undefined if there is none. */
export function groupPlace(rows: readonly BlobRow[], index: number): RecordPlace | undefined {
  let before = 0
  for (const [blob, row] of rows.entries()) {
    if (index < before + row.groups) return { blob, element: GROUP_ELEMENTS * (index - before) }
    before += row.groups
  }
  return undefined
}

/** Where deal record `index` stands; undefined if there is none. */
export function dealPlace(rows: readonly BlobRow[], index: number): RecordPlace | undefined {
  let before = 0
  for (const [blob, row] of rows.entries()) {
    const first = GROUP_ELEMENTS * row.groups
    if (index < before + row.deals) return { blob, element: first + DEAL_ELEMENTS * (index - before) }
    before += row.deals
  }
  return undefined
}
