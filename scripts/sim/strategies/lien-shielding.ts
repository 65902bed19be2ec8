/** @module */
import { forking } from '../forking.ts'
import { DOLLAR, PRICE, rogueAndBuyer, STAKE } from '../rogue.ts'

/** Stake that the shield leaves free, besides what the other deal reserves. */
const LEFT = STAKE
/** Where bonds are little, more than this nobody would lock up to spare them. */
const MOST_BUDGET = 9_500n * DOLLAR

/** Reserves all its stake for deals with itself. */
export const lienShielding = forking({
  name: 'lien shielding',
  plan: 'reserves the rest of its stake for a deal with itself, then forks the stream of the other',
  prepare: async (scene) => {
    const cast = await rogueAndBuyer(scene)
    const free = cast.stake - scene.bondFor(cast.budget) - LEFT
    const whole = scene.bondFor(MOST_BUDGET)
    const budget = whole <= free ? MOST_BUDGET : (MOST_BUDGET * free) / whole
    const sybil = await scene.buyer('sybil', budget)
    const shield = await scene.open(sybil, cast.rogue, { budget, price: PRICE })
    return { ...cast, adversary: { ...cast.adversary, parties: [sybil], deals: [shield] } }
  },
})
