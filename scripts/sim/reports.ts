/**
 * What honest watchers do with a fault: prove it, void what it was paid for, and see the case paid out.
 *
 * @module
 */
import { encodeFunctionData, parseEventLogs } from 'viem'

import { oversightAbi, registryAbi } from '#protocol/abi.generated.ts'
import type { FaultProof } from '#protocol/faults.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { toHex } from '#protocol/words.ts'

import type { Mined } from '../bench/chain.ts'
import type { Party, Scene, SettledBatch, Signed } from './scene.ts'

/** Facts of a case as its event names them. */
export type Case = ReturnType<typeof casesOf>[number]

/** Hours a case waits in the vault, and one more. */
export const VAULT_HOURS = 73

/** Cases that a transaction opened. */
export function casesOf({ receipt }: Mined) {
  return parseEventLogs({ abi: registryAbi, eventName: 'Slashed', logs: receipt.logs }).map(({ args }) => args.facts)
}

/** Proves a fault. @returns Its case. */
export async function prove(scene: Scene, reporter: Party, { call }: FaultProof): Promise<Case> {
  const [facts] = casesOf(await scene.call(reporter, call.functionName, call.args))
  if (facts === undefined) throw new Error(`${call.functionName} slashed nobody`)
  return facts
}

/** Voids what a proven fault was paid for, from where it begins in a settled group on. */
export async function voidFrom(
  scene: Scene,
  reporter: Party,
  found: { readonly proof: FaultProof; readonly facts: Case },
  settled: { readonly batch: SettledBatch; readonly signed: Signed },
): Promise<void> {
  const { proof, facts } = found
  const { batch, signed } = settled
  const refutation = { facts, fault: proof.fault, index: proof.index, detail: proof.detail }
  const receipts = toHex(encodeReceipts(signed.group.receipts))
  const args = [signed.group.dealId, refutation, batch.placeOf(signed), receipts, false] as const
  const data = encodeFunctionData({ abi: oversightAbi, functionName: 'voidFrom', args })
  await scene.chain.send(reporter.account, scene.chain.deployment.oversight, data)
}

/** Pays a case out when its time has come. */
export async function payOut(scene: Scene, facts: Case): Promise<void> {
  await scene.callRegistry(scene.anyone, 'payOut', [facts])
}
