/**
 * Net batches that members attest although something is wrong with them, and what shows it.
 *
 * @module
 */
import { expect } from 'chai'
import type { Hex } from 'viem'

import { INTERVAL_SECONDS, intervalOf } from '#protocol/chains.ts'
import { encodeNetBatch, type NetBatch } from '#protocol/net-batch.ts'
import { planNetBlobs, writeNetBlobs } from '#protocol/net-blobs.ts'
import type { BuiltNetBatch } from '#protocol/net-build.ts'
import { type DealRecord, encodeDealRecord, encodeGroupRecord, type GroupRecord } from '#protocol/net-records.ts'
import { createNetOpener, type NetOpener } from '#runtime/net-opening.ts'

import type { Deployment } from './deployment.ts'
import { kzg, type NetBooks, sendNetBatch } from './netting.ts'
import { lastClock } from './protocol-clock.ts'

/** What is said instead of the truth. */
export type Forgery = {
  readonly groups?: (records: readonly GroupRecord[]) => GroupRecord[]
  readonly deals?: (records: readonly DealRecord[]) => DealRecord[]
  readonly receipts?: (receipts: readonly Uint8Array[]) => Uint8Array[]
  readonly wire?: (batch: NetBatch) => Partial<NetBatch>
  /** Writes into the finished blobs. */
  readonly blobs?: (blobs: readonly Uint8Array[]) => void
}

/** The same batch with other records, receipts, blobs or nets; places stay what they were. */
export function forged(built: BuiltNetBatch, forgery: Forgery): BuiltNetBatch {
  const groups = forgery.groups?.(built.groups) ?? built.groups
  const deals = forgery.deals?.(built.deals) ?? built.deals
  const receipts = forgery.receipts?.(built.receipts) ?? built.receipts
  const plan = planNetBlobs(
    built.receipts.map(({ length }) => length),
    built.deals.length,
  )
  const content = { groups: groups.map(encodeGroupRecord), deals: deals.map(encodeDealRecord), receipts }
  const blobs = writeNetBlobs(content, plan)
  forgery.blobs?.(blobs)
  const batch = { ...built.batch, ...forgery.wire?.(built.batch) }
  return { ...built, groups, deals, receipts, blobs, batch, encoded: encodeNetBatch(batch) }
}

/** The records with one of them changed. */
export function changed<T>(records: readonly T[], index: number, change: Partial<T>): T[] {
  return records.map((record, at) => (at === index ? { ...record, ...change } : record))
}

/** `INetProofs.NetBatch`. */
export type NetPlace = {
  readonly batch: Hex
  readonly versionedHashes: Hex[]
  readonly previous: Hex
  readonly queueFrom: number
  readonly chain: Hex
  readonly time: number
  readonly later: Hex
}

/** A settled batch that can be opened. */
export type OpenBatch = { readonly place: NetPlace; readonly root: Hex; readonly open: NetOpener }

/** Lets members attest and settle a batch, whatever it says, as the first of its interval. */
export async function settleForged(deployment: Deployment, books: NetBooks, built: BuiltNetBatch): Promise<OpenBatch> {
  const { encoded, batch, blobs } = built
  const previous = books.tree.root
  const settled = await sendNetBatch(deployment, { encoded, blobs, previous, queueFrom: books.queueFrom })
  const time = await lastClock(deployment)
  const { count } = await deployment.tally.intervalChain(intervalOf(time))
  expect([count, INTERVAL_SECONDS]).to.deep.equal([1n, 900])
  const place: NetPlace = {
    batch: encoded,
    versionedHashes: settled.blobs.map(({ versionedHash }) => versionedHash),
    previous,
    queueFrom: books.queueFrom,
    chain: `0x${'00'.repeat(26)}`,
    time,
    later: '0x',
  }
  return { place, root: settled.root, open: createNetOpener(kzg, batch.blobs, settled.blobs) }
}
