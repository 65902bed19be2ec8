/**
 * Batches of a market's segments: fitting ones, late ones and wrong ones mixed, in every lane, with places that are
 * right, wrong or old.
 *
 * @module
 */
import { type Batch, encodeBatch } from '#protocol/batch.ts'
import { batchRoot, groupHash } from '#protocol/batch-root.ts'
import { forceDigest } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { toBytes } from '#protocol/words.ts'

import type { Actor } from '../../support/scenario.ts'
import type { PooledSegment, PooledStream } from './pool.ts'
import type { Random } from './random.ts'
import { blobHashes } from './verdicts.ts'
import type { World, WorldDeal } from './world.ts'

/** One group of a batch. */
export type Chosen = {
  readonly segment: PooledSegment
  readonly worker: number
  readonly place: number
  readonly signature: PooledSegment['group']['signature']
  readonly acknowledgement: PooledSegment['group']['signature']
}

/** A batch and who sends it. */
export type WorldBatch = {
  readonly lane: number
  readonly mode: Batch['mode']
  readonly groups: readonly Chosen[]
  /** How many groups the first of its blobs holds. */
  readonly cut: number
  readonly sender: Actor
}

/** Which places the groups name: those drawn, those the chain tells, or none. */
export type Places = 'drawn' | 'right' | 'none'

const MOST_GROUPS = 8

/** What batches are made of. */
export type BatchOptions = {
  readonly pool: readonly [PooledStream, ...PooledStream[]]
  readonly sender: Actor
  /** Whether some bring their receipts in blobs. */
  readonly hasBlobs: boolean
}

/** A batch of random segments of the pool. */
export function randomBatch(random: Random, world: World, { pool, sender, hasBlobs }: BatchOptions): WorldBatch {
  const lane = random.pick([Lane.Attested, Lane.Attested, Lane.Attested, Lane.Acknowledged, Lane.Forced])
  const mode = hasBlobs && lane !== Lane.Forced && random.chance(30) ? Mode.Blob : Mode.Calldata
  const only = lane === Lane.Forced && random.chance(80) ? random.pick(pool).deal.provider.id : null
  const streams = new Map<number, PooledStream>()
  const add = (one: PooledStream): void => void streams.set(one.deal.id * 64 + one.stream, one)
  for (let left = 1 + random.below(MOST_GROUPS); left > 0; left -= 1) {
    const one = random.pick(pool)
    const isThere = one.stream < one.deal.terms.streams || random.chance(15)
    if (isThere && (only === null || one.deal.provider.id === only)) add(one)
  }
  if (streams.size === 0) add(pool[0])
  const rising = [...streams].sort(([left], [right]) => left - right)
  const groups = rising.map(([, stream]) => choose(random, world, stream, lane))
  return { lane, mode, groups, cut: 1 + random.below(groups.length), sender }
}

function choose(random: Random, world: World, { segments }: PooledStream, lane: number): Chosen {
  // wrong segments revert an attested batch as a whole, so most have none
  const honest = segments.filter(isHonest)
  const fitting = honest.filter(({ tally }) => tally.first === 0)
  const isRight = random.chance(lane === Lane.Attested ? 95 : 75)
  const candidates = isRight ? random.pick([fitting, fitting, honest]) : segments
  const segment = candidates[random.below(candidates.length)] ?? segments[0]
  if (segment === undefined) throw new Error('a stream without segments')
  const { group } = segment
  const isSpoiled = random.chance(lane === Lane.Attested ? 1 : 5)
  return {
    segment,
    worker: workerOf(random, world, group.worker, lane),
    place: placeOf(random, world, segment.deal),
    signature: isSpoiled ? `0x${Buffer.from(random.bytes(64)).toString('hex')}` : group.signature,
    acknowledgement: random.chance(90) ? (group.acknowledgement ?? '0x') : group.signature,
  }
}

/** The worker's own index, one of a shared page, or now and then another's. */
function workerOf(random: Random, world: World, worker: number, lane: number): number {
  const own = random.chance(50) ? worker : (world.sharedIndexes.get(worker) ?? worker)
  return random.chance(lane === Lane.Attested ? 1 : 4) ? own + 1 + random.below(600) : own
}

const isHonest = ({ kind }: PooledSegment): boolean => kind === 'honest'

/** The deal's own place, none, or one that is not its own. */
function placeOf(random: Random, { deals }: World, { place: right, oldPlace }: WorldDeal): number {
  if (random.chance(60)) return right
  if (random.chance(30)) return oldPlace
  const others = deals.map(({ place }) => place)
  // page 0, rows and pages there are not
  const wrong = [0, 1, 255, 256, 257, right + 1, right + 255, 9 * 256, 2 ** 32 - 1, ...others]
  return wrong[random.below(wrong.length)] ?? 0
}

/** The batch as the codec takes it. */
export function batchOf({ lane, mode, groups, cut }: WorldBatch, places: Places): Batch {
  const head = ({ segment, worker, place, signature, acknowledgement }: Chosen) => ({
    worker,
    signature,
    ...placed({ drawn: place, right: segment.deal.place, none: 0 }[places]),
    ...(lane === Lane.Acknowledged ? { acknowledgement } : {}),
  })
  if (mode === Mode.Calldata) {
    const list = groups.map((chosen) => ({ ...bare(chosen.segment.group), ...head(chosen) }))
    return { mode, lane, groups: list }
  }
  const list = groups.map((chosen) => ({ ...bare(chosen.segment.blobGroup), ...head(chosen) }))
  const sizes = cut < groups.length ? [cut, groups.length - cut] : [groups.length]
  return { mode, lane, groups: list, blobs: sizes.map((size) => ({ groups: size })) }
}

const placed = (place: number): { place?: number } => (place === 0 ? {} : { place })

function bare<G extends { acknowledgement?: unknown }>({
  acknowledgement: _,
  ...group
}: G): Omit<G, 'acknowledgement'> {
  return group
}

/** Its bytes; places are drawn unless said otherwise. */
export function bytesOf(batch: WorldBatch, places: Places = 'drawn'): Uint8Array {
  return toBytes(encodeBatch(batchOf(batch, places)))
}

/** Blobs that go with it. */
export function blobsOf(batch: WorldBatch): number {
  const written = batchOf(batch, 'none')
  return written.mode === Mode.Blob ? written.blobs.length : 0
}

/** What the chain must find as its root: places are no part of it. */
export function rootOf(batch: WorldBatch): `0x${string}` {
  const written = batchOf(batch, 'none')
  const groupHashes = batch.groups.map(({ segment }) => groupHash(segment.tally))
  if (written.mode === Mode.Calldata) return batchRoot({ mode: written.mode, groupHashes })
  const hashes = blobHashes(written.blobs.length)
  const blobs = written.blobs.map(({ groups }, index) => ({ groups, versionedHash: hashes[index] ?? '0x' }))
  return batchRoot({ mode: written.mode, groupHashes, blobs })
}

/** The authority it settles with, now and then a wrong one. */
export function authorityOf(random: Random, { scenario }: World, batch: WorldBatch): Uint8Array {
  const isWrong = random.chance(2)
  const root = isWrong ? groupHash({ ...firstTally(batch), units: 7n }) : rootOf(batch)
  if (batch.lane === Lane.Attested) return toBytes(scenario.attestRoot(root))
  if (batch.lane === Lane.Acknowledged) return new Uint8Array()
  const { owner, workers } = batch.groups[0]?.segment.deal.provider ?? { owner: batch.sender, workers: [] }
  const key = random.chance(80) ? owner.key : (workers[0]?.actor.key ?? owner.key)
  return toBytes(signCompact(forceDigest({ root, sender: batch.sender.address }, scenario.domain), key))
}

function firstTally({ groups: [first] }: WorldBatch): PooledSegment['tally'] {
  if (first === undefined) throw new Error('a batch without groups')
  return first.segment.tally
}
