/**
 * Builds batches when they are worth it, gathers the committee's signatures, and hands them to the submitter.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { Group } from '#protocol/batch.ts'
import type { Domain } from '#protocol/eip712.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { HttpProblem } from '#runtime/http.ts'
import type { Logger } from '#runtime/log.ts'
import { createBackoff } from '../domain/backoff.ts'
import { sameAddress } from '../domain/checks.ts'
import { mostGas } from '../domain/cost-model.ts'
import type { FeeLevel } from '../domain/fees.ts'
import { type Candidate, longestPerStream, streamNumber, type Waiting } from '../domain/grouping.ts'
import { byLane, type Kind, routeOf } from '../domain/lanes.ts'
import { createModes } from '../domain/modes.ts'
import { fittingNet, mostNetGas } from '../domain/netting.ts'
import { type BatchPolicy, cheapest, type Plan, type Why } from '../domain/plan.ts'
import { leaderAt, mayPropose } from '../domain/quorum.ts'
import { tallyOf } from '../domain/segment.ts'
import { waitOf } from '../domain/wishes.ts'
import type { Chain, Clock, Committee, FaultPoints, Signer, Store, StoredSegment } from '../ports.ts'
import type { Archive } from './archive.ts'
import type { Assemble, Assembled, Carriage } from './assembly.ts'
import type { DealBook } from './deal-book.ts'
import { type Gatherer, type Seat, SILENT } from './gatherer.ts'
import { type JudgedGroup, judgeGroups } from './judge.ts'

/** Proposes for one member. */
export type Proposer = {
  /** Looks once at what is ready; returns the number of batches built. */
  step(): Promise<number>
  /** Lets the streams of a batch that could not settle wait, each failure in a row longer; what settled meanwhile not. */
  failed(groups: readonly Hex[]): void
}

/** How a committee takes turns. */
export type TurnPolicy = {
  /** Seconds of block time one member leads. */
  readonly slotSeconds: number
  /** Head start of each rank when work stays overdue, milliseconds. */
  readonly takeoverMs: number
  /** How long a group that could not be attested waits before it is proposed again, milliseconds. */
  readonly retryMs: number
  /** Own batches under way at once. */
  readonly maxOpenBatches: number
}

/** Longest pause of a stream whose batches keep failing, milliseconds. */
const LAST_RETRY_MS = 300_000
/** How long a mode rests in which nothing could be attested or kept, milliseconds. */
const MODE_REST_MS = 60_000
/** Times a batch is proposed again without the groups that were refused. */
const ROUNDS = 4

type Ready = { readonly candidate: Waiting; readonly stored: StoredSegment; readonly acknowledgement: Hex | null }
/** What a step decides by. */
type Moment = { readonly fees: FeeLevel; readonly policy: BatchPolicy }
/** How a batch goes: most gas, why, and what else to log. */
type Handed = Carriage & { readonly most: number; readonly why: Why; readonly more: Readonly<Record<string, unknown>> }
/** A batch that may be sent. */
type Authorised = Assembled & { readonly authority: Hex }

/**
 * Creates the proposer.
 *
 * @param deps - `headTime`: unix seconds of the chain's head; `onBatch` is told that a batch waits to be sent.
 */
export function createProposer(deps: {
  readonly store: Store
  readonly chain: Pick<Chain, 'facts' | 'settleCall' | 'feeLevel'>
  readonly deals: DealBook
  readonly committee: () => Promise<Committee>
  readonly gatherer: Gatherer
  readonly assemble: Assemble
  readonly archive: Pick<Archive, 'keep'>
  readonly signer: Signer
  readonly domain: Domain
  readonly clock: Clock
  readonly headTime: () => number
  readonly faults: FaultPoints
  readonly log: Logger
  readonly batchPolicy: BatchPolicy
  readonly turnPolicy: TurnPolicy
  readonly onBatch: (carriage: Carriage, why: Why, receipts: number) => void
}): Proposer {
  const { store, chain, clock, log, batchPolicy, turnPolicy } = deps
  const modes = createModes(batchPolicy.modes, MODE_REST_MS, clock.now)
  /** When a group that could not be attested may be tried again, unix milliseconds. */
  const retryAt = new Map<Hex, number>()
  const backoff = createBackoff({
    ...{ firstMs: turnPolicy.retryMs, lastMs: LAST_RETRY_MS },
    ...{ now: clock.now, random: Math.random },
  })

  /** True without a check; else notes it and lets the group wait before it is tried again. */
  function keepUnless(tallyHash: Hex, check: string | null): boolean {
    if (check === null) return true
    store.segments.note(tallyHash, check)
    retryAt.set(tallyHash, clock.now() + turnPolicy.retryMs)
    return false
  }

  function pool(): Candidate[] {
    const now = clock.now()
    store.batches.release(now)
    for (const [tallyHash, at] of retryAt) if (at <= now) retryAt.delete(tallyHash)
    return store.segments
      .candidates()
      .filter((candidate) => !retryAt.has(candidate.tallyHash) && backoff.isDue(streamNumber(candidate)))
  }

  /** Candidates with their deals and the times they have to settle by. */
  async function waiting(candidates: readonly Candidate[]): Promise<Waiting[]> {
    const deals = await deps.deals.of(candidates.map(({ dealId }) => dealId))
    const workers = new Map(candidates.map(({ worker }) => [worker, store.blocks.packedWorker(worker) ?? worker]))
    return candidates.flatMap((candidate) => {
      const deal = deals.get(candidate.dealId)
      if (deal === undefined) return []
      const worker = workers.get(candidate.worker) ?? candidate.worker
      const dueMs = candidate.receivedAtMs + waitOf(candidate.wish, batchPolicy)
      return [{ ...candidate, deal, worker, dueMs }]
    })
  }

  function toReady(candidate: Waiting, lane: Lane): Ready[] {
    const stored = store.segments.get(candidate.tallyHash)
    if (stored === null) return []
    const isAtOnce = lane === Lane.Acknowledged
    return [
      { candidate, stored, acknowledgement: isAtOnce ? store.messages.acknowledgement(tallyOf(stored.segment)) : null },
    ]
  }

  /** Judges one tally per stream and notes what is in the way of those that cannot settle. */
  async function judged(candidates: readonly Waiting[], lane: Lane): Promise<{ passed: Ready[]; failed: Candidate[] }> {
    const items = candidates.flatMap((candidate) => toReady(candidate, lane))
    const failures = await judgeGroups(chain, deps.domain, items.map(toJudged))
    const failed: Candidate[] = []
    const passed = items.filter(({ candidate }, index) => {
      const check = failures[index] ?? null
      if (check === null) store.segments.note(candidate.tallyHash, null)
      else failed.push(candidate)
      return keepUnless(candidate.tallyHash, check)
    })
    return { passed, failed }
  }

  /** Of several tallies of a stream the longest that can settle now. */
  async function settleable(candidates: readonly Waiting[], lane: Lane): Promise<Ready[]> {
    let left = candidates
    for (let round = 1; ; round++) {
      const tried = longestPerStream(left).sort((a, b) => streamNumber(a) - streamNumber(b))
      const { passed, failed } = await judged(tried, lane)
      // a shorter tally of the same stream may pass where the longer one does not
      const out = new Set(failed.map(({ tallyHash }) => tallyHash))
      left = left.filter(({ tallyHash }) => !out.has(tallyHash))
      if (out.size === 0 || round === ROUNDS || left.length === passed.length) return passed
    }
  }

  /** Builds one batch of one kind, if it is time for it and this member's turn. */
  async function propose(seat: Seat, { lane, claims, part }: Kind, now: Moment): Promise<boolean> {
    const { threshold } = seat.committee
    const planned = (candidates: readonly Waiting[]) =>
      cheapest(longestPerStream(candidates), routeOf(lane, threshold), now.fees, now.policy, clock.now())
    const outlook = planned(part)
    if (!outlook.goes || !isTurn(seat, outlook)) return false

    const ready = await settleable(part, lane)
    const plan = planned(ready.map(({ candidate }) => candidate))
    if (!plan.goes) return false
    const byHash = new Map(ready.map((item) => [item.candidate.tallyHash, item]))
    const groups = plan.groups.flatMap(({ tallyHash }) => byHash.get(tallyHash) ?? [])

    const batch = await authorised(seat, plan.route, groups, claims)
    if (batch === null) return false
    handPlanned(batch, plan)
    return true
  }

  /** Builds a net batch of netted deals' groups, whenever one of them is due. */
  async function proposeNet(seat: Seat, claims: number, all: readonly Waiting[]): Promise<boolean> {
    const part = fittingNet(all)
    const when = Math.min(...part.map(({ dueMs }) => dueMs))
    if (when > clock.now() || !isTurn(seat, { when })) return false
    const groups = await settleable(part, Lane.Attested)
    const carriage = { mode: Mode.Net, lane: Lane.Attested }
    const batch = await authorised(seat, carriage, groups, claims)
    if (batch === null) return false
    hand(batch, { ...carriage, most: mostNetGas(batch.nets ?? 0), why: 'due', more: {} })
    return true
  }

  /** Netted deals settle in one mode and lane: there is nothing to choose. */
  async function proposeNets(seat: Seat, netted: readonly Waiting[]): Promise<number> {
    let built = 0
    for (const [claims, part] of Map.groupBy(netted, (candidate) => candidate.claims)) {
      if (await proposeNet(seat, claims, part)) built += 1
    }
    return built
  }

  function handPlanned(batch: Authorised, { route, shape, why, estimate, cost }: Plan): void {
    const more = { gas: Math.ceil(estimate.gas), blobGas: estimate.blobGas, wei: cost.toString() }
    hand(batch, { ...route, most: mostGas(shape, batchPolicy.fork), why, more })
  }

  /** Stores a batch for the submitter. */
  function hand(batch: Authorised, { mode, lane, most, why, more }: Handed): void {
    const { to, data } = chain.settleCall(batch.bytes, batch.authority)
    const id = store.batches.insert({
      ...{ lane, root: batch.root, data },
      groups: batch.groups.map(({ stored }) => stored.tallyHash),
      blobs: batch.blobs.map(({ versionedHash }) => versionedHash),
      mostGas: Math.ceil(most),
    })
    deps.faults.hit('batch.attested')
    const receipts = batch.groups.reduce((sum, { stored }) => sum + stored.segment.receipts.length, 0)
    log.info(
      {
        ...{ batch: id, to, mode, lane, groups: batch.groups.length, receipts, why, root: batch.root },
        ...more,
      },
      'batch built',
    )
    deps.onBatch({ mode, lane }, why, receipts)
  }

  function isTurn({ index, committee }: Seat, { when }: Pick<Plan, 'when'>): boolean {
    const members = committee.members.length
    const leader = leaderAt(BigInt(deps.headTime()), turnPolicy.slotSeconds, members)
    const overdueMs = clock.now() - when
    return mayPropose({ member: index, leader, members, overdueMs, takeoverMs: turnPolicy.takeoverMs })
  }

  /** The batch with its authority, its blobs in the archive; null if there is none. */
  async function authorised(seat: Seat, carriage: Carriage, groups: readonly Ready[], claims: number) {
    if (groups.length === 0) return null
    const isAtOnce = carriage.lane === Lane.Acknowledged
    try {
      return isAtOnce ? await acknowledged(carriage, groups) : await attested(seat, carriage, groups, claims)
    } catch (error) {
      if (!(error instanceof HttpProblem)) throw error
      log.warn({ mode: carriage.mode, groups: groups.length, code: error.code }, 'a batch could not be put together')
      modes.failed(carriage.mode)
      return null
    }
  }

  async function acknowledged(carriage: Carriage, groups: readonly Ready[]): Promise<Authorised> {
    const batch = await deps.assemble(carriage, groups.map(toProposed))
    await deps.archive.keep(batch.blobs)
    if (batch.blobs.length > 0) deps.faults.hit('blobs.kept')
    return { ...batch, authority: '0x' }
  }

  async function attested(seat: Seat, carriage: Carriage, groups: readonly Ready[], claims: number) {
    const gathered = await deps.gatherer.gather(seat, carriage, groups.map(toProposed), claims)
    for (const [tallyHash, check] of gathered.left) keepUnless(tallyHash, check)
    // the others may have no room for blobs, or know none; the input goes with any of them
    const isUnanswered = [...gathered.left.values()].includes(SILENT)
    if (isUnanswered && carriage.mode !== Mode.Calldata) modes.failed(carriage.mode)
    return gathered.attestation
  }

  async function seatNow(): Promise<Seat | null> {
    const { ready = 0, sent = 0 } = store.batches.counts()
    if (ready + sent >= turnPolicy.maxOpenBatches) return null
    const committee = await deps.committee()
    const index = committee.members.findIndex(({ signer }) => sameAddress(signer, deps.signer.address))
    return index < 0 ? null : { index, committee }
  }

  return {
    async step() {
      const candidates = pool()
      const seat = candidates.length === 0 ? null : await seatNow()
      if (seat === null) return 0
      const [fees, waitingNow] = await Promise.all([chain.feeLevel(), waiting(candidates)])
      const now = { fees, policy: { ...batchPolicy, modes: modes.now() } }
      const nets = await proposeNets(
        seat,
        waitingNow.filter(({ deal }) => deal.netted),
      )
      const others = waitingNow.filter(({ deal }) => !deal.netted)
      let built = nets
      for (const kind of byLane(others, seat.committee.threshold, fees, now.policy)) {
        if (await propose(seat, kind, now)) built += 1
      }
      return built
    },

    failed(groups) {
      for (const tallyHash of groups) {
        const stored = store.segments.get(tallyHash)
        if (stored?.status === 'accepted') backoff.failed(streamNumber(stored.segment))
      }
    },
  }
}

function toJudged({ stored, acknowledgement }: Ready): JudgedGroup {
  const { segment } = stored
  return { segment, signature: segment.signature, acknowledged: acknowledgement !== null }
}

function toProposed(ready: Ready) {
  return { stored: ready.stored, group: toGroup(ready) }
}

/** Deal and worker are named by where they are read for least. */
function toGroup({ candidate, stored, acknowledgement }: Ready): Group {
  const { dealId, stream, first, units, signature, receipts } = stored.segment
  const { worker, deal } = candidate
  const place = deal.place === 0 ? {} : { place: deal.place }
  const group = { dealId, stream, ...place, worker, first, units, signature, receipts }
  return acknowledgement === null ? group : { ...group, acknowledgement }
}
