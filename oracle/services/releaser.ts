/**
 * Brings acknowledgements to the chain that came too late to settle with: their receipts were paid through another lane,
 * and other work of the deal waits for the exposure they would free. An acknowledgement nothing waits for stays here, as
 * bringing it would cost gas for nothing.
 *
 * @module
 */
import type { Hex } from 'viem'

import { amountDue } from '#protocol/rules.ts'
import { sameAddress } from '../domain/checks.ts'
import { type ChainFacts, DealState } from '../domain/facts.ts'
import { tallyOf } from '../domain/segment.ts'
import type { Chain, Clock, Committee, SignedAcknowledgement, Signer, Store, StoredSegment } from '../ports.ts'
import { suffixUnits } from './judge.ts'
import type { Submitter } from './submitter.ts'

/** Frees exposure for one member. */
export type Releaser = {
  /** Looks once whether late acknowledgements would let held segments settle, and queues them. */
  step(): Promise<void>
}

/** Held segments looked at in one step. */
const HELD_AT_ONCE = 64
/** Slots each further member waits for those before it to bring an acknowledgement. */
const SLOTS_PER_RANK = 2
/** Pause before the same acknowledgement is queued again, milliseconds. */
const AGAIN_MS = 60_000

/** An acknowledgement and what it frees, settlement token base units. */
type Gain = { readonly acknowledgement: SignedAcknowledgement; readonly amount: bigint }

/** Creates the releaser. */
export function createReleaser(deps: {
  readonly store: Pick<Store, 'segments' | 'messages'>
  readonly chain: Pick<Chain, 'facts' | 'stream' | 'acknowledgeCall'>
  readonly committee: () => Promise<Committee>
  readonly signer: Pick<Signer, 'address'>
  readonly submitter: Pick<Submitter, 'enqueue'>
  readonly clock: Clock
  readonly slotSeconds: number
}): Releaser {
  const { store, chain, clock, submitter } = deps
  /** When an acknowledgement may be queued, by its label, unix milliseconds. */
  let dueAt = new Map<string, number>()

  /** Least that has to be freed for one of a deal's held segments, base units; null if none waits for that. */
  async function shortfall(held: readonly StoredSegment[]): Promise<bigint | null> {
    const facts = await Promise.all(held.map(({ segment }) => chain.facts(segment)))
    const shorts = held.flatMap((one, index) => {
      const own = facts[index]
      return own === undefined ? [] : shortOf(one, own)
    })
    const least = shorts.reduce<bigint | null>((low, one) => (low === null || one < low ? one : low), null)
    return least === null || least <= 0n ? null : least
  }

  function shortOf({ segment }: StoredSegment, { deal, stream }: ChainFacts): bigint[] {
    const isLive = deal.state === DealState.Open || deal.state === DealState.Closing
    const isNext = segment.first <= stream.count && stream.count < segment.count
    if (!isLive || !isNext || deal.key !== segment.dealKey) return []
    const amount = amountDue(suffixUnits(segment, stream.count), deal.price, deal.remaining)
    const isAcknowledged = store.messages.acknowledgement(tallyOf(segment)) !== null
    const own = isAcknowledged && segment.units > stream.acknowledged ? segment.units - stream.acknowledged : 0n
    return [deal.budget - deal.remaining + amount - (deal.allowance + own) * deal.price]
  }

  /** What the acknowledgements at hand would free of receipts that are settled, most first. */
  async function gains({ dealId, dealKey }: StoredSegment['segment'], price: bigint): Promise<Gain[]> {
    const found = await Promise.all(
      store.messages.acknowledgedStreams(dealKey).map(async (stream) => {
        const { count, acknowledged } = await chain.stream(dealId, stream)
        const acknowledgement = store.messages.highestAcknowledgement({ dealKey, stream }, count)
        if (acknowledgement === null || acknowledgement.units <= acknowledged) return []
        return [{ acknowledgement, amount: (acknowledgement.units - acknowledged) * price }]
      }),
    )
    return found.flat().sort((a, b) => (a.amount > b.amount ? -1 : 1))
  }

  async function wanted(held: readonly StoredSegment[]): Promise<SignedAcknowledgement[]> {
    const [first] = held
    const short = await shortfall(held)
    if (first === undefined || short === null) return []
    const { price } = (await chain.facts(first.segment)).deal
    let freed = 0n
    const chosen: SignedAcknowledgement[] = []
    for (const { acknowledgement, amount } of await gains(first.segment, price)) {
      if (freed >= short) break
      freed += amount
      chosen.push(acknowledgement)
    }
    return freed >= short ? chosen : []
  }

  /** Milliseconds this member leaves to others: every acknowledgement has its own order of members. */
  async function headStart(segment: Hex): Promise<number | null> {
    const { members } = await deps.committee()
    const index = members.findIndex(({ signer }) => sameAddress(signer, deps.signer.address))
    if (index < 0) return null
    const preferred = Number(BigInt(segment) % BigInt(members.length))
    return ((index - preferred + members.length) % members.length) * SLOTS_PER_RANK * deps.slotSeconds * 1_000
  }

  async function bring(dealId: number, acknowledgement: SignedAcknowledgement): Promise<[string, number] | null> {
    const label = `acknowledge ${dealId}/${acknowledgement.stream} ${acknowledgement.units}`
    const wait = await headStart(acknowledgement.segment)
    if (wait === null) return null
    const due = dueAt.get(label) ?? clock.now() + wait
    if (clock.now() < due) return [label, due]
    submitter.enqueue({ ...chain.acknowledgeCall(dealId, acknowledgement), label })
    return [label, clock.now() + AGAIN_MS]
  }

  return {
    async step() {
      const held = store.segments.heldByExposure(HELD_AT_ONCE)
      const next = new Map<string, number>()
      for (const segments of Map.groupBy(held, ({ segment }) => segment.dealKey).values()) {
        for (const acknowledgement of await wanted(segments)) {
          const entry = await bring(segments[0]?.segment.dealId ?? 0, acknowledgement)
          if (entry !== null) next.set(...entry)
        }
      }
      // what nothing waits for any more is forgotten
      dueAt = next
    },
  }
}
