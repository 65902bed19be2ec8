/** @module */
import { payOut, prove, VAULT_HOURS, voidFrom } from '../reports.ts'
import { DOLLAR, PRICE, type RogueCast, rogueAndBuyer, unitsWorth } from '../rogue.ts'
import { HOURS_TO_MATURE } from '../scene.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'
import { fork, forkOf } from './forked-stream.ts'

/** Budget whose bond is the rest of the stake. */
const SHIELD = 9_500n * DOLLAR

/** Reserves all its stake for deals with itself. */
export const lienShielding: Strategy<RogueCast> = {
  name: 'lien shielding',
  plan: 'reserves the rest of its stake for a deal with itself, then forks the stream of the other',
  prepare: async (scene) => {
    const cast = await rogueAndBuyer(scene)
    const sybil = await scene.buyer('sybil', SHIELD)
    const shield = await scene.open(sybil, cast.rogue, { budget: SHIELD, price: PRICE })
    return { ...cast, adversary: { ...cast.adversary, parties: [sybil], deals: [shield] } }
  },
  play: async (scene, cast, random) => {
    const [honest, dearer] = [unitsWorth(random, 1, 50), unitsWorth(random, 51, 100)]
    const order = orderOf(cast.deal, 0, dearer, random)
    return async (isDetected) => {
      const { cheap, dear } = fork(scene, cast, [honest, dearer], (units) => receiptFor(order, units, random).receipt)
      const batch = await scene.settle(dear)
      if (isDetected) {
        const proof = forkOf(cheap, dear)
        const facts = await prove(scene, cast.watcher, proof)
        await voidFrom(scene, cast.watcher, { proof, facts }, { batch, signed: dear })
        await scene.passHours(VAULT_HOURS)
        await payOut(scene, facts)
      }
      await scene.passHours(HOURS_TO_MATURE)
    }
  },
}
