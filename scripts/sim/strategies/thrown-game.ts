/** @module */
import { demand, fundDemands, lapse } from '../demands.ts'
import { challenge, fundDisputes, HOURS_TO_LOSE, timeOut, withdrawBonds } from '../games.ts'
import { payOut } from '../reports.ts'
import { type RogueCast, rogueAndBuyer, unitsWorth } from '../rogue.ts'
import type { Party } from '../scene.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'

/** Lets a friend challenge its lie first and lose, so that nobody else may. */
export const thrownGame: Strategy<RogueCast & { readonly friend: Party }> = {
  name: 'thrown game',
  plan: 'bills invented work, which a friend challenges first and loses on purpose',
  prepare: async (scene) => {
    const friend = await scene.party('friend')
    const cast = await rogueAndBuyer(scene, { arbiter: friend.account.address })
    await fundDemands(scene, cast.buyer)
    await fundDisputes(scene, friend)
    return { ...cast, friend, adversary: { ...cast.adversary, parties: [friend] } }
  },
  play: async (scene, { deal, buyer, friend, rogue }, random) => {
    const units = unitsWorth(random, 1, 100)
    const done = receiptFor(orderOf(deal, 0, units, random), units, random)
    const signed = scene.sign(deal, 0, 0, 0n, [done.receipt])
    return async (isDetected) => {
      const settled = { batch: await scene.settle(signed), signed }
      const game = await challenge(scene, friend, deal, settled)
      if (game === null) throw new Error('the friend came too late')
      const asked = isDetected ? await demand(scene, buyer, 'demandOrder', settled) : null
      await scene.passHours(HOURS_TO_LOSE)
      await timeOut(scene, rogue, game)
      await payOut(scene, asked === null ? [] : [await lapse(scene, buyer, asked)])
      await scene.passHours(scene.hoursToMature)
      await withdrawBonds(scene, rogue)
    }
  },
}
