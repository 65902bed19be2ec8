/**
 * Forced settlement: what a provider posts alone when no committee member takes its receipts.
 *
 * Pure but for the store it reads: nothing here sends a transaction.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { encodeBatch, sortGroups } from '#protocol/batch.ts'
import { batchRoot, groupHash } from '#protocol/batch-root.ts'
import { type Domain, forceDigest } from '#protocol/eip712.ts'
import { Lane, Mode, type Receipt, type Tally } from '#protocol/types.ts'

import { WorkerError } from './errors.ts'
import type { SignedTally, StreamRef } from './rows.ts'
import type { WorkerStore } from './store.ts'

/** Most receipts one forced batch carries: 3.5 kB, which fits every client's limits. */
export const MAX_FORCED_RECEIPTS = 100

/** One segment to force. */
export type ForceGroup = {
  readonly dealId: number
  /** Where the deal's facts stand in code, if they do: it only saves gas. */
  readonly place?: number
  /** Index in the registry of the worker that signed. */
  readonly worker: number
  readonly tally: SignedTally
  /** The receipts `tally.first` to `tally.count`. */
  readonly receipts: readonly Receipt[]
}

/** Arguments of `Settlement.settle`, and what they stand for. */
export type ForceBatch = {
  readonly batch: Hex
  readonly authority: Hex
  readonly root: Hex
  readonly groups: number
  readonly receipts: number
}

/**
 * Builds a batch of the forced lane.
 *
 * @param options - `sign` signs the authority digest and is needed when `sender` is neither the provider's owner nor its
 *   operator: by one of those keys, or by the worker of every group. Without it the authority is empty.
 * @throws WorkerError `force.empty`.
 */
export function buildForceBatch(options: {
  readonly groups: readonly ForceGroup[]
  readonly domain: Domain
  readonly sender: Address
  readonly sign?: (digest: Hex) => Hex
}): ForceBatch {
  const groups = options.groups.map(({ dealId, place = 0, worker, tally, receipts }) => {
    const { stream, first, units, signature } = tally
    return { dealId, stream, place, worker, first, units, signature, receipts }
  })
  if (groups.length === 0) throw new WorkerError('force.empty', 'there is nothing to force')
  const sorted = sortGroups(groups)
  const groupHashes = sorted.map((group) => hashOf(options.groups, group))
  const root = batchRoot({ mode: Mode.Calldata, groupHashes })
  return {
    batch: encodeBatch({ mode: Mode.Calldata, lane: Lane.Forced, groups: sorted }),
    authority: options.sign?.(forceDigest({ root, sender: options.sender }, options.domain)) ?? '0x',
    root,
    groups: sorted.length,
    receipts: sorted.reduce((sum, group) => sum + group.receipts.length, 0),
  }
}

function hashOf(groups: readonly ForceGroup[], at: { dealId: number; stream: number }): Hex {
  const group = groups.find(({ dealId, tally }) => dealId === at.dealId && tally.stream === at.stream)
  if (group === undefined) throw new WorkerError('force.empty', `no group for deal ${at.dealId}`)
  return groupHash(group.tally)
}

/**
 * Picks a stream's oldest unsettled receipts from a store.
 *
 * @param options - `cursor`: receipts settled on chain. `clock`: where a member promised a batch with a tally by an earlier
 *   second, exactly that tally is taken, because only it shows that the promise was broken. Else with `sign` (the worker's own key) at most 100 receipts are
 *   signed from the cursor on; without it the furthest tally signed before is taken, whatever its length.
 * @returns The segment, or null when nothing is left to force.
 * @throws WorkerError `force.unknown-stream` when the store never opened this stream.
 */
export function forceGroup(options: {
  readonly store: WorkerStore
  readonly ref: StreamRef
  readonly cursor: number
  readonly worker: number
  readonly clock?: number
  readonly sign?: (tally: Tally) => Hex
}): ForceGroup | null {
  const { store, ref, worker } = options
  const dealId = store.streams().find((row) => row.dealKey === ref.dealKey && row.stream === ref.stream)?.dealId
  if (dealId === undefined) throw new WorkerError('force.unknown-stream', `the store has no stream ${ref.stream} of it`)
  const tally = promisedTally(options) ?? anyTally(options)
  return tally === null ? null : { dealId, worker, tally, receipts: store.receipts(ref, tally.first, tally.count) }
}

type Wanted = Parameters<typeof forceGroup>[0]

/** The tally a member should have settled by now. */
function promisedTally({ store, ref, cursor, clock }: Wanted): SignedTally | null {
  const broken = clock === undefined ? null : store.brokenPromise(ref, cursor, clock)
  return broken === null ? null : store.signedTally(ref, broken.first, broken.count)
}

function anyTally({ store, ref, cursor, sign }: Wanted): SignedTally | null {
  const count = Math.min(store.head(ref).count, cursor + MAX_FORCED_RECEIPTS)
  if (count <= cursor) return null
  return sign === undefined ? store.latestTally(ref, cursor) : store.signTally(ref, cursor, count, sign)
}
