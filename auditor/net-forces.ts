/**
 * Groups of netted deals that a provider's side announces, and that anyone executes when no batch settles them.
 *
 * @module
 */
import {
  concatHex,
  decodeFunctionData,
  encodeAbiParameters,
  type Hex,
  hexToBytes,
  keccak256,
  parseAbiParameters,
  slice,
} from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { forceDigest, tallyHash } from '#protocol/eip712.ts'
import { unpackCell, withForce } from '#protocol/net-state.ts'
import type { StreamCell } from '#protocol/net-tree.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { Lane, Outcome } from '#protocol/types.ts'

import { type ReadGroup, readBatch, readReceipts } from './decode.ts'
import { rootOf } from './facts.ts'
import { type Judged, judgeSigners, rebuildTally } from './groups.ts'
import { paidFor, rateLimitDown, smallerOf } from './money.ts'
import { NETTED } from './net-decode.ts'
import { cellsShown, isUnder, rootAfter, type ShownLeaf } from './net-leaves.ts'
import { type NetBuyer, QUEUE } from './net-ledger.ts'
import { payReceipts } from './paid.ts'
import { type EventArgs, expectSame, type Replay, report, thing, touch } from './replay.ts'
import { recordGroup } from './settle.ts'
import { addressKey, type Deal, netDealAt, wheelOf } from './state.ts'
import { creditForced, fitsRoom, renewRoom } from './wheel.ts'

const HOUR = 3600
const QUARTER = 900
const EXECUTING = 300
const FORGOTTEN = 7 * 86_400
const HASH_FIELDS = parseAbiParameters('uint32 index, bytes32 key, bytes32 group')
const ATTESTED_IN_CALLDATA: Hex = '0x0001'

/** One group as it stands in calldata batches of the attested lane; null where the bytes are another thing. */
function readGroup(bytes: Hex): ReadGroup | null {
  try {
    const { groups } = readBatch(hexToBytes(concatHex([ATTESTED_IN_CALLDATA, bytes])))
    const [group] = groups
    return groups.length === 1 ? (group ?? null) : null
  } catch {
    // the caller reports it
    return null
  }
}

/** What the queue keeps of an announced group. */
function hashOf(index: number, deal: Deal, bytes: Hex): Hex {
  return slice(keccak256(encodeAbiParameters(HASH_FIELDS, [index, deal.key, keccak256(bytes)])), 0, 28)
}

/** Settled before, it makes room for nobody; a full ring gives up what nobody looked at for a week. */
function enqueue(replay: Replay, index: number, hash: Hex): void {
  const { nets, clock } = replay.state
  expectSame(replay, 'net-force', 'the place of an announced group', nets.queueTo, index)
  const { queueFrom } = nets.state
  if (index - queueFrom === QUEUE) {
    const oldest = nets.announced.get(queueFrom % QUEUE)?.at ?? 0
    if (clock.value < oldest + FORGOTTEN) report(replay, 'net-force', `the queue was full, and group ${queueFrom} went`)
    nets.state = { ...nets.state, queueFrom: queueFrom + 1 }
  }
  nets.announced.set(index % QUEUE, { index, hash, at: clock.value })
  nets.queueTo = index + 1
  touch(replay, thing.announced(index), 'net-force')
  touch(replay, thing.nets(), 'net-force')
}

function announcerOf({ state, transaction }: Replay, hash: Hex, authority: Hex): Hex | null {
  if (authority === '0x') return transaction.from
  const root = rootOf({ mode: NETTED, lane: Lane.Forced, blobs: [], groups: [] }, [hash], [])
  return recoverCompact(forceDigest({ root, sender: transaction.from }, state.domain), authority)
}

function checkAnnouncer(replay: Replay, group: ReadGroup, hash: Hex, authority: Hex): void {
  const { state } = replay
  const worker = state.workers.get(group.worker)
  const provider = state.providers.get(worker?.provider ?? 0)
  const signer = announcerOf(replay, hash, authority)
  const key = signer === null ? null : addressKey(signer)
  const isWorker = authority !== '0x' && key !== null && key === worker?.key
  const isAllowed = key !== null && (isWorker || key === provider?.owner || key === provider?.operator)
  replay.findings.watch('authority', isAllowed)
  if (!isAllowed) report(replay, 'authority', `${signer} announced a group of provider ${worker?.provider}`)
}

/** Rules of an announced group that do not depend on where its stream stands. */
function refusalOf({ state }: Replay, deal: Deal, group: ReadGroup): Outcome {
  if (state.clock.value >= deal.end + state.parameters.closingPeriod) return Outcome.DealNotOpen
  if (group.stream >= deal.streams.length) return Outcome.StreamOutOfRange
  const limit = rateLimitDown(deal.rateCap, deal.openedAt, deal.end, state.clock.value)
  if (group.units > limit) return Outcome.RateExceeded
  return judgeSigners(state, group, deal, rebuildTally(deal.key, group))
}

/** Puts an announced group into the queue. */
export function replayAnnouncedForce(replay: Replay, event: EventArgs<'ForceAnnounced'>): void {
  const { state, findings } = replay
  expectSame(replay, 'clock', 'the clock of an announced group', state.clock.value, event.clock)
  const [call] = callsNamed(replay, 'announceForce')
  const group = call === undefined ? null : readGroup(call.args[0])
  const deal = netDealAt(state, event.id)
  if (call === undefined || group === null || deal === undefined || group.dealId !== deal.id) {
    report(replay, 'unreadable', `announced group ${event.index} of deal ${event.id} cannot be read`)
    enqueue(replay, event.index, '0x')
    return
  }
  findings.totals.signatures++
  const outcome = refusalOf(replay, deal, group)
  if (outcome !== Outcome.Applied) {
    report(replay, 'net-force', `a group of deal ${deal.id} was announced that the rules refuse (outcome ${outcome})`)
  }
  checkAnnouncer(replay, group, tallyHash(rebuildTally(deal.key, group)), call.args[1])
  enqueue(replay, event.index, hashOf(event.index, deal, call.args[0]))
}

type SettlementCall = ReturnType<typeof decodeFunctionData<typeof settlementAbi>>
type CallNamed<name extends SettlementCall['functionName']> = Extract<SettlementCall, { functionName: name }>

/** Calls of one function of the settlement in the transaction, as far as they can be told. */
export function callsNamed<name extends SettlementCall['functionName']>(
  { calls }: Replay,
  functionName: name,
): CallNamed<name>[] {
  const decoded = (calls ?? []).map(({ input }) => decodeFunctionData({ abi: settlementAbi, data: input }))
  return decoded.filter((call): call is CallNamed<name> => call.functionName === functionName)
}

/** A group as it is executed. */
type Execution = { deal: Deal; group: ReadGroup; shown: ShownLeaf; cell: StreamCell; dealUnits: bigint }

/** The group was announced under its index, and its hour is over. */
function checkDue(replay: Replay, index: number, hash: Hex): void {
  const { nets, clock } = replay.state
  const announced = nets.announced.get(index % QUEUE)
  if (announced?.hash !== hash) {
    report(replay, 'net-force', `what was executed as group ${index} was not announced as that`)
    return
  }
  const isTime = clock.value >= announced.at + HOUR && clock.value % QUARTER < EXECUTING
  if (!isTime)
    report(replay, 'net-force', `group ${index}, announced at ${announced.at}, was executed at ${clock.value}`)
}

function checkNext(replay: Replay, { group, cell, deal }: Execution): void {
  const what = `the forced group (stream ${group.stream} of deal ${deal.id})`
  if (group.first > cell.cursor) report(replay, 'stream', `${what} leaves a gap behind receipt ${cell.cursor}`)
  if (group.count <= cell.cursor) report(replay, 'double-settle', `${what} was settled before`)
  const receipts = readReceipts(group.bytes ?? new Uint8Array(), group.count - group.first) ?? []
  const suffix = receipts.slice(cell.cursor - group.first).reduce((sum, { units }) => sum + units, 0n)
  expectSame(replay, 'price', `the units of ${what}`, cell.units + suffix, group.units)
}

/** What the deal pays for it, capped by what its buyer has. */
function amountOf({ deal, group, cell, dealUnits }: Execution, buyer: NetBuyer | undefined): bigint {
  const due = paidFor(dealUnits + group.units - cell.units, deal.price, deal.budget)
  return smallerOf(due - paidFor(dealUnits, deal.price, deal.budget), buyer?.netted ?? 0n)
}

function payForce(replay: Replay, execution: Execution, told: bigint): bigint {
  const { state, findings } = replay
  const { deal, group, cell, dealUnits } = execution
  const buyer = state.nets.buyers.get(deal.buyer)
  const amount = amountOf(execution, buyer)
  expectSame(replay, 'price', `the pay of the forced group of deal ${deal.id}`, amount, told)
  const paid = paidFor(dealUnits + group.units - cell.units, deal.price, deal.budget)
  findings.watch('exposure', paid <= deal.allowance * deal.price)
  if (paid > deal.allowance * deal.price) report(replay, 'exposure', `deal ${deal.id} was forced beyond its allowance`)
  const [wheel, moment] = [wheelOf(state, deal.provider), { clock: state.clock.value, parameters: state.parameters }]
  const isCovered = fitsRoom(wheel, amount, moment.clock)
  findings.watch('coverage', isCovered)
  if (!isCovered) report(replay, 'coverage', `provider ${deal.provider} was forced ${amount} beyond its cover`)
  if (amount === 0n) renewRoom(wheel, moment)
  else creditForced(wheel, amount, moment)
  if (buyer !== undefined) buyer.netted -= amount
  touch(replay, thing.earnings(deal.provider), 'maturity')
  touch(replay, thing.netBuyer(deal.buyer), 'budget')
  return amount
}

function judgedOf({ deal, group, cell, dealUnits }: Execution, amount: bigint): Judged {
  const tally = rebuildTally(deal.key, group)
  const isClamped = (dealUnits + group.units - cell.units) * deal.price > deal.budget
  return {
    ...{ group, tally, tallyHash: tallyHash(tally), amount, isMember: true },
    outcome: isClamped ? Outcome.Clamped : Outcome.Applied,
    before: { count: cell.cursor, units: cell.units },
    suffixUnits: group.units - cell.units,
  }
}

/** Moves the stream, by the chain's leaf and by the auditor's own. */
function moveNet(replay: Replay, { deal, group, shown }: Execution, event: EventArgs<'ForceExecuted'>): void {
  const { nets } = replay.state
  const cell = { cursor: group.count, units: group.units }
  const told = unpackCell(event.cell)
  expectSame(replay, 'stream', `the receipts of stream ${group.stream} of deal ${deal.id}`, cell.cursor, told.cursor)
  expectSame(replay, 'stream', `the units of stream ${group.stream} of deal ${deal.id}`, cell.units, told.units)
  const isUnderRoot = isUnder(nets.root, deal.id, shown)
  replay.findings.watch('states', isUnderRoot)
  if (!isUnderRoot) report(replay, 'net-root', `the leaf of deal ${deal.id} that was shown is not under the net root`)
  const root = rootAfter(deal, shown, group.stream, cell)
  expectSame(replay, 'net-root', 'the net root after the forced group', root, event.root)
  nets.root = event.root
  const move = { dealId: deal.id, stream: group.stream, cell }
  nets.state = withForce(nets.state, move, { key: deal.key, streams: deal.streams.length })
  touch(replay, thing.nets(), 'net-root')
}

function executionOf(replay: Replay, event: EventArgs<'ForceExecuted'>): (Execution & { hash: Hex }) | null {
  const call = callsNamed(replay, 'executeForce').find(({ args }) => args[0] === event.index)
  const group = call === undefined ? null : readGroup(call.args[1])
  const deal = netDealAt(replay.state, event.id)
  if (call === undefined || group === null || deal === undefined || group.dealId !== deal.id) return null
  const shown = { leaf: call.args[2], path: call.args[3] }
  const cells = cellsShown(deal, shown.leaf)
  const cell = cells[group.stream] ?? { cursor: 0, units: 0n }
  const dealUnits = cells.reduce((sum, { units }) => sum + units, 0n)
  return { deal, group, shown, cell, dealUnits, hash: hashOf(event.index, deal, call.args[1]) }
}

/** Takes an executed group for what its event says, where nothing else can be read of it. */
function followForce(replay: Replay, { id, stream, cell, amount, root }: EventArgs<'ForceExecuted'>): void {
  const { nets, clock, parameters, deals } = replay.state
  nets.root = root
  touch(replay, thing.nets(), 'net-root')
  const deal = deals.get(id)
  if (deal === undefined) return
  creditForced(wheelOf(replay.state, deal.provider), amount, { clock: clock.value, parameters })
  const buyer = nets.buyers.get(deal.buyer)
  if (buyer !== undefined) buyer.netted -= amount
  const move = { dealId: id, stream, cell: unpackCell(cell) }
  nets.state = withForce(nets.state, move, { key: deal.key, streams: deal.streams.length })
  touch(replay, thing.earnings(deal.provider), 'maturity')
  touch(replay, thing.netBuyer(deal.buyer), 'budget')
  touch(replay, thing.stream(id, stream), 'record')
}

/** Settles an announced group without the committee. */
export function replayExecutedForce(replay: Replay, event: EventArgs<'ForceExecuted'>): void {
  const execution = executionOf(replay, event)
  if (execution === null) {
    report(replay, 'unreadable', `executed group ${event.index} of deal ${event.id} cannot be read`)
    followForce(replay, event)
    return
  }
  replay.findings.totals.groups++
  checkDue(replay, event.index, execution.hash)
  checkNext(replay, execution)
  const amount = payForce(replay, execution, event.amount)
  moveNet(replay, execution, event)
  const judged = judgedOf(execution, amount)
  recordGroup(replay, { ...judged, didApply: true })
  touch(replay, thing.stream(event.id, event.stream), 'record')
  payReceipts(replay, judged, 0, execution.group.bytes)
}
