/**
 * How a blob carries the receipts of its groups, see "Blobs" in docs/protocol.md.
 *
 * An element is a zero byte and 31 bytes of payload. The first ones are the table, an entry a group: where its receipts
 * begin (2 bytes, in elements) and how long they are (4 bytes). Then come the groups' receipts, each from an element of
 * its own on, without gaps. Everything else is zero, so there is one way only of writing the same groups.
 *
 * @module
 */
import { MAX_BLOBS } from './batch.ts'
import { TallyError } from './errors.ts'
import { BLOB_BYTES, BLOB_ELEMENTS } from './kzg.ts'

/** Bytes of payload of one element. */
export const ELEMENT_PAYLOAD = 31
/** Most elements the receipts of one group may take. */
export const MAX_GROUP_ELEMENTS = 256
/** Most bytes the receipts of one group may take. */
export const MAX_GROUP_BYTES = MAX_GROUP_ELEMENTS * ELEMENT_PAYLOAD

/**
 * What is wrong: `blob.size` no 131,072 bytes; `blob.group-count` not 1 to 4,095 groups; `blob.element` an element is
 * no zero byte and 31 of payload; `blob.table` an entry is not where and what it must be; `blob.padding` bytes that
 * must be zero are not; `blob.group-size` a group without or with too many bytes; `blob.too-many` more than 6 blobs.
 */
export type BlobErrorCode =
  | 'blob.size'
  | 'blob.group-count'
  | 'blob.element'
  | 'blob.table'
  | 'blob.padding'
  | 'blob.group-size'
  | 'blob.too-many'

/** Thrown when groups do not fit blobs or a blob does not read. */
export class BlobError extends TallyError {
  override readonly name = 'BlobError'
  /** Element or group in question, counted from 0. */
  readonly position: number

  constructor(code: BlobErrorCode, position: number, problem: string) {
    super(code, problem)
    this.position = position
  }
}

/** Groups' receipts as blobs. */
export type PackedBlobs = {
  readonly blobs: readonly Uint8Array[]
  /** Groups in each blob. */
  readonly groups: readonly number[]
}

/** Elements of a blob. */
export type ElementRange = {
  readonly start: number
  readonly count: number
}

/** Elements a group's receipts of `length` bytes take, without their entry in the table. */
export function elementsFor(length: number): number {
  return Math.ceil(length / ELEMENT_PAYLOAD)
}

/**
 * Packs groups' receipts in order, a blob at a time until it is full.
 *
 * @param segments - Bytes of each group's receipts.
 * @throws {@link BlobError} `blob.group-size` or `blob.too-many`, by group; `blob.group-count` when there is none.
 */
export function packBlobs(segments: readonly Uint8Array[]): PackedBlobs {
  if (segments.length === 0) throw new BlobError('blob.group-count', 0, 'there is no group')
  const shares: Uint8Array[][] = []
  let room = 0
  segments.forEach((segment, index) => {
    if (segment.length === 0 || segment.length > MAX_GROUP_BYTES)
      throw new BlobError('blob.group-size', index, `group ${index} has ${segment.length} bytes of receipts`)
    const needed = 1 + elementsFor(segment.length)
    if (needed > room) {
      if (shares.length === MAX_BLOBS)
        throw new BlobError('blob.too-many', index, `group ${index} does not fit ${MAX_BLOBS} blobs`)
      shares.push([])
      room = BLOB_ELEMENTS
    }
    shares.at(-1)?.push(segment)
    room -= needed
  })
  return { blobs: shares.map(writeBlob), groups: shares.map((share) => share.length) }
}

function writeBlob(segments: readonly Uint8Array[]): Uint8Array {
  const blob = new Uint8Array(BLOB_BYTES)
  const view = new DataView(blob.buffer)
  let start = segments.length
  segments.forEach((segment, index) => {
    view.setUint16(32 * index + 1, start)
    view.setUint32(32 * index + 3, segment.length)
    for (let at = 0; at < segment.length; at += ELEMENT_PAYLOAD) {
      blob.set(segment.subarray(at, at + ELEMENT_PAYLOAD), 32 * start + 1)
      start += 1
    }
  })
  return blob
}

/**
 * Reads a blob exactly as {@link packBlobs} writes one.
 *
 * @param groups - Groups the batch says the blob has.
 * @returns Bytes of each group's receipts.
 * @throws {@link BlobError} for every other blob, `position` being the element that is wrong.
 */
export function readBlob(blob: Uint8Array, groups: number): Uint8Array[] {
  checkShape(blob, groups)
  let start = groups
  const segments: Uint8Array[] = []
  while (segments.length < groups) {
    const index = segments.length
    const entry = entryAt(blob, index)
    if (!entryHolds(entry, start)) throw new BlobError('blob.table', index, `entry ${index} is not as it must be`)
    segments.push(bytesOf(blob, entry))
    start += elementsFor(entry.length)
  }
  checkZero(blob, 32 * start, BLOB_BYTES, start)
  return segments
}

/** What a blob holds for one group, or why it holds nothing. */
export type OpenedGroup =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly elements: ElementRange }
  /** The entry is not canonical, does not begin where the group before ends, or passes the end. */
  | { readonly kind: 'bad-entry' }
  /** Element `position` of the blob has a first byte or padding that is not zero. */
  | { readonly kind: 'bad-element'; readonly position: number }

/**
 * Reads one group as the chain judges it by openings: of the rest of the blob only the entry before counts, and of that
 * only where it says its group ends.
 *
 * @param groups - Groups of the blob.
 * @param index - Group within the blob.
 * @throws {@link BlobError} when the blob has another size or there is no such group.
 */
export function openGroup(blob: Uint8Array, groups: number, index: number): OpenedGroup {
  checkCount(blob, groups)
  if (!Number.isInteger(index) || index < 0 || index >= groups)
    throw new BlobError('blob.group-count', 0, `there is no group ${index} of ${groups}`)
  const entry = entryAt(blob, index)
  const before = index === 0 ? undefined : entryAt(blob, index - 1)
  const start = before === undefined ? groups : before.start + elementsFor(before.length)
  if (!entryHolds(entry, start)) return { kind: 'bad-entry' }
  const elements = { start, count: elementsFor(entry.length) }
  for (let at = start; at < start + elements.count; at += 1) {
    if (blob[32 * at] !== 0) return { kind: 'bad-element', position: at }
  }
  const end = 32 * start + lastByte(entry.length)
  const padding = blob.subarray(end, 32 * (start + elements.count))
  if (padding.some((byte) => byte !== 0)) return { kind: 'bad-element', position: start + elements.count - 1 }
  return { kind: 'bytes', bytes: gather(blob, entry), elements }
}

/**
 * Elements a group's receipts take in a blob.
 *
 * @param lengths - Bytes of each group's receipts, in order.
 * @throws {@link BlobError} when there is no such group.
 */
export function elementsOf(lengths: readonly number[], index: number): ElementRange {
  const length = lengths[index]
  if (length === undefined) throw new BlobError('blob.group-count', 0, `there is no group ${index}`)
  const start = lengths.slice(0, index).reduce((sum, before) => sum + elementsFor(before), lengths.length)
  return { start, count: elementsFor(length) }
}

type Entry = { readonly start: number; readonly length: number; readonly canonical: boolean }

function entryAt(blob: Uint8Array, index: number): Entry {
  const element = blob.subarray(32 * index, 32 * index + 32)
  const view = new DataView(element.buffer, element.byteOffset, 32)
  const canonical = element[0] === 0 && element.subarray(7).every((byte) => byte === 0)
  return { start: view.getUint16(1), length: view.getUint32(3), canonical }
}

function entryHolds({ start, length, canonical }: Entry, expected: number): boolean {
  return (
    canonical &&
    start === expected &&
    length > 0 &&
    length <= MAX_GROUP_BYTES &&
    start + elementsFor(length) <= BLOB_ELEMENTS
  )
}

/** Bytes from the group's first element to the end of its last payload byte. */
function lastByte(length: number): number {
  const full = elementsFor(length) - 1
  return 32 * full + 1 + (length - full * ELEMENT_PAYLOAD)
}

function bytesOf(blob: Uint8Array, entry: Entry): Uint8Array {
  const count = elementsFor(entry.length)
  checkZero(blob, 32 * entry.start + lastByte(entry.length), 32 * (entry.start + count), entry.start + count - 1)
  return gather(blob, entry)
}

function gather(blob: Uint8Array, { start, length }: Entry): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0, element = start; at < length; at += ELEMENT_PAYLOAD, element += 1) {
    const size = Math.min(ELEMENT_PAYLOAD, length - at)
    bytes.set(blob.subarray(32 * element + 1, 32 * element + 1 + size), at)
  }
  return bytes
}

function checkCount(blob: Uint8Array, groups: number): void {
  if (blob.length !== BLOB_BYTES)
    throw new BlobError('blob.size', 0, `a blob has ${BLOB_BYTES} bytes, these are ${blob.length}`)
  if (!Number.isInteger(groups) || groups < 1 || groups >= BLOB_ELEMENTS)
    throw new BlobError('blob.group-count', 0, `a blob cannot have ${groups} groups`)
}

function checkShape(blob: Uint8Array, groups: number): void {
  checkCount(blob, groups)
  for (let element = 0; element < BLOB_ELEMENTS; element += 1) {
    if (blob[32 * element] !== 0)
      throw new BlobError('blob.element', element, `element ${element} does not begin with a zero byte`)
  }
}

function checkZero(blob: Uint8Array, from: number, to: number, element: number): void {
  const at = blob.subarray(from, to).findIndex((byte) => byte !== 0)
  if (at >= 0) {
    const position = Math.max(element, Math.floor((from + at) / 32))
    throw new BlobError('blob.padding', position, `element ${position} has bytes that must be zero`)
  }
}
