/**
 * What the rules say about one group of a batch, and what it does to the ledger when it applies.
 *
 * The nine rules of docs/protocol.md in their order; judging changes nothing.
 *
 * @module
 */
import { type Hex, zeroHash } from 'viem'

import { acknowledgementDigest, tallyDigest, tallyHash } from '#protocol/eip712.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { Lane, Outcome, type Tally } from '#protocol/types.ts'

import { type ReadGroup, readReceipts } from './decode.ts'
import { paidFor, rateLimitDown } from './money.ts'
import { addressKey, type Deal, isNetted, revokedFrom, type State, type Stream, unitsOf, wheelOf } from './state.ts'
import { creditAttested, creditForced, fitsRoom, issueRoom, renewRoom } from './wheel.ts'

/** One group with everything the rules derive from it. */
export type Judged = {
  group: ReadGroup
  outcome: Outcome
  /** Whether the worker's index is of the deal's provider, revoked or not. */
  isMember: boolean
  tally: Tally
  /** Struct hash of the tally: leaf of the batch root. */
  tallyHash: Hex
  /** The stream before it. */
  before: { count: number; units: bigint }
  /** Units of the receipts past the cursor. */
  suffixUnits: bigint
  /** Settlement token base units the group pays if it applies. */
  amount: bigint
}

const SIGNED_OUTCOMES: ReadonlySet<Outcome> = new Set<Outcome>([
  Outcome.Applied,
  Outcome.Clamped,
  Outcome.BadAcknowledgement,
  Outcome.RateExceeded,
  Outcome.ExposureExceeded,
  Outcome.CoverageExceeded,
])
const NO_STREAM: Stream = { count: 0, units: 0n, acknowledged: 0n }

/** The tally the worker must have signed, as the chain rebuilds it from its own storage and the group's bytes. */
export function rebuildTally(key: Hex, { stream, first, count, units, segment }: ReadGroup): Tally {
  return { dealKey: key, stream, first, count, units, segment }
}

/** Whether the units signed can be those stored and those of the receipts past the cursor, as far as the batch tells. */
function fitsUnits(stream: Stream, group: ReadGroup): boolean {
  const suffixUnits = group.units - stream.units
  if (group.bytes === null) return suffixUnits >= BigInt(group.count - stream.count)
  const receipts = readReceipts(group.bytes, group.count - group.first) ?? []
  return receipts.slice(stream.count - group.first).reduce((sum, { units }) => sum + units, 0n) === suffixUnits
}

function isOfProvider(state: State, group: ReadGroup, deal: Deal): boolean {
  return state.workers.get(group.worker)?.provider === deal.provider
}

function isRevoked(state: State, group: ReadGroup): boolean {
  const from = revokedFrom(state, group.worker)
  return from !== 0 && state.clock.value >= from
}

function isSignedBy(digest: Hex, signature: Hex, key: string | undefined): boolean {
  const signer = recoverCompact(digest, signature)
  return signer !== null && key !== undefined && addressKey(signer) === key
}

/** Rules 4 and 5: who signed. */
export function judgeSigners(state: State, group: ReadGroup, deal: Deal, tally: Tally): Outcome {
  if (!isOfProvider(state, group, deal)) return Outcome.NotAWorker
  const key = state.workers.get(group.worker)?.key
  if (!isSignedBy(tallyDigest(tally, state.domain), group.signature, key)) return Outcome.BadSignature
  if (isRevoked(state, group)) return Outcome.NotAWorker
  if (group.acknowledgement === null) return Outcome.Applied
  const { dealKey, stream, count, units, segment } = tally
  const digest = acknowledgementDigest({ dealKey, stream, count, units, segment }, state.domain)
  return isSignedBy(digest, group.acknowledgement, deal.ackKey) ? Outcome.Applied : Outcome.BadAcknowledgement
}

function hasRoom(state: State, lane: number, deal: Deal, amount: bigint): boolean {
  return lane === Lane.Acknowledged || fitsRoom(wheelOf(state, deal.provider), amount, state.clock.value)
}

/** Rules 6 to 8: how much may be paid. */
function judgeMoney(state: State, lane: number, deal: Deal, stream: Stream, judged: Judged): Outcome {
  const { tally, amount, suffixUnits } = judged
  if (tally.units > rateLimitDown(deal.rateCap, deal.openedAt, deal.end, state.clock.value)) return Outcome.RateExceeded

  const isFinal = lane === Lane.Acknowledged
  const vouched = isFinal && tally.units > stream.acknowledged ? tally.units - stream.acknowledged : 0n
  const paid = paidFor(unitsOf(deal) + suffixUnits, deal.price, deal.budget)
  if (paid > (deal.allowance + vouched) * deal.price) return Outcome.ExposureExceeded
  if (!hasRoom(state, lane, deal, amount)) return Outcome.CoverageExceeded
  return amount < suffixUnits * deal.price ? Outcome.Clamped : Outcome.Applied
}

function judgeStanding(state: State, deal: Deal | undefined, group: ReadGroup): Outcome {
  if (deal === undefined || deal.closedAt !== null) return Outcome.DealNotOpen
  if (state.clock.value >= deal.end + state.parameters.closingPeriod) return Outcome.DealNotOpen
  if (isNetted(deal)) return Outcome.ModeMismatch
  return group.stream < deal.streams.length ? Outcome.Applied : Outcome.StreamOutOfRange
}

/** Rules 1 to 3: does it fit the stream. */
function judgePlace(state: State, deal: Deal | undefined, stream: Stream, group: ReadGroup): Outcome {
  const standing = judgeStanding(state, deal, group)
  if (standing !== Outcome.Applied) return standing
  if (group.first > stream.count) return Outcome.Gap
  if (group.count <= stream.count) return Outcome.Stale
  return fitsUnits(stream, group) ? Outcome.Applied : Outcome.UnitsMismatch
}

/** What the rules make of `group` on the ledger as it stands; needs the clock after this batch's touch. */
export function judgeGroup(state: State, lane: number, group: ReadGroup): Judged {
  const deal = state.deals.get(group.dealId)
  const stream = deal?.streams[group.stream] ?? NO_STREAM
  const key = deal?.key ?? state.keys.get(group.dealId) ?? zeroHash
  const tally = rebuildTally(key, group)
  const judged: Judged = {
    group,
    outcome: judgePlace(state, deal, stream, group),
    isMember: deal !== undefined && isOfProvider(state, group, deal),
    tally,
    tallyHash: tallyHash(tally),
    before: { count: stream.count, units: stream.units },
    suffixUnits: tally.units - stream.units,
    amount: 0n,
  }
  if (deal === undefined || judged.outcome !== Outcome.Applied) return judged
  const paidBefore = paidFor(unitsOf(deal), deal.price, deal.budget)
  judged.amount = paidFor(unitsOf(deal) + judged.suffixUnits, deal.price, deal.budget) - paidBefore
  const signers = judgeSigners(state, group, deal, tally)
  return { ...judged, outcome: signers === Outcome.Applied ? judgeMoney(state, lane, deal, stream, judged) : signers }
}

/** Whether an outcome moved its stream. */
export function isApplied(outcome: Outcome): boolean {
  return outcome === Outcome.Applied || outcome === Outcome.Clamped
}

/** Whether the rules came as far as to find the tally signed by a worker of the provider. */
export function isSignedTally(outcome: Outcome): boolean {
  return SIGNED_OUTCOMES.has(outcome)
}

/**
 * Whether members cannot have signed for the group as it stands, so that the chain must refuse the whole batch: its worker
 * is another provider's, or did not sign although nobody moved the stream since.
 */
export function isUnfitToAttest({ outcome, isMember, group, before }: Judged): boolean {
  if (outcome === Outcome.NotAWorker) return !isMember
  return outcome === Outcome.BadSignature && group.first === before.count
}

/** Raises what the buyer's side has vouched for, and with it what the deal may pay. */
export function acknowledge(deal: Deal, stream: Stream, units: bigint): void {
  if (units <= stream.acknowledged) return
  deal.allowance += units - stream.acknowledged
  stream.acknowledged = units
}

/** Looking for room issues a room, or renews it, though none was found. */
function lookForRoom(state: State, lane: number, deal: Deal): void {
  const moment = { clock: state.clock.value, parameters: state.parameters }
  if (lane === Lane.Attested) issueRoom(wheelOf(state, deal.provider), moment)
  else renewRoom(wheelOf(state, deal.provider), moment)
}

/**
 * Moves the stream and, out of lane 0, credits the provider. Lane 0's money is credited by the caller, who knows the fees
 * the chain took at once.
 */
export function applyGroup(state: State, lane: number, judged: Judged): void {
  const deal = state.deals.get(judged.group.dealId)
  const stream = deal?.streams[judged.group.stream]
  if (deal === undefined || stream === undefined) return
  const { tally, amount } = judged
  stream.count = tally.count
  stream.units = tally.units
  const wheel = wheelOf(state, deal.provider)
  const moment = { clock: state.clock.value, parameters: state.parameters }
  if (lane === Lane.Acknowledged) {
    acknowledge(deal, stream, tally.units)
    renewRoom(wheel, moment)
  } else if (lane === Lane.Forced) creditForced(wheel, amount, moment)
  else creditAttested(wheel, amount, moment)
}

/** What a group leaves behind that did not apply. */
export function passGroup(state: State, lane: number, judged: Judged): void {
  const deal = state.deals.get(judged.group.dealId)
  if (deal !== undefined && judged.outcome === Outcome.CoverageExceeded) lookForRoom(state, lane, deal)
}
