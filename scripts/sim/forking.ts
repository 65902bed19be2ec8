/**
 * What every strategy begins with that forks a stream: one history for the buyer, a dearer one for the chain.
 *
 * @module
 */
import { equivocationOf, type FaultProof } from '#protocol/faults.ts'

import { convict, type Settled } from './reports.ts'
import { type RogueCast, rogueAndBuyer, unitsWorth } from './rogue.ts'
import type { Scene, Signed } from './scene.ts'
import type { Strategy } from './strategy.ts'
import { orderOf, receiptFor } from './tasks.ts'

/** A stream whose dear side was settled. */
export type Forked<Start extends RogueCast = RogueCast> = {
  readonly scene: Scene
  readonly cast: Start
  /** The dear side. */
  readonly settled: Settled
  /** That the sides contradict each other. */
  readonly proof: FaultProof
  readonly isDetected: boolean
}

/** A plan to fork, as far as it differs from others. */
export type ForkPlan<Start extends RogueCast> = {
  readonly name: string
  readonly plan: string
  prepare(scene: Scene): Promise<Start>
  /** What follows until everything is over; a watcher that proves it and voids what it was paid for, if left out. */
  readonly follow?: (forked: Forked<Start>) => Promise<void>
}

/** A strategy that forks a stream. */
export function forking<Start extends RogueCast>(plan: ForkPlan<Start>): Strategy<Start> {
  const { name, prepare, follow = beFoundOut } = plan
  return {
    ...{ name, plan: plan.plan, prepare },
    play: async (scene, cast, random) => {
      const honest = unitsWorth(random, 1, 50)
      const dearer = honest + unitsWorth(random, 1, 50)
      const order = orderOf(cast.deal, 0, dearer, random)
      return async (isDetected) => {
        const sides = [honest, dearer].map((units) =>
          scene.sign(cast.deal, 0, 0, 0n, [receiptFor(order, units, random).receipt]),
        )
        const [cheap, dear] = sides as [Signed, Signed]
        const settled = { batch: await scene.settle(dear), signed: dear }
        await follow({ scene, cast, settled, proof: contradiction(cheap, dear), isDetected })
      }
    },
  }
}

/** The same by a rogue with the usual buyer. */
export function rogueForking(plan: Omit<ForkPlan<RogueCast>, 'prepare'>): Strategy<RogueCast> {
  return forking({ ...plan, prepare: rogueAndBuyer })
}

async function beFoundOut({ scene, cast, settled, proof, isDetected }: Forked): Promise<void> {
  if (isDetected) await convict(scene, cast.watcher, proof, settled)
  await scene.passHours(scene.hoursToMature)
}

function contradiction(one: Signed, other: Signed): FaultProof {
  const shown = ({ tally, group }: Signed) => ({ tally, worker: group.worker, signature: group.signature })
  const proof = equivocationOf(one.group.dealId, shown(one), shown(other))
  if (proof === null) throw new Error('the tallies agree')
  return proof
}
