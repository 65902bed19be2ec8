/**
 * The committee's signatures.
 *
 * @module
 */
import type { Hex } from 'viem'

import { Claim, encodeAttestation } from '#protocol/attestation.ts'
import { attestationDigest } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'

import { keyOf } from './random.ts'
import type { World } from './world.ts'

const FIRST_EPOCH = 1

/** Attestation of a batch's root by the first `signers` members. */
export function attestationOf({ chain, seed }: Pick<World, 'chain' | 'seed'>, root: Hex, signers: number): Hex {
  const domain = { chainId: chain.chainId, verifyingContract: chain.deployment.committee }
  const claims = Claim.Tallies | Claim.ReExecuted | Claim.Retrievable
  const digest = attestationDigest({ epoch: FIRST_EPOCH, root, claims }, domain)
  const signatures = Array.from({ length: signers }, (_, index) => ({
    index,
    signature: signCompact(digest, keyOf(seed, 'member', index)),
  }))
  return encodeAttestation({ epoch: FIRST_EPOCH, claims, signatures })
}
