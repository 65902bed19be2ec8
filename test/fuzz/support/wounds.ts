/**
 * Batches that went wrong: each wound makes one kind of mistake in the fields of a valid one. What comes of it the
 * decoders say, and they must say the same.
 *
 * @module
 */
import { bigEndian, bytesOf, INTEGERS, type Integer, MAX_STREAM, MAX_UNITS, type Piece } from './batch-pieces.ts'
import type { Random } from './random.ts'

/** Bytes of a batch with something wrong in it. */
export type Wound = (random: Random, pieces: readonly Piece[]) => Uint8Array

/** The batch with other bytes in one of its `field`s; as it is where it has none. */
function changed(
  random: Random,
  pieces: readonly Piece[],
  field: Integer,
  change: (value: number) => number,
): Uint8Array {
  const places = pieces.flatMap((piece, at) => (piece.field === field ? [at] : []))
  const chosen = places[random.below(Math.max(1, places.length))]
  return bytesOf(
    pieces.map((piece, at) => {
      if (at !== chosen) return piece
      const value = piece.bytes.reduce((sum, byte) => sum * 256 + byte, 0)
      return { field, bytes: bigEndian(change(value), INTEGERS[field]) }
    }),
  )
}

const to =
  (field: Integer, value: (random: Random) => number): Wound =>
  (random, pieces) =>
    changed(random, pieces, field, () => value(random))

/** Bytes with a slice of them taken out and others put in its place. */
function spliced(bytes: Uint8Array, at: number, gone: number, put: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + gone)])
}

/** What stands in front decides most, so half of the choices fall there. */
function placeIn(random: Random, bytes: Uint8Array): number {
  return random.below(random.chance(50) ? Math.min(30, bytes.length) : bytes.length)
}

/** Mistakes in one field, by name. */
const FIELD_WOUNDS: Readonly<Record<string, Wound>> = {
  'zero units': to('units', () => 0),
  'units at their limit': to('units', (random) => MAX_UNITS - random.below(2)),
  'no receipts': to('length', () => 0),
  'extreme length': to('length', (random) => 2 ** 16 - 1 - random.below(3)),
  'one receipt more or less': (random, pieces) =>
    changed(random, pieces, 'length', (length) => length + random.pick([-1, 1])),
  'count over its limit': to('first', (random) => 2 ** 24 - 1 - random.below(2)),
  'stream over its limit': to('stream', (random) => MAX_STREAM + random.below(3)),
  'stream of all bits': to('stream', () => 2 ** 40 - 1),
  'stream that does not rise': to('stream', (random) => random.below(3)),
  'another place': to('place', (random) => random.number(2 ** 32 - 1)),
  'another worker': to('worker', (random) => random.number(2 ** 40 - 1)),
  'another total': to('total', (random) => random.number(2 ** 40 - 1)),
  'another mode': to('mode', (random) => random.pick([0, 1, 2, 3, 255])),
  'another lane': to('lane', (random) => random.pick([0, 1, 2, 3, 255])),
  'another number of blobs': to('blobs', (random) => random.pick([0, 1, 2, 6, 7, 255])),
  'another number of groups': to('groups', (random) => random.pick([0, 1, 2, 3, 300, 65_535])),
}

/** Mistakes in the bytes, by name. */
const BYTE_WOUNDS: Readonly<Record<string, Wound>> = {
  truncated: (random, pieces) => {
    const bytes = bytesOf(pieces)
    return bytes.subarray(0, placeIn(random, bytes))
  },
  'cut at a field': (random, pieces) => bytesOf(pieces.slice(0, random.below(pieces.length))),
  'trailing bytes': (random, pieces) => Buffer.concat([bytesOf(pieces), random.bytes(1 + random.below(120))]),
  'trailing zeros': (random, pieces) => Buffer.concat([bytesOf(pieces), new Uint8Array(1 + random.below(200))]),
  'trailing copy': (random, pieces) => {
    const bytes = bytesOf(pieces)
    return Buffer.concat([bytes, bytes.subarray(placeIn(random, bytes))])
  },
  'a field twice': (random, pieces) => {
    const at = random.below(pieces.length)
    return bytesOf([...pieces.slice(0, at + 1), ...pieces.slice(at)])
  },
  'a field left out': (random, pieces) => {
    const gone = random.below(pieces.length)
    return bytesOf(pieces.filter((_, at) => at !== gone))
  },
  'a blob without groups': (random, pieces) => {
    const at = pieces.findIndex(({ field }) => field === 'blobs')
    if (at < 0) return bytesOf(pieces)
    const blobs = pieces[at]?.bytes[0] ?? 0
    const empty = at + 1 + random.below(blobs + 1)
    const more: Piece = { field: 'blobs', bytes: Uint8Array.of(blobs + 1) }
    const none: Piece = { field: 'groups', bytes: new Uint8Array(2) }
    return bytesOf([...pieces.slice(0, at), more, ...pieces.slice(at + 1, empty), none, ...pieces.slice(empty)])
  },
  'a byte changed': (random, pieces) => {
    const bytes = bytesOf(pieces)
    return spliced(bytes, placeIn(random, bytes), 1, random.bytes(1))
  },
  'a bit flipped': (random, pieces) => {
    const bytes = Uint8Array.from(bytesOf(pieces))
    const at = placeIn(random, bytes)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    return bytes
  },
  'bytes put in': (random, pieces) => {
    const bytes = bytesOf(pieces)
    return spliced(bytes, placeIn(random, bytes), 0, random.bytes(1 + random.below(3)))
  },
  'bytes taken out': (random, pieces) => {
    const bytes = bytesOf(pieces)
    return spliced(bytes, placeIn(random, bytes), 1 + random.below(3), new Uint8Array())
  },
  noise: (random, pieces) => Buffer.concat([bytesOf(pieces).subarray(0, 2), random.bytes(random.below(300))]),
  'noise of ones': (random, pieces) =>
    Buffer.concat([bytesOf(pieces).subarray(0, 2), new Uint8Array(random.below(300)).fill(0xff)]),
}

/** Every way a batch is hurt here, by name. */
export const WOUNDS: Readonly<Record<string, Wound>> = { ...FIELD_WOUNDS, ...BYTE_WOUNDS }
