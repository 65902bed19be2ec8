/** @module */
import { forking } from '../forking.ts'
import { convict } from '../reports.ts'
import { rogueAndBuyer } from '../rogue.ts'

/** Reports its own fault first, so that the reporter's part stays in the family. */
export const selfReporting = forking({
  name: 'self-reporting',
  plan: 'forks a stream, is paid, and reports itself before anybody else can',
  prepare: async (scene) => {
    const cast = await rogueAndBuyer(scene)
    const friend = await scene.party('friend')
    return { ...cast, friend, adversary: { ...cast.adversary, parties: [friend] } }
  },
  follow: async ({ scene, cast, settled, proof, isDetected }) => {
    // where nobody looks the money matures first, and only the slash is left to be shared
    if (!isDetected) await scene.passHours(scene.hoursToMature)
    await convict(scene, cast.friend, proof, settled)
    await scene.passHours(scene.hoursToMature)
  },
})
