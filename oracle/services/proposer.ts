/**
 * Builds batches when they are worth it, gathers the committee's signatures, and hands them to the submitter.
 *
 * @module
 */
import type { Hex } from 'viem'

import { encodeBatch, type Group } from '#protocol/batch.ts'
import type { Domain } from '#protocol/eip712.ts'
import { Lane, Mode } from '#protocol/types.ts'
import type { Logger } from '#runtime/log.ts'
import { createBackoff } from '../domain/backoff.ts'
import { sameAddress } from '../domain/checks.ts'
import { type BatchPolicy, judgeBatch, type Verdict } from '../domain/cost-model.ts'
import { type Candidate, longestPerStream, type Selection, selectGroups, streamNumber } from '../domain/grouping.ts'
import { leaderAt, mayPropose } from '../domain/quorum.ts'
import { tallyOf } from '../domain/segment.ts'
import type { Chain, Clock, Committee, FaultPoints, Signer, Store, StoredSegment } from '../ports.ts'
import { rootOf } from './attester.ts'
import type { Gatherer, ProposedGroup, Seat } from './gatherer.ts'
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
/** Times a batch is proposed again without the groups that were refused. */
const ROUNDS = 4

type Ready = { readonly candidate: Candidate; readonly stored: StoredSegment; readonly acknowledgement: Hex | null }

/**
 * Creates the proposer.
 *
 * @param deps - `headTime`: unix seconds of the chain's head; `onBatch` is told that a batch waits to be sent.
 */
export function createProposer(deps: {
  readonly store: Store
  readonly chain: Pick<Chain, 'facts' | 'settleCall'>
  readonly committee: () => Promise<Committee>
  readonly gatherer: Gatherer
  readonly signer: Signer
  readonly domain: Domain
  readonly clock: Clock
  readonly headTime: () => number
  readonly faults: FaultPoints
  readonly log: Logger
  readonly batchPolicy: BatchPolicy
  readonly turnPolicy: TurnPolicy
  readonly onBatch: (lane: number, verdict: Verdict, receipts: number) => void
}): Proposer {
  const { store, chain, clock, log, batchPolicy, turnPolicy } = deps
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

  function toReady(candidate: Candidate): Ready[] {
    const stored = store.segments.get(candidate.tallyHash)
    if (stored === null) return []
    const acknowledgement = candidate.acknowledged ? store.messages.acknowledgement(tallyOf(stored.segment)) : null
    return [{ candidate, stored, acknowledgement }]
  }

  /** Judges one tally per stream and notes what is in the way of those that cannot settle. */
  async function judged(candidates: readonly Candidate[]): Promise<{ passed: Ready[]; failed: Candidate[] }> {
    const items = candidates.flatMap(toReady)
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
  async function settleable(candidates: readonly Candidate[]): Promise<Ready[]> {
    let left = candidates
    for (let round = 1; ; round++) {
      const tried = longestPerStream(left).sort((a, b) => streamNumber(a) - streamNumber(b))
      const { passed, failed } = await judged(tried)
      // a shorter tally of the same stream may pass where the longer one does not
      const out = new Set(failed.map(({ tallyHash }) => tallyHash))
      left = left.filter(({ tallyHash }) => !out.has(tallyHash))
      if (out.size === 0 || round === ROUNDS || left.length === passed.length) return passed
    }
  }

  function select(candidates: readonly Candidate[], lane: number, threshold: number): Selection {
    const signatures = lane === Lane.Attested ? threshold : 0
    return selectGroups(candidates, signatures, { ...batchPolicy, nowMs: clock.now() })
  }

  /** Builds one batch of one kind, if it is time for it and this member's turn. */
  async function propose(seat: Seat, lane: number, claims: number, candidates: readonly Candidate[]): Promise<boolean> {
    const { committee } = seat
    const estimate = select(candidates, lane, committee.threshold)
    if (verdictOf(estimate) === 'wait' || !isTurn(seat, estimate)) return false

    const ready = await settleable(candidates)
    const selection = select(
      ready.map(({ candidate }) => candidate),
      lane,
      committee.threshold,
    )
    const verdict = verdictOf(selection)
    if (verdict === 'wait') return false
    const byHash = new Map(ready.map((item) => [item.candidate.tallyHash, item]))
    const groups = selection.groups.flatMap(({ tallyHash }) => byHash.get(tallyHash) ?? [])

    const batch = lane === Lane.Acknowledged ? acknowledged(groups) : await attested(seat, groups, claims)
    if (batch === null) return false
    const { to, data } = chain.settleCall(batch.bytes, batch.authority)
    const id = store.batches.insert({
      lane,
      root: batch.root,
      data,
      groups: batch.groups.map(({ stored }) => stored.tallyHash),
    })
    deps.faults.hit('batch.attested')
    const receipts = batch.groups.reduce((sum, { stored }) => sum + stored.segment.receipts.length, 0)
    log.info({ batch: id, to, lane, groups: batch.groups.length, receipts, verdict, root: batch.root }, 'batch built')
    deps.onBatch(lane, verdict, receipts)
    return true
  }

  function verdictOf({ shape, oldestMs, more }: Selection): Verdict {
    return judgeBatch(shape, oldestMs, more, batchPolicy)
  }

  function isTurn({ index, committee }: Seat, { oldestMs }: Selection): boolean {
    const members = committee.members.length
    const leader = leaderAt(BigInt(deps.headTime()), turnPolicy.slotSeconds, members)
    const overdueMs = oldestMs - batchPolicy.maxAgeMs
    return mayPropose({ member: index, leader, members, overdueMs, takeoverMs: turnPolicy.takeoverMs })
  }

  function acknowledged(groups: readonly Ready[]) {
    if (groups.length === 0) return null
    const bytes = encodeBatch({ mode: Mode.Calldata, lane: Lane.Acknowledged, groups: groups.map(toGroup) })
    return { bytes, authority: '0x' as Hex, root: rootOf(groups.map(({ stored }) => stored)), groups }
  }

  async function attested(seat: Seat, all: readonly Ready[], claims: number) {
    const gathered = await deps.gatherer.gather(seat, all.map(toProposed), claims)
    for (const [tallyHash, check] of gathered.left) keepUnless(tallyHash, check)
    if (gathered.attestation === null) return null
    const { bytes, authority, root, groups } = gathered.attestation
    const signed = new Set(groups.map(({ stored }) => stored.tallyHash))
    return { bytes, authority, root, groups: all.filter(({ stored }) => signed.has(stored.tallyHash)) }
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
      let built = 0
      for (const { lane, claims, part } of byKind(candidates)) {
        if (await propose(seat, lane, claims, part)) built += 1
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

/** Candidates by lane and claims. A stream with an acknowledged tally goes there first. */
function byKind(candidates: readonly Candidate[]): { lane: number; claims: number; part: Candidate[] }[] {
  const acknowledged = candidates.filter((candidate) => candidate.acknowledged)
  const taken = new Set(acknowledged.map(streamNumber))
  const byClaims = Map.groupBy(
    candidates.filter((candidate) => !taken.has(streamNumber(candidate))),
    ({ claims }) => claims,
  )
  const attested = [...byClaims].map(([claims, part]) => ({ lane: Lane.Attested, claims, part }))
  return acknowledged.length === 0
    ? attested
    : [{ lane: Lane.Acknowledged, claims: 0, part: acknowledged }, ...attested]
}

function toJudged({ stored, acknowledgement }: Ready): JudgedGroup {
  const { segment } = stored
  return { segment, signature: segment.signature, acknowledged: acknowledgement !== null }
}

function toProposed({ stored, acknowledgement }: Ready): ProposedGroup {
  return { stored, group: toGroup({ stored, acknowledgement }) }
}

function toGroup({ stored, acknowledgement }: Pick<Ready, 'stored' | 'acknowledgement'>): Group {
  const { dealId, stream, worker, first, units, signature, receipts } = stored.segment
  const group = { dealId, stream, worker, first, units, signature, receipts }
  return acknowledgement === null ? group : { ...group, acknowledgement }
}
