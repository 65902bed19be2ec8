/**
 * Demands that are met with silence.
 *
 * @module
 */
import { encodeFunctionData, erc20Abi, parseEventLogs } from 'viem'

import { demandsAbi } from '#protocol/abi.generated.ts'
import { type Shown, Source, shownSettled } from '#protocol/courts.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Lane } from '#protocol/types.ts'

import { mintDollars } from '../bench/actors.ts'
import { type Case, casesOf, type Settled } from './reports.ts'
import { DOLLAR } from './rogue.ts'
import type { Party, Scene, SettledBatch, Signed } from './scene.ts'

/** Hours within which a demand has to be answered, and one more. */
const HOURS_OF_SILENCE = 13

/** What a court is shown of receipt `index` of a settled group, attested or forced. */
export function shownInBatch(batch: SettledBatch, signed: Signed, index: number): Shown {
  const source = batch.lane === Lane.Attested ? Source.Batch : Source.Stream
  return shownSettled(source, batch.placeOf(signed), encodeReceipts(signed.group.receipts), index)
}

/** Gives somebody the dollars that demands prepay. */
export async function fundDemands(scene: Scene, by: Party): Promise<void> {
  const { token, demands } = scene.chain.deployment
  await mintDollars(scene.chain, by.account, 10n * DOLLAR)
  const args = [demands, 10n * DOLLAR] as const
  await scene.send(by, token, encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args }))
}

/** What is asked for. */
export type Ask = 'demandOrder' | 'demandOutput'
/** A demand as its event tells. */
export type Asked = NonNullable<Awaited<ReturnType<typeof demand>>>

/**
 * Asks for the order or for the first chunk of the output of a receipt, once the watcher has seen it.
 *
 * @returns Null where it is too late to ask.
 */
export async function demand(scene: Scene, by: Party, ask: Ask, settled: Settled) {
  await scene.passHours(scene.hoursUnseen)
  const { demands } = scene.chain.deployment
  const { tally, group } = settled.signed
  const shown = shownInBatch(settled.batch, settled.signed, tally.first)
  const data =
    ask === 'demandOrder'
      ? encodeFunctionData({ abi: demandsAbi, functionName: ask, args: [group.dealId, shown] })
      : encodeFunctionData({ abi: demandsAbi, functionName: ask, args: [group.dealId, shown, 0] })
  if (!(await scene.wouldDo(by, demands, data))) return null
  const { receipt } = await scene.send(by, demands, data)
  const [demanded] = parseEventLogs({ abi: demandsAbi, eventName: 'Demanded', logs: receipt.logs })
  if (demanded === undefined) throw new Error('nothing was demanded')
  return demanded.args
}

/** Hears nothing, draws the consequence, and has back what the demand prepaid. */
export async function lapse(scene: Scene, by: Party, { facts }: Asked): Promise<Case> {
  const { demands } = scene.chain.deployment
  await scene.passHours(HOURS_OF_SILENCE)
  const data = encodeFunctionData({ abi: demandsAbi, functionName: 'lapse', args: [facts] })
  const [slashed] = casesOf(await scene.send(by, demands, data))
  if (slashed === undefined) throw new Error('silence slashed nobody')
  const owed = encodeFunctionData({ abi: demandsAbi, functionName: 'withdraw', args: [by.account.address] })
  await scene.send(by, demands, owed)
  return slashed
}
