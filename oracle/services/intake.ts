/**
 * Takes in what workers, buyers and providers send: judged at once, durable before it is answered, the same answer again.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { Claim } from '#protocol/attestation.ts'
import { acknowledgementDigest, type Domain, offerHash, orderDigest, tallyHash } from '#protocol/eip712.ts'
import { compact, recoverCompact } from '#protocol/signature.ts'
import type { AcknowledgementMessage, OfferMessage, OrderMessage, SegmentAnswer } from '#protocol/wire.ts'
import { isRunnable } from '#protocol/work.ts'
import { HttpProblem } from '#runtime/http.ts'
import type { Recovery } from '#runtime/recovery.ts'
import { ackKeyOf, firstFailure, intakeChecks, orderChecks, sameAddress } from '../domain/checks.ts'
import { faultShown } from '../domain/conflicts.ts'
import { type ChainFacts, type DealFacts, DealState, type SegmentFacts } from '../domain/facts.ts'
import { freshReceipts, type Segment, tallyOf } from '../domain/segment.ts'
import type { Chain, Clock, Data, FaultPoints, SegmentState, Store, StoredSegment } from '../ports.ts'
import { readyFacts } from './judge.ts'
import type { Promiser } from './promiser.ts'

/** Orders verified before other requests get their turn. */
const ORDERS_PER_TURN = 32

/** The intake of one member. */
export type Intake = {
  /** @throws HttpProblem 422 `segment.refused` with the failing `check`. */
  segment(segment: Segment): Promise<SegmentAnswer>
  /** @throws HttpProblem 404 `segment.unknown`. */
  find(tallyHash: Hex): Promise<SegmentAnswer>
  /** Stores all of them or none. @throws HttpProblem 422 `order.refused` with `check` and `index`. */
  orders(orders: readonly OrderMessage[]): Promise<number>
  /** @throws HttpProblem 422 `offer.refused`. */
  offer(offer: OfferMessage): Promise<Hex>
  /** @throws HttpProblem 422 `acknowledgement.refused`. */
  acknowledgement(message: AcknowledgementMessage): Promise<void>
}

/**
 * Creates the intake.
 *
 * @param deps - `headTime`: unix seconds of the chain's head; `onSegment` and `onRefusal` are told what happened.
 */
export function createIntake(deps: {
  readonly store: Store
  readonly chain: Pick<Chain, 'facts' | 'deal' | 'acceptsSignature'>
  readonly data: Pick<Data, 'has'>
  readonly recovery: Recovery
  readonly promiser: Promiser
  readonly domain: Domain
  readonly clock: Clock
  readonly headTime: () => number
  readonly faults: FaultPoints
  readonly onSegment: () => void
  readonly onRefusal: (check: string) => void
}): Intake {
  const { store, chain, data, domain, clock, faults } = deps

  function refused(code: string, check: string, extensions: Record<string, unknown> = {}): HttpProblem {
    deps.onRefusal(check)
    return new HttpProblem(422, code, `check ${check} failed`, { check, ...extensions })
  }

  /** Everything the checks look at. Synchronous, so that nothing changes between judging and storing. */
  function factsOf(segment: Segment, onChain: ChainFacts): SegmentFacts {
    const known = store.segments.ranges(segment)
    const fresh = freshReceipts(segment, known)
    const orders = fresh.flatMap((index) => segment.receipts[index]?.order ?? [])
    const vouched = fresh.filter((index) => {
      const order = segment.receipts[index]?.order
      const own = order === undefined ? null : store.messages.order(segment.dealKey, order.index)
      return own !== null && order !== undefined && isSameTask(own, order)
    })
    const roots = segment.receipts.flatMap(({ order, outputRoot }) => [order.inputRoot, outputRoot])
    return {
      ...readyFacts({ segment, signature: segment.signature, acknowledged: false }, domain, onChain),
      segment,
      known,
      signed: store.segments.ranges(segment, 'all'),
      fresh,
      billed: store.segments.billed(
        segment.dealKey,
        orders.map(({ index }) => index),
      ),
      vouched: new Set(vouched),
      held: new Set(roots.filter((root) => data.has(root))),
      now: Math.max(Math.floor(clock.now() / 1000), deps.headTime()),
    }
  }

  function accept(segment: Segment, hash: Hex, facts: SegmentFacts): StoredSegment {
    // of work that is no program's run, the tallies and outputs are vouched for alone
    const isChecked = isRunnable(facts.deal.kind)
    const stored: StoredSegment = {
      tallyHash: hash,
      segment,
      segmentHash: facts.tally.segment,
      status: 'accepted',
      check: null,
      verification: isChecked ? 'pending' : 'done',
      claims: isChecked ? 0 : Claim.Tallies | Claim.Retrievable,
      transaction: null,
      receivedAtMs: clock.now(),
    }
    store.segments.insert(stored, facts.fresh)
    faults.hit('segment.stored')
    deps.onSegment()
    return stored
  }

  function keepEvidence(check: string, facts: SegmentFacts): void {
    const shown = faultShown(check, facts)
    if (shown !== null) store.evidence.keep({ ...shown, right: facts.segment })
  }

  /** What became of a segment, with the promise about it if there is one. */
  async function answered(state: SegmentState): Promise<SegmentAnswer> {
    const promise = state.status === 'refused' ? null : await deps.promiser.of(state.tallyHash)
    return { ...answer(state), ...(promise === null ? {} : { promise }) }
  }

  async function answerTo(state: SegmentState): Promise<SegmentAnswer> {
    if (state.status !== 'refused') return await answered(state)
    throw refused('segment.refused', state.check ?? 'unknown', { tallyHash: state.tallyHash })
  }

  async function openDeal(code: string, dealKey: Hex): Promise<DealFacts> {
    const id = store.blocks.dealId(dealKey)
    const deal = id === null ? null : await chain.deal(id)
    if (deal !== null && deal.key === dealKey && deal.state !== DealState.None) return deal
    throw refused(code, 'deal.open')
  }

  function judgeOrders(orders: readonly OrderMessage[], deals: ReadonlyMap<Hex, DealFacts>): void {
    const signers = deps.recovery.recoverMany(
      orders.map((order) => ({ digest: orderDigest(order, domain), signature: order.signature })),
    )
    for (const [index, order] of orders.entries()) {
      const deal = deals.get(order.dealKey)
      const check = deal === undefined ? 'deal.open' : judgeOrder(order, deal, signers[index] ?? null)
      if (check !== null) throw refused('order.refused', check, { index: order.index.toString() })
    }
  }

  function judgeOrder(order: OrderMessage, deal: DealFacts, signer: Address | null): string | null {
    const own = store.messages.order(order.dealKey, order.index)
    if (own !== null && deal.state === DealState.Open) return isSameTask(own, order) ? null : 'order.conflict'
    const facts = { order, deal, signer, isHeld: data.has(order.inputRoot) }
    return firstFailure(orderChecks, facts)?.name ?? null
  }

  return {
    async segment(segment) {
      const hash = tallyHash(tallyOf(segment))
      const before = store.segments.state(hash)
      if (before !== null) return await answerTo(before)
      const onChain = await chain.facts(segment)
      const raced = store.segments.state(hash)
      if (raced !== null) return await answerTo(raced)

      const facts = factsOf(segment, onChain)
      const failure = firstFailure(intakeChecks, facts)
      if (failure === null) return await answered(accept(segment, hash, facts))
      keepEvidence(failure.name, facts)
      throw refused('segment.refused', failure.name, { tallyHash: hash })
    },

    async find(hash) {
      const stored = store.segments.state(hash)
      if (stored === null) throw new HttpProblem(404, 'segment.unknown', 'this member has no such segment')
      return await answered(stored)
    },

    async orders(orders) {
      const deals = new Map<Hex, DealFacts>()
      for (const { dealKey } of orders) {
        if (!deals.has(dealKey)) deals.set(dealKey, await openDeal('order.refused', dealKey))
      }
      for (let at = 0; at < orders.length; at += ORDERS_PER_TURN) {
        judgeOrders(orders.slice(at, at + ORDERS_PER_TURN), deals)
        // signature checks are long: other requests must not wait for a whole body of them
        await new Promise((resolve) => setImmediate(resolve))
      }
      store.messages.putOrders(orders)
      return orders.length
    },

    async offer({ offer, signature }) {
      const hash = offerHash(offer, domain)
      if (!isSignedBy(hash, signature, offer.provider)) {
        if (!(await chain.acceptsSignature(offer.provider, hash, signature)))
          throw refused('offer.refused', 'offer.signature')
      }
      store.messages.putOffer(hash, offer, signature)
      return hash
    },

    async acknowledgement(message) {
      const deal = await openDeal('acknowledgement.refused', message.dealKey)
      const signer = recoverCompact(acknowledgementDigest(message, domain), message.signature)
      if (!sameAddress(signer, ackKeyOf(deal))) throw refused('acknowledgement.refused', 'acknowledgement.signature')
      store.messages.putAcknowledgement(message)
      deps.onSegment()
    },
  }
}

type Task = { readonly inputRoot: Hex; readonly maxUnits: bigint }

function isSameTask(a: Task, b: Task): boolean {
  return a.inputRoot === b.inputRoot && a.maxUnits === b.maxUnits
}

function isSignedBy(digest: Hex, signature: Hex, account: Hex): boolean {
  try {
    return sameAddress(recoverCompact(digest, compact(signature)), account)
  } catch {
    // neither 64 nor 65 bytes: a contract wallet's signature, which the chain is asked about
    return false
  }
}

function answer(stored: SegmentState): SegmentAnswer {
  return {
    tallyHash: stored.tallyHash,
    status: stored.status,
    ...(stored.check === null ? {} : { check: stored.check }),
    ...(stored.transaction === null ? {} : { transaction: stored.transaction }),
  }
}
