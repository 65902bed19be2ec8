/**
 * Reads the primitive values of WebAssembly's binary format, never past the end.
 *
 * @module
 */
import { ProgramError } from './module-limits.ts'

/** A position in bytes that only moves forward. */
export type ByteReader = {
  readonly bytes: Uint8Array
  /** Where the next value starts. */
  position(): number
  atEnd(): boolean
  byte(): number
  /** Unsigned LEB128 below 2³². */
  u32(): number
  /** Passes a signed LEB128 of at most `bits` bits without reading its value. */
  skipSigned(bits: 32 | 33 | 64): void
  /** Signed LEB128 of at most 33 bits. */
  s33(): number
  /** The next `length` bytes, as a view. */
  take(length: number): Uint8Array
}

/** Creates a reader of `bytes`; everything it throws is a {@link ProgramError}. */
export function createByteReader(bytes: Uint8Array): ByteReader {
  let at = 0

  function byte(): number {
    const value = bytes[at]
    if (value === undefined) throw new ProgramError('the module ends too early')
    at += 1
    return value
  }

  function s33(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const next = byte()
      value += (next & 0x7f) * 2 ** shift
      if (next < 0x80) return (next & 0x40) === 0 ? value : value - 2 ** (shift + 7)
    }
    throw new ProgramError('a number is too long')
  }

  return {
    bytes,
    position: () => at,
    atEnd: () => at === bytes.length,
    byte,
    s33,
    u32() {
      let value = 0
      for (let shift = 0; shift < 35; shift += 7) {
        const next = byte()
        value += (next & 0x7f) * 2 ** shift
        if (next >= 0x80) continue
        if (value > 0xffff_ffff) break
        return value
      }
      throw new ProgramError('a number is too large')
    },
    skipSigned(bits) {
      for (let left = Math.ceil(bits / 7); left > 0; left -= 1) {
        if (byte() < 0x80) return
      }
      throw new ProgramError('a number is too long')
    },
    take(length) {
      if (length > bytes.length - at) throw new ProgramError('the module ends too early')
      at += length
      return bytes.subarray(at - length, at)
    },
  }
}
