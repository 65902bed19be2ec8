/** @module */
import { encodeFunctionData, erc20Abi, parseEventLogs } from 'viem'

import { disputesAbi } from '#protocol/abi.generated.ts'

import { mintDollars } from '../../bench/actors.ts'
import { demandInVain, fundDemands, shownInBatch } from '../demands.ts'
import { payOut, VAULT_HOURS } from '../reports.ts'
import { DOLLAR, type RogueCast, rogueAndBuyer, unitsWorth } from '../rogue.ts'
import { HOURS_TO_MATURE, type Party } from '../scene.ts'
import type { Strategy } from '../strategy.ts'
import { orderOf, receiptFor } from '../tasks.ts'

/** One side's clock, and an hour. */
const HOURS_TO_LOSE = 9

/** Lets a friend challenge its lie first and lose, so that nobody else may. */
export const thrownGame: Strategy<RogueCast & { readonly friend: Party }> = {
  name: 'thrown game',
  plan: 'bills invented work, which a friend challenges first and loses on purpose',
  prepare: async (scene) => {
    const friend = await scene.party('friend')
    const cast = await rogueAndBuyer(scene, { arbiter: friend.account.address })
    await fundDemands(scene, cast.buyer)
    const { token, disputes } = scene.chain.deployment
    await mintDollars(scene.chain, friend.account, 100n * DOLLAR)
    const args = [disputes, 100n * DOLLAR] as const
    await scene.chain.send(friend.account, token, encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args }))
    return { ...cast, friend, adversary: { ...cast.adversary, parties: [friend] } }
  },
  play: async (scene, { deal, buyer, friend, rogue }, random) => {
    const { disputes } = scene.chain.deployment
    const units = unitsWorth(random, 1, 100)
    const done = receiptFor(orderOf(deal, 0, units, random), units, random)
    const signed = scene.sign(deal, 0, 0, 0n, [done.receipt])
    return async (isDetected) => {
      const batch = await scene.settle(signed)
      const shown = shownInBatch(batch, signed, 0)
      const challenge = encodeFunctionData({
        ...{ abi: disputesAbi, functionName: 'challenge', args: [deal.id, shown, deal.offer, deal.nonce] },
      })
      const { receipt } = await scene.chain.send(friend.account, disputes, challenge)
      const [opened] = parseEventLogs({ abi: disputesAbi, eventName: 'Challenged', logs: receipt.logs })
      if (opened === undefined) throw new Error('no game was opened')
      await scene.passHours(HOURS_TO_LOSE)
      const args = [opened.args.facts, opened.args.opened] as const
      await scene.chain.send(
        rogue.account,
        disputes,
        encodeFunctionData({ abi: disputesAbi, functionName: 'timeOut', args }),
      )
      const facts = isDetected ? await demandInVain(scene, buyer, 'demandOrder', { batch, signed }) : null
      await scene.passHours(VAULT_HOURS + HOURS_TO_MATURE)
      if (facts !== null) await payOut(scene, facts)
      const withdraw = encodeFunctionData({
        ...{ abi: disputesAbi, functionName: 'withdraw', args: [rogue.account.address] },
      })
      await scene.chain.send(rogue.account, disputes, withdraw)
    }
  },
}
