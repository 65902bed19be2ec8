/**
 * Permissionless chores somebody has to pay for: the protocol clock's hourly touch, closing and recycling deals.
 *
 * @module
 */
import { proofOf } from '#protocol/net-state.ts'
import { Mode } from '#protocol/types.ts'
import { sameAddress } from '../domain/checks.ts'
import { type DealFacts, DealState } from '../domain/facts.ts'
import { leaderAt } from '../domain/quorum.ts'
import type { BlockStore, Chain, Upkeep as Chore, Committee, Signer } from '../ports.ts'
import type { NetBook } from './net-book.ts'
import type { Submitter } from './submitter.ts'

/**
 * The clock advances by at most an hour per touch, and a batch within ten minutes of the last touch is none: it is
 * touched this long after what may have been one, with ten minutes to spare, seconds.
 */
const TOUCH_AFTER_SECONDS = 40 * 60
/** Later members wait this much longer each, so that one of them does it, seconds. */
const RANK_SECONDS = 60
/** What was announced while a netted deal was closing can be executed this long after, seconds. */
const NET_GRACE = 3 * 3_600

/** Looks once for chores that are due. */
export type Upkeep = { step(): Promise<void> }

/**
 * Creates the upkeep.
 *
 * @param deps - `touchedAt`: unix seconds of the last known touch; null if none is known.
 */
export function createUpkeep(deps: {
  readonly chain: Pick<Chain, 'deal' | 'clock' | 'periods' | 'upkeepCall'>
  readonly blocks: BlockStore
  readonly committee: () => Promise<Committee>
  readonly signer: Signer
  readonly submitter: Pick<Submitter, 'enqueue'>
  readonly book: Pick<NetBook, 'state'>
  readonly slotSeconds: number
  readonly headTime: () => number
  readonly touchedAt: () => number | null
}): Upkeep {
  const { chain, blocks, submitter } = deps
  let tickedAt = 0
  let startedAt: number | null = null

  async function rank(): Promise<number | null> {
    const { members } = await deps.committee()
    const index = members.findIndex(({ signer }) => sameAddress(signer, deps.signer.address))
    if (index < 0) return null
    const leader = leaderAt(BigInt(deps.headTime()), deps.slotSeconds, members.length)
    return (index - leader + members.length) % members.length
  }

  function touchClock(place: number): void {
    startedAt ??= deps.headTime()
    // nobody knows how long ago the last touch was before this node started: the leader makes sure, the others wait
    const unknown = place === 0 ? 0 : startedAt
    const last = Math.max(deps.touchedAt() ?? unknown, tickedAt)
    if (deps.headTime() - last < TOUCH_AFTER_SECONDS + place * RANK_SECONDS) return
    submitter.enqueue({ ...chain.upkeepCall('tick'), label: 'tick' })
    tickedAt = deps.headTime()
  }

  async function endDeal(id: number, now: { clock: number; closing: number; retention: number }): Promise<void> {
    const deal = await chain.deal(id)
    const isLive = deal.state === DealState.Open || deal.state === DealState.Closing
    const grace = deal.mode === Mode.Net ? NET_GRACE : 0
    if (isLive && now.clock >= deal.end + now.closing + grace) {
      submitter.enqueue({ ...chain.upkeepCall(closingOf(id, deal)), label: `close ${id}` })
    } else if (deal.state === DealState.Closed && now.clock >= deal.closedAt + now.retention) {
      submitter.enqueue({ ...chain.upkeepCall({ recycle: id }), label: `recycle ${id}` })
    } else if (deal.state === DealState.None) {
      blocks.forgetDeal(id)
    }
  }

  function closingOf(id: number, { mode }: DealFacts): Chore {
    return mode === Mode.Net ? { closeNet: id, proof: proofOf(deps.book.state(), id) } : { close: id }
  }

  return {
    async step() {
      const place = await rank()
      if (place === null) return
      touchClock(place)
      // the leader of the slot does it; slots pass on, so a silent one delays it by a slot only
      if (place !== 0) return
      const [clock, { closing, retention }] = await Promise.all([chain.clock(), chain.periods()])
      for (const id of blocks.dealIds()) await endDeal(id, { clock, closing, retention })
    },
  }
}
