/** @module */
import { duplicateOf } from '#protocol/faults.ts'

import { convict } from '../reports.ts'
import { type RogueCast, rogueAndBuyer, unitsWorth } from '../rogue.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor, shownReceipt } from '../tasks.ts'

/** Bills one task in two streams. */
export const doubleBilling: Strategy<RogueCast> = {
  name: 'double billing',
  plan: 'bills a task it did a second time, in another stream of the deal',
  prepare: rogueAndBuyer,
  play: async (scene, { deal, watcher }, random) => {
    const units = unitsWorth(random, 1, 100)
    const order = orderOf(deal, 0, units, random)
    const [once, again] = [receiptFor(order, units, random), receiptFor(order, units, random)]
    const [honest, copied] = [scene.sign(deal, 0, 0, 0n, [once.receipt]), scene.sign(deal, 1, 0, 0n, [again.receipt])]
    await scene.settle(honest)
    await scene.passHours(scene.hoursToMature)
    return async (isDetected) => {
      const batch = await scene.settle(copied)
      const proof = duplicateOf(shownReceipt(honest, 0, once.work), shownReceipt(copied, 0, again.work))
      if (proof === null) throw new Error('the copy shows nothing')
      if (isDetected) await convict(scene, watcher, proof, { batch, signed: copied })
      await scene.passHours(scene.hoursToMature)
    }
  },
}
