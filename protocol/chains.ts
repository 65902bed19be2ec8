/**
 * The chained hashes the settlement keeps so that any settled batch or group can be proven later.
 *
 * @module
 */
import type { Hex } from 'viem'

import { RECORD_BYTES } from './facts.ts'
import { concatBytes, fixedBytes, keccak, toHex, uintBytes } from './words.ts'

const INTERVAL_CHAIN_BYTES = 26
const STREAM_CHAIN_BYTES = 27

/** Seconds of one interval of the batch ring. */
export const INTERVAL_SECONDS = 900

/** Interval a second on the protocol clock lies in. */
export function intervalOf(clock: number): number {
  return Math.floor(clock / INTERVAL_SECONDS)
}

/**
 * An interval's chain after one more attested batch that moved a stream.
 *
 * @param chain - 26 bytes; zero for the interval's first batch.
 * @param root - Root of the batch.
 * @param facts - Root of what settling it did, see `factsRoot`.
 * @param time - Second on the protocol clock.
 * @throws FieldError when a value does not fit.
 */
export function nextIntervalChain(chain: Hex, root: Hex, facts: Hex, time: number): Hex {
  const preimage = concatBytes([
    fixedBytes(chain, INTERVAL_CHAIN_BYTES, 'chain'),
    fixedBytes(root, 32, 'root'),
    fixedBytes(facts, 32, 'facts'),
    uintBytes(time, 32, 'time'),
  ])
  return toHex(keccak(preimage).subarray(0, INTERVAL_CHAIN_BYTES))
}

/**
 * A stream's chain after one more forced or acknowledged group that moved it.
 *
 * @param chain - 27 bytes; zero for the stream's first one.
 * @param group - Group hash.
 * @param record - The group's 16 bytes of facts.
 * @param time - Second on the protocol clock.
 * @throws FieldError when a value does not fit.
 */
export function nextStreamChain(chain: Hex, group: Hex, record: Hex, time: number): Hex {
  const preimage = concatBytes([
    fixedBytes(chain, STREAM_CHAIN_BYTES, 'chain'),
    fixedBytes(group, 32, 'groupHash'),
    fixedBytes(record, RECORD_BYTES, 'record'),
    uintBytes(time, 32, 'time'),
  ])
  return toHex(keccak(preimage).subarray(0, STREAM_CHAIN_BYTES))
}
