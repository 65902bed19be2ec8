/** @module */
import { rogueForking } from '../forking.ts'
import { convict } from '../reports.ts'

/** Hours after which stake that thaws has not thawed yet, though all money has matured. */
const HOURS_UNTIL_SEEN = 6 * 24
/** Hours after which it has. */
const HOURS_TO_THAW = 7 * 24

/** Takes its stake out before anybody looks. */
export const stakeExit = rogueForking({
  name: 'stake exit',
  plan: 'forks a stream and thaws all its free stake at once; it is found out when the money has matured',
  follow: async ({ scene, cast: { rogue, stake, budget, watcher }, settled, proof, isDetected }) => {
    await scene.callRegistry(rogue, 'thaw', [rogue.id, stake - scene.bondFor(budget)])
    await scene.passHours(HOURS_UNTIL_SEEN)
    if (isDetected) await convict(scene, watcher, proof, settled)
    await scene.passHours(HOURS_TO_THAW)
    await scene.callRegistry(rogue, 'withdrawStake', [rogue.id, rogue.account.address])
  },
})
