/** @module */
import { type Ask, demand, fundDemands, lapse } from '../demands.ts'
import { payOut } from '../reports.ts'
import { type RogueCast, rogueAndBuyer, unitsWorth } from '../rogue.ts'
import type { Scene, SettledBatch, Signed } from '../scene.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'

/** Longer than any money takes to mature, in whatever lane. */
const HOURS_TO_MATURE = 6 * 24

async function prepare(scene: Scene): Promise<RogueCast> {
  const cast = await rogueAndBuyer(scene)
  await fundDemands(scene, cast.buyer)
  return cast
}

/** A plan that comes out when the buyer asks for what only honest work has. */
function unanswered(
  name: string,
  plan: string,
  ask: Ask,
  settle: (scene: Scene, cast: RogueCast, signed: Signed) => Promise<SettledBatch>,
): Strategy<RogueCast> {
  return {
    ...{ name, plan, prepare },
    play: async (scene, cast, random) => {
      const { deal, buyer } = cast
      const units = unitsWorth(random, 1, 100)
      const done = receiptFor(orderOf(deal, 0, units, random), units, random)
      const signed = scene.sign(deal, 0, 0, 0n, [done.receipt])
      return async (isDetected) => {
        const batch = await settle(scene, cast, signed)
        const asked = isDetected ? await demand(scene, buyer, ask, { batch, signed }) : null
        await payOut(scene, asked === null ? [] : [await lapse(scene, buyer, asked)])
        await scene.passHours(HOURS_TO_MATURE)
      }
    },
  }
}

/** Bills tasks that nobody ordered, with a committee that looks away. */
export const inventedWork = unanswered(
  'invented work',
  'bills a task nobody ordered; the committee attests it',
  'demandOrder',
  (scene, _, signed) => scene.settle(signed),
)

/** Bills tasks that nobody ordered, without asking the committee. */
export const forcedInvention = unanswered(
  'forced invention',
  'forces a task nobody ordered past the committee',
  'demandOrder',
  (scene, { rogue }, signed) => scene.force(rogue, signed),
)

/** Bills a result that nobody can have. */
export const withheldOutput = unanswered(
  'withheld output',
  'bills a task and gives its output to nobody; the committee attests it',
  'demandOutput',
  (scene, _, signed) => scene.settle(signed),
)
