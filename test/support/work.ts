/**
 * Streams of work as workers keep them: receipts so far, and segments of them signed.
 *
 * @module
 */
import { type Hex, keccak256, stringToHex } from 'viem'

import { type Batch, encodeBatch, type Group, sortGroups } from '#protocol/batch.ts'
import { batchRoot, groupHash, tallyOfGroup } from '#protocol/batch-root.ts'
import { acknowledgementDigest, tallyDigest } from '#protocol/eip712.ts'
import { encodeReceipts, segmentHash, totalUnits } from '#protocol/receipts.ts'
import { type Acknowledgement, type Domain, Mode, type Receipt, type Tally } from '#protocol/types.ts'

import type { Signer } from './actors.ts'

/** Where a stream's work goes and who does it. */
export type StreamPlace = {
  readonly dealId: number
  readonly dealKey: Hex
  readonly stream: number
  readonly worker: number
  readonly signer: Signer
}

/** A group together with the tally that it carries. */
export type SignedGroup = Group & { readonly tally: Tally; readonly leaf: Hex }

/** One stream's receipts and what can be signed over them. */
export type StreamLog = {
  /** Does tasks of these many units. */
  work(...units: bigint[]): StreamLog
  /** Takes receipts of work that somebody may look behind. */
  add(...done: readonly Receipt[]): StreamLog
  /** The segment of receipts `first … count`, signed by the worker; everything done when they are left out. */
  group(first?: number, count?: number): SignedGroup
  /** The same with the acknowledgement key's signature. */
  acknowledged(key: Signer, first?: number, count?: number): SignedGroup
  /** Hash of everything done. */
  segment(): Hex
  readonly receipts: readonly Receipt[]
}

/** A new stream without receipts. */
export function createStream(domain: Domain, place: StreamPlace): StreamLog {
  const receipts: Receipt[] = []
  const { dealId, dealKey, stream, worker, signer } = place

  function group(first = 0, count = receipts.length): SignedGroup {
    const units = totalUnits(receipts.slice(0, count))
    const bare = {
      dealId,
      stream,
      worker,
      first,
      units,
      signature: '0x' as Hex,
      receipts: receipts.slice(first, count),
    }
    const tally = tallyOfGroup(bare, dealKey)
    return { ...bare, tally, leaf: groupHash(tally), signature: signer.sign(tallyDigest(tally, domain)) }
  }

  const log: StreamLog = {
    receipts,
    group,
    segment: () => segmentHash(encodeReceipts(receipts)),
    work(...units) {
      for (const amount of units) {
        receipts.push({ units: amount, workHash: workHashOf(`${dealKey} ${stream} ${receipts.length}`) })
      }
      return log
    },
    add(...done) {
      receipts.push(...done)
      return log
    },
    acknowledged(key, first, count) {
      const signed = group(first, count)
      return { ...signed, acknowledgement: key.sign(acknowledgementDigest(acknowledgementOf(signed.tally), domain)) }
    },
  }
  return log
}

/** A work hash nobody looks behind. */
export function workHashOf(name: string): Hex {
  return keccak256(stringToHex(name))
}

/** The acknowledgement that covers a tally. */
export function acknowledgementOf({ dealKey, stream, count, units, segment }: Tally): Acknowledgement {
  return { dealKey, stream, count, units, segment }
}

/** The same group with another signature over the same receipts; `units` is what the worker claims. */
export function resigned(domain: Domain, group: SignedGroup, signer: Signer, change: Partial<Tally> = {}): SignedGroup {
  const tally = { ...group.tally, ...change }
  const signature = signer.sign(tallyDigest(tally, domain))
  return { ...group, units: tally.units, tally, leaf: groupHash(tally), signature }
}

/** Bytes and root of groups in the order a batch needs. */
export function batchOf(lane: number, groups: readonly SignedGroup[]): { batch: Batch; bytes: Hex; root: Hex } {
  const sorted = sortGroups(groups) as SignedGroup[]
  const batch: Batch = { mode: Mode.Calldata, lane, groups: sorted }
  return {
    batch,
    bytes: encodeBatch(batch),
    root: batchRoot({ mode: Mode.Calldata, groupHashes: sorted.map(({ leaf }) => leaf) }),
  }
}
