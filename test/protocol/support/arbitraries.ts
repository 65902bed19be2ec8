/**
 * Random batches and messages for property tests.
 *
 * @module
 */
import fc from 'fast-check'
import type { Address, Hex } from 'viem'

import { type Batch, type Group, sortGroups } from '#protocol/batch.ts'
import { Lane, type Receipt } from '#protocol/types.ts'

/** Hex of exactly `bytes` bytes. */
export const hex = (bytes: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => `0x${Buffer.from(value).toString('hex')}`)

export const address: fc.Arbitrary<Address> = hex(20)

/** Unsigned integers of `bits` bits, edges often. */
export const wide = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })
export const small = (bits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** bits - 1 })

export const receipt: fc.Arbitrary<Receipt> = fc.record({
  units: fc.bigInt({ min: 1n, max: (1n << 48n) - 1n }),
  workHash: hex(32),
})

const group = (lane: number): fc.Arbitrary<Group> =>
  fc.record({
    dealId: fc.oneof(fc.integer({ min: 0, max: 3 }), small(32)),
    stream: fc.integer({ min: 0, max: 63 }),
    worker: small(32),
    first: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 ** 32 - 5 })),
    signature: hex(64),
    ...(lane === Lane.Acknowledged ? { acknowledgement: hex(64) } : {}),
    receipts: fc.array(receipt, { minLength: 1, maxLength: 4 }),
  })

/** Batches that the chain would read. */
export const batch: fc.Arbitrary<Batch> = fc.constantFrom(0, 1, 2).chain((lane) =>
  fc
    .uniqueArray(group(lane), {
      minLength: 1,
      maxLength: 4,
      selector: ({ dealId, stream }) => `${dealId}/${stream}`,
    })
    .map((groups): Batch => ({ mode: 0, lane, groups: sortGroups(groups) })),
)
