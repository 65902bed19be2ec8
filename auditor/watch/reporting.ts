/**
 * Brings a finding to the chain: commits to its evidence first, so that nobody who copies the proof is its reporter, and
 * proves it a block later.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'

import { encodeFunctionData } from 'viem'

import { registryAbi } from '#protocol/abi.generated.ts'
import { evidenceCommitment } from '#protocol/evidence.ts'
import { toHex } from '#protocol/words.ts'
import type { Sender } from '#runtime/act-sender.ts'
import type { ActStore } from '#runtime/act-store.ts'
import type { CaseContracts } from './case-work.ts'
import type { Finding } from './facts.ts'

/** One step towards the proof; true once it is in a block for good. */
export async function report(
  finding: Finding,
  deps: {
    readonly sender: Sender
    readonly store: ActStore
    readonly contracts: CaseContracts
    readonly dryRun: boolean
  },
): Promise<boolean> {
  const { sender, store, contracts } = deps
  const { subject, evidence, data } = finding
  const to = contracts[finding.court]
  if (to === undefined) return false
  const proof = { name: `prove ${subject} ${evidence}`, to, data }
  // what the chain would refuse anyway is not worth a commitment: anybody can publish nonsense
  if (!(await sender.isPossible(proof))) return false
  if (!deps.dryRun) {
    const salt = store.salt(evidence, () => toHex(randomBytes(32)))
    const args = [evidenceCommitment(evidence, sender.address, salt)] as const
    const commitment = encodeFunctionData({ abi: registryAbi, functionName: 'commitEvidence', args })
    const committed = await sender.act({ name: `commit ${evidence}`, to: contracts.registry, data: commitment })
    if (committed !== 'done') return false
  }
  return (await sender.act(proof)) === 'done'
}
