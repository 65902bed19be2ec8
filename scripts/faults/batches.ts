/**
 * Batches that cheaters and their victims settle by themselves.
 *
 * @module
 */
import type { Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { encodeAttestation } from '#protocol/attestation.ts'
import { encodeBatch, sortGroups } from '#protocol/batch.ts'
import { batchRoot, groupHash, tallyOfGroup } from '#protocol/batch-root.ts'
import { attestationDigest } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'
import { Lane, Mode, type Tally } from '#protocol/types.ts'
import { type SegmentMessage, segmentToGroup } from '#protocol/wire.ts'
import type { Actor } from '../network/actor.ts'
import { committeeDomainOf } from './party.ts'
import type { Member, World } from './world.ts'

/** Claims of an attestation that vouches for tallies, orders and outputs. */
const CLAIMS = 1 | 8

/** The tally of a segment. */
export function tallyOf(segment: SegmentMessage): Tally {
  return tallyOfGroup(segmentToGroup(segment), segment.dealKey)
}

/** Its owner forces a provider's segment. */
export async function force(world: World, owner: Actor, segment: SegmentMessage): Promise<void> {
  const batch = encodeBatch({ mode: Mode.Calldata, lane: Lane.Forced, groups: [segmentToGroup(segment)] })
  await settle(world, owner, batch, '0x')
}

/** Members vouch for a batch, whatever is in it, and somebody sends it. */
export async function attest(world: World, members: readonly Member[], segments: readonly SegmentMessage[]) {
  const groups = sortGroups(segments.map(segmentToGroup))
  const batch = encodeBatch({ mode: Mode.Calldata, lane: Lane.Attested, groups })
  const groupHashes = segments.map((segment) => groupHash(tallyOf(segment)))
  const root = batchRoot({ mode: Mode.Calldata, groupHashes })
  const digest = attestationDigest({ epoch: 1, root, claims: CLAIMS }, committeeDomainOf(world))
  const signatures = members.map(({ key }) => ({
    index: world.members.findIndex(({ signer }) => signer === key.address),
    signature: signCompact(digest, key.privateKey),
  }))
  await settle(world, world.anyone, batch, encodeAttestation({ epoch: 1, claims: CLAIMS, signatures }))
}

async function settle({ deployment }: World, sender: Actor, batch: Hex, authority: Hex): Promise<void> {
  const { settlement: address } = deployment
  await sender.call({ address, abi: settlementAbi, functionName: 'settle', args: [batch, authority] })
}
