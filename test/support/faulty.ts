/**
 * Proofs of faults as anyone sends them, and what they did.
 *
 * @module
 */
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import type { ContractTransactionResponse } from 'ethers'
import type { Hex } from 'viem'

import { taskHash } from '#protocol/eip712.ts'
import type { SignedReceipt, SignedTally } from '#protocol/evidence.ts'
import type { FaultProof } from '#protocol/faults.ts'
import type { Order, Receipt } from '#protocol/types.ts'
import { type Work, workHash } from '#protocol/work.ts'

import type { Deployment } from './deployment.ts'
import { type SignedGroup, workHashOf } from './work.ts'

/** The cursor of a frozen stream. */
export const FROZEN = 2n ** 24n - 1n

/** A case as its `Slashed` event tells it. */
export type Case = {
  readonly subject: Hex
  readonly provider: bigint
  readonly own: bigint
  readonly delegated: bigint
  readonly restitution: bigint
  readonly victim: string
  readonly reporter: string
  readonly evidence: Hex
}

/** Sends a proof; the stranger does unless said otherwise. */
export async function prove(
  deployment: Deployment,
  proof: FaultProof | null,
  from: HardhatEthersSigner = deployment.stranger,
): Promise<ContractTransactionResponse> {
  if (proof === null) throw new Error('that shows no fault')
  const { functionName, args } = proof.call
  return await deployment.tally.connect(from).getFunction(functionName)(...args)
}

/** The case that a transaction opened in the vault. */
export async function caseOf({ registry }: Deployment, tx: ContractTransactionResponse): Promise<Case> {
  const receipt = await tx.wait()
  const logs = receipt?.logs.map((entry) => registry.interface.parseLog(entry)) ?? []
  const slashed = logs.find((entry) => entry?.name === 'Slashed')
  if (slashed == null) throw new Error('nobody was slashed')
  return slashed.args.facts as Case
}

/** A signed tally without its receipts. */
export function bare({ tally, worker, signature }: SignedTally): SignedTally {
  return { tally, worker, signature }
}

/** A finished task and what its work hash is of. */
export type Task = { readonly work: Work; readonly receipt: Receipt }

/** A task of an order, done in the time given. */
export function taskOf(order: Order, units: bigint, startedAt = 0, endedAt = 0): Task {
  const work = { taskHash: taskHash(order), outputCommitment: workHashOf('output'), startedAt, endedAt }
  return { work, receipt: { units, workHash: workHash(work) } }
}

/** An order of a deal. */
export function orderOf(dealKey: Hex, index = 0n, maxUnits = 1000n): Order {
  return { dealKey, index, inputRoot: workHashOf(`input ${index}`), maxUnits }
}

/** Receipt `index` of a signed group, shown with its task. */
export function shown(group: SignedGroup, index: number, { work }: Task): SignedReceipt {
  return { ...group, index, work }
}
