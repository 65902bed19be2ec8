/**
 * Keeps what this member knows in line with the chain's head, through re-organisations.
 *
 * @module
 */
import { FROZEN_CURSOR } from '#protocol/rules.ts'
import { type BlockSource, type ChainBlock, type ChainChange, createChainFollower } from '#runtime/chain-follower.ts'
import type { Logger } from '#runtime/log.ts'
import { type DealFacts, DealState } from '../domain/facts.ts'
import type { Chain, Clock, Store, StreamId } from '../ports.ts'
import type { NetBook } from './net-book.ts'

/** Follows the chain for one member. */
export type Tracker = {
  /** Looks once. */
  step(): Promise<void>
  /** Re-reads the cursor of every stream that is not final. */
  refresh(): Promise<void>
  head(): ChainBlock | null
  /** Unix milliseconds at which the head was last seen to move or to be the newest. */
  seenAtMs(): number
  /** Unix seconds of the newest block in which the settlement was known to be touched; null before any. */
  touchedAt(): number | null
}

/** Creates the tracker. */
export function createTracker(deps: {
  readonly store: Store
  readonly chain: Pick<Chain, 'logs' | 'deal' | 'stream' | 'block'>
  readonly source: BlockSource
  /** Follows net mode, on which netted deals' cursors depend. */
  readonly book: Pick<NetBook, 'follow'>
  readonly clock: Clock
  readonly startBlock: bigint
  readonly finalDepth: number
  readonly log: Logger
  readonly onReorganisation: (depth: number) => void
  readonly onHead: (head: ChainBlock) => void
}): Tracker {
  const { store, chain, clock, finalDepth, log } = deps
  let seenAtMs = 0
  let touchedAt: number | null = null

  async function refresh(): Promise<void> {
    const head = follower.head()
    if (head === null) return
    await deps.book.follow()
    const finalBlock = head.number > BigInt(finalDepth) ? head.number - BigInt(finalDepth) : 0n
    const byDeal = Map.groupBy(store.segments.openStreams(), ({ dealId }) => dealId)
    await Promise.all([...byDeal].map(([dealId, streams]) => refreshDeal(dealId, streams, finalBlock)))
  }

  async function refreshDeal(dealId: number, streams: readonly StreamId[], finalBlock: bigint): Promise<void> {
    const [now, before] = await Promise.all([chain.deal(dealId), chain.deal(dealId, finalBlock)])
    await Promise.all(
      streams.map(async (stream) => {
        // over is what was over so deep that no re-organisation brings it back
        if (isOver(now, stream) && isOver(before, stream)) return store.segments.expire(stream, 'deal.open')
        // the head's cursor is read without a block: it may be ahead of the follower, never behind what it acts on
        const [head, final] = await Promise.all([
          cursorOf(now, dealId, stream),
          cursorOf(before, dealId, stream, finalBlock),
        ])
        // a frozen stream's cursor says nothing of what settled: that stays as it was known
        if (head >= FROZEN_CURSOR) return final >= FROZEN_CURSOR && store.segments.expire(stream, 'stream.frozen')
        store.segments.settle(stream, { head, final: Math.min(final, head) })
      }),
    )
  }

  /** A stream's receipts so far; zero where its deal was not open. */
  async function cursorOf(
    deal: DealFacts,
    dealId: number,
    { dealKey, stream }: StreamId,
    at?: bigint,
  ): Promise<number> {
    if (deal.key !== dealKey || stream >= deal.streams) return 0
    return (await chain.stream(dealId, stream, at)).count
  }

  async function apply(change: ChainChange): Promise<void> {
    const logs = await chain.logs(change.from, change.head.number)
    store.blocks.apply(change, logs)
    for (const { root, transaction } of logs.settled) store.segments.noteTransaction(root, transaction)
    const newest = [...logs.settled, ...logs.opened].reduce(
      (top, { blockNumber }) => (blockNumber > top ? blockNumber : top),
      -1n,
    )
    if (newest >= 0n) touchedAt = Number((await chain.block(newest))?.timestamp ?? change.head.timestamp)
    if (change.removed.length > 0) {
      log.warn({ depth: change.removed.length, ancestor: change.ancestor?.toString() }, 're-organisation')
      deps.onReorganisation(change.removed.length)
      if (change.removed.length >= finalDepth) store.segments.reopen()
    }
    deps.onHead(change.head)
  }

  const follower = createChainFollower({
    source: deps.source,
    window: store.blocks.window(),
    start: deps.startBlock,
    apply,
  })

  return {
    async step() {
      const moved = await follower.poll()
      seenAtMs = clock.now()
      if (moved) await refresh()
    },
    refresh,
    head: follower.head,
    seenAtMs: () => seenAtMs,
    touchedAt: () => touchedAt,
  }
}

/** Whether a stream's deal is closed, or its id another deal's by now. */
function isOver(deal: DealFacts, { dealKey }: StreamId): boolean {
  return deal.key !== dealKey || deal.state === DealState.Closed || deal.state === DealState.None
}
