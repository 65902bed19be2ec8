/**
 * Reads the blobs of settled groups from who keeps them, for as long as it takes, and says what they hold.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import type { Kzg } from '#runtime/kzg.ts'

import { blobOf, readGroup } from './blob-groups.ts'
import type { BlobSource } from './blob-source.ts'
import type { Book, BookGroup } from './book.ts'
import type { Finding } from './facts.ts'
import { findVoidBlob } from './find-void-blob.ts'
import { placeOf, type ReadInterval } from './places.ts'

/** What was read in one step. */
export type BlobsRead = {
  /** Groups whose receipts are known now. */
  readonly groups: readonly BookGroup[]
  readonly findings: readonly Finding[]
}

/** What reading takes. */
export type BlobReading = {
  /** Base URLs of who may keep blobs, in the order they are asked. */
  readonly archives: readonly string[]
  readonly readInterval: ReadInterval
  readonly signersOf: (epoch: number) => readonly Address[]
}

/** Watches over blobs. */
export type BlobWatch = {
  /** Takes in groups that were settled; those of other modes are left alone. */
  add(groups: readonly BookGroup[]): void
  /** Reads what can be had of blobs not read yet. */
  step(book: Book, reading: BlobReading): Promise<BlobsRead>
}

/** Blobs asked for in one step. */
const AT_ONCE = 6

/** Creates the watch. */
export function createBlobWatch({ kzg, read }: { readonly kzg: Kzg; readonly read: BlobSource }): BlobWatch {
  const waiting = new Map<Hex, BookGroup[]>()

  /** Takes receipts into the group, or says what is wrong with its blob. */
  async function takeIn(book: Book, group: BookGroup, blob: Uint8Array, at: BlobReading): Promise<Finding | null> {
    const { batch, index, tally, applied } = group
    const { receipts } = readGroup(batch.rooted, index, tally.tally, blob)
    if (receipts !== null) group.tally = { ...tally, receipts }
    if (receipts !== null || !applied) return null
    const place = await placeOf(book, group, at.readInterval)
    return place === null ? null : await findVoidBlob(group, blob, { ...at, kzg, place: place.bytes })
  }

  /** Reads one blob and everything in it; nothing where nobody gives it now. */
  async function readOne(book: Book, versionedHash: Hex, groups: BookGroup[], at: BlobReading): Promise<Finding[]> {
    waiting.delete(versionedHash)
    const blob = await read(versionedHash, at.archives)
    if (blob === null) {
      // behind those that wait: what nobody gives is not to keep others from being read
      waiting.set(versionedHash, groups)
      return []
    }
    const findings = []
    for (const group of groups) findings.push(await takeIn(book, group, blob, at))
    return findings.filter((finding) => finding !== null)
  }

  return {
    add(groups) {
      for (const group of groups) {
        const versionedHash = blobOf(group.batch.rooted, group.index)
        if (versionedHash !== null) waiting.set(versionedHash, [...(waiting.get(versionedHash) ?? []), group])
      }
    },

    async step(book, at) {
      const asked = [...waiting].slice(0, AT_ONCE)
      const findings: Finding[] = []
      for (const [versionedHash, groups] of asked) findings.push(...(await readOne(book, versionedHash, groups, at)))
      const groups = asked.flatMap(([, all]) => all).filter(({ tally }) => tally.receipts !== undefined)
      return { groups, findings }
    },
  }
}
