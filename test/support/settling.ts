/**
 * Sends batches and reads what became of them.
 *
 * @module
 */
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import type { ContractTransactionResponse } from 'ethers'
import type { Address, Hex } from 'viem'

import { encodeAttestation } from '#protocol/attestation.ts'
import { attestationDigest, forceDigest } from '#protocol/eip712.ts'
import { decodeFacts, type GroupFacts } from '#protocol/facts.ts'
import { Lane, Outcome } from '#protocol/types.ts'

import type { Signer } from './actors.ts'
import type { Deployment } from './deployment.ts'
import { batchOf, type SignedGroup } from './work.ts'

/** Claim bits of the tests' attestations: tallies and re-execution. */
export const CLAIMS = 3

/** What a batch may be sent with. */
export type SettleOptions = { from?: HardhatEthersSigner; authority?: Hex }

/** A batch that went through. */
export type Settled = {
  readonly tx: ContractTransactionResponse
  readonly bytes: Hex
  readonly root: Hex
  readonly applied: Hex
  /** Second on the protocol clock. */
  readonly clock: number
  /** What `settle` returned: 16 bytes a group. */
  readonly facts: Hex
  readonly records: readonly GroupFacts[]
  readonly outcomes: readonly string[]
}

/** The members' attestation of a root. */
export function attest(
  { members, committeeDomain }: Deployment,
  root: Hex,
  change: { epoch?: number; claims?: number; signers?: readonly number[] } = {},
): Hex {
  const { epoch = 1, claims = CLAIMS, signers = [0, 1] } = change
  const digest = attestationDigest({ epoch, root, claims }, committeeDomain)
  const signatures = signers.map((index) => ({ index, signature: members[index]?.sign(digest) ?? '0x' }) as const)
  return encodeAttestation({ epoch, claims, signatures })
}

/** A signature that lets `sender` force the batch with this root. */
export function forceBy({ domain }: Deployment, signer: Signer, root: Hex, sender: string): Hex {
  return signer.sign(forceDigest({ root, sender: sender as Address }, domain))
}

/** Sends bytes as they are and reads the outcomes in the block they landed in. */
export async function sendBatch(
  deployment: Deployment,
  bytes: Hex,
  authority: Hex,
  from: HardhatEthersSigner = deployment.relayer,
): Promise<Omit<Settled, 'bytes'>> {
  const { settlement, ethers } = deployment
  const tx = await settlement.connect(from).settle(bytes, authority)
  const receipt = await tx.wait()
  const log = receipt?.logs
    .map((entry) => settlement.interface.parseLog(entry))
    .find((entry) => entry?.name === 'Settled')
  if (log == null) throw new Error('the batch emitted nothing')
  const trace: { returnValue: string } = await ethers.provider.send('debug_traceTransaction', [
    tx.hash,
    { disableStorage: true, disableStack: true, enableMemory: false },
  ])
  const [facts] = settlement.interface.decodeFunctionResult('settle', `0x${trace.returnValue.replace(/^0x/, '')}`)
  const { root, applied, clock } = log.args
  const records = decodeFacts(facts as Hex)
  const outcomes = records.map(({ outcome }) => outcomeName(outcome))
  return { tx, root, applied, clock: Number(clock), facts: facts as Hex, records, outcomes }
}

/** Settles groups in a lane with everything right, unless said otherwise. */
export async function settle(
  deployment: Deployment & { provider?: { owner: HardhatEthersSigner } },
  lane: number,
  groups: readonly SignedGroup[],
  options: SettleOptions = {},
): Promise<Settled> {
  const { bytes, root } = batchOf(lane, groups)
  const forced = lane === Lane.Forced ? deployment.owner : deployment.relayer
  const authority = options.authority ?? (lane === Lane.Attested ? attest(deployment, root) : '0x')
  const settled = await sendBatch(deployment, bytes, authority, options.from ?? forced)
  if (settled.root !== root) throw new Error(`the chain's root ${settled.root} is not ours, ${root}`)
  return { ...settled, bytes }
}

function outcomeName(code: number): string {
  return Object.keys(Outcome)[code] ?? `unknown ${code}`
}
