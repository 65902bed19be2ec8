/**
 * Writes the primitive values of WebAssembly's binary format into a growing buffer.
 *
 * @module
 */

/** Bytes being written. */
export type ByteWriter = {
  length(): number
  byte(...values: number[]): void
  bytes(values: Uint8Array): void
  /** Unsigned LEB128. */
  u32(value: number): void
  /** Signed LEB128 of an integer below 2³¹. */
  s32(value: number): void
  /** Four bytes of signed LEB128, to be filled by {@link ByteWriter.patch}; returns where they are. */
  reserve(): number
  /** Fills what was reserved with a value below 2²⁷. */
  patch(at: number, value: number): void
  /** Length-prefixed bytes. */
  vector(values: Uint8Array): void
  /** What was written so far. */
  finish(): Uint8Array
}

/** Creates an empty writer. */
export function createByteWriter(): ByteWriter {
  let buffer = new Uint8Array(256)
  let length = 0

  function ensure(more: number): void {
    if (length + more <= buffer.length) return
    const larger = new Uint8Array(Math.max(buffer.length * 2, length + more))
    larger.set(buffer.subarray(0, length))
    buffer = larger
  }

  function push(value: number): void {
    ensure(1)
    buffer[length] = value
    length += 1
  }

  const writer: ByteWriter = {
    length: () => length,
    byte(...values) {
      for (const value of values) push(value)
    },
    bytes(values) {
      ensure(values.length)
      buffer.set(values, length)
      length += values.length
    },
    u32(value) {
      let rest = value
      while (rest >= 0x80) {
        push((rest % 0x80) + 0x80)
        rest = Math.floor(rest / 0x80)
      }
      push(rest)
    },
    s32(value) {
      let rest = value
      while (rest < -0x40 || rest >= 0x40) {
        push((rest & 0x7f) | 0x80)
        rest >>= 7
      }
      push(rest & 0x7f)
    },
    reserve() {
      const at = length
      writer.byte(0x80, 0x80, 0x80, 0)
      return at
    },
    patch(at, value) {
      for (let index = 0; index < 4; index += 1) {
        buffer[at + index] = ((value >>> (7 * index)) & 0x7f) | (index < 3 ? 0x80 : 0)
      }
    },
    vector(values) {
      writer.u32(values.length)
      writer.bytes(values)
    },
    finish: () => buffer.slice(0, length),
  }
  return writer
}
