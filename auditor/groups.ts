/**
 * What the rules say about one group of a batch, and what it does to the ledger when it applies.
 *
 * The nine rules of docs/protocol.md in their order; judging changes nothing.
 *
 * @module
 */
import { encodeAbiParameters, type Hex, keccak256, parseAbiParameters, zeroHash } from 'viem'

import { acknowledgementDigest, tallyDigest } from '#protocol/eip712.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { Lane, Outcome, type Tally } from '#protocol/types.ts'

import type { ReadGroup } from './decode.ts'
import { lowerFloor, rateLimitDown } from './money.ts'
import { addressKey, type Deal, revokedFrom, type State, type Stream, wheelOf } from './state.ts'
import { creditUnmatured, roomAt } from './wheel.ts'

/** One group with everything the rules derive from it. */
export type Judged = {
  group: ReadGroup
  outcome: Outcome
  tally: Tally
  /** Leaf of the batch root. */
  groupHash: Hex
  /** Units of the receipts past the cursor. */
  suffixUnits: bigint
  /** Receipts past the cursor. */
  suffixReceipts: number
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
const UNITS_LIMIT = 2n ** 48n
const MODE_WITH_BYTES = 0
const GROUP_FIELDS = parseAbiParameters(
  'bytes32 dealKey, uint256 stream, uint256 first, uint256 count, bytes32 segment',
)
const NO_STREAM: Stream = { count: 0, units: 0n, acknowledged: 0n }

const sumUnits = (group: ReadGroup, from: number): bigint =>
  group.receipts.slice(from).reduce((sum, receipt) => sum + receipt.units, 0n)

function positionOf(stream: Stream, group: ReadGroup): 'gap' | 'stale' | 'moves' {
  if (group.first > stream.count) return 'gap'
  return group.count <= stream.count ? 'stale' : 'moves'
}

/** The tally the worker must have signed, as the chain rebuilds it from its own storage and the group's bytes. */
function rebuildTally(key: Hex, stream: Stream, group: ReadGroup): { tally: Tally; suffixUnits: bigint } {
  const isMoving = positionOf(stream, group) === 'moves'
  const suffixUnits = sumUnits(group, isMoving ? stream.count - group.first : 0)
  const tally = {
    dealKey: key,
    stream: group.stream,
    first: group.first,
    count: group.count,
    units: isMoving ? stream.units + suffixUnits : suffixUnits,
    segment: keccak256(group.bytes),
  }
  return { tally, suffixUnits }
}

function hashGroup({ dealKey, stream, first, count, segment }: Tally): Hex {
  const words = [dealKey, BigInt(stream), BigInt(first), BigInt(count), segment] as const
  return keccak256(encodeAbiParameters(GROUP_FIELDS, words))
}

function isMember(state: State, group: ReadGroup, deal: Deal): boolean {
  const worker = state.workers.get(group.worker)
  if (worker === undefined || worker.provider !== deal.provider) return false
  const from = revokedFrom(state, group.worker)
  return from === 0 || state.clock.value < from
}

function isSignedBy(digest: Hex, signature: Hex, key: string | undefined): boolean {
  const signer = recoverCompact(digest, signature)
  return signer !== null && key !== undefined && addressKey(signer) === key
}

/** Rules 4 and 5: who signed. */
function judgeSigners(state: State, group: ReadGroup, deal: Deal, tally: Tally): Outcome {
  if (!isMember(state, group, deal)) return Outcome.NotAWorker
  const key = state.workers.get(group.worker)?.key
  if (!isSignedBy(tallyDigest(tally, state.domain), group.signature, key)) return Outcome.BadSignature
  if (group.acknowledgement === null) return Outcome.Applied
  const { dealKey, stream, count, units, segment } = tally
  const digest = acknowledgementDigest({ dealKey, stream, count, units, segment }, state.domain)
  return isSignedBy(digest, group.acknowledgement, deal.ackKey) ? Outcome.Applied : Outcome.BadAcknowledgement
}

/** Rules 6 to 8: how much may be paid. */
function judgeMoney(state: State, lane: number, deal: Deal, stream: Stream, judged: Judged): Outcome {
  const clock = state.clock.value
  const { tally, amount } = judged
  if (tally.units > rateLimitDown(deal.rateCap, deal.openedAt, deal.end, clock)) return Outcome.RateExceeded

  const isFinal = lane === Lane.Acknowledged
  const vouched = isFinal && tally.units > stream.acknowledged ? tally.units - stream.acknowledged : 0n
  if (deal.remaining - amount < lowerFloor(deal.floor, vouched * deal.price)) return Outcome.ExposureExceeded
  if (!isFinal && amount > roomAt(wheelOf(state, deal.provider), clock)) return Outcome.CoverageExceeded
  return amount < judged.suffixUnits * deal.price ? Outcome.Clamped : Outcome.Applied
}

function judgeStanding(state: State, deal: Deal | undefined, group: ReadGroup): Outcome {
  if (deal === undefined || deal.closedAt !== null) return Outcome.DealNotOpen
  if (state.clock.value >= deal.end + state.parameters.closingPeriod) return Outcome.DealNotOpen
  if (deal.mode !== MODE_WITH_BYTES) return Outcome.ModeMismatch
  return group.stream < deal.streams.length ? Outcome.Applied : Outcome.StreamOutOfRange
}

/** Rules 1 to 3: does it fit the stream. */
function judgePlace(state: State, deal: Deal | undefined, stream: Stream, group: ReadGroup, tally: Tally): Outcome {
  const standing = judgeStanding(state, deal, group)
  if (standing !== Outcome.Applied) return standing
  const position = positionOf(stream, group)
  if (position === 'gap') return Outcome.Gap
  if (position === 'stale') return Outcome.Stale
  return tally.units < UNITS_LIMIT ? Outcome.Applied : Outcome.UnitsOverflow
}

/** What the rules make of `group` on the ledger as it stands; needs the clock after this batch's touch. */
export function judgeGroup(state: State, lane: number, group: ReadGroup): Judged {
  const deal = state.deals.get(group.dealId)
  const stream = deal?.streams[group.stream] ?? NO_STREAM
  const key = deal?.key ?? state.keys.get(group.dealId) ?? zeroHash
  const { tally, suffixUnits } = rebuildTally(key, stream, group)
  const priced = deal === undefined ? 0n : suffixUnits * deal.price
  const judged: Judged = {
    group,
    outcome: judgePlace(state, deal, stream, group, tally),
    tally,
    groupHash: hashGroup(tally),
    suffixUnits,
    suffixReceipts: Math.max(0, group.count - Math.max(stream.count, group.first)),
    amount: deal !== undefined && priced > deal.remaining ? deal.remaining : priced,
  }
  if (deal === undefined || judged.outcome !== Outcome.Applied) return judged
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

/** Raises what the buyer's side has vouched for and lowers the deal's floor by it. */
export function acknowledge(deal: Deal, stream: Stream, units: bigint): void {
  if (units <= stream.acknowledged) return
  deal.floor = lowerFloor(deal.floor, (units - stream.acknowledged) * deal.price)
  stream.acknowledged = units
}

/**
 * Moves the stream, debits the deal and, out of lane 0, credits the provider's bucket. Lane 0's money is credited by the
 * caller, who knows the fees the chain took at once.
 */
export function applyGroup(state: State, lane: number, judged: Judged): void {
  const deal = state.deals.get(judged.group.dealId)
  const stream = deal?.streams[judged.group.stream]
  if (deal === undefined || stream === undefined) return
  const { tally, amount } = judged
  stream.count = tally.count
  stream.units = tally.units
  deal.remaining -= amount
  if (lane === Lane.Acknowledged) {
    acknowledge(deal, stream, tally.units)
    return
  }
  const window = lane === Lane.Forced ? state.parameters.forcedWindow : state.parameters.attestedWindow
  creditUnmatured(wheelOf(state, deal.provider), amount, state.clock.value, window)
}
