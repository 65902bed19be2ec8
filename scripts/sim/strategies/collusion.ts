/**
 * A committee that is the adversary's.
 *
 * @module
 */
import { Mode } from '#protocol/types.ts'

import { demand, fundDemands, lapse } from '../demands.ts'
import { bondedMembers, handOf, proveWrongNet, refuteVouchers, signWrongNet } from '../members.ts'
import { payOut } from '../reports.ts'
import { PRICE, type RogueCast, rogueAndBuyer, STAKE, unitsWorth } from '../rogue.ts'
import type { DealChoice, Scene } from '../scene.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'

/** Each member's bond. */
const BOND = 100n * STAKE

async function withMembers(scene: Scene, choice: Partial<DealChoice>): Promise<RogueCast> {
  const cast = await rogueAndBuyer(scene, choice)
  await fundDemands(scene, cast.buyer)
  const { parties, members } = handOf(await bondedMembers(scene, BOND))
  return { ...cast, adversary: { ...cast.adversary, parties, members } }
}

/** All members attest what their provider invented. */
export const vouchedInvention: Strategy<RogueCast> = {
  name: 'vouched invention',
  plan: 'is the committee, too: bills a task nobody ordered and vouches that it was',
  prepare: (scene) => withMembers(scene, {}),
  play: async (scene, { deal, buyer, watcher }, random) => {
    const units = unitsWorth(random, 1, 100)
    const done = receiptFor(orderOf(deal, 0, units, random), units, random)
    const signed = scene.sign(deal, 0, 0, 0n, [done.receipt])
    return async (isDetected) => {
      const settled = { batch: await scene.settle(signed), signed }
      const asked = isDetected ? await demand(scene, buyer, 'demandOrder', settled) : null
      if (asked !== null) {
        const facts = await lapse(scene, buyer, asked)
        await payOut(scene, [facts, ...(await refuteVouchers(scene, watcher, facts, settled, asked.demand))])
      }
      await scene.passHours(scene.hoursToMature)
    }
  },
}

/** All members move a buyer's money by their word. */
export const netTheft: Strategy<RogueCast> = {
  name: 'net theft',
  plan: 'is the committee, too: signs a net that takes a buyer’s money for nothing',
  prepare: (scene) => withMembers(scene, { mode: Mode.Net, streams: 1 }),
  play: async (scene, { buyer, rogue, watcher }, random) => {
    const amount = unitsWorth(random, 1, 100) * PRICE
    return async (isDetected) => {
      const net = await signWrongNet(scene, buyer, rogue, amount)
      await scene.passHours(isDetected ? scene.hoursUnseen : 0)
      if (isDetected) await payOut(scene, await proveWrongNet(scene, watcher, net))
      await scene.passHours(scene.hoursToMature)
    }
  },
}
