/**
 * Replays one `settle`: decodes the transaction's input, judges every group, and holds root, applied groups, authority
 * and fees against what the chain said it did.
 *
 * Where chain and rules differ the chain is followed, so that one fault is reported once and not for ever after.
 *
 * @module
 */
import { type Hex, hexToBytes } from 'viem'

import { Lane, Outcome } from '#protocol/types.ts'

import { checkAuthority } from './authority.ts'
import { type ReadBatch, type ReadGroup, readBatch } from './decode.ts'
import { chainBatch, chainGroup, factsRootOf, NO_INTERVAL, NO_RECORD, recordOf, rootOf } from './facts.ts'
import { applyGroup, isApplied, isUnfitToAttest, type Judged, judgeGroup, passGroup } from './groups.ts'
import { payReceipts } from './paid.ts'
import { receiptsOf } from './receipts.ts'
import { type EventArgs, expectSame, type Replay, report, thing, touch } from './replay.ts'
import type { DiscrepancyKind } from './report.ts'
import { streamNumber } from './state.ts'

/** Arguments of the transaction's `settle`. */
export type SettleCall = { batch: Hex; authority: Hex }

/** What lane 0 owes each provider at once, gross, until its `Matured` events are seen. */
export type Credits = Map<number, bigint>

/** A group with what the chain made of it. */
export type Settled = Judged & { didApply: boolean }

const INTERVAL_SECONDS = 900

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
  [Outcome.UnitsMismatch]: 'price',
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

/** Compares the rules' outcome with the chain's bit. */
function compareOutcome(replay: Replay, lane: number, { didApply, ...judged }: Settled, index: number): void {
  const { outcome, group } = judged
  const name = OUTCOME_NAMES.get(outcome)
  const what = `stream ${group.stream} of deal ${group.dealId}`
  if (didApply && !isApplied(outcome)) {
    report(replay, SETTLED_AGAINST[outcome], `group ${index} (${what}) settled, the rules give ${name}`, index)
  } else if (lane === Lane.Attested && isUnfitToAttest(judged)) {
    report(replay, 'signature', `group ${index} (${what}) is attested and not signed by its worker`, index)
  } else if (!didApply && isApplied(outcome)) {
    report(replay, 'lost-receipt', `group ${index} (${what}) was skipped, the rules give ${name}`, index)
  } else if (didApply) {
    watchRules(replay)
  }
}

function touchGroup(replay: Replay, lane: number, judged: Judged, index: number): void {
  const deal = replay.state.deals.get(judged.group.dealId)
  if (deal === undefined) return
  const kind = judged.outcome === Outcome.Clamped ? 'budget' : 'price'
  touch(replay, thing.deal(deal.id), kind, index)
  touch(replay, thing.stream(deal.id, judged.group.stream), 'stream', index)
  touch(replay, thing.earnings(deal.provider), lane === Lane.Acknowledged ? 'fee' : kind, index)
}

/** The 16 bytes the chain must have kept of a group. */
function recordFor({ didApply, outcome, before, amount }: Settled): Hex {
  if (!didApply) {
    const refusal = isApplied(outcome) ? Outcome.Stale : outcome
    return recordOf({ outcome: refusal, count: 0, units: 0n, amount: 0n })
  }
  return recordOf({ outcome: isApplied(outcome) ? outcome : Outcome.Applied, ...before, amount })
}

/** Chains a forced or acknowledged group with its own stream. */
export function recordGroup({ state }: Replay, settled: Settled): void {
  const { dealId, stream } = settled.group
  const number = streamNumber(dealId, stream)
  const before = state.records.get(number)?.chain ?? NO_RECORD
  const chain = chainGroup(before, settled.tallyHash, recordFor(settled), state.clock.value)
  state.records.set(number, { chain, time: state.clock.value })
}

/** Chains an attested batch with the others of its interval. A net batch has no facts that the chain found. */
export function recordBatch(replay: Replay, root: Hex, factsRoot: Hex): void {
  const { state } = replay
  const interval = Math.floor(state.clock.value / INTERVAL_SECONDS)
  const known = state.intervals.get(interval) ?? { chain: NO_INTERVAL, count: 0 }
  const chain = chainBatch(known.chain, root, factsRoot, state.clock.value)
  state.intervals.set(interval, { chain, count: known.count + 1 })
  touch(replay, thing.interval(interval), 'record')
}

function settleGroup(replay: Replay, lane: number, group: ReadGroup, index: number, didApply: boolean): Settled {
  const { state, findings } = replay
  const settled = { ...judgeGroup(state, lane, group), didApply }
  findings.totals.groups++
  findings.totals.signatures += lane === Lane.Acknowledged ? 2 : 1
  touchGroup(replay, lane, settled, index)
  compareOutcome(replay, lane, settled, index)
  if (!didApply) {
    passGroup(state, lane, settled)
    return settled
  }
  applyGroup(state, lane, settled)
  if (lane !== Lane.Attested) recordGroup(replay, settled)
  return settled
}

/** What the applied groups of a batch owe their providers. */
function creditsOf({ state }: Replay, settled: readonly Settled[]): Credits {
  const credits: Credits = new Map()
  for (const { didApply, group, amount } of settled) {
    const provider = state.deals.get(group.dealId)?.provider
    if (didApply && provider !== undefined) credits.set(provider, (credits.get(provider) ?? 0n) + amount)
  }
  return credits
}

/**
 * Replays the batch of the transaction under replay; the clock has been touched and what was due has been rolled.
 *
 * @returns What lane 0 owes each provider at once.
 */
export async function replaySettle(
  replay: Replay,
  call: SettleCall,
  settledEvent: EventArgs<'Settled'>,
): Promise<Credits> {
  const { state, findings, transaction } = replay
  findings.totals.batches++
  expectSame(replay, 'clock', 'the clock of the batch', state.clock.value, settledEvent.clock)

  const batch = tryRead(replay, call.batch)
  if (batch === null) return new Map()
  const { lane, mode, groups } = batch
  expectSame(replay, 'root', 'the lane of the batch', lane, settledEvent.lane)
  expectSame(replay, 'root', 'the mode of the batch', mode, settledEvent.mode)
  expectSame(replay, 'root', 'the number of its blobs', batch.blobs.length, transaction.blobs.length)
  const applied = hexToBytes(settledEvent.applied)
  expectSame(replay, 'applied', 'the length of the applied bits', Math.ceil(groups.length / 8), applied.length)

  const settled = groups.map((group, index) => settleGroup(replay, lane, group, index, bitOf(applied, index)))
  const bytes = await receiptsOf(replay, batch)
  for (const [index, one] of settled.entries()) if (one.didApply) payReceipts(replay, one, index, bytes[index] ?? null)

  const hashes = settled.map(({ tallyHash }) => tallyHash)
  const root = rootOf(batch, hashes, transaction.blobs)
  findings.watch('roots', expectSame(replay, 'root', 'the batch root', root, settledEvent.root))
  checkAuthority(replay, { lane, root, authority: call.authority, judged: settled })
  if (lane === Lane.Attested && settled.some(({ didApply }) => didApply)) {
    recordBatch(replay, root, factsRootOf(settled.map(recordFor)))
  }
  return lane === Lane.Acknowledged ? creditsOf(replay, settled) : new Map()
}
