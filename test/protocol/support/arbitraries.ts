/**
 * Random batches and messages for property tests.
 *
 * @module
 */
import fc from 'fast-check'
import type { Address, Hex } from 'viem'

import {
  type Batch,
  type BlobBatch,
  type BlobGroup,
  type CalldataBatch,
  type Group,
  type GroupHead,
  sortGroups,
} from '#protocol/batch.ts'
import { Lane, type Receipt } from '#protocol/types.ts'

/** Hex of exactly `bytes` bytes. */
export const hex = (bytes: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => `0x${Buffer.from(value).toString('hex')}`)

export const address: fc.Arbitrary<Address> = hex(20)

/** Unsigned integers of `bits` bits, edges often. */
export const wide = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })
export const small = (bits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** bits - 1 })

export const receipt: fc.Arbitrary<Receipt> = fc.record({
  units: fc.bigInt({ min: 1n, max: (1n << 24n) - 1n }),
  workHash: hex(32),
})

const head = (lane: number): fc.Arbitrary<GroupHead> =>
  fc.boolean().chain((hasPlace) =>
    fc.record({
      dealId: fc.oneof(fc.integer({ min: 0, max: 3 }), small(32)),
      stream: fc.integer({ min: 0, max: 63 }),
      worker: fc.oneof(fc.integer({ min: 512, max: 2047 }), small(40)),
      ...(hasPlace
        ? { place: fc.oneof(fc.integer({ min: 256, max: 2000 }), fc.integer({ min: 1, max: 2 ** 32 - 1 })) }
        : {}),
      first: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 ** 24 - 5 })),
      units: wide(40),
      signature: hex(64),
      ...(lane === Lane.Acknowledged ? { acknowledgement: hex(64) } : {}),
    }),
  )

/** Rising groups of any deals. */
const groupsOf = <G extends GroupHead>(group: fc.Arbitrary<G>): fc.Arbitrary<G[]> =>
  fc
    .uniqueArray(group, { minLength: 1, maxLength: 4, selector: ({ dealId, stream }) => `${dealId}/${stream}` })
    .map((groups) => sortGroups(groups).map(withReadPlace))

/** Without the place that only the first group of a deal has on the wire. */
function withReadPlace<G extends GroupHead>(group: G, index: number, all: readonly G[]): G {
  const { place: _, ...rest } = group
  return all[index - 1]?.dealId === group.dealId ? (rest as G) : group
}

/** Calldata batches that the chain would read. */
export const calldataBatch: fc.Arbitrary<CalldataBatch> = fc.constantFrom(0, 1, 2).chain((lane) => {
  const receipts = fc.array(receipt, { minLength: 1, maxLength: 4 })
  const group = fc.tuple(head(lane), receipts).map(([one, list]): Group => ({ ...one, receipts: list }))
  return groupsOf(group).map((groups): CalldataBatch => ({ mode: 0, lane, groups }))
})

/** Blob batches that the chain would read. */
export const blobBatch: fc.Arbitrary<BlobBatch> = fc.constantFrom(0, 1).chain((lane) => {
  const said = fc.record({ length: fc.integer({ min: 1, max: 4 }), segment: hex(32) })
  const group = fc
    .tuple(head(lane), said)
    .map(([one, { length, ...rest }]): BlobGroup => ({ ...one, count: one.first + length, ...rest }))
  return fc.tuple(groupsOf(group), fc.integer({ min: 0, max: 3 })).map(([groups, cut]): BlobBatch => {
    const sizes = cut > 0 && cut < groups.length ? [cut, groups.length - cut] : [groups.length]
    return { mode: 1, lane, blobs: sizes.map((size) => ({ groups: size })), groups }
  })
})

/** Batches that the chain would read. */
export const batch: fc.Arbitrary<Batch> = fc.oneof(calldataBatch, blobBatch)
