/**
 * See {@link Cheat}.
 *
 * @module
 */
import type { Cheat } from '../cheat.ts'
import { openDeal } from '../party.ts'
import { deliver, deliverUntilSettled, sign, work } from '../work.ts'

/** A worker signs two contents for one place in its stream. */
export const equivocation: Cheat = {
  name: 'equivocation',
  tries: 'a worker is paid for three receipts and signs others in their place',
  provable: 'at once',
  async play(world, party) {
    const deal = await openDeal(world, party)
    const honest = await Promise.all([0, 1, 2].map((task) => work(world, deal, task)))
    await deliverUntilSettled(world, deal, sign(world, deal, honest), honest)
    const other = await Promise.all([3, 4, 5].map((task) => work(world, deal, task, { units: 20n })))
    await deliver(world, sign(world, deal, other), other)
    return { deals: [deal], slashed: 'provider' }
  },
}
