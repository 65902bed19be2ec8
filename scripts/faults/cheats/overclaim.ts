/**
 * See {@link Cheat}.
 *
 * @module
 */
import type { Cheat } from '../cheat.ts'
import { openDeal } from '../party.ts'
import { deliver, sign, work } from '../work.ts'

/** Units per hour the offer allows. */
const RATE_CAP = 3_600

/** A worker counts more units than it can have made. */
export const overclaim: Cheat = {
  name: 'overclaim',
  tries: "a worker counts ten hours' units minutes after the deal was opened",
  provable: 'at once',
  async play(world, party) {
    const deal = await openDeal(world, party, { rateCap: RATE_CAP, price: 100n })
    const made = [await work(world, deal, 0, { units: BigInt(10 * RATE_CAP) })]
    await deliver(world, sign(world, deal, made), made)
    return { deals: [deal], slashed: 'provider' }
  },
}
