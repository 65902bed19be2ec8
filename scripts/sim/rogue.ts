/**
 * The usual start: a provider that will cheat, a buyer it has a deal with, and a watcher.
 *
 * @module
 */
import type { Random } from '../bench/random.ts'
import type { DealChoice, Party, Provider, Scene, SimDeal } from './scene.ts'
import type { Cast } from './strategy.ts'
import type { Hand } from './wealth.ts'

/** The usual cast. */
export type RogueCast = Cast & {
  readonly rogue: Provider
  readonly buyer: Party
  readonly watcher: Party
  readonly deal: SimDeal
  /** Stake token base units that the rogue joined with. */
  readonly stake: bigint
  /** The deal's, settlement token base units. */
  readonly budget: bigint
}

/** Where nobody is meant. */
export const NOBODY: Hand = { parties: [], providers: [], deals: [], members: [] }

/** Settlement token base units a dollar has. */
export const DOLLAR = 1_000_000n
/** Stake token base units a token has, which is worth a dollar. */
export const STAKE = 10n ** 18n
/** Settlement token base units a unit costs in the simulation. */
export const PRICE = 1_000n

/** A rogue with stake for its deal's bond and the whole budget, whose victim is the buyer. */
export async function rogueAndBuyer(
  scene: Scene,
  choice: Partial<DealChoice> & { readonly stake?: bigint } = {},
): Promise<RogueCast> {
  const { stake = 1_000n * STAKE, budget = 500n * DOLLAR } = choice
  const rogue = await scene.provider('rogue', stake)
  const buyer = await scene.buyer('buyer', 1_000n * DOLLAR)
  const watcher = await scene.party('watcher')
  const deal = await scene.open(buyer, rogue, { price: PRICE, streams: 4, ...choice, budget })
  return {
    ...{ rogue, buyer, watcher, deal, stake, budget },
    adversary: { parties: [], providers: [rogue], deals: [], members: [] },
    victims: { parties: [buyer], providers: [], deals: [deal], members: [] },
  }
}

/** Units worth between `low` and `high` dollars. */
export function unitsWorth(random: Random, low: number, high: number): bigint {
  const dollars = low + (high - low) * random.next()
  return (BigInt(Math.round(dollars * Number(DOLLAR))) + PRICE - 1n) / PRICE
}
