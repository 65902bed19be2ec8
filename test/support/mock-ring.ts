/**
 * Batches in a ring that keeps whatever it is told: places of groups in them, without a settlement.
 *
 * @module
 */
import type { HardhatEthers } from '@nomicfoundation/hardhat-ethers/types'
import { type Hex, keccak256, numberToHex } from 'viem'

import { batchRoot, groupHash, type RootedBatch, type RootedBlob } from '#protocol/batch-root.ts'
import { encodeFacts, factsRoot, type GroupFacts, moved, unmoved } from '#protocol/facts.ts'
import { placeInBatch, type RingLink, ringChain } from '#protocol/openings.ts'
import { segmentHash } from '#protocol/receipts.ts'
import { Mode, Outcome, type Receipt, type Tally } from '#protocol/types.ts'
import { concatBytes, fixedBytes, uintBytes } from '#protocol/words.ts'
import { type BlobOpening, openBlob } from '#runtime/blob-opening.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import type { Kzg } from '#runtime/kzg.ts'

/** Second at which every batch was settled. */
export const TIME = 2_000_001_660
/** Interval of that second. */
export const INTERVAL = Math.floor(TIME / 900)

/** Some hash. */
export const hashOf = (value: number): Hex => keccak256(numberToHex(value))

const OTHER: RingLink = { root: hashOf(0x0d), factsRoot: hashOf(0x0f), time: TIME - 60 }

/** One group of a batch with its receipts and what came of it. */
export type Work = { tally: Tally; receipts: Receipt[]; bytes: Uint8Array; facts: GroupFacts }

/** A batch in the ring. */
export type RingBatch = {
  readonly works: readonly Work[]
  readonly batch: RootedBatch & { readonly facts: Hex }
  readonly blobs: readonly Uint8Array[]
  readonly rooted: readonly RootedBlob[]
  /** What the ring holds of its interval; the batch is the second. */
  readonly interval: readonly RingLink[]
}

/** Receipts as bytes, written here once more. */
const bytesOf = (receipts: readonly Receipt[]): Uint8Array =>
  concatBytes(
    receipts.flatMap(({ units, workHash }) => [uintBytes(units, 24, 'units'), fixedBytes(workHash, 32, 'hash')]),
  )

/** Five receipts of a stream of a deal of its own, of which the first two were settled before. */
export function work(index: number, outcome: Outcome = Outcome.Applied): Work {
  const receipts = Array.from({ length: 5 }, (_, at) => ({
    units: BigInt(100 + 1000 * at + index),
    workHash: hashOf(0xabc000 + 16 * index + at),
  }))
  const bytes = bytesOf(receipts)
  const segment = segmentHash(bytes)
  const tally = { dealKey: hashOf(7000 + index), stream: 3, first: 40, count: 45, units: 140_000n, segment }
  const facts = moved(outcome) ? { outcome, cursor: 42, units: 123_456n, amount: 5_000_000n } : unmoved(outcome)
  return { tally, receipts, bytes, facts }
}

/** That many groups, all settled. */
export const works = (count: number): Work[] => Array.from({ length: count }, (_, index) => work(index))

/**
 * A group of a batch.
 *
 * @throws Error when there is none.
 */
export function workAt({ works: all }: RingBatch, index: number): Work {
  const one = all[index]
  if (one === undefined) throw new Error(`no group ${index}`)
  return one
}

/** A ring, the openings over it and the library of blobs. */
export async function deployOpenings(ethers: HardhatEthers) {
  const ring = await ethers.deployContract('MockRing')
  const openings = await ethers.deployContract('Openings', [ring])
  const probe = await ethers.deployContract('BlobLibProbe')
  return { ring, openings, probe }
}

/** What {@link deployOpenings} gives. */
export type OpeningsChain = Awaited<ReturnType<typeof deployOpenings>>

/**
 * Puts a batch into the ring, between two others unless it is the newest.
 *
 * @param place - Its blobs, each with the same number of groups; whether another batch came after it.
 */
export async function putBatch(
  { ring }: Pick<OpeningsChain, 'ring'>,
  all: readonly Work[],
  place: { kzg: Kzg; blobs: readonly Uint8Array[] } | { newest: boolean } = { newest: false },
): Promise<RingBatch> {
  const groupHashes = all.map(({ tally }) => groupHash(tally))
  const facts = encodeFacts(all.map((one) => one.facts))
  const blobs = 'blobs' in place ? place.blobs : []
  const share = Math.ceil(all.length / blobs.length)
  const committed = 'kzg' in place ? await commitBlobs(place.kzg, blobs) : []
  const rooted = committed.map(({ versionedHash }, index) => ({
    versionedHash,
    groups: Math.min(share, all.length - share * index),
  }))
  const batch: RootedBatch =
    blobs.length === 0 ? { mode: Mode.Calldata, groupHashes } : { mode: Mode.Blob, groupHashes, blobs: rooted }
  const own = { root: batchRoot(batch), factsRoot: factsRoot(facts), time: TIME }
  const later = 'newest' in place && place.newest ? [] : [{ ...OTHER, time: TIME + 60 }]
  const interval = [OTHER, own, ...later]
  await ring.setInterval(INTERVAL, ringChain(interval))
  return { works: all, batch: { ...batch, facts }, blobs, rooted, interval }
}

/** Place of a group in the batch. */
export function placeOf({ batch, interval, ...rest }: RingBatch, index: number): Hex {
  const { tally } = workAt({ batch, interval, ...rest }, index)
  return placeInBatch(batch, tally, index, { links: interval, position: 1 })
}

/** Openings of a group in its blob, as ethers takes them. */
export async function openingOf(kzg: Kzg, batch: RingBatch, index: number): Promise<Writable<BlobOpening>> {
  const share = batch.rooted[0]?.groups ?? 1
  const blob = batch.blobs[Math.floor(index / share)] ?? new Uint8Array()
  const opening = await openBlob(kzg, batch.rooted, index, blob)
  return { ...opening, entries: [...opening.entries], elements: [...opening.elements] }
}

type Writable<Shape> = { [Key in keyof Shape]: Shape[Key] extends readonly (infer Item)[] ? Item[] : Shape[Key] }
