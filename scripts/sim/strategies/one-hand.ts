/** @module */
import { forking } from '../forking.ts'
import { convict } from '../reports.ts'
import { NOBODY, rogueAndBuyer } from '../rogue.ts'

/** Buyer, provider and reporter are one, and hope for restitution and the reporter's part. */
export const oneHand = forking({
  name: 'one hand',
  plan: 'is buyer, provider and reporter at once: pays itself, forks the stream and reports it',
  prepare: async (scene) => {
    const cast = await rogueAndBuyer(scene)
    const { buyer, watcher, rogue, deal } = cast
    const adversary = { parties: [buyer, watcher], providers: [rogue], deals: [deal], members: [] }
    return { ...cast, adversary, victims: NOBODY }
  },
  follow: async ({ scene, cast, settled, proof }) => {
    await convict(scene, cast.watcher, proof, settled)
    await scene.passHours(scene.hoursToMature)
  },
})
