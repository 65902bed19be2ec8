/**
 * See {@link Cheat}.
 *
 * @module
 */
import type { Cheat } from '../cheat.ts'
import { openDeal } from '../party.ts'
import { deliver, deliverUntilSettled, sign, work } from '../work.ts'

/** A worker bills one task twice. */
export const duplicateTask: Cheat = {
  name: 'duplicateTask',
  tries: 'a worker bills a task again with another result',
  provable: 'at once',
  async play(world, party) {
    const deal = await openDeal(world, party)
    const honest = await Promise.all([0, 1].map((task) => work(world, deal, task)))
    await deliverUntilSettled(world, deal, sign(world, deal, honest), honest)
    const again = [await work(world, deal, 1, { result: 'the same task once more' })]
    await deliver(world, sign(world, deal, again, { first: 2, before: 20n }), again)
    return { deals: [deal], slashed: 'provider' }
  },
}
