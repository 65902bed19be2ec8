/**
 * Batches as lists of fields, written from the words of docs/protocol.md alone: what the decoders are held against
 * shares no code with them.
 *
 * @module
 */
import type { Random } from './random.ts'

/** Fields that are big-endian integers, and their bytes; `total` are a stream's units after a group. */
export const INTEGERS = {
  ...{ mode: 1, lane: 1, blobs: 1, groups: 2 },
  ...{ stream: 5, place: 4, worker: 5, first: 3, length: 2, total: 5, units: 3 },
} as const
export type Integer = keyof typeof INTEGERS

/** A field of a batch. */
export type Field = Integer | 'segment' | 'signature' | 'acknowledgement' | 'workHash'

/** Bytes of one field. */
export type Piece = { readonly field: Field; readonly bytes: Uint8Array }

/** Highest units of a receipt. */
export const MAX_UNITS = 2 ** 24 - 1
/** Highest number of a stream. */
export const MAX_STREAM = 2 ** 38 - 1
const MAX_COUNT = 2 ** 24 - 1
const MAX_RECEIPTS = 2 ** 16 - 1

/** Digits in base 256, highest first. */
export function bigEndian(value: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => Math.floor(value / 256 ** (length - 1 - at)) % 256)
}

const integer = (field: Integer, value: number): Piece => ({ field, bytes: bigEndian(value, INTEGERS[field]) })

/** How large a batch is, and where its numbers lie. */
export type Shape = {
  readonly mode: number
  readonly lane: number
  readonly groups: number
  /** Most receipts of one group. */
  readonly receipts: number
  /** Whether every group is of the first one's deal, as far as its 64 streams go. */
  readonly isOneDeal?: boolean
  /** Whether numbers are drawn from their whole range, or are small. */
  readonly isWide: boolean
}

/** Fields of a batch that every decoder must take. */
export function validPieces(random: Random, shape: Shape): Piece[] {
  const { mode, lane } = shape
  const pieces = [integer('mode', mode), integer('lane', lane)]
  if (mode === 1) pieces.push(...blobPieces(random, shape.groups))
  let lowest = 0
  for (let left = shape.groups; left > 0; left -= 1) {
    const stream = streamOf(random, shape, lowest, left)
    lowest = stream + 1
    pieces.push(integer('stream', stream), ...bodyPieces(random, shape))
  }
  return pieces
}

/** How many groups each blob holds: one at least, and all of them together. */
function blobPieces(random: Random, groups: number): Piece[] {
  const blobs = 1 + random.below(Math.min(6, groups))
  const counts = Array.from({ length: blobs }, () => 1)
  for (let left = groups - blobs; left > 0; left -= 1) {
    const blob = random.below(blobs)
    counts[blob] = (counts[blob] ?? 0) + 1
  }
  return [integer('blobs', blobs), ...counts.map((count) => integer('groups', count))]
}

/** A stream number that leaves one to each of the `left` groups. */
function streamOf(random: Random, shape: Shape, lowest: number, left: number): number {
  const room = MAX_STREAM + 1 - lowest - left
  if (shape.isOneDeal && lowest > 0) return lowest
  if (shape.isOneDeal) return Math.min(room, 64 * random.number(2 ** 32 - 1))
  if (random.chance(40)) return lowest
  return lowest + Math.min(room, shape.isWide ? random.number(MAX_STREAM) : random.below(200))
}

function bodyPieces(random: Random, { mode, lane, receipts, isWide }: Shape): Piece[] {
  const limit = (value: number): number => (isWide ? value : 300)
  const count = mode === 1 ? 1 + random.number(limit(MAX_RECEIPTS) - 1) : 1 + random.below(receipts)
  const room = MAX_COUNT - count
  const first = isWide && random.chance(20) ? room : random.number(Math.min(room, limit(room)))
  const pieces = [
    integer('place', random.chance(40) ? 0 : random.number(2 ** 32 - 1)),
    integer('worker', isWide ? random.number(2 ** 40 - 1) : 512 + random.below(300)),
    integer('first', first),
    integer('length', count),
    integer('total', random.number(2 ** 40 - 1)),
  ]
  if (mode === 1) pieces.push({ field: 'segment', bytes: random.bytes(32) })
  pieces.push({ field: 'signature', bytes: random.bytes(64) })
  if (lane === 0) pieces.push({ field: 'acknowledgement', bytes: random.bytes(64) })
  return mode === 1 ? pieces : pieces.concat(receiptPieces(random, count, limit(MAX_UNITS)))
}

function receiptPieces(random: Random, count: number, maxUnits: number): Piece[] {
  return Array.from({ length: count }, (): Piece[] => [
    integer('units', 1 + random.number(maxUnits - 1)),
    { field: 'workHash', bytes: random.bytes(32) },
  ]).flat()
}

/** The fields one after the other. */
export function bytesOf(pieces: readonly Piece[]): Buffer {
  return Buffer.concat(pieces.map(({ bytes }) => bytes))
}
