/**
 * What settling a batch did, as `settle` returns it and disputes open it: per group a record of 16 bytes,
 * `outcome (1) ‖ cursor before (3) ‖ units before (5) ‖ amount paid (7)`, all zero but the outcome where the group did
 * not move its stream.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from './errors.ts'
import { merkleRoot } from './merkle.ts'
import { Outcome } from './types.ts'
import { concatBytes, keccak, toBytes, toHex, uintBytes } from './words.ts'

/** Bytes of one group's record. */
export const RECORD_BYTES = 16
/** Records under one leaf of the facts root. */
export const CHUNK_RECORDS = 16
const CHUNK_BYTES = RECORD_BYTES * CHUNK_RECORDS

/** What happened to one group. */
export type GroupFacts = {
  readonly outcome: Outcome
  /** Receipts of the stream before the group. */
  readonly cursor: number
  /** Units of the stream before the group. */
  readonly units: bigint
  /** What the deal paid for the group, settlement token base units. */
  readonly amount: bigint
}

/** Thrown when bytes are no records; `code` is `facts.malformed`. */
export class FactsError extends TallyError {
  override readonly name = 'FactsError'

  constructor(problem: string) {
    super('facts.malformed', problem)
  }
}

/** Whether a group with this outcome moved its stream. */
export function moved(outcome: Outcome): boolean {
  return outcome === Outcome.Applied || outcome === Outcome.Clamped
}

/** The facts of a group that did not move its stream. */
export function unmoved(outcome: Outcome): GroupFacts {
  return { outcome, cursor: 0, units: 0n, amount: 0n }
}

/**
 * The records of a batch's groups, in order.
 *
 * @throws FieldError when a field does not fit its bytes.
 */
export function encodeFacts(facts: readonly GroupFacts[]): Hex {
  return toHex(concatBytes(facts.flatMap(recordBytes)))
}

function recordBytes({ outcome, cursor, units, amount }: GroupFacts): Uint8Array[] {
  return [
    uintBytes(outcome, 8, 'facts.outcome'),
    uintBytes(cursor, 24, 'facts.cursor'),
    uintBytes(units, 40, 'facts.units'),
    uintBytes(amount, 56, 'facts.amount'),
  ]
}

/**
 * The facts of a batch's groups from the bytes `settle` returned.
 *
 * @throws {@link FactsError} when they are none: cut off, an unknown outcome, or more than that of a group that did not
 * move.
 */
export function decodeFacts(encoded: Hex): GroupFacts[] {
  const records = toBytes(encoded, 'facts').length / RECORD_BYTES
  if (!Number.isInteger(records) || records === 0) throw new FactsError('they are not whole records')
  return Array.from({ length: records }, (_, index) => decodeRecord(encoded.slice(2 + 32 * index, 34 + 32 * index)))
}

function decodeRecord(digits: string): GroupFacts {
  const [outcome, cursor, units, amount] = [
    Number(`0x${digits.slice(0, 2)}`),
    Number(`0x${digits.slice(2, 8)}`),
    BigInt(`0x${digits.slice(8, 18)}`),
    BigInt(`0x${digits.slice(18)}`),
  ]
  if (!isOutcome(outcome)) throw new FactsError(`there is no outcome ${outcome}`)
  if (!moved(outcome) && (cursor !== 0 || units !== 0n || amount !== 0n)) {
    throw new FactsError(`a group with outcome ${outcome} moved nothing`)
  }
  return { outcome, cursor, units, amount }
}

const OUTCOMES: ReadonlySet<number> = new Set(Object.values(Outcome))

function isOutcome(value: number): value is Outcome {
  return OUTCOMES.has(value)
}

/** The records in chunks of 16, the last one shorter: what the leaves of the facts root are hashes of. */
export function factsChunks(encoded: Hex): Uint8Array[] {
  const bytes = toBytes(encoded, 'facts')
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) chunks.push(bytes.subarray(at, at + CHUNK_BYTES))
  return chunks
}

/**
 * Merkle root over the hashes of chunks of 16 records, the last one shorter.
 *
 * @throws FieldError when there is no record.
 */
export function factsRoot(encoded: Hex): Hex {
  return merkleRoot(factsChunks(encoded).map((chunk) => toHex(keccak(chunk))))
}
