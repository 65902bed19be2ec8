/** @module */
import { casesOf, payOut, VAULT_HOURS } from '../reports.ts'
import { DOLLAR, type RogueCast, rogueAndBuyer } from '../rogue.ts'
import { HOURS_TO_MATURE } from '../scene.ts'
import type { Strategy } from '../strategy.ts'

/** A deal's three days, its closing period of a day, and an hour. */
const HOURS_TO_CLOSE = 4 * 24 + 1

/** Takes a deal and never works. */
export const noShow: Strategy<RogueCast> = {
  name: 'no-show',
  plan: 'takes a deal for its opening fee and never works',
  prepare: (scene) => rogueAndBuyer(scene, { minBudget: 100n * DOLLAR, openingFee: DOLLAR }),
  play: async (scene, { deal, watcher }) => {
    return async (isDetected) => {
      await scene.passHours(HOURS_TO_CLOSE)
      const [facts] = isDetected
        ? casesOf(await scene.call(watcher, 'proveNoShow', [deal.id, deal.offer, deal.nonce]))
        : []
      await scene.call(scene.anyone, 'close', [deal.id])
      await scene.passHours(VAULT_HOURS + HOURS_TO_MATURE)
      if (facts !== undefined) await payOut(scene, facts)
    }
  },
}
