/**
 * Reads fields one after the other from bytes that a stranger wrote; the owner of the format decides what is thrown.
 *
 * @module
 */

/** Cursor over bytes; every method reports the position of the field it could not read. */
export type Reader = {
  /** Where the next field begins. */
  readonly position: () => number
  /** Whether every byte was read. */
  readonly done: () => boolean
  /** Next integer of `length` bytes, big-endian; at most 6 of them. */
  readonly integer: (length: number) => number
  /** Next `length` bytes. */
  readonly take: (length: number) => Uint8Array
}

/**
 * A cursor that begins at `at`.
 *
 * @param fail - Throws the format's own error for a field at this position.
 */
export function createReader(
  bytes: Uint8Array,
  at: number,
  fail: (position: number, problem: string) => never,
): Reader {
  let cursor = at

  const take = (length: number): Uint8Array => {
    if (cursor + length > bytes.length) return fail(cursor, `${length} bytes are cut off`)
    const part = bytes.subarray(cursor, cursor + length)
    cursor += length
    return part
  }

  // By multiplying: JavaScript's shifts would cut off what passes 32 bits.
  const integer = (length: number): number => take(length).reduce((value, byte) => value * 256 + byte, 0)

  return { position: () => cursor, done: () => cursor >= bytes.length, integer, take }
}
