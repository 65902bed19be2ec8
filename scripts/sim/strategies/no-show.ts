/** @module */
import { encodeFunctionData } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'

import { type Case, casesOf, payOut } from '../reports.ts'
import { DOLLAR, type RogueCast, rogueAndBuyer } from '../rogue.ts'
import { DEAL_HOURS, type Scene } from '../scene.ts'
import type { Strategy } from '../strategy.ts'

const MIN_BUDGET = 100n * DOLLAR
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** Proves it once the watcher has seen it, if that is not too late. */
async function provenNoShow(scene: Scene, { deal, watcher }: RogueCast): Promise<readonly Case[]> {
  await scene.passHours(scene.hoursUnseen)
  const { settlement } = scene.chain.deployment
  const args = [deal.id, deal.offer, deal.nonce] as const
  const data = encodeFunctionData({ abi: settlementAbi, functionName: 'proveNoShow', args })
  return (await scene.wouldDo(watcher, settlement, data)) ? casesOf(await scene.send(watcher, settlement, data)) : []
}

/** Takes a deal and never works. */
export const noShow: Strategy<RogueCast> = {
  name: 'no-show',
  plan: 'takes a deal for its opening fee and never works',
  prepare: (scene) => {
    // no offer may take more for its opening than the bond of its smallest budget
    const openingFee = smaller(DOLLAR, scene.bondValueFor(MIN_BUDGET))
    return rogueAndBuyer(scene, { minBudget: MIN_BUDGET, openingFee })
  },
  play: async (scene, cast) => {
    return async (isDetected) => {
      await scene.passHours(DEAL_HOURS + scene.hoursToClose)
      const inTime = isDetected && scene.hoursUnseen === 0 ? await provenNoShow(scene, cast) : []
      await scene.call(scene.anyone, 'close', [cast.deal.id])
      const cases = isDetected && scene.hoursUnseen > 0 ? await provenNoShow(scene, cast) : inTime
      await payOut(scene, cases)
      await scene.passHours(scene.hoursToMature)
    }
  },
}
