/**
 * What the worker knows of the chain at one block. Replaced as a whole, so a re-organisation is just another view.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import type { DealTerms, Offer } from '#protocol/types.ts'

import type { StreamRef } from '../rows.ts'

/** One deal of the worker's provider. Money in base units of the settlement token, times on the protocol clock. */
export type DealFacts = {
  readonly id: number
  readonly key: Hex
  readonly offer: Offer
  readonly terms: DealTerms
  readonly state: number
  readonly openedAt: number
  readonly end: number
  readonly budget: bigint
  readonly remaining: bigint
  /** Units that may be paid until more are acknowledged. */
  readonly allowance: bigint
  /** Where its facts stand in code: page * 256 + row; 0 if nowhere. */
  readonly place: number
  /** Key that signs orders now; it can be changed with notice. */
  readonly orderKey: Address
}

/** What the chain has settled of one stream. */
export type StreamFacts = {
  readonly count: number
  readonly units: bigint
  readonly acknowledged: bigint
}

/** The chain at one block. */
export type ChainView = {
  readonly block: bigint
  /** Second on the protocol clock. */
  readonly clock: number
  readonly provider: number
  readonly worker: number
  /** Second from which the worker's tallies do not settle any more; 0 if never. */
  readonly revokedFrom: number
  /** Most the provider may have unmatured, and what it has. */
  readonly cover: bigint
  readonly unmatured: bigint
  readonly closingPeriod: number
  /** Deals that are Open or Closing, by key. */
  readonly deals: ReadonlyMap<Hex, DealFacts>
  /** Streams this worker serves, by {@link streamName}. */
  readonly streams: ReadonlyMap<string, StreamFacts>
  /** Base URLs of the committee's members. */
  readonly endpoints: readonly string[]
  /** The committee's epoch, and its members' keys in their order. */
  readonly committee: { readonly epoch: number; readonly signers: readonly Address[] }
}

/** Name of a stream in maps and logs. */
export function streamName(ref: StreamRef): string {
  return `${ref.dealKey}/${ref.stream}`
}

/** The part of a provider's streams one worker serves. */
export type Fleet = { readonly position: number; readonly size: number }

/** Streams of a deal that the fleet's position serves. */
export function streamsServed(streams: number, fleet: Fleet): number[] {
  return Array.from({ length: streams }, (_, stream) => stream).filter(
    (stream) => stream % fleet.size === fleet.position,
  )
}

/** Stream a task belongs to. */
export function streamOf(index: bigint, streams: number): number {
  return Number(index % BigInt(streams))
}
