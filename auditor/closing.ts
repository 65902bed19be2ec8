/**
 * Closing a deal: what returns to the buyer, what the provider keeps, whose bond is free again. And stopping a netted one
 * that is used up, which is known by the same leaf.
 *
 * @module
 */
import { DealState } from '#protocol/types.ts'

import { unpackDeal } from './deal-pages.ts'
import { largerOf, paidFor, smallerOf } from './money.ts'
import { callsNamed } from './net-forces.ts'
import { isUnder, type ShownLeaf, unitsShown } from './net-leaves.ts'
import type { NetBuyer } from './net-ledger.ts'
import { type EventArgs, expectSame, oweBond, type Replay, report, thing, touch } from './replay.ts'
import { accountOf, type Deal, dealStateAt, isNetted, remainingOf, unitsOf, wheelOf } from './state.ts'
import { creditForced, fitsRoom, renewRoom } from './wheel.ts'

/** How a netted deal closes: from when on, what its units leave of it as far as shown, and the fee of one with nothing settled. */
type NetClosing = { from: number; remaining: bigint; fee: bigint }

const HOUR = 3600
const CLOSING_GRACE = 3 * HOUR

/** Credits an opening fee where the provider's room allows it. */
function keepFee(replay: Replay, deal: Deal, fee: bigint): bigint {
  if (fee === 0n) return 0n
  const { clock, parameters } = replay.state
  const [wheel, moment] = [wheelOf(replay.state, deal.provider), { clock: clock.value, parameters }]
  touch(replay, thing.earnings(deal.provider), 'closing')
  if (fitsRoom(wheel, fee, clock.value)) {
    creditForced(wheel, fee, moment)
    return fee
  }
  renewRoom(wheel, moment)
  return 0n
}

function expectFrom(replay: Replay, id: number, from: number): void {
  if (replay.state.clock.value < from) report(replay, 'closing', `deal ${id} was closed before ${from}`)
}

/** A shown leaf must be under the root that the chain has. */
function checkLeaf(replay: Replay, deal: Deal, shown: ShownLeaf): void {
  const isTrue = isUnder(replay.state.nets.root, deal.id, shown)
  replay.findings.watch('states', isTrue)
  if (!isTrue) report(replay, 'net-root', `the leaf of deal ${deal.id} that was shown is not under the net root`)
}

/** What of netted money returns with a deal: at least what the buyer's other netted deals have no budget for. */
function returnedOf(deal: Deal, { netted, budgets }: NetBuyer, remaining: bigint): bigint {
  return largerOf(smallerOf(remaining, netted), netted - (budgets - deal.budget))
}

function netClosingOf(replay: Replay, deal: Deal): NetClosing | null {
  const { closingPeriod, retention } = replay.state.parameters
  const over = deal.end + closingPeriod
  const proven = callsNamed(replay, 'closeNet').find(({ args }) => args[0] === deal.id)
  if (proven !== undefined) {
    const shown = { leaf: proven.args[1], path: proven.args[2] }
    checkLeaf(replay, deal, shown)
    const units = unitsShown(deal, shown.leaf)
    const remaining = deal.budget - paidFor(units, deal.price, deal.budget)
    return { from: over + CLOSING_GRACE, remaining, fee: units === 0n ? deal.openingFee : 0n }
  }
  if (!callsNamed(replay, 'closeUnproven').some(({ args }) => args[0] === deal.id)) return null
  return { from: over + retention, remaining: 0n, fee: 0n }
}

/** Takes a netted deal out of its buyer's netted money; what of it returns to the buyer. */
function closeNetted(replay: Replay, deal: Deal, { openingFee, returned }: EventArgs<'DealClosed'>): bigint {
  const buyer = replay.state.nets.buyers.get(deal.buyer)
  if (buyer === undefined) {
    report(replay, 'net-deal', `deal ${deal.id} is netted, its buyer has no index`)
    return returned
  }
  const closing = netClosingOf(replay, deal)
  if (closing === null) report(replay, 'unreadable', `how netted deal ${deal.id} was closed cannot be read`)
  const { from, remaining, fee } = closing ?? { from: 0, remaining: returned + openingFee, fee: openingFee }
  expectFrom(replay, deal.id, from)
  const whole = returnedOf(deal, buyer, remaining)
  const kept = keepFee(replay, deal, smallerOf(fee, whole))
  expectSame(replay, 'closing', `the opening fee kept from deal ${deal.id}`, kept, openingFee)
  buyer.deals -= 1
  buyer.budgets -= deal.budget
  buyer.netted -= whole
  touch(replay, thing.netBuyer(deal.buyer), 'closing')
  return whole - kept
}

function closeUsual(replay: Replay, deal: Deal, { openingFee }: EventArgs<'DealClosed'>): bigint {
  expectFrom(replay, deal.id, deal.end + replay.state.parameters.closingPeriod)
  const fee = unitsOf(deal) === 0n ? keepFee(replay, deal, smallerOf(deal.openingFee, deal.budget)) : 0n
  expectSame(replay, 'closing', `the opening fee kept from deal ${deal.id}`, fee, openingFee)
  return remainingOf(deal) - fee
}

/** Returns the rest to the buyer and the bond to the provider. */
export function replayClosing(replay: Replay, event: EventArgs<'DealClosed'>): void {
  const { state } = replay
  const deal = state.deals.get(event.id)
  const stands = dealStateAt(deal, state.clock.value)
  if (stands !== DealState.Closing)
    report(replay, 'closing', `deal ${event.id} is in state ${stands}, this takes ${DealState.Closing}`)
  if (deal === undefined) return
  const rest = isNetted(deal) ? closeNetted(replay, deal, event) : closeUsual(replay, deal, event)
  expectSame(replay, 'closing', `what deal ${event.id} returned`, rest, event.returned)

  const account = accountOf(state, deal.buyer)
  account.locked -= deal.budget
  account.free += rest
  unpackDeal(replay, deal)
  deal.closedAt = state.clock.value
  if ((state.disputes.get(deal.id) ?? 0) === 0) oweBond(replay, deal.provider, -deal.bond)
  touch(replay, thing.deal(event.id), 'closing')
  touch(replay, thing.account(deal.buyer), 'closing')
}

/** A netted deal that anyone stopped is used up, as its leaf shows. */
export function checkNetStop(replay: Replay, deal: Deal): void {
  const stop = callsNamed(replay, 'stopNet').find(({ args }) => args[0] === deal.id)
  if (stop === undefined) return
  const shown = { leaf: stop.args[1], path: stop.args[2] }
  checkLeaf(replay, deal, shown)
  const isUsedUp = unitsShown(deal, shown.leaf) * deal.price >= deal.budget
  if (!isUsedUp) report(replay, 'stop', `netted deal ${deal.id} was stopped and is not used up`)
}
