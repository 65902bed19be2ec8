/**
 * Every reason for which a member refuses to vouch, as lists of small named checks over a snapshot of facts.
 *
 * The first check that fails names the refusal. A check marked `holds` depends on time or on others: at intake it does
 * not refuse the segment, it only keeps it from settling until it passes.
 *
 * @module
 */
import { type Address, zeroAddress } from 'viem'

import { orderDigest, tallyDigest, taskHash } from '#protocol/eip712.ts'
import { MAX_RECEIPT_UNITS, totalUnits } from '#protocol/receipts.ts'
import { amountDue, FROZEN_CURSOR, MAX_STREAM_UNITS, rateLimit } from '#protocol/rules.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { Mode } from '#protocol/types.ts'
import { outputCommitment, workHash } from '#protocol/work.ts'
import { type DealFacts, DealState, type Execution, type ReadyFacts, type SegmentFacts } from './facts.ts'
import { contradict, type FullReceipt, unitsAt } from './segment.ts'

/** One named condition. */
export type Check<Facts> = {
  readonly name: string
  readonly holds?: true
  readonly passes: (facts: Facts) => boolean
}

/** Receipt times may lie this far ahead of the member's own clock. */
export const TIME_SLACK_SECONDS = 120

/** Whether two addresses are the same, whatever their letters' case. */
export function sameAddress(a: Address | null, b: Address): boolean {
  return a !== null && a.toLowerCase() === b.toLowerCase()
}

/** Key that signs a deal's orders; the buyer itself where the deal names none. */
export function orderKeyOf(deal: { readonly orderKey: Address; readonly buyer: Address }): Address {
  return deal.orderKey === zeroAddress ? deal.buyer : deal.orderKey
}

/** Key that signs a deal's acknowledgements; the buyer itself where the deal names none. */
export function ackKeyOf(deal: { readonly ackKey: Address; readonly buyer: Address }): Address {
  return deal.ackKey === zeroAddress ? deal.buyer : deal.ackKey
}

/** First check that fails, or null if all pass. */
export function firstFailure<Facts>(checks: readonly Check<Facts>[], facts: Facts): Check<Facts> | null {
  return checks.find((check) => !check.passes(facts)) ?? null
}

const dealOpen: Check<ReadyFacts> = {
  name: 'deal.open',
  passes: ({ deal, tally, clock, closingPeriod }) =>
    (deal.state === DealState.Open || deal.state === DealState.Closing) &&
    deal.key === tally.dealKey &&
    clock < deal.end + closingPeriod,
}

const dealMode: Check<ReadyFacts> = {
  name: 'deal.mode',
  passes: ({ deal }) => deal.mode === Mode.Calldata || deal.mode === Mode.Net,
}

const streamRange: Check<ReadyFacts> = {
  name: 'stream.range',
  passes: ({ deal, tally }) => tally.stream < deal.streams,
}

/** Frozen for a fault of its provider's: nothing on it settles ever again. */
const streamFrozen: Check<ReadyFacts> = {
  name: 'stream.frozen',
  passes: ({ stream }) => stream.count < FROZEN_CURSOR,
}

const workerMember: Check<ReadyFacts> = {
  name: 'worker.member',
  passes: ({ worker, deal, clock }) =>
    worker !== null && worker.provider === deal.provider && (worker.revokedFrom === 0 || clock < worker.revokedFrom),
}

const tallySignature: Check<ReadyFacts> = {
  name: 'tally.signature',
  passes: ({ worker, tally, signature, domain }) =>
    worker !== null && sameAddress(recoverCompact(tallyDigest(tally, domain), signature), worker.key),
}

const tallyStale: Check<ReadyFacts> = {
  name: 'tally.stale',
  passes: ({ stream, tally }) => stream.count < tally.count,
}

/** The chain's own rule: starts at or before the cursor, and the signed total is what the chain will count. */
const tallyContinuity: Check<ReadyFacts> = {
  name: 'tally.continuity',
  passes: ({ stream, tally, suffixUnits }) =>
    tally.first <= stream.count && stream.units + suffixUnits === tally.units && tally.units <= MAX_STREAM_UNITS,
}

/** As on the chain, or following a range this member has accepted and the chain does not have yet. */
const segmentContinuity: Check<SegmentFacts> = {
  name: 'tally.continuity',
  passes: (facts) => {
    const { segment, stream, known, tally } = facts
    if (tally.count !== tally.first + segment.receipts.length || tally.units > MAX_STREAM_UNITS) return false
    if (tally.first <= stream.count) return tallyContinuity.passes(facts)
    const before = tally.units - totalUnits(segment.receipts)
    return known.some((range) => unitsAt(range, tally.first) === before)
  },
}

const equivocation: Check<SegmentFacts> = {
  name: 'equivocation',
  passes: ({ segment, signed }) => !signed.some((range) => contradict(range, segment)),
}

const rateCap: Check<ReadyFacts> = {
  name: 'rate.cap',
  holds: true,
  passes: ({ deal, tally, clock }) => tally.units <= rateLimit(deal.rateCap, deal.openedAt, deal.end, clock),
}

/** Signed above 1.25 times the cap and one hour's units: no waiting makes that an honest tally. */
const overclaim: Check<SegmentFacts> = {
  name: 'rate.cap',
  passes: ({ deal, tally, clock }) => {
    const limit = rateLimit(deal.rateCap, deal.openedAt, deal.end, clock)
    return tally.units <= (limit * 5n) / 4n + BigInt(deal.rateCap)
  },
}

const budget: Check<ReadyFacts> = { name: 'budget', passes: ({ deal }) => deal.remaining > 0n || deal.price === 0n }

const exposure: Check<ReadyFacts> = {
  name: 'exposure',
  holds: true,
  passes: ({ deal, tally, stream, suffixUnits, acknowledged }) => {
    const paid = deal.budget - deal.remaining + amountDue(suffixUnits, deal.price, deal.remaining)
    const newly = acknowledged && tally.units > stream.acknowledged ? tally.units - stream.acknowledged : 0n
    return paid <= (deal.allowance + newly) * deal.price
  },
}

const coverage: Check<ReadyFacts> = {
  name: 'coverage',
  holds: true,
  passes: ({ deal, room, suffixUnits, acknowledged }) =>
    acknowledged || amountDue(suffixUnits, deal.price, deal.remaining) <= room,
}

type ReceiptTest = (receipt: FullReceipt, facts: SegmentFacts, index: number) => boolean

/** A check of every receipt that was not judged before. */
function eachFresh(name: string, passes: ReceiptTest, holds?: true): Check<SegmentFacts> {
  const test = (facts: SegmentFacts) =>
    facts.fresh.every((index) => {
      const receipt = facts.segment.receipts[index]
      return receipt !== undefined && passes(receipt, facts, index)
    })
  return holds === undefined ? { name, passes: test } : { name, holds, passes: test }
}

const orderOf = (receipt: FullReceipt, facts: SegmentFacts) => ({ dealKey: facts.segment.dealKey, ...receipt.order })

const receiptChecks: readonly Check<SegmentFacts>[] = [
  eachFresh('order.exists', ({ order }, { vouched }, index) => vouched.has(index) || order.signature.length > 2),
  eachFresh('order.signature', (receipt, facts, index) => {
    if (facts.vouched.has(index)) return true
    const digest = orderDigest(orderOf(receipt, facts), facts.domain)
    return sameAddress(recoverCompact(digest, receipt.order.signature), orderKeyOf(facts.deal))
  }),
  eachFresh(
    'order.stream',
    ({ order }, { deal, segment }) => order.index % BigInt(deal.streams) === BigInt(segment.stream),
  ),
  {
    name: 'task.duplicate',
    passes: ({ segment, fresh, billed }) => {
      const tasks = segment.receipts.map(({ order }) => order.index)
      return new Set(tasks).size === tasks.length && fresh.every((index) => !billed.has(tasks[index] ?? -1n))
    },
  },
  eachFresh('units.maximum', ({ units, order }) => units >= 1n && units <= order.maxUnits),
  eachFresh(
    'time.plausible',
    ({ startedAt, endedAt }, { now }) => startedAt <= endedAt && endedAt <= now + TIME_SLACK_SECONDS,
  ),
  eachFresh('output.commitment', (receipt, facts) => {
    const commitment = outputCommitment(receipt.outputRoot, receipt.plainHash)
    const { startedAt, endedAt } = receipt
    const expected = workHash({
      taskHash: taskHash(orderOf(receipt, facts)),
      outputCommitment: commitment,
      startedAt: BigInt(startedAt),
      endedAt: BigInt(endedAt),
    })
    return expected === receipt.workHash
  }),
  eachFresh('input.available', ({ order }, { held }) => held.has(order.inputRoot)),
  eachFresh('output.available', ({ outputRoot }, { held }) => held.has(outputRoot)),
]

/** What is checked before a segment is stored. */
export const intakeChecks: readonly Check<SegmentFacts>[] = [
  dealOpen,
  dealMode,
  streamRange,
  streamFrozen,
  workerMember,
  tallySignature,
  equivocation,
  tallyStale,
  segmentContinuity,
  ...receiptChecks,
  overclaim,
  budget,
]

/** What is checked before a group is proposed or signed: whether the chain would apply it now. */
export const readyChecks: readonly Check<ReadyFacts>[] = [
  dealOpen,
  dealMode,
  streamRange,
  streamFrozen,
  workerMember,
  tallySignature,
  tallyStale,
  tallyContinuity,
  rateCap,
  budget,
  exposure,
  coverage,
]

/** A buyer's order, who signed it, and whether its input is here. */
export type OrderFacts = {
  readonly order: { readonly maxUnits: bigint }
  readonly deal: DealFacts
  readonly signer: Address | null
  readonly isHeld: boolean
}

/** What is checked before an order is kept for the workers. */
export const orderChecks: readonly Check<OrderFacts>[] = [
  { name: 'deal.open', passes: ({ deal }) => deal.state === DealState.Open },
  { name: 'units.maximum', passes: ({ order }) => order.maxUnits > 0n && order.maxUnits <= MAX_RECEIPT_UNITS },
  { name: 'order.signature', passes: ({ signer, deal }) => sameAddress(signer, orderKeyOf(deal)) },
  { name: 'input.available', passes: ({ isHeld }) => isHeld },
]

/** One receipt beside what this member's own execution of its task gave. */
export type ExecutionFacts = { readonly receipt: FullReceipt; readonly execution: Execution }

/** What is checked by running the program. */
export const executionChecks: readonly Check<ExecutionFacts>[] = [
  {
    name: 'reexecution.output',
    passes: ({ receipt, execution }) =>
      receipt.plainHash === execution.plainHash && receipt.outputRoot === execution.outputRoot,
  },
  { name: 'reexecution.units', passes: ({ receipt, execution }) => receipt.units === execution.units },
]

/** Names of all checks, for documentation and metrics. */
export const checkNames: readonly string[] = [
  ...new Set([...intakeChecks, ...readyChecks, ...executionChecks].map(({ name }) => name)),
  'segment.unknown',
  'reexecution.pending',
  'attestation.conflict',
  'claims.overstated',
]
