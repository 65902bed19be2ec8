/** @module */
import { payOut, prove, VAULT_HOURS } from '../reports.ts'
import { type RogueCast, rogueAndBuyer, STAKE, unitsWorth } from '../rogue.ts'
import { HOURS_TO_MATURE } from '../scene.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'
import { fork, forkOf } from './forked-stream.ts'

/** Stake that no deal reserves. */
const FREE_STAKE = 900n * STAKE
/** Hours after which stake that thaws has not thawed yet, though the money has matured. */
const LATE = 6 * 24 - HOURS_TO_MATURE

/** Takes its stake out before anybody looks. */
export const stakeExit: Strategy<RogueCast> = {
  name: 'stake exit',
  plan: 'forks a stream and thaws all its free stake at once; it is found out when the money has matured',
  prepare: rogueAndBuyer,
  play: async (scene, cast, random) => {
    const { rogue, watcher } = cast
    const [honest, dearer] = [unitsWorth(random, 1, 50), unitsWorth(random, 51, 100)]
    const order = orderOf(cast.deal, 0, dearer, random)
    return async (isDetected) => {
      const { cheap, dear } = fork(scene, cast, [honest, dearer], (units) => receiptFor(order, units, random).receipt)
      await scene.settle(dear)
      await scene.callRegistry(rogue, 'thaw', [rogue.id, FREE_STAKE])
      await scene.passHours(HOURS_TO_MATURE + LATE)
      const facts = isDetected ? await prove(scene, watcher, forkOf(cheap, dear)) : null
      await scene.passHours(VAULT_HOURS)
      if (facts !== null) await payOut(scene, facts)
      await scene.callRegistry(rogue, 'withdrawStake', [rogue.id, rogue.account.address])
    }
  },
}
