/**
 * Canonical LEB128: seven bits a byte, lowest first, no redundant zero byte at the end.
 *
 * @module
 */
import { TallyError } from './errors.ts'

/** Thrown when bytes are no canonical varint of the width asked for; `code` is `varint.malformed`. */
export class VarintError extends TallyError {
  override readonly name = 'VarintError'
  /** Where the varint begins. */
  readonly position: number

  constructor(position: number, problem: string) {
    super('varint.malformed', `varint at ${position} ${problem}`)
    this.position = position
  }
}

/**
 * Bytes of a non-negative integer.
 *
 * @throws {@link VarintError} when the value is negative or no safe integer.
 */
export function encodeVarint(value: bigint | number): Uint8Array {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new VarintError(0, 'is not a safe integer')
  let rest = BigInt(value)
  if (rest < 0n) throw new VarintError(0, 'is negative')
  const bytes: number[] = []
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

/**
 * The varint that begins at `at`.
 *
 * @param maxBits - The value must be below 2^maxBits.
 * @returns Its value and the position after it.
 * @throws {@link VarintError} when it is truncated, too wide or ends in a redundant zero byte.
 */
export function decodeVarint(bytes: Uint8Array, at: number, maxBits: number): { value: bigint; next: number } {
  let value = 0n
  let next = at
  for (let shift = 0; shift < maxBits; shift += 7) {
    const byte = bytes[next]
    if (byte === undefined) throw new VarintError(at, 'is cut off')
    next += 1
    value |= BigInt(byte & 0x7f) << BigInt(shift)
    if (byte >= 0x80) continue
    if (byte === 0 && shift > 0) throw new VarintError(at, 'ends in a redundant zero byte')
    if (value >> BigInt(maxBits) !== 0n) break
    return { value, next }
  }
  throw new VarintError(at, `does not fit ${maxBits} bits`)
}
