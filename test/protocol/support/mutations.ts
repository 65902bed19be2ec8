/**
 * Wounds to a batch's bytes, as transport, bugs and strangers make them.
 *
 * @module
 */
import fc from 'fast-check'

/** One wound; `at` and `byte` are folded into range. */
export type Mutation = { kind: 'flip' | 'set' | 'insert' | 'delete' | 'cut' | 'repeat'; at: number; byte: number }

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('flip', 'set', 'insert', 'delete', 'cut', 'repeat'),
  at: fc.oneof(fc.nat(16), fc.nat(2000)),
  byte: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
})

/** The bytes after all mutations; nothing more can happen to no bytes. */
export function woundedBy(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  return mutations.reduce((left, one) => (left.length === 0 ? left : wounded(left, one)), bytes)
}

function wounded(bytes: Uint8Array, { kind, at, byte }: Mutation): Uint8Array {
  const place = at % bytes.length
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)]
  const here = bytes[place] ?? 0
  switch (kind) {
    case 'flip':
      return Uint8Array.from([...before, here ^ (1 << (byte % 8)), ...after.subarray(1)])
    case 'set':
      return Uint8Array.from([...before, byte, ...after.subarray(1)])
    case 'insert':
      return Uint8Array.from([...before, byte, ...after])
    case 'delete':
      return Uint8Array.from([...before, ...after.subarray(1)])
    case 'cut':
      return Uint8Array.from(before)
    case 'repeat':
      return Uint8Array.from([...bytes, ...after])
  }
}
