/** @module */
import { payOut, prove, VAULT_HOURS, voidFrom } from '../reports.ts'
import { DOLLAR, PRICE, type RogueCast, STAKE, unitsWorth } from '../rogue.ts'
import { HOURS_TO_MATURE } from '../scene.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'
import { fork, forkOf } from './forked-stream.ts'

/** Buyer, provider and reporter are one, and hope for restitution and the reporter's part. */
export const oneHand: Strategy<RogueCast> = {
  name: 'one hand',
  plan: 'is buyer, provider and reporter at once: pays itself, forks the stream and reports it',
  prepare: async (scene) => {
    const rogue = await scene.provider('rogue', 1_000n * STAKE)
    const [buyer, watcher] = [await scene.buyer('buyer', 1_000n * DOLLAR), await scene.party('watcher')]
    const deal = await scene.open(buyer, rogue, { budget: 500n * DOLLAR, price: PRICE })
    return {
      ...{ rogue, buyer, watcher, deal },
      adversary: { parties: [buyer, watcher], providers: [rogue], deals: [deal], members: [] },
      victims: { parties: [], providers: [], deals: [], members: [] },
    }
  },
  play: async (scene, cast, random) => {
    const [less, more] = [unitsWorth(random, 1, 50), unitsWorth(random, 51, 100)]
    const order = orderOf(cast.deal, 0, more, random)
    return async () => {
      const { cheap, dear } = fork(scene, cast, [less, more], (units) => receiptFor(order, units, random).receipt)
      const batch = await scene.settle(dear)
      const proof = forkOf(cheap, dear)
      const facts = await prove(scene, cast.watcher, proof)
      await voidFrom(scene, cast.watcher, { proof, facts }, { batch, signed: dear })
      await scene.passHours(VAULT_HOURS)
      await payOut(scene, facts)
      await scene.passHours(HOURS_TO_MATURE)
    }
  },
}
