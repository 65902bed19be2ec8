/**
 * Replays one `settle`: decodes the transaction's input, judges every group, and holds root, applied groups, authority
 * and fees against what the chain said it did.
 *
 * Where chain and rules differ the chain is followed, so that one fault is reported once and not for ever after.
 *
 * @module
 */
import { encodePacked, type Hex, hexToBytes, keccak256, slice, zeroHash } from 'viem'

import { merkleRoot } from '#protocol/merkle.ts'
import { Lane, Outcome } from '#protocol/types.ts'

import { checkAuthority } from './authority.ts'
import { type ReadBatch, type ReadGroup, readBatch } from './decode.ts'
import { applyGroup, isApplied, type Judged, judgeGroup } from './groups.ts'
import { type EventArgs, expectSame, type Replay, report, thing, touch } from './replay.ts'
import type { DiscrepancyKind } from './report.ts'
import { streamNumber } from './state.ts'

/** Arguments of the transaction's `settle`. */
export type SettleCall = { batch: Hex; authority: Hex }

/** What lane 0 owes each provider at once, gross, until its `Matured` events are seen. */
export type Credits = Map<number, bigint>

const INTERVAL_SECONDS = 900
const CHAIN_BYTES = 26
const RECORD_BYTES = 27
const ZERO_CHAIN = slice(zeroHash, 0, CHAIN_BYTES)
const ZERO_RECORD = slice(zeroHash, 0, RECORD_BYTES)

const OUTCOME_NAMES = new Map<number, string>(Object.entries(Outcome).map(([name, value]) => [value, name]))

/** What it means that the chain settled a group which the rules refuse with this outcome. */
const SETTLED_AGAINST: Record<Outcome, DiscrepancyKind> = {
  [Outcome.Applied]: 'applied',
  [Outcome.Clamped]: 'applied',
  [Outcome.DealNotOpen]: 'closing',
  [Outcome.StreamOutOfRange]: 'stream',
  [Outcome.Stale]: 'double-settle',
  [Outcome.Gap]: 'stream',
  [Outcome.RateExceeded]: 'rate',
  [Outcome.ExposureExceeded]: 'exposure',
  [Outcome.CoverageExceeded]: 'coverage',
  [Outcome.NotAWorker]: 'signature',
  [Outcome.BadSignature]: 'signature',
  [Outcome.BadAcknowledgement]: 'signature',
  [Outcome.ModeMismatch]: 'applied',
  [Outcome.UnitsOverflow]: 'applied',
}

function bitOf(applied: Uint8Array, index: number): boolean {
  return (((applied[index >> 3] ?? 0) >> (index & 7)) & 1) === 1
}

function tryRead(replay: Replay, batch: Hex): ReadBatch | null {
  try {
    return readBatch(hexToBytes(batch))
  } catch (error) {
    // a batch that settled and cannot be read hides what was paid: never a pass
    report(replay, 'unreadable', error instanceof Error ? error.message : String(error))
    return null
  }
}

/** Watches that every rule the group passed was looked at. */
function watchRules(replay: Replay): void {
  for (const rule of ['signatures', 'rate', 'exposure', 'coverage', 'budget', 'monotone', 'once'] as const) {
    replay.findings.watch(rule, true)
  }
}

function count(replay: Replay, judged: Judged, group: number): void {
  const { transaction, block } = replay
  const { totals } = replay.findings
  const { dealId, receipts } = judged.group
  const place = { dealId, dealKey: judged.tally.dealKey, tx: transaction.hash, block: block.number, group }
  replay.findings.pay(receipts.slice(receipts.length - judged.suffixReceipts).map((one) => ({ ...place, ...one })))
  totals.applied++
  totals.receipts += judged.suffixReceipts
  totals.units += judged.suffixUnits
  totals.paid += judged.amount
}

/** Receipts of a group's stream so far. */
function cursorOf({ state }: Replay, { group }: Judged): number | undefined {
  return state.deals.get(group.dealId)?.streams[group.stream]?.count
}

/** Compares the rules' outcome with the chain's bit; true if the chain moved the stream. */
function compareOutcome(replay: Replay, lane: number, judged: Judged, index: number, didApply: boolean): boolean {
  const { outcome, group } = judged
  const name = OUTCOME_NAMES.get(outcome)
  const what = `stream ${group.stream} of deal ${group.dealId}`
  if (didApply && !isApplied(outcome)) {
    report(replay, SETTLED_AGAINST[outcome], `group ${index} (${what}) settled, the rules give ${name}`, index)
  } else if (lane === Lane.Attested && outcome === Outcome.BadSignature && group.first === cursorOf(replay, judged)) {
    report(replay, 'signature', `group ${index} (${what}) is attested and not signed by its worker`, index)
  } else if (!didApply && isApplied(outcome)) {
    report(replay, 'lost-receipt', `group ${index} (${what}) was skipped, the rules give ${name}`, index)
  } else if (didApply) {
    watchRules(replay)
  }
  return didApply
}

function touchGroup(replay: Replay, lane: number, judged: Judged, index: number): void {
  const deal = replay.state.deals.get(judged.group.dealId)
  if (deal === undefined) return
  const kind = judged.outcome === Outcome.Clamped ? 'budget' : 'price'
  touch(replay, thing.deal(deal.id), kind, index)
  touch(replay, thing.stream(deal.id, judged.group.stream), 'stream', index)
  touch(replay, thing.earnings(deal.provider), lane === Lane.Acknowledged ? 'fee' : 'maturity', index)
}

/** Chains a forced or acknowledged group with its own stream. */
function recordGroup({ state }: Replay, { group, groupHash }: Judged): void {
  const number = streamNumber(group.dealId, group.stream)
  const before = state.records.get(number)?.chain ?? ZERO_RECORD
  const chain = slice(keccak256(encodePacked(['bytes27', 'bytes32'], [before, groupHash])), 0, RECORD_BYTES)
  state.records.set(number, { chain, time: state.clock.value })
}

/** Chains an attested batch with the others of its interval. */
function recordBatch(replay: Replay, root: Hex, applied: Hex): void {
  const { state } = replay
  const interval = Math.floor(state.clock.value / INTERVAL_SECONDS)
  const known = state.intervals.get(interval) ?? { chain: ZERO_CHAIN, count: 0 }
  const packed = encodePacked(
    ['bytes26', 'bytes32', 'bytes', 'uint32'],
    [known.chain, root, applied, state.clock.value],
  )
  state.intervals.set(interval, { chain: slice(keccak256(packed), 0, CHAIN_BYTES), count: known.count + 1 })
  touch(replay, thing.interval(interval), 'record')
}

function settleGroups(replay: Replay, batch: ReadBatch, applied: Uint8Array, credits: Credits): Judged[] {
  const { state, findings } = replay
  return batch.groups.map((group: ReadGroup, index) => {
    const judged = judgeGroup(state, batch.lane, group)
    findings.totals.groups++
    findings.totals.signatures += batch.lane === Lane.Acknowledged ? 2 : 1
    touchGroup(replay, batch.lane, judged, index)
    if (!compareOutcome(replay, batch.lane, judged, index, bitOf(applied, index))) return judged
    const provider = state.deals.get(group.dealId)?.provider
    applyGroup(state, batch.lane, judged)
    if (batch.lane !== Lane.Attested) recordGroup(replay, judged)
    if (batch.lane === Lane.Acknowledged && provider !== undefined) {
      credits.set(provider, (credits.get(provider) ?? 0n) + judged.amount)
    }
    count(replay, judged, index)
    return judged
  })
}

/**
 * Replays the batch of the transaction under replay; the clock has been touched and what was due has been rolled.
 *
 * @returns What lane 0 owes each provider at once.
 */
export function replaySettle(replay: Replay, call: SettleCall, settled: EventArgs<'Settled'>): Credits {
  const { state, findings } = replay
  const credits: Credits = new Map()
  findings.totals.batches++
  expectSame(replay, 'clock', 'the clock of the batch', state.clock.value, settled.clock)

  const batch = tryRead(replay, call.batch)
  if (batch === null) return credits
  expectSame(replay, 'root', 'the lane of the batch', batch.lane, settled.lane)
  const applied = hexToBytes(settled.applied)
  expectSame(replay, 'applied', 'the length of the applied bits', Math.ceil(batch.groups.length / 8), applied.length)

  const judged = settleGroups(replay, batch, applied, credits)
  const root = merkleRoot(judged.map(({ groupHash }) => groupHash))
  findings.watch('roots', expectSame(replay, 'root', 'the batch root', root, settled.root))
  checkAuthority(replay, { lane: batch.lane, root, authority: call.authority, judged })
  const didMove = judged.some((_, index) => bitOf(applied, index))
  if (batch.lane === Lane.Attested && didMove) recordBatch(replay, root, settled.applied)
  return credits
}
