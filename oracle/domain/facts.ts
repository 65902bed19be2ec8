/**
 * What a member knows at the moment it judges: a snapshot, so that checks are pure.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import type { Domain } from '#protocol/eip712.ts'
import type { Tally } from '#protocol/types.ts'
import type { Range, Segment } from './segment.ts'

/** Deal states on the chain. */
export const DealState = { None: 0, Open: 1, Closing: 2, Closed: 3 } as const

/** One deal as the chain has it. Money is settlement token base units, times are seconds on the protocol clock. */
export type DealFacts = {
  readonly key: Hex
  readonly buyer: Address
  readonly provider: number
  readonly price: bigint
  readonly rateCap: number
  readonly openedAt: number
  readonly end: number
  readonly budget: bigint
  readonly remaining: bigint
  /** Units that may be paid until more are acknowledged. */
  readonly allowance: bigint
  readonly streams: number
  readonly kind: number
  readonly mode: number
  readonly state: number
  /** Where its facts stand in code: page * 256 + row; 0 if nowhere. */
  readonly place: number
  readonly closedAt: number
  readonly orderKey: Address
  readonly ackKey: Address
}

/** One stream as the chain has it. */
export type StreamFacts = { readonly count: number; readonly units: bigint; readonly acknowledged: bigint }

/** One row of a workers' page; `revokedFrom` is a second on the protocol clock, 0 if never. */
export type WorkerFacts = { readonly provider: number; readonly key: Address; readonly revokedFrom: number }

/** What the chain says about one group. */
export type ChainFacts = {
  readonly deal: DealFacts
  readonly stream: StreamFacts
  readonly worker: WorkerFacts | null
  /** Settlement token base units the provider may have unmatured beyond what it has. */
  readonly room: bigint
  /** Seconds on the protocol clock. */
  readonly clock: number
  /** Seconds a deal settles beyond its end. */
  readonly closingPeriod: number
}

/** What re-executing one task gave. */
export type Execution = { readonly outputRoot: Hex; readonly plainHash: Hex; readonly units: bigint }

/** What decides whether a group can settle now. */
export type ReadyFacts = ChainFacts & {
  readonly tally: Tally
  readonly signature: Hex
  readonly domain: Domain
  /** Units of the receipts past the chain's cursor, by their bytes; all of them when the cursor lies before the first. */
  readonly suffixUnits: bigint
  /** Whether the buyer's side acknowledged exactly this tally. */
  readonly acknowledged: boolean
}

/** What decides whether a segment is taken in. */
export type SegmentFacts = ReadyFacts & {
  readonly segment: Segment
  /** Ranges of the same stream this member has accepted. */
  readonly known: readonly Range[]
  /** All ranges of the stream a worker signed and this member saw, refused ones too: a worker signs one content only. */
  readonly signed: readonly Range[]
  /** Indexes of receipts that no known range covers: what is known was judged before. */
  readonly fresh: readonly number[]
  /** Of the fresh tasks, those billed by another receipt of the deal. */
  readonly billed: ReadonlySet<bigint>
  /** Indexes of receipts whose order this member holds, judged when the buyer sent it. */
  readonly vouched: ReadonlySet<number>
  /** Data roots held by this member, of those the segment names. */
  readonly held: ReadonlySet<Hex>
  /** Unix seconds: the later of the wall clock and the chain's head. */
  readonly now: number
}
