/**
 * See {@link Cheat}.
 *
 * @module
 */
import type { Cheat } from '../cheat.ts'
import { openDeal } from '../party.ts'

/** A provider takes a deal and does nothing. */
export const noShow: Cheat = {
  name: 'noShow',
  tries: 'a provider takes a deal, keeps the buyer’s budget locked and never works',
  provable: 'at the end',
  async play(world, party) {
    const deal = await openDeal(world, party, { minBudget: 10_000_000n })
    return { deals: [deal], slashed: 'provider' }
  },
}
