/**
 * What a net batch brings the chain: net root, nets per provider and per buyer, and how many records its blobs hold. See
 * docs/net-mode.md.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from './errors.ts'
import { createReader, type Reader } from './reader.ts'
import { Lane, Mode } from './types.ts'
import { concatBytes, fixedBytes, keccak, packWords, toBytes, toHex, uintBytes } from './words.ts'

/** What one provider receives or one buyer pays. */
export type Net = {
  /** Provider's id, or the buyer's index among those who ever opened a netted deal. */
  readonly of: number
  /** Settlement token base units. */
  readonly amount: bigint
}

/** Records of one blob. */
export type BlobRow = { readonly groups: number; readonly deals: number }

/** A net batch. */
export type NetBatch = {
  /** Last second on the protocol clock at which it may be settled. */
  readonly until: number
  /** Announced groups below this index were looked at. */
  readonly queueTo: number
  /** Net root after it. */
  readonly root: Hex
  readonly blobs: readonly BlobRow[]
  /** By rising provider. */
  readonly providers: readonly Net[]
  /** By rising buyer. */
  readonly buyers: readonly Net[]
}

/** What members attest beside the batch's own bytes. */
export type NetContext = {
  readonly versionedHashes: readonly Hex[]
  /** Net root before it. */
  readonly previous: Hex
  /** Announced groups below this index were looked at before. */
  readonly queueFrom: number
}

/** Most blobs of a batch. */
export const MAX_NET_BLOBS = 6

/** Thrown when bytes are no net batch; `code` is `net-batch.malformed`. */
export class NetBatchError extends TallyError {
  override readonly name = 'NetBatchError'
  readonly position: number

  constructor(position: number, problem: string) {
    super('net-batch.malformed', `at ${position}: ${problem}`)
    this.position = position
  }
}

/**
 * Bytes of a net batch.
 *
 * @throws FieldError when a field does not fit its bytes.
 */
export function encodeNetBatch({ until, queueTo, root, blobs, providers, buyers }: NetBatch): Hex {
  const net = ({ of, amount }: Net): Uint8Array[] => [uintBytes(of, 32, 'net.of'), uintBytes(amount, 56, 'net.amount')]
  const parts = [
    uintBytes(Mode.Net, 8, 'mode'),
    uintBytes(Lane.Attested, 8, 'lane'),
    uintBytes(until, 32, 'until'),
    uintBytes(queueTo, 32, 'queueTo'),
    fixedBytes(root, 32, 'root'),
    uintBytes(blobs.length, 8, 'blobs'),
    ...blobs.flatMap(({ groups, deals }) => [uintBytes(groups, 16, 'groups'), uintBytes(deals, 16, 'deals')]),
    uintBytes(providers.length, 16, 'providers'),
    uintBytes(buyers.length, 16, 'buyers'),
    ...providers.flatMap(net),
    ...buyers.flatMap(net),
  ]
  return toHex(concatBytes(parts))
}

/**
 * Reads the bytes of a net batch.
 *
 * @throws {@link NetBatchError} when they are none, or nets do not rise.
 */
export function decodeNetBatch(encoded: Hex): NetBatch {
  const fail = (position: number, problem: string): never => {
    throw new NetBatchError(position, problem)
  }
  const reader = createReader(toBytes(encoded, 'batch'), 0, fail)
  if (reader.integer(1) !== Mode.Net) fail(0, 'it is of another mode')
  if (reader.integer(1) !== Lane.Attested) fail(1, 'it is of another lane')
  const [until, queueTo] = [reader.integer(4), reader.integer(4)]
  const root = toHex(reader.take(32))
  const count = reader.integer(1)
  if (count > MAX_NET_BLOBS) fail(reader.position() - 1, 'it has too many blobs')
  const blobs = Array.from({ length: count }, () => ({ groups: reader.integer(2), deals: reader.integer(2) }))
  const [providers, buyers] = [reader.integer(2), reader.integer(2)]
  const batch = { until, queueTo, root, blobs, providers: nets(reader, providers), buyers: nets(reader, buyers) }
  if (!reader.done()) fail(reader.position(), 'there is more')
  return batch

  function nets(from: Reader, length: number): Net[] {
    let last = -1
    return Array.from({ length }, () => {
      const of = from.integer(4)
      if (of <= last) fail(from.position() - 4, 'nets do not rise')
      last = of
      return { of, amount: BigInt(toHex(from.take(7))) }
    })
  }
}

/**
 * Root of a net batch: what members attest and the chain keeps.
 *
 * @throws FieldError when a field does not fit.
 */
export function netBatchRoot(encoded: Hex, { versionedHashes, previous, queueFrom }: NetContext): Hex {
  const blobs = concatBytes(versionedHashes.map((hash) => fixedBytes(hash, 32, 'versionedHash')))
  const words = [
    uintBytes(Mode.Net, 8, 'mode'),
    keccak(toBytes(encoded, 'batch')),
    keccak(blobs),
    fixedBytes(previous, 32, 'previous'),
    uintBytes(queueFrom, 32, 'queueFrom'),
  ]
  return toHex(keccak(packWords(words)))
}
