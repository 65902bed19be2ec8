/**
 * What proves a fault, as the contracts read it: signed tallies and receipts in packed bytes, and the hashes that name
 * them.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { tallyHash } from './eip712.ts'
import { encodeReceipts, segmentHash } from './receipts.ts'
import type { Fault, Receipt, Tally } from './types.ts'
import { concatBytes, FieldError, fixedBytes, keccak, packWords, toBytes, toHex, uintBytes } from './words.ts'
import { type Work, workHash } from './work.ts'

/** A tally with its worker's index and EIP-2098 signature. */
export type SignedTally = { readonly tally: Tally; readonly worker: number; readonly signature: Hex }

/** A signed tally with the receipts of its segment. */
export type SignedSegment = SignedTally & { readonly receipts: readonly Receipt[] }

/** Receipt `index` of a signed segment, and what its work hash is of. */
export type SignedReceipt = SignedSegment & { readonly dealId: number; readonly index: number; readonly work: Work }

/** What a case in the vault is about: each is punished once. */
export function faultSubject(dealKey: Hex, stream: number, fault: Fault): Hex {
  return toHex(
    keccak(
      packWords([fixedBytes(dealKey, 32, 'dealKey'), uintBytes(stream, 8, 'stream'), uintBytes(fault, 8, 'fault')]),
    ),
  )
}

/**
 * What a case's `evidence` is.
 *
 * @param index - First receipt of the stream that the fault makes void.
 * @param detail - Hash of what was signed.
 */
export function evidenceHash(index: number, detail: Hex): Hex {
  return toHex(keccak(packWords([uintBytes(index, 256, 'index'), fixedBytes(detail, 32, 'detail')])))
}

/** What is given to the vault before a proof, so that nobody who copies the proof is its reporter. */
export function evidenceCommitment(evidence: Hex, reporter: Address, salt: Hex): Hex {
  return toHex(
    keccak(
      packWords([
        fixedBytes(evidence, 32, 'evidence'),
        fixedBytes(reporter, 20, 'reporter'),
        fixedBytes(salt, 32, 'salt'),
      ]),
    ),
  )
}

/** What names a receipt, whatever tally shows it. */
export function receiptHash({ tally, receipts, index }: SignedReceipt): Hex {
  const receipt = receiptAt(tally, receipts, index)
  return toHex(
    keccak(
      packWords([
        fixedBytes(tally.dealKey, 32, 'dealKey'),
        uintBytes(tally.stream, 8, 'stream'),
        uintBytes(index, 24, 'index'),
        uintBytes(receipt.units, 24, 'units'),
        fixedBytes(receipt.workHash, 32, 'workHash'),
      ]),
    ),
  )
}

/**
 * Receipt `index` of a stream, from a segment that holds it.
 *
 * @throws FieldError when it does not.
 */
export function receiptAt(tally: Tally, receipts: readonly Receipt[], index: number): Receipt {
  const receipt = receipts[index - tally.first]
  if (receipt === undefined)
    throw new FieldError('index', `${index} is not in receipts ${tally.first} to ${tally.count}`)
  return receipt
}

/** `first (3) ‖ count (3) ‖ units so far (5) ‖ worker (5) ‖ signature (64)`. */
export function packTally({ tally, worker, signature }: SignedTally): Uint8Array {
  return concatBytes([
    uintBytes(tally.first, 24, 'first'),
    uintBytes(tally.count, 24, 'count'),
    uintBytes(tally.units, 40, 'units'),
    uintBytes(worker, 40, 'worker'),
    fixedBytes(signature, 64, 'signature'),
  ])
}

/** A tally and its segment's hash (32). */
export function packTallyAndSegment(signed: SignedTally): Uint8Array {
  return concatBytes([packTally(signed), fixedBytes(signed.tally.segment, 32, 'segment')])
}

/**
 * `deal id (4) ‖ stream (1) ‖ tally ‖ index (3) ‖ task hash (32) ‖ output commitment (32) ‖ started at (8) ‖ ended at (8)
 * ‖ receipts`.
 *
 * @throws FieldError when the segment is not the tally's, or the work hash not the receipt's.
 */
export function packReceipt(signed: SignedReceipt): Uint8Array {
  const { dealId, tally, index, work, receipts } = signed
  const bytes = encodeReceipts(receipts)
  if (segmentHash(bytes) !== tally.segment) throw new FieldError('receipts', 'are not those of the segment')
  if (workHash(work) !== receiptAt(tally, receipts, index).workHash)
    throw new FieldError('work', "is not what the receipt's hash is of")
  return concatBytes([
    uintBytes(dealId, 32, 'dealId'),
    uintBytes(tally.stream, 8, 'stream'),
    packTally(signed),
    uintBytes(index, 24, 'index'),
    fixedBytes(work.taskHash, 32, 'taskHash'),
    fixedBytes(work.outputCommitment, 32, 'outputCommitment'),
    uintBytes(work.startedAt, 64, 'startedAt'),
    uintBytes(work.endedAt, 64, 'endedAt'),
    bytes,
  ])
}

/** Detail of evidence that is two hashes, in the order in which the contracts want them. */
export function detailOf(...hashes: readonly Hex[]): Hex {
  return toHex(keccak(packWords(hashes.map((hash) => toBytes(hash)))))
}

/** The tallies by ascending hash, as the contracts want them. */
export function inOrder<T extends SignedTally>(a: T, b: T): readonly [T, T] {
  return tallyHash(a.tally) < tallyHash(b.tally) ? [a, b] : [b, a]
}
