/**
 * What a worker keeps of its work: orders taken, receipts made, tallies signed.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { Order, Receipt, Tally } from '#protocol/types.ts'

/** One stream of one deal. */
export type StreamRef = { readonly dealKey: Hex; readonly stream: number }

/** An order with the order key's signature. */
export type SignedOrder = Order & { readonly signature: Hex }

/** What running one order gave. */
export type Outcome = {
  readonly units: bigint
  readonly workHash: Hex
  /** Data root of the output as delivered. */
  readonly outputRoot: Hex
  /** keccak256 of the plain output; of provable work its root and the last state's hash. */
  readonly plainHash: Hex
  /** The 201 bytes of the state that provable work ended with; null for work of other kinds. */
  readonly finalState: Hex | null
  /** Unix seconds. */
  readonly startedAt: bigint
  readonly endedAt: bigint
}

/** One receipt at its place in its stream. */
export type StoredReceipt = Receipt &
  Outcome & {
    /** Receipts of the stream before it. */
    readonly position: number
    /** Units of the stream up to and with it. */
    readonly totalUnits: bigint
    readonly order: SignedOrder
  }

/** A tally with its worker's signature. */
export type SignedTally = Tally & { readonly hash: Hex; readonly signature: Hex }

/** A member's promise that a batch with a tally settles by `before`, a second on the protocol clock. */
export type KeptPromise = StreamRef & {
  readonly id: number
  /** The tally's place in its stream. */
  readonly first: number
  readonly count: number
  readonly epoch: number
  /** Index of the member in that epoch. */
  readonly member: number
  readonly before: number
  readonly signature: Hex
}

/** Where a stream stands: receipts made and their units. */
export type StreamHead = { readonly count: number; readonly units: bigint }
