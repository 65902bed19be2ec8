/** @module */
import { demandInVain, fundDemands } from '../demands.ts'
import { payOut, VAULT_HOURS } from '../reports.ts'
import { type RogueCast, rogueAndBuyer, unitsWorth } from '../rogue.ts'
import { HOURS_TO_MATURE, type Scene } from '../scene.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'

async function prepare(scene: Scene): Promise<RogueCast> {
  const cast = await rogueAndBuyer(scene)
  await fundDemands(scene, cast.buyer)
  return cast
}

/** A plan that comes out when the buyer asks for what only honest work has. */
function unanswered(name: string, plan: string, ask: 'demandOrder' | 'demandOutput'): Strategy<RogueCast> {
  return {
    ...{ name, plan, prepare },
    play: async (scene, { deal, buyer }, random) => {
      const units = unitsWorth(random, 1, 100)
      const done = receiptFor(orderOf(deal, 0, units, random), units, random)
      const signed = scene.sign(deal, 0, 0, 0n, [done.receipt])
      return async (isDetected) => {
        const batch = await scene.settle(signed)
        const facts = isDetected ? await demandInVain(scene, buyer, ask, { batch, signed }) : null
        await scene.passHours(VAULT_HOURS + HOURS_TO_MATURE)
        if (facts !== null) await payOut(scene, facts)
      }
    },
  }
}

/** Bills tasks that nobody ordered, with a committee that looks away. */
export const inventedWork = unanswered(
  'invented work',
  'bills a task nobody ordered; the committee attests it',
  'demandOrder',
)

/** Bills a result that nobody can have. */
export const withheldOutput = unanswered(
  'withheld output',
  'bills a task and gives its output to nobody; the committee attests it',
  'demandOutput',
)
