/**
 * What honest watchers do with a fault: prove it, void what it was paid for, and see the case paid out.
 *
 * @module
 */
import { encodeFunctionData, parseEventLogs } from 'viem'

import { oversightAbi, registryAbi } from '#protocol/abi.generated.ts'
import type { FaultProof } from '#protocol/faults.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Lane } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'

import type { Mined } from '../bench/chain.ts'
import type { Party, Scene, SettledBatch, Signed } from './scene.ts'

/** Facts of a case as its event names them. */
export type Case = ReturnType<typeof casesOf>[number]

/** A group with the batch it was settled in. */
export type Settled = { readonly batch: SettledBatch; readonly signed: Signed }

/** Hours a case waits in the vault, and one more. */
const VAULT_HOURS = 73

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

/** Voids what a proven fault was paid for, from where it begins in a settled group on, if that has not matured. */
async function voidFrom(
  scene: Scene,
  reporter: Party,
  { proof, facts }: { readonly proof: FaultProof; readonly facts: Case },
  { batch, signed }: Settled,
): Promise<void> {
  const refutation = { facts, fault: proof.fault, index: proof.index, detail: proof.detail }
  const receipts = toHex(encodeReceipts(signed.group.receipts))
  const args = [signed.group.dealId, refutation, batch.placeOf(signed), receipts, batch.lane !== Lane.Attested] as const
  const data = encodeFunctionData({ abi: oversightAbi, functionName: 'voidFrom', args })
  const { oversight } = scene.chain.deployment
  if (await scene.wouldDo(reporter, oversight, data)) await scene.send(reporter, oversight, data)
}

/** Everything an honest watcher does about a signed fault, in its time, until the case is paid out. */
export async function convict(scene: Scene, reporter: Party, proof: FaultProof, settled: Settled): Promise<void> {
  await scene.passHours(scene.hoursUnseen)
  const facts = await prove(scene, reporter, proof)
  await voidFrom(scene, reporter, { proof, facts }, settled)
  await payOut(scene, [facts])
}

/** Pays cases out when their time has come. */
export async function payOut(scene: Scene, cases: readonly Case[]): Promise<void> {
  await scene.passHours(VAULT_HOURS)
  for (const facts of cases) await scene.callRegistry(scene.anyone, 'payOut', [facts])
}
