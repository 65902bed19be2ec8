/**
 * Where netted deals stand, as the blobs of net batches and executed groups make it; compared with the chain's root at
 * every step.
 *
 * @module
 */
import type { Hex } from 'viem'

import { decodeNetBatch } from '#protocol/net-batch.ts'
import { NetBlobError } from '#protocol/net-blobs.ts'
import {
  createNetState,
  type DealOf,
  type NetRecords,
  type NetState,
  readNetRecords,
  unpackCell,
  withForce,
  withNetBatch,
} from '#protocol/net-state.ts'

import type { BlobSource } from './blob-source.ts'
import type { Book, BookNetStep } from './book.ts'

/** Follows net mode. */
export type NetFollower = {
  /**
   * Goes as far as blobs can be had.
   *
   * @returns Where netted deals stand now; null while a blob is missing, and for ever after a batch whose root is not what
   * its blobs make it: nobody but who signed it knows where they stand then.
   */
  step(book: Book, archives: readonly string[]): Promise<NetState | null>
}

/** Creates the follower, before anything was settled. */
export function createNetFollower(read: BlobSource): NetFollower {
  let state = createNetState()
  let followed = 0

  async function recordsOf(
    { net }: Extract<BookNetStep, { kind: 'batch' }>,
    archives: readonly string[],
  ): Promise<NetRecords | null> {
    const blobs: Uint8Array[] = []
    for (const hash of net.versionedHashes) {
      const blob = await read(hash, archives)
      if (blob === null) return null
      blobs.push(blob)
    }
    return readNetRecords(decodeNetBatch(net.bytes).blobs, blobs)
  }

  async function after(step: BookNetStep, dealOf: DealOf, archives: readonly string[]): Promise<NetState | null> {
    if (step.kind === 'executed') {
      const deal = dealOf(step.dealId)
      const move = { dealId: step.dealId, stream: step.stream, cell: unpackCell(step.cell) }
      return deal === undefined ? null : withForce(state, move, deal)
    }
    const records = await recordsOf(step, archives)
    return records === null ? null : withNetBatch(state, records, decodeNetBatch(step.net.bytes).queueTo, dealOf)
  }

  async function follow(book: Book, archives: readonly string[]): Promise<boolean> {
    const dealOf: DealOf = (id) => book.deals.get(book.keys.get(id) ?? '0x')
    for (const step of book.netSteps.slice(followed)) {
      const next = await after(step, dealOf, archives)
      if (next === null || next.tree.root !== rootOf(step)) return false
      state = next
      followed += 1
    }
    return true
  }

  return {
    async step(book, archives) {
      try {
        return (await follow(book, archives)) ? state : null
      } catch (error) {
        if (error instanceof NetBlobError) return null
        throw error
      }
    },
  }
}

function rootOf(step: BookNetStep): Hex {
  return step.kind === 'executed' ? step.root : decodeNetBatch(step.net.bytes).root
}
