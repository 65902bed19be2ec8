/** @module */
import { equivocationOf } from '#protocol/faults.ts'

import { payOut, prove, VAULT_HOURS, voidFrom } from '../reports.ts'
import { type RogueCast, rogueAndBuyer, unitsWorth } from '../rogue.ts'
import { HOURS_TO_MATURE, type Scene, type Signed } from '../scene.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'

/** The proof that two tallies of one stream contradict each other. */
export function forkOf(one: Signed, other: Signed) {
  const shown = ({ tally, group }: Signed) => ({ tally, worker: group.worker, signature: group.signature })
  const proof = equivocationOf(one.group.dealId, shown(one), shown(other))
  if (proof === null) throw new Error('the tallies agree')
  return proof
}

/** Two tallies of one stream, a cheap one for the buyer and a dear one for the chain. */
export function fork(scene: Scene, { deal }: RogueCast, units: readonly [bigint, bigint], receipt: Receipts): Forked {
  const [cheap, dear] = units.map((one) => scene.sign(deal, 0, 0, 0n, [receipt(one)]))
  if (cheap === undefined || dear === undefined) throw new Error('a fork has two sides')
  return { cheap, dear }
}

type Receipts = (units: bigint) => { readonly units: bigint; readonly workHash: `0x${string}` }
type Forked = { readonly cheap: Signed; readonly dear: Signed }

/** Shows the buyer one history and the chain another. */
export const forkedStream: Strategy<RogueCast> = {
  name: 'forked stream',
  plan: 'signs one history of a stream for the buyer and a dearer one for the chain',
  prepare: rogueAndBuyer,
  play: async (scene, cast, random) => {
    const honest = unitsWorth(random, 1, 50)
    const dearer = honest + unitsWorth(random, 1, 50)
    const order = orderOf(cast.deal, 0, dearer, random)
    return async (isDetected) => {
      const { cheap, dear } = fork(scene, cast, [honest, dearer], (units) => receiptFor(order, units, random).receipt)
      const batch = await scene.settle(dear)
      if (isDetected) {
        const proof = forkOf(cheap, dear)
        const facts = await prove(scene, cast.watcher, proof)
        await voidFrom(scene, cast.watcher, { proof, facts }, { batch, signed: dear })
        await scene.passHours(VAULT_HOURS)
        await payOut(scene, facts)
      }
      await scene.passHours(HOURS_TO_MATURE)
    }
  },
}
