/**
 * See {@link Cheat}.
 *
 * @module
 */
import { settlementAbi } from '#protocol/abi.generated.ts'
import { encodeAttestation } from '#protocol/attestation.ts'
import { attestationDigest } from '#protocol/eip712.ts'
import { encodeNetBatch, netBatchRoot } from '#protocol/net-batch.ts'
import { signCompact } from '#protocol/signature.ts'

import { Fault } from '#protocol/types.ts'
import type { Cheat } from '../cheat.ts'
import { committeeDomainOf, openDeal } from '../party.ts'
import { clockOf } from '../time.ts'

/** What is taken from the buyer, settlement token base units. */
const STOLEN = 5_000_000n
const CLAIMS = 1

/** The whole committee and a provider take a buyer's money. */
export const collusion: Cheat = {
  name: 'collusion',
  tries: 'all members sign a net that takes five dollars from a buyer for nothing',
  provable: 'at once',
  async play(world, party) {
    const { settlement: address } = world.deployment
    const own = { address, abi: settlementAbi } as const
    const deal = await openDeal(world, party, { mode: 2 })
    await world.anyone.call({ ...own, functionName: 'refreshBonds', args: [] })
    const [root, [queueFrom], [index], clock] = await Promise.all([
      world.client.readContract({ ...own, functionName: 'netRoot' }),
      world.client.readContract({ ...own, functionName: 'netQueue' }),
      world.client.readContract({ ...own, functionName: 'netBuyer', args: [party.buyer.address] }),
      clockOf(world),
    ])
    const batch = encodeNetBatch({
      ...{ until: clock + 1_800, queueTo: queueFrom, root, blobs: [] },
      providers: [{ of: party.provider.id, amount: STOLEN }],
      buyers: [{ of: index, amount: STOLEN }],
    })
    const signed = netBatchRoot(batch, { versionedHashes: [], previous: root, queueFrom })
    const digest = attestationDigest({ epoch: 1, root: signed, claims: CLAIMS }, committeeDomainOf(world))
    const signatures = world.members.map(({ key }, member) => ({
      index: member,
      signature: signCompact(digest, key.privateKey),
    }))
    const authority = encodeAttestation({ epoch: 1, claims: CLAIMS, signatures })
    await world.anyone.call({ ...own, functionName: 'settle', args: [batch, authority] })
    return {
      deals: [deal],
      members: world.members.map(({ signer }) => signer),
      membersFault: Fault.WrongNet,
      slashed: 'members',
    }
  },
}
