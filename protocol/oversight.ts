/**
 * What the oversight court is shown, see `contracts/interfaces/IOversight.sol`: places under roots that members signed,
 * the evidence of cases, and the subjects that members are punished for once.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { blobTable, groupHash, type RootedBatch } from './batch-root.ts'
import { promiseHash } from './eip712.ts'
import { groupProof, tallyBytes } from './openings.ts'
import { Mode, type Promised, type Tally } from './types.ts'
import { concatBytes, FieldError, fixedBytes, keccak, packWords, toHex, uintBytes } from './words.ts'

/** A demand, as its case names it. */
export type RefutedDemand = {
  /** 0 an order, 1 a chunk of the output. */
  readonly ask: number
  readonly dealKey: Hex
  readonly stream: number
  readonly index: number
  readonly workHash: Hex
  readonly chunk: number
}

/**
 * Place of a group under the root of a batch, whether it was settled or not.
 *
 * @param batch - The batch as its root covers it.
 * @param tally - The group's.
 * @param index - The group's place in the batch.
 * @throws FieldError when the batch has no such group there.
 */
export function placeUnderRoot(batch: RootedBatch, tally: Tally, index: number): Hex {
  const { mode, groupHashes } = batch
  if (groupHashes[index] !== groupHash(tally)) throw new FieldError('index', 'is another group')
  const hashes = groupHashes.map((hash) => fixedBytes(hash, 32, 'groupHash'))
  return toHex(
    concatBytes([
      uintBytes(mode, 8, 'mode'),
      mode === Mode.Blob ? keccak(blobTable(batch.blobs)) : new Uint8Array(),
      uintBytes(groupHashes.length, 32, 'groups'),
      uintBytes(index, 32, 'index'),
      fixedBytes(tally.segment, 32, 'segment'),
      tallyBytes(tally),
      ...groupProof(hashes, index),
    ]),
  )
}

/**
 * Subject of a member's case: a matter, its class and who signed.
 *
 * @param matter - Root of the batch (void blobs), subject of the provider's case (bad attestations), tally (promises),
 * {@link streamMatter} (conflicts) or {@link netMatter} (wrong nets).
 * @throws FieldError when a field does not fit.
 */
export function memberSubject(matter: Hex, fault: number, signer: Address): Hex {
  const words = [fixedBytes(matter, 32, 'matter'), uintBytes(fault, 8, 'fault'), fixedBytes(signer, 20, 'signer')]
  return toHex(keccak(packWords(words)))
}

/** Matter of conflicting attestations of a stream. @throws FieldError when a field does not fit. */
export function streamMatter(dealKey: Hex, stream: number): Hex {
  return toHex(keccak(packWords([fixedBytes(dealKey, 32, 'dealKey'), uintBytes(stream, 8, 'stream')])))
}

/**
 * Matter of a wrong net: the record and amount of its harm, see `INetProofs.Harm`; both 0 where the fault harms nobody by
 * itself.
 *
 * @throws FieldError when a field does not fit.
 */
export function netMatter(root: Hex, record: bigint, amount: bigint): Hex {
  const words = [fixedBytes(root, 32, 'root'), uintBytes(record, 64, 'record'), uintBytes(amount, 64, 'amount')]
  return toHex(keccak(packWords(words)))
}

/** What names a void group of a batch whose members are punished once for all of them. @throws FieldError on a bad field. */
export function voidBlobSubject(root: Hex, tally: Hex): Hex {
  return toHex(keccak(packWords([fixedBytes(root, 32, 'root'), fixedBytes(tally, 32, 'tally')])))
}

/** Evidence that a group's blob is void. @throws FieldError when a field does not fit. */
export function voidBlobEvidence(root: Hex, { dealKey, stream, count }: Tally, signer: Address): Hex {
  const words = [
    fixedBytes(root, 32, 'root'),
    fixedBytes(dealKey, 32, 'dealKey'),
    uintBytes(stream, 8, 'stream'),
    uintBytes(count, 24, 'count'),
  ]
  return signedEvidence(toHex(keccak(packWords(words))), signer)
}

/** Evidence of a broken promise, which a commitment names. @throws FieldError when a field does not fit. */
export function brokenEvidence(promised: Promised, signer: Address): Hex {
  return signedEvidence(promiseHash(promised), signer)
}

/** Evidence of two conflicting tallies that a member signed. @throws FieldError when a field does not fit. */
export function conflictEvidence(one: Hex, other: Hex, signer: Address): Hex {
  const [low, high] = one.toLowerCase() < other.toLowerCase() ? [one, other] : [other, one]
  return signedEvidence(toHex(keccak(packWords([fixedBytes(low, 32, 'one'), fixedBytes(high, 32, 'other')]))), signer)
}

/** Detail of a case about a demand: its identity. @throws FieldError when a field does not fit. */
export function demandDetail({ ask, dealKey, stream, index, workHash, chunk }: RefutedDemand): Hex {
  const words = [
    uintBytes(ask, 8, 'ask'),
    fixedBytes(dealKey, 32, 'dealKey'),
    uintBytes(stream, 8, 'stream'),
    uintBytes(index, 24, 'index'),
    fixedBytes(workHash, 32, 'workHash'),
    uintBytes(chunk, 32, 'chunk'),
  ]
  return toHex(keccak(packWords(words)))
}

function signedEvidence(evidence: Hex, signer: Address): Hex {
  return toHex(keccak(packWords([fixedBytes(evidence, 32, 'evidence'), fixedBytes(signer, 20, 'signer')])))
}
