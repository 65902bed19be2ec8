/** @module */
import { payOut, prove, VAULT_HOURS, voidFrom } from '../reports.ts'
import { type RogueCast, rogueAndBuyer, unitsWorth } from '../rogue.ts'
import { HOURS_TO_MATURE, type Party } from '../scene.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'
import { fork, forkOf } from './forked-stream.ts'

/** Reports its own fault first, so that the reporter's part stays in the family. */
export const selfReporting: Strategy<RogueCast & { readonly friend: Party }> = {
  name: 'self-reporting',
  plan: 'forks a stream, is paid, and reports itself before anybody else can',
  prepare: async (scene) => {
    const cast = await rogueAndBuyer(scene)
    const friend = await scene.party('friend')
    return { ...cast, friend, adversary: { ...cast.adversary, parties: [friend] } }
  },
  play: async (scene, cast, random) => {
    const honest = unitsWorth(random, 1, 50)
    const dearer = honest + unitsWorth(random, 1, 50)
    const order = orderOf(cast.deal, 0, dearer, random)
    return async (isDetected) => {
      const { cheap, dear } = fork(scene, cast, [honest, dearer], (units) => receiptFor(order, units, random).receipt)
      const batch = await scene.settle(dear)
      // what is paid out early by waiting for the window matures; only the slash is left then
      if (!isDetected) await scene.passHours(HOURS_TO_MATURE)
      const proof = forkOf(cheap, dear)
      const facts = await prove(scene, cast.friend, proof)
      if (isDetected) await voidFrom(scene, cast.watcher, { proof, facts }, { batch, signed: dear })
      await scene.passHours(VAULT_HOURS)
      await payOut(scene, facts)
      await scene.passHours(HOURS_TO_MATURE)
    }
  },
}
