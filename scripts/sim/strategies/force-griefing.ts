/** @module */
import { type RogueCast, rogueAndBuyer } from '../rogue.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'

const FORCES = 10
/** Longer than any money that is forced takes to mature. */
const HOURS_TO_MATURE = 6 * 24

/** Forces its work receipt by receipt, to be in the committee's way. */
export const forceGriefing: Strategy<RogueCast> = {
  name: 'force griefing',
  plan: 'forces honest work receipt by receipt, to keep batches of the committee from applying',
  prepare: rogueAndBuyer,
  play: async (scene, { deal, rogue }, random) => {
    const done = Array.from({ length: FORCES }, (_, index) => receiptFor(orderOf(deal, index, 1n, random), 1n, random))
    return async () => {
      for (const [index, { receipt }] of done.entries())
        await scene.force(rogue, scene.sign(deal, 0, index, BigInt(index), [receipt]))
      await scene.passHours(HOURS_TO_MATURE)
    }
  },
}
