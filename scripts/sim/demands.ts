/**
 * Demands that are met with silence.
 *
 * @module
 */
import { encodeFunctionData, erc20Abi, parseEventLogs } from 'viem'

import { demandsAbi } from '#protocol/abi.generated.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { toHex } from '#protocol/words.ts'

import { mintDollars } from '../bench/actors.ts'
import { type Case, casesOf } from './reports.ts'
import { DOLLAR } from './rogue.ts'
import type { Party, Scene, SettledBatch, Signed } from './scene.ts'

/** Hours within which a demand has to be answered, and one more. */
const HOURS_OF_SILENCE = 13
const FROM_BATCH = 0

/** What a court is shown of receipt `index` of a settled group. */
export function shownInBatch(batch: SettledBatch, signed: Signed, index: number) {
  const receipts = toHex(encodeReceipts(signed.group.receipts))
  return { source: FROM_BATCH, worker: 0, index, place: batch.placeOf(signed), receipts, signature: '0x' } as const
}

/** Gives somebody the dollars that demands prepay. */
export async function fundDemands(scene: Scene, by: Party): Promise<void> {
  const { token, demands } = scene.chain.deployment
  await mintDollars(scene.chain, by.account, 10n * DOLLAR)
  const args = [demands, 10n * DOLLAR] as const
  await scene.chain.send(by.account, token, encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args }))
}

/** Asks for the order or for the first chunk of the output of a receipt, hears nothing, and finishes it. @returns The case. */
export async function demandInVain(
  scene: Scene,
  by: Party,
  ask: 'demandOrder' | 'demandOutput',
  { batch, signed }: { readonly batch: SettledBatch; readonly signed: Signed },
): Promise<Case> {
  const { demands } = scene.chain.deployment
  const shown = shownInBatch(batch, signed, signed.tally.first)
  const id = signed.group.dealId
  const data =
    ask === 'demandOrder'
      ? encodeFunctionData({ abi: demandsAbi, functionName: ask, args: [id, shown] })
      : encodeFunctionData({ abi: demandsAbi, functionName: ask, args: [id, shown, 0] })
  const { receipt } = await scene.chain.send(by.account, demands, data)
  const [demanded] = parseEventLogs({ abi: demandsAbi, eventName: 'Demanded', logs: receipt.logs })
  if (demanded === undefined) throw new Error('nothing was demanded')
  await scene.passHours(HOURS_OF_SILENCE)
  const lapse = encodeFunctionData({ abi: demandsAbi, functionName: 'lapse', args: [demanded.args.facts] })
  const [facts] = casesOf(await scene.chain.send(by.account, demands, lapse))
  if (facts === undefined) throw new Error('silence slashed nobody')
  const owed = encodeFunctionData({ abi: demandsAbi, functionName: 'withdraw', args: [by.account.address] })
  await scene.chain.send(by.account, demands, owed)
  return facts
}
