/**
 * Finds deals that ran to their end with less work than their offers promised.
 *
 * @module
 */
import { encodeFunctionData } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Fault } from '#protocol/types.ts'

import { dealFinding, type Finding, type WatchedDeal } from './facts.ts'

const HOUR = 3_600n

/** How a deal ended. */
export type DealEnd = {
  /** Units settled of all its streams. */
  readonly units: bigint
  readonly budget: bigint
  /** Whether its buyer stopped it, a fault did, or its provider asked for work in vain. */
  readonly isExcused: boolean
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/**
 * Whether a deal that is over settled less than the offer's smallest budget or, if that is less, than the cap allowed.
 *
 * @param clock - Second on the protocol clock.
 * @param closingPeriod - Seconds tallies still settle after the end.
 */
export function findNoShow(deal: WatchedDeal, end: DealEnd, clock: number, closingPeriod: number): Finding | null {
  if (end.isExcused || clock < deal.end + closingPeriod) return null
  const { offer, nonce } = deal
  const possible = (BigInt(offer.rateCap) * BigInt(deal.end - deal.openedAt)) / HOUR
  const wanted = smaller(offer.minBudget, possible * BigInt(deal.streams) * offer.price)
  if (smaller(end.units * offer.price, end.budget) >= wanted) return null
  const args = [deal.id, offer, nonce] as const
  return dealFinding(deal, Fault.NoShow, encodeFunctionData({ abi: settlementAbi, functionName: 'proveNoShow', args }))
}
