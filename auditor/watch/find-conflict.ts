/**
 * Finds members who attested two contents for one stream.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex } from 'viem'

import { oversightAbi } from '#protocol/abi.generated.ts'
import { decodeAttestation, encodeAttestation } from '#protocol/attestation.ts'
import { equivocationOf } from '#protocol/faults.ts'
import { conflictEvidence, memberSubject, placeUnderRoot, streamMatter } from '#protocol/oversight.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Fault, Lane } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'

import type { BookGroup } from './book.ts'
import type { Finding } from './facts.ts'

type Pair = readonly [BookGroup, BookGroup]

/** A batch's attestation by one of its members alone; null where it did not sign. */
function aloneIn({ batch }: BookGroup, epoch: number, member: number): Hex | null {
  const attestation = decodeAttestation(batch.authority)
  const own = attestation.signatures.filter(({ index }) => index === member)
  if (attestation.epoch !== epoch || own.length === 0) return null
  return encodeAttestation({ ...attestation, signatures: own })
}

const receiptsOf = ({ tally }: BookGroup): Hex => toHex(encodeReceipts(tally.receipts ?? []))

function findingOf(pair: Pair, attestations: readonly [Hex, Hex], signer: Address): Finding {
  const [one, other] = pair
  const { dealKey, stream } = one.tally.tally
  const byNumbers = equivocationOf(one.tally.dealId, bare(one), bare(other)) !== null
  const places = pair.map(({ batch, tally, index }) => placeUnderRoot(batch.rooted, tally.tally, index)) as [Hex, Hex]
  const receipts: [Hex, Hex] = byNumbers ? ['0x', '0x'] : [receiptsOf(one), receiptsOf(other)]
  const args = [places, attestations, receipts] as const
  return {
    ...{ fault: Fault.ConflictingAttestation, court: 'oversight', dealId: one.tally.dealId, stream },
    subject: memberSubject(streamMatter(dealKey, stream), Fault.ConflictingAttestation, signer),
    evidence: conflictEvidence(one.tally.hash, other.tally.hash, signer),
    data: encodeFunctionData({ abi: oversightAbi, functionName: 'proveConflict', args }),
  }
}

const bare = ({ tally: { tally, worker, signature } }: BookGroup) => ({ tally, worker, signature })

/**
 * Members who signed both of two batches that hold contradicting groups.
 *
 * @param signersOf - Keys of an epoch's members, in their order.
 */
export function findConflicts(
  a: BookGroup,
  b: BookGroup,
  signersOf: (epoch: number) => readonly Address[],
): readonly Finding[] {
  if (a.batch.lane !== Lane.Attested || b.batch.lane !== Lane.Attested) return []
  if (equivocationOf(a.tally.dealId, a.tally, b.tally) === null) return []
  const pair: Pair = a.tally.hash < b.tally.hash ? [a, b] : [b, a]
  const { epoch } = decodeAttestation(a.batch.authority)
  return signersOf(epoch).flatMap((signer, member) => {
    const [one, other] = [aloneIn(pair[0], epoch, member), aloneIn(pair[1], epoch, member)]
    return one === null || other === null ? [] : [findingOf(pair, [one, other], signer)]
  })
}
