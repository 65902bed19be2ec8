/**
 * What a cheat is: how it is done, who is behind it, and what is left when everything has run its course.
 *
 * @module
 */
import type { Address } from 'viem'

import type { Fault } from '#protocol/types.ts'

import type { Deal, Party } from './party.ts'
import type { World } from './world.ts'

/** A cheat to play. */
export type Cheat = {
  /** Its name in the results. */
  readonly name: string
  /** What the cheater tries, in one line. */
  readonly tries: string
  /** When it can be proven: while the deal runs, when a demand was not answered, or when the deal is over. */
  readonly provable: Stage
  /** Cheats. It ends when the cheat is done; that it is found out comes later. */
  readonly play: (world: World, party: Party) => Promise<Played>
}

/** Stages of the demo, in their order. */
export const STAGES = ['at once', 'on silence', 'at the end'] as const
export type Stage = (typeof STAGES)[number]

/** A cheat that was done. */
export type Played = {
  readonly deals: readonly Deal[]
  /** Members who took part, and what they are slashed for. */
  readonly members?: readonly Address[]
  readonly membersFault?: Fault
  /** Stake or bond that is slashed for it: by the provider, or by these members. */
  readonly slashed: 'provider' | 'members'
  /** Whether the provider is a victim and no cheater. */
  readonly isProviderHonest?: boolean
}

/** What came of a cheat; money in base units of the settlement token. */
export type Outcome = {
  readonly cheat: Cheat
  /** What its accounts have more than if they had done the work that stands and nothing else. */
  readonly cheaterProfit: bigint
  /** What the buyer has less than if it had paid for the work that stands and nothing else. */
  readonly buyerLoss: bigint
  readonly proofGas: number
  readonly before: Standing
  readonly after: Standing
}

/** What both sides have, all told. */
export type Standing = { readonly cheater: bigint; readonly buyer: bigint }
