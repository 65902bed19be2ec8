/**
 * What proven faults do to the settlement's books: frozen streams, voided units, money clawed back, in disputes and out of
 * them, and cover that goes with slashed stake.
 *
 * @module
 */
import type { SettlementEvent } from './events.ts'
import { attestedDueUp, largerOf, paidFor, smallerOf } from './money.ts'
import { type EventArgs, expectSame, oweBond, type Replay, report, thing, touch } from './replay.ts'
import { accountOf, addressKey, type Deal, type Stream, unitsOf, wheelOf } from './state.ts'
import { clawBack, creditUnmatured, renewRoom } from './wheel.ts'

/** The cursor of a frozen stream. */
const FROZEN = 2 ** 24 - 1
const STAKE_UNIT = 10n ** 18n
const BPS = 10_000n

const momentOf = ({ state }: Replay) => ({ clock: state.clock.value, parameters: state.parameters })

function streamOf(replay: Replay, id: number, index: number): { deal: Deal; stream: Stream } | null {
  const deal = replay.state.deals.get(id)
  const stream = deal?.streams[index]
  touch(replay, thing.stream(id, index), 'stream')
  if (deal !== undefined && stream !== undefined) return { deal, stream }
  report(replay, 'stream', `deal ${id} has no stream ${index} to freeze or void`)
  return null
}

function replayFreeze(replay: Replay, { id, stream: index, cursor }: EventArgs<'StreamFrozen'>): void {
  const found = streamOf(replay, id, index)
  if (found === null) return
  expectSame(
    replay,
    'stream',
    `the receipts of stream ${index} of deal ${id} when it froze`,
    found.stream.count,
    cursor,
  )
  found.stream.count = FROZEN
}

/** Money leaves the buckets; what for is told by the next event. */
function replayClawback(replay: Replay, { provider, amount, due }: EventArgs<'ClawedBack'>): void {
  const wheel = wheelOf(replay.state, provider)
  const missing = clawBack(wheel, amount, replay.state.clock.value, due)
  if (missing !== 0n) report(replay, 'solvency', `${missing} was clawed back of provider ${provider} that it had not`)
  renewRoom(wheel, momentOf(replay))
  touch(replay, thing.earnings(provider), 'maturity')
  replay.open.clawed.set(provider, (replay.open.clawed.get(provider) ?? 0n) + amount)
}

/** What was clawed back of a provider and not told what for, which this is. */
function clawedOf({ open }: Replay, provider: number): bigint {
  const clawed = open.clawed.get(provider) ?? 0n
  open.clawed.delete(provider)
  return clawed
}

function lowerDisputed(replay: Replay, amount: bigint, what: string): void {
  const { state } = replay
  if (amount < 0n || amount > state.disputed) report(replay, 'solvency', `${what}: no ${amount} were in dispute for it`)
  state.disputed = largerOf(state.disputed - amount, 0n)
  touch(replay, thing.head(), 'solvency')
}

function replayVoid(replay: Replay, { id, stream: index, units, amount }: EventArgs<'UnitsVoided'>): void {
  const found = streamOf(replay, id, index)
  if (found === null) return
  const { deal, stream } = found
  const what = `what stream ${index} of deal ${id} was voided for`
  const left = BigInt(units)
  if (left < stream.acknowledged) report(replay, 'acknowledgement', `${what}: acknowledged units were voided`)
  const before = paidFor(unitsOf(deal), deal.price, deal.budget)
  stream.units = left
  expectSame(replay, 'budget', what, before - paidFor(unitsOf(deal), deal.price, deal.budget), amount)
  lowerDisputed(replay, amount - clawedOf(replay, deal.provider), what)
  if (deal.closedAt !== null) {
    accountOf(replay.state, deal.buyer).free += amount
    touch(replay, thing.account(deal.buyer), 'budget')
  } else if (unitsOf(deal) === 0n) {
    deal.openingFee = 0n
  }
  touch(replay, thing.deal(id), 'budget')
}

function replaySeizure(replay: Replay, { provider, amount }: EventArgs<'Seized'>): void {
  const clawed = clawedOf(replay, provider)
  expectSame(replay, 'solvency', `what provider ${provider} has in a dispute`, clawed, amount)
  replay.state.disputed += amount
  touch(replay, thing.head(), 'solvency')
}

function replayRestitution(replay: Replay, { provider, amount }: EventArgs<'Restored'>): void {
  lowerDisputed(replay, amount, `what was restored to provider ${provider}`)
  const wheel = wheelOf(replay.state, provider)
  const moment = momentOf(replay)
  creditUnmatured(wheel, amount, moment.clock, attestedDueUp(moment.parameters.attestedWindow))
  renewRoom(wheel, moment)
  touch(replay, thing.earnings(provider), 'maturity')
}

function replayNetReturn(replay: Replay, args: EventArgs<'NettedReturned'>): void {
  const { provider, toNetted, toFree } = args
  const buyer = addressKey(args.buyer)
  const what = `what buyer ${buyer} got back of provider ${provider}`
  expectSame(replay, 'solvency', what, clawedOf(replay, provider), toNetted + toFree)
  const nets = replay.state.nets.buyers.get(buyer)
  const lacking = nets === undefined ? 0n : largerOf(nets.budgets - nets.netted, 0n)
  expectSame(replay, 'net-sum', `${what} for its netted deals`, smallerOf(lacking, toNetted + toFree), toNetted)
  if (nets !== undefined) nets.netted += toNetted
  accountOf(replay.state, buyer).free += toFree
  touch(replay, thing.account(buyer), 'net-sum')
  touch(replay, thing.netBuyer(buyer), 'net-sum')
}

/** A closed deal's bond is free again when its last dispute ends. */
function replayDisputes(replay: Replay, { id, disputes }: EventArgs<'DisputesChanged'>): void {
  const { state } = replay
  const before = state.disputes.get(id) ?? 0
  if (Math.abs(disputes - before) !== 1) report(replay, 'bond', `deal ${id} had ${before} disputes and has ${disputes}`)
  state.disputes.set(id, disputes)
  const deal = state.deals.get(id)
  if (deal !== undefined && deal.closedAt !== null && disputes === 0) oweBond(replay, deal.provider, -deal.bond)
}

/** A proven no-show names the deal's key; it leaves no opening fee. */
function replayProof({ state }: Replay, { detail }: EventArgs<'FaultProven'>): void {
  const deal = state.dealsByKey.get(detail)
  if (deal !== undefined && deal.closedAt === null) deal.openingFee = 0n
}

/** Replays what faults do to the settlement's books; false if the event is none of that. */
export function replayFault(replay: Replay, event: SettlementEvent): boolean {
  switch (event.eventName) {
    case 'StreamFrozen':
      replayFreeze(replay, event.args)
      return true
    case 'ClawedBack':
      replayClawback(replay, event.args)
      return true
    case 'UnitsVoided':
      replayVoid(replay, event.args)
      return true
    case 'NettedReturned':
      replayNetReturn(replay, event.args)
      return true
    default:
      return replayDispute(replay, event)
  }
}

function replayDispute(replay: Replay, event: SettlementEvent): boolean {
  switch (event.eventName) {
    case 'Seized':
      replaySeizure(replay, event.args)
      return true
    case 'Restored':
      replayRestitution(replay, event.args)
      return true
    case 'DisputesChanged':
      replayDisputes(replay, event.args)
      return true
    case 'FaultProven':
      replayProof(replay, event.args)
      return true
    default:
      return false
  }
}

/** Lowers a slashed provider's cover by the value of what was taken, rounded against it. */
export function lowerCover(replay: Replay, slash: { provider: number; own: bigint; delegated: bigint }): void {
  const { state } = replay
  const { stakeValue, coverageBps } = state.parameters
  const taken = slash.own + slash.delegated
  if (slash.provider === 0 || taken === 0n) return
  const value = taken * BigInt(stakeValue) * BigInt(coverageBps)
  const lost = (value + STAKE_UNIT * BPS - 1n) / (STAKE_UNIT * BPS)
  const wheel = wheelOf(state, slash.provider)
  wheel.cover -= smallerOf(lost, wheel.cover)
  renewRoom(wheel, momentOf(replay))
  touch(replay, thing.earnings(slash.provider), 'coverage')
}

/** What was clawed back must have been told what for. */
export function checkClawed(replay: Replay): void {
  for (const [provider, amount] of replay.open.clawed) {
    if (amount !== 0n) report(replay, 'solvency', `${amount} left the earnings of provider ${provider} for nothing`)
  }
}
