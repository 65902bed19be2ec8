/**
 * Brings segments to every committee member: outputs first, then the segment, again and again until it is taken, refused
 * by a named check, overtaken by a longer one, settled or void.
 *
 * @module
 */
import pRetry, { AbortError, type Options as RetryOptions } from 'p-retry'

import type { SegmentAnswer, SegmentMessage, SegmentWish } from '#protocol/wire.ts'
import type { FaultPoints } from '#runtime/fault-points.ts'
import type { Logger } from '#runtime/log.ts'

import { type Members, RefusedError } from '../adapters/members.ts'
import { streamName } from '../domain/view.ts'
import type { SignedTally, StoredReceipt } from '../rows.ts'
import type { WorkerStore } from '../store.ts'
import type { Board } from './board.ts'
import type { Library } from './library.ts'
import type { PromiseKeeper } from './promise-keeper.ts'
import type { Segment } from './signer.ts'

/** Refusals that can pass with time: the member may be behind the chain, or may have lost data sent before. */
const PASSING_CHECKS: ReadonlySet<string> = new Set([
  'deal.open',
  'segment.unknown',
  'tally.continuity',
  'input.available',
  'output.available',
  'delivery.failed',
])

/** Tries without end, as whoever delivered less would be paid less. */
const BACKOFF = { retries: Number.POSITIVE_INFINITY, factor: 2, minTimeout: 250, maxTimeout: 30_000, randomize: true }

/** Pause before a member that took a segment is asked for its promise again, milliseconds. */
const ASK_AGAIN_MS = 2_000

/** Where one member stands with one stream's newest segment. */
export type DeliveryState = 'sending' | 'accepted' | 'refused'

/** Brings segments to the members. */
export type Deliverer = {
  /** Takes the unsettled segments of all streams; what is missing from the list is dropped. */
  offer(segments: readonly Segment[]): void
  /** Deliveries by stream, then by member. */
  states(): ReadonlyMap<string, ReadonlyMap<string, { readonly state: DeliveryState; readonly check?: string }>>
}

type Delivery = {
  readonly hash: string
  readonly abort: AbortController
  state: DeliveryState
  check?: string
  settledAtMs: number
  /** Whether the member promised a batch; it does so once it has checked everything. */
  isPromised: boolean
  /** When it was last asked, and whether it is being asked. */
  askedAtMs: number
  isAsking: boolean
}

/** Creates the deliverer of one worker. */
export function createDeliverer(options: {
  readonly store: WorkerStore
  readonly board: Board
  readonly members: Members
  readonly library: Library
  readonly keeper: PromiseKeeper
  readonly againAfterMs: number
  /** Goes with every segment. */
  readonly wish?: SegmentWish | undefined
  readonly faults: FaultPoints
  readonly log: Logger
  readonly signal: AbortSignal
  readonly nowMs: () => number
}): Deliverer {
  const { store, board, members, library, keeper, faults, log } = options
  const deliveries = new Map<string, Map<string, Delivery>>()
  /** Outputs each member has taken; what it lost since is sent again when it says so. */
  const uploaded = new Map<string, Set<string>>()

  async function upload(endpoint: string, receipts: readonly StoredReceipt[], signal: AbortSignal): Promise<void> {
    const known = uploaded.get(endpoint) ?? new Set<string>()
    uploaded.set(endpoint, known)
    for (const { outputRoot } of receipts) {
      if (known.has(outputRoot)) continue
      await members.putData(endpoint, outputRoot, await library.fetch(outputRoot), signal)
      known.add(outputRoot)
    }
  }

  async function attempt(
    endpoint: string,
    { tally, deal, worker }: Segment,
    signal: AbortSignal,
  ): Promise<SegmentAnswer> {
    const receipts = store.receipts(tally, tally.first, tally.count)
    await upload(endpoint, receipts, signal)
    try {
      const { wish } = options
      const message = toMessage(tally, receipts, deal.id, worker)
      return await members.postSegment(endpoint, wish === undefined ? message : { ...message, wish }, signal)
    } catch (error) {
      // p-retry retries everything else
      if (error instanceof RefusedError) throw new AbortError(error)
      throw error
    }
  }

  async function deliver(endpoint: string, segment: Segment, delivery: Delivery): Promise<void> {
    const signal = AbortSignal.any([options.signal, delivery.abort.signal])
    const retry: RetryOptions = { ...BACKOFF, signal }
    try {
      const answer = await pRetry(() => attempt(endpoint, segment, signal), retry)
      notePromise(endpoint, segment, delivery, answer)
      faults.hit('segment.delivered')
      delivery.state = 'accepted'
    } catch (error) {
      if (!signal.aborted) refused(endpoint, segment, delivery, error)
    }
    delivery.settledAtMs = options.nowMs()
  }

  function notePromise(endpoint: string, { tally }: Segment, delivery: Delivery, answer: SegmentAnswer): void {
    const isOver = answer.status === 'settled' || answer.status === 'final'
    const isKept = answer.promise !== undefined && keeper.keep(endpoint, tally, answer.promise)
    delivery.isPromised = isKept || isOver
  }

  /** Asks a member that took the segment for the promise it owes. */
  async function ask(endpoint: string, segment: Segment, delivery: Delivery): Promise<void> {
    delivery.isAsking = true
    try {
      const signal = AbortSignal.any([options.signal, delivery.abort.signal])
      const answer = await members.getSegment(endpoint, segment.tally.hash, signal)
      notePromise(endpoint, segment, delivery, answer)
    } catch (error) {
      log.debug({ endpoint, err: error }, 'no promise yet')
    }
    delivery.askedAtMs = options.nowMs()
    delivery.isAsking = false
  }

  function isAskDue({ state, isPromised, isAsking, askedAtMs }: Delivery): boolean {
    return state === 'accepted' && !isPromised && !isAsking && options.nowMs() - askedAtMs >= ASK_AGAIN_MS
  }

  function refused(endpoint: string, { tally }: Segment, delivery: Delivery, error: unknown): void {
    const check = error instanceof RefusedError ? error.check : 'delivery.failed'
    delivery.state = 'refused'
    delivery.check = check
    // the member lost what it had taken: everything is sent again
    if (check === 'output.available') uploaded.delete(endpoint)
    board.refuse(endpoint, check, `${streamName(tally)}: ${error instanceof Error ? error.message : String(error)}`)
    log.warn({ endpoint, check, tally: tally.hash, err: error }, 'segment refused')
  }

  function isDue(delivery: Delivery | undefined, segment: Segment): boolean {
    if (delivery === undefined || delivery.hash !== segment.tally.hash) return true
    if (delivery.state === 'sending') return false
    if (options.nowMs() - delivery.settledAtMs < options.againAfterMs) return false
    return delivery.state === 'accepted' || PASSING_CHECKS.has(delivery.check ?? '')
  }

  function offerTo(endpoint: string, segment: Segment, known: Map<string, Delivery>): void {
    const old = known.get(endpoint)
    if (!isDue(old, segment)) {
      if (old !== undefined && isAskDue(old)) void ask(endpoint, segment, old)
      return
    }
    old?.abort.abort()
    const { hash } = segment.tally
    const delivery: Delivery = {
      ...{ hash, abort: new AbortController(), state: 'sending', settledAtMs: 0 },
      ...{ isPromised: false, isAsking: false, askedAtMs: 0 },
    }
    known.set(endpoint, delivery)
    void deliver(endpoint, segment, delivery)
  }

  /** Ends the deliveries of streams that have nothing unsettled any more. */
  function drop(isLeft: (name: string) => boolean): void {
    for (const [name, known] of deliveries) {
      if (isLeft(name)) continue
      for (const { abort } of known.values()) abort.abort()
      deliveries.delete(name)
    }
  }

  return {
    offer(segments) {
      const names = new Set(segments.map(({ tally }) => streamName(tally)))
      drop((name) => names.has(name))
      for (const segment of segments) {
        const name = streamName(segment.tally)
        const known = deliveries.get(name) ?? new Map<string, Delivery>()
        deliveries.set(name, known)
        for (const endpoint of board.view()?.endpoints ?? []) offerTo(endpoint, segment, known)
      }
    },
    states: () => deliveries,
  }
}

/** A segment as the members take it. */
export function toMessage(
  tally: SignedTally,
  receipts: readonly StoredReceipt[],
  dealId: number,
  worker: number,
): SegmentMessage {
  const { dealKey, stream, first, count, units, signature } = tally
  return {
    ...{ dealId, dealKey, stream, first, count, units, worker, signature },
    receipts: receipts.map((receipt) => {
      const { index, inputRoot, maxUnits, signature: orderSignature } = receipt.order
      return {
        units: receipt.units,
        workHash: receipt.workHash,
        order: { index, inputRoot, maxUnits, signature: orderSignature },
        outputRoot: receipt.outputRoot,
        plainHash: receipt.plainHash,
        startedAt: Number(receipt.startedAt),
        endedAt: Number(receipt.endedAt),
      }
    }),
  }
}
