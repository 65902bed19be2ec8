/**
 * Which tasks of a deal are billed, one bit each: 4,096 tasks take 512 bytes, so a million receipts take 128 KiB and
 * duplicate detection never needs a row per receipt. Task indexes rise from 0, as a buyer's tool numbers them; a sparse
 * index costs its page.
 *
 * @module
 */

/** Tasks of one page. */
export const PAGE_TASKS = 4_096n

/** Page and bit of a task. */
export function taskPlace(index: bigint): { readonly page: bigint; readonly bit: number } {
  return { page: index / PAGE_TASKS, bit: Number(index % PAGE_TASKS) }
}

/** Whether `bit` is set. */
export function hasBit(bits: Uint8Array, bit: number): boolean {
  return ((bits[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0
}

/** A copy of `bits` with `bit` set or cleared. */
export function withBit(bits: Uint8Array | null, bit: number, value: boolean): Uint8Array {
  const copy = bits === null ? new Uint8Array(Number(PAGE_TASKS) / 8) : Uint8Array.from(bits)
  const mask = 1 << (bit & 7)
  const byte = copy[bit >> 3] ?? 0
  copy[bit >> 3] = value ? byte | mask : byte & ~mask
  return copy
}
