/**
 * Finds groups whose blobs do not hold what was signed.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex } from 'viem'

import { oversightAbi } from '#protocol/abi.generated.ts'
import { decodeAttestation } from '#protocol/attestation.ts'
import { voidBlobEvidence, voidBlobSubject } from '#protocol/oversight.ts'
import { Fault, Lane, Mode } from '#protocol/types.ts'
import { openBlob } from '#runtime/blob-opening.ts'
import type { Kzg } from '#runtime/kzg.ts'

import { readGroup } from './blob-groups.ts'
import type { BookGroup } from './book.ts'
import type { Finding } from './facts.ts'

/**
 * What an attested group shows whose blob holds something else: it was paid for nothing, and its members vouched for it.
 *
 * @param blob - The group's blob, as its hash on chain binds it.
 * @param place - The group's place in the ring.
 * @param signersOf - Keys of an epoch's members, in their order.
 */
export async function findVoidBlob(
  { tally: { tally, dealId, hash }, batch, index }: BookGroup,
  blob: Uint8Array,
  at: {
    readonly kzg: Kzg
    readonly place: Hex
    readonly signersOf: (epoch: number) => readonly Address[]
  },
): Promise<Finding | null> {
  const { rooted, root, lane, authority } = batch
  if (lane !== Lane.Attested || rooted.mode !== Mode.Blob) return null
  if (readGroup(rooted, index, tally, blob).receipts !== null) return null
  const { epoch, signatures } = decodeAttestation(authority)
  const signer = at.signersOf(epoch)[signatures[0]?.index ?? 0]
  if (signer === undefined) return null
  const opening = await openBlob(at.kzg, rooted.blobs, index, blob)
  const args = [dealId, at.place, tally.segment, opening, authority] as const
  return {
    ...{ fault: Fault.VoidBlob, court: 'oversight', dealId, stream: tally.stream },
    // members are punished once a batch, and each of its void groups is to be voided
    subject: voidBlobSubject(root, hash),
    evidence: voidBlobEvidence(root, tally, signer),
    data: encodeFunctionData({ abi: oversightAbi, functionName: 'proveVoid', args }),
  }
}
