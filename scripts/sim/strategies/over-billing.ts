/** @module */
import { overMaximumOf } from '#protocol/faults.ts'

import { convict } from '../reports.ts'
import { type RogueCast, rogueAndBuyer, unitsWorth } from '../rogue.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor, shownReceipt } from '../tasks.ts'

/** Bills more units than the order allows. */
export const overBilling: Strategy<RogueCast> = {
  name: 'over-billing',
  plan: 'bills more units for a task than its order allows',
  prepare: rogueAndBuyer,
  play: async (scene, { deal, watcher }, random) => {
    const units = unitsWorth(random, 1, 100)
    return async (isDetected) => {
      const done = receiptFor(orderOf(deal, 0, 1n, random), units, random)
      const signed = scene.sign(deal, 0, 0, 0n, [done.receipt])
      const batch = await scene.settle(signed)
      const proof = overMaximumOf(shownReceipt(signed, 0, done.work), done.order)
      if (proof === null) throw new Error('the receipt shows nothing')
      if (isDetected) await convict(scene, watcher, proof, { batch, signed })
      await scene.passHours(scene.hoursToMature)
    }
  },
}
