/**
 * Everything scenarios sign: segments, acknowledgements, attestations, and the batches made of them.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, keccak256, stringToHex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Claim, encodeAttestation } from '#protocol/attestation.ts'
import { encodeBatch, sortGroups } from '#protocol/batch.ts'
import { batchRoot, groupHash } from '#protocol/batch-root.ts'
import { acknowledgementDigest, attestationDigest, tallyDigest } from '#protocol/eip712.ts'
import { encodeReceipts, segmentHash, totalUnits } from '#protocol/receipts.ts'
import { signCompact } from '#protocol/signature.ts'
import { type Domain, Mode, type Receipt, type Tally } from '#protocol/types.ts'

import type { Actor, DealHand, Segment } from './scenario.ts'

/** For whom things are signed. */
export type SigningOptions = {
  domain: Domain
  committee: Address
  members: readonly Actor[]
  /** Signatures an attestation needs. */
  threshold: number
}

/** Signs for one deployment. */
export function createSigning({ domain, committee, members, threshold }: SigningOptions) {
  /** Signs a segment over given receipts from `first` on; changes nothing. */
  function segmentAt(
    deal: DealHand,
    stream: number,
    at: { first: number; unitsBefore: bigint },
    receipts: readonly Receipt[],
    signer = deal.provider.workers[0],
  ): Segment {
    if (signer === undefined) throw new Error('the provider has no worker')
    const tally: Tally = {
      dealKey: deal.key,
      stream,
      first: at.first,
      count: at.first + receipts.length,
      units: at.unitsBefore + totalUnits(receipts),
      segment: segmentHash(encodeReceipts(receipts)),
    }
    const signature = signCompact(tallyDigest(tally, domain), signer.actor.key)
    return {
      deal,
      tally,
      group: {
        dealId: deal.id,
        stream,
        worker: signer.index,
        first: at.first,
        units: tally.units,
        signature,
        receipts,
      },
    }
  }

  /** Work hash of the receipt at `position` of a stream. */
  const receiptHash = (deal: DealHand, stream: number, position: number): Hex =>
    keccak256(stringToHex(`${deal.key} ${stream} ${position}`))

  /** Works on: signs the next receipts of a stream, one per entry of `units`. */
  function work(deal: DealHand, stream: number, units: readonly (bigint | number)[]): Segment {
    const state = deal.streams[stream]
    if (state === undefined) throw new Error(`deal ${deal.id} has no stream ${stream}`)
    const receipts = units.map((one, i) => ({
      units: BigInt(one),
      workHash: receiptHash(deal, stream, state.count + i),
    }))
    const segment = segmentAt(deal, stream, { first: state.count, unitsBefore: state.units }, receipts)
    state.count = segment.tally.count
    state.units = segment.tally.units
    return segment
  }

  /** Signs the buyer's acknowledgement into a segment, as lane 0 wants it. */
  function acknowledged(segment: Segment, signer = segment.deal.ackKey): Segment {
    const { dealKey: key, stream, count, units, segment: hash } = segment.tally
    const digest = acknowledgementDigest({ dealKey: key, stream, count, units, segment: hash }, domain)
    return { ...segment, group: { ...segment.group, acknowledgement: signCompact(digest, signer.key) } }
  }

  const rootOf = (segments: readonly Segment[]): Hex =>
    batchRoot({ mode: Mode.Calldata, groupHashes: ordered(segments).map(({ tally }) => groupHash(tally)) })

  function ordered(segments: readonly Segment[]): Segment[] {
    const groups = sortGroups(segments.map(({ group }) => group))
    return groups.flatMap((group) => segments.filter((segment) => segment.group === group))
  }

  /** Attestation of a batch by the first `signers` members. */
  const attest = (segments: readonly Segment[], signers?: readonly Actor[], epoch?: number): Hex =>
    attestRoot(rootOf(segments), signers, epoch)

  /** The same of a root. */
  function attestRoot(root: Hex, signers: readonly Actor[] = members.slice(0, threshold), epoch = 1): Hex {
    const claims = Claim.Tallies
    const digest = attestationDigest({ epoch, root, claims }, { chainId: domain.chainId, verifyingContract: committee })
    const signatures = signers.map((member) => ({
      index: members.findIndex(({ address }) => address === member.address),
      signature: signCompact(digest, member.key),
    }))
    return encodeAttestation({ epoch, claims, signatures })
  }

  const batchBytes = (lane: number, segments: readonly Segment[]): Hex =>
    encodeBatch({ mode: Mode.Calldata, lane, groups: ordered(segments).map(({ group }) => group) })

  const settleData = (lane: number, segments: readonly Segment[], authority: Hex): Hex =>
    encodeFunctionData({
      abi: settlementAbi,
      functionName: 'settle',
      args: [batchBytes(lane, segments), authority],
    })

  return { segmentAt, receiptHash, work, acknowledged, rootOf, attest, attestRoot, batchBytes, settleData }
}
