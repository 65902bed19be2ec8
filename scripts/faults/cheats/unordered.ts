/**
 * See {@link Cheat}.
 *
 * @module
 */
import { force } from '../batches.ts'
import type { Cheat } from '../cheat.ts'
import { openDeal } from '../party.ts'
import { sign, work } from '../work.ts'

/** A provider forces work that nobody ordered. */
export const unordered: Cheat = {
  name: 'unordered',
  tries: 'a provider forces a receipt for work nobody ordered, past every member',
  provable: 'on silence',
  async play(world, party) {
    const deal = await openDeal(world, party)
    const made = [await work(world, deal, 0, { units: 1_000n, isOrdered: false })]
    await force(world, party.provider.owner, sign(world, deal, made))
    return { deals: [deal], slashed: 'provider' }
  },
}
