/**
 * Finds deals that ran to their end with less work than their offers promised.
 *
 * @module
 */
import { encodeFunctionData } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { proofOf } from '#protocol/net-state.ts'
import { cellsOf, type NetTree } from '#protocol/net-tree.ts'
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
  if (!isNoShow(deal, end, clock, closingPeriod)) return null
  const args = [deal.id, deal.offer, deal.nonce] as const
  return dealFinding(deal, Fault.NoShow, encodeFunctionData({ abi: settlementAbi, functionName: 'proveNoShow', args }))
}

/**
 * The same of a netted deal, whose units stand under the net root.
 *
 * @param tree - Where netted deals stand now: under another root the proof is none.
 */
export function findNetNoShow(
  deal: WatchedDeal,
  { tree, ...end }: Omit<DealEnd, 'units'> & { readonly tree: NetTree },
  clock: number,
  closingPeriod: number,
): Finding | null {
  const cells = cellsOf(tree.leafAt(deal.id), deal.key, deal.streams)
  const units = cells.reduce((sum, cell) => sum + cell.units, 0n)
  if (!isNoShow(deal, { ...end, units }, clock, closingPeriod)) return null
  const { leaf, path } = proofOf({ tree }, deal.id)
  const args = [deal.id, deal.offer, deal.nonce, leaf, path] as const
  const data = encodeFunctionData({ abi: settlementAbi, functionName: 'proveNetNoShow', args })
  return dealFinding(deal, Fault.NoShow, data)
}

function isNoShow(deal: WatchedDeal, end: DealEnd, clock: number, closingPeriod: number): boolean {
  if (end.isExcused || clock < deal.end + closingPeriod) return false
  const { offer } = deal
  const possible = (BigInt(offer.rateCap) * BigInt(deal.end - deal.openedAt)) / HOUR
  const wanted = smaller(offer.minBudget, possible * BigInt(deal.streams) * offer.price)
  return smaller(end.units * offer.price, end.budget) < wanted
}
