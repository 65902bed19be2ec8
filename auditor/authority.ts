/**
 * Whether a batch had its lane's authority: the committee's attestation, or the provider's own side.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { Claim, decodeAttestation, type SignedAttestation } from '#protocol/attestation.ts'
import { attestationDigest, forceDigest } from '#protocol/eip712.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { Lane } from '#protocol/types.ts'

import { isSignedTally, type Judged } from './groups.ts'
import { type Replay, report } from './replay.ts'
import { addressKey, type Epoch, type State } from './state.ts'

/** A batch as far as its authority is concerned. */
export type Authorised = { lane: number; root: Hex; authority: Hex; judged: readonly Judged[] }

function readAttestation(authority: Hex): SignedAttestation | null {
  try {
    return decodeAttestation(authority)
  } catch {
    // bytes that are no attestation authorise nothing; the caller says so
    return null
  }
}

/** Whether attestations of `epoch` are good in a block of `timestamp`: the current one, or the last within its grace. */
function isEpochValid(replay: Replay, epoch: Epoch): boolean {
  const next = replay.state.epochs.get(epoch.number + 1)
  return next === undefined || replay.block.timestamp <= next.startedAt + replay.state.grace
}

function countSignatures(replay: Replay, epoch: Epoch, attestation: SignedAttestation, root: Hex): number | string {
  const { state, findings } = replay
  const domain = { chainId: state.domain.chainId, verifyingContract: state.committee }
  const digest = attestationDigest({ epoch: epoch.number, root, claims: attestation.claims }, domain)
  for (const { index, signature } of attestation.signatures) {
    findings.totals.signatures++
    const signer = recoverCompact(digest, signature)
    if (signer === null || addressKey(signer) !== epoch.signers[index]) return `member ${index} did not sign it`
  }
  return attestation.signatures.length
}

function attestationProblem(replay: Replay, { root, authority }: Authorised): string | null {
  const attestation = readAttestation(authority)
  if (attestation === null) return 'its bytes are no attestation'
  const epoch = replay.state.epochs.get(attestation.epoch)
  if (epoch === undefined) return `epoch ${attestation.epoch} never began`
  if (!isEpochValid(replay, epoch)) return `epoch ${attestation.epoch} is over`
  if ((attestation.claims & Claim.Tallies) === 0) return 'it does not claim that the tallies are signed'
  const signed = countSignatures(replay, epoch, attestation, root)
  if (typeof signed === 'string') return signed
  return signed < epoch.threshold ? `${signed} of the ${epoch.threshold} signatures needed` : null
}

/** Keys and providers of the groups whose worker signed; only they ask for authority. */
function forcedBy(state: State, judged: readonly Judged[]): { providers: Set<number>; keys: Set<Address> } {
  const providers = new Set<number>()
  const keys = new Set<Address>()
  for (const one of judged) {
    const worker = state.workers.get(one.group.worker)
    if (worker === undefined || !isSignedTally(one.outcome)) continue
    providers.add(worker.provider)
    keys.add(worker.key)
  }
  return { providers, keys }
}

function forceProblem(replay: Replay, { root, authority, judged }: Authorised): string | null {
  const { state, transaction } = replay
  const { providers, keys } = forcedBy(state, judged)
  const [id] = providers
  if (id === undefined) return null
  if (providers.size > 1) return 'it forces groups of several providers'
  const signer = authority === '0x' ? transaction.from : forceSigner(state, root, transaction.from, authority)
  const provider = state.providers.get(id)
  if (signer === null || provider === undefined) return 'nobody signed it'
  const key = addressKey(signer)
  if (key === provider.owner || key === provider.operator) return null
  const isTheWorker = authority !== '0x' && keys.size === 1 && keys.has(key)
  return isTheWorker ? null : `${signer} is not of provider ${id}`
}

function forceSigner(state: State, root: Hex, sender: Address, authority: Hex): Address | null {
  return recoverCompact(forceDigest({ root, sender }, state.domain), authority)
}

/** Reports a batch that settled without its lane's authority. */
export function checkAuthority(replay: Replay, batch: Authorised): void {
  if (batch.lane === Lane.Acknowledged) return
  const isAttested = batch.lane === Lane.Attested
  const problem = isAttested ? attestationProblem(replay, batch) : forceProblem(replay, batch)
  replay.findings.watch('authority', problem === null)
  if (problem === null) return
  const name = isAttested ? 'the attestation does not hold' : 'the forced batch is not authorised'
  report(replay, isAttested ? 'attestation' : 'authority', `${name}: ${problem}`)
}
