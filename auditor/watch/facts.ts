/**
 * What a watcher knows: deals, signed tallies, receipts with what they were made of, promises. Plain values, so that
 * finding faults in them is pure.
 *
 * Money is in base units of the settlement token, times are seconds on the protocol clock unless said otherwise.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { evidenceHash, faultSubject, type SignedReceipt } from '#protocol/evidence.ts'
import type { FaultProof, Shown } from '#protocol/faults.ts'
import type { Fault, Offer, Tally } from '#protocol/types.ts'
import type { SignedPromise } from '#protocol/wire.ts'

/** A deal as its opening told. */
export type WatchedDeal = {
  readonly id: number
  readonly key: Hex
  readonly buyer: Address
  readonly provider: number
  readonly offer: Offer
  /** The buyer's nonce it was opened with. */
  readonly nonce: bigint
  readonly streams: number
  readonly openedAt: number
  readonly end: number
}

/** A tally a worker signed, wherever it was seen; with receipts where their bytes were. */
export type SeenTally = Shown & {
  readonly dealId: number
  /** Struct hash of the tally. */
  readonly hash: Hex
}

/** A receipt with its order. */
export type SeenReceipt = SignedReceipt & {
  readonly order: { readonly index: bigint; readonly inputRoot: Hex; readonly maxUnits: bigint }
}

/** A member's promise about a tally. */
export type SeenPromise = { readonly dealId: number; readonly tally: Tally; readonly promise: SignedPromise }

/** A fault that one transaction proves. */
export type Finding = {
  readonly fault: Fault
  /** Who judges it. */
  readonly court: 'settlement' | 'oversight'
  readonly dealId: number
  readonly stream: number
  /** Subject of the case it makes. */
  readonly subject: Hex
  /** What is committed to before. */
  readonly evidence: Hex
  /** Call that proves it. */
  readonly data: Hex
}

/** The finding that a proof is. */
export function findingOf(dealId: number, { fault, stream, subject, evidence, call }: FaultProof): Finding {
  const encoded = { abi: settlementAbi, ...call } as Parameters<typeof encodeFunctionData>[0]
  return { fault, court: 'settlement', dealId, stream, subject, evidence, data: encodeFunctionData(encoded) }
}

/** A finding about a whole deal, with nothing to void. */
export function dealFinding(deal: Pick<WatchedDeal, 'id' | 'key'>, fault: Fault, data: Hex): Finding {
  const subject = faultSubject(deal.key, 0, fault)
  return { fault, court: 'settlement', dealId: deal.id, stream: 0, subject, evidence: evidenceHash(0, deal.key), data }
}
