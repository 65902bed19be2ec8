/**
 * The chained hashes the settlement keeps so that any settled batch or group can be proven later.
 *
 * @module
 */
import type { Hex } from 'viem'

import { concatBytes, fixedBytes, keccak, toBytes, toHex, uintBytes } from './words.ts'

const INTERVAL_CHAIN_BYTES = 26
const STREAM_CHAIN_BYTES = 27

/** Seconds of one interval of the batch ring. */
export const INTERVAL_SECONDS = 900

/** Intervals the batch ring holds. */
export const RING_INTERVALS = 512

/** Interval a second on the protocol clock lies in. */
export function intervalOf(clock: number): number {
  return Math.floor(clock / INTERVAL_SECONDS)
}

/**
 * An interval's chain after one more attested batch.
 *
 * @param chain - 26 bytes; zero for the interval's first batch.
 * @param applied - Bits of the groups that moved their stream, as in the `Settled` event.
 * @param time - Second on the protocol clock.
 * @throws FieldError when a value does not fit.
 */
export function nextIntervalChain(chain: Hex, root: Hex, applied: Hex, time: number): Hex {
  const preimage = concatBytes([
    fixedBytes(chain, INTERVAL_CHAIN_BYTES, 'chain'),
    fixedBytes(root, 32, 'root'),
    toBytes(applied, 'applied'),
    uintBytes(time, 32, 'time'),
  ])
  return toHex(keccak(preimage).subarray(0, INTERVAL_CHAIN_BYTES))
}

/**
 * A stream's chain after one more forced or acknowledged group that moved it.
 *
 * @param chain - 27 bytes; zero for the stream's first one.
 * @param group - Group hash.
 * @throws FieldError when a value does not fit.
 */
export function nextStreamChain(chain: Hex, group: Hex): Hex {
  const preimage = concatBytes([fixedBytes(chain, STREAM_CHAIN_BYTES, 'chain'), fixedBytes(group, 32, 'groupHash')])
  return toHex(keccak(preimage).subarray(0, STREAM_CHAIN_BYTES))
}
