/**
 * Whether the records of a net batch rise, add up, name each other and make the nets on the wire.
 *
 * @module
 */
import type { DealRecord, GroupRecord } from '#protocol/net-records.ts'

import { paidFor } from './money.ts'
import type { ReadNet, ReadNetBatch, ReadRecords } from './net-decode.ts'
import { type Replay, report } from './replay.ts'
import { type Deal, netDealAt } from './state.ts'

/** A record as runs and totals see it. */
type Step = { whose: number; key: number; amount: bigint; total: bigint; what: string; group?: number }

const STREAMS_PER_DEAL = 64

const sideOf = (groups: readonly GroupRecord[]): Step[] =>
  groups.map(({ provider, dealId, stream, amount, providerTotal }, index) => ({
    whose: provider,
    key: dealId * STREAMS_PER_DEAL + stream,
    amount,
    total: providerTotal,
    what: `group record ${index}`,
    group: index,
  }))

const otherSideOf = (deals: readonly DealRecord[]): Step[] =>
  deals.map(({ buyer, dealId, amount, buyerTotal }, index) => ({
    whose: buyer,
    key: dealId,
    amount,
    total: buyerTotal,
    what: `deal record ${index}`,
  }))

/** Records rise, and each total is that of the one before and its own amount. */
function checkSteps(replay: Replay, steps: readonly Step[]): void {
  for (const [index, step] of steps.entries()) {
    const last = steps[index - 1]
    const isBehind = last === undefined || step.whose > last.whose || (step.whose === last.whose && step.key > last.key)
    if (!isBehind) report(replay, 'net-order', `${step.what} does not stand behind the one before it`, step.group)
    const total = step.amount + (last?.whose === step.whose ? last.total : 0n)
    if (step.total === total) continue
    report(
      replay,
      'net-total',
      `the total of ${step.what} is ${step.total}, the records before make ${total}`,
      step.group,
    )
  }
}

/** Each net is the last total of its run, and each run has a net. */
function checkNets(replay: Replay, who: string, steps: readonly Step[], nets: readonly ReadNet[]): void {
  const ends = new Map(steps.map(({ whose, total }) => [whose, total]))
  for (const { of, amount } of nets) {
    const total = ends.get(of)
    const isSame = total === amount
    replay.findings.watch('nets', isSame)
    if (!isSame) report(replay, 'net-sum', `the net of ${who} ${of} is ${amount}, its records make ${total ?? 'none'}`)
    ends.delete(of)
  }
  for (const [whose, total] of ends) {
    replay.findings.watch('nets', false)
    report(replay, 'net-sum', `records of ${who} ${whose} make ${total}, and it has no net`)
  }
}

/** A deal's units go on from one group of it to the next. */
function checkRun(replay: Replay, { groups }: ReadRecords): void {
  for (const [index, group] of groups.entries()) {
    const last = groups[index - 1]
    if (last?.dealId !== group.dealId) continue
    const units = last.dealUnits + group.units - group.unitsBefore
    if (group.dealUnits === units) continue
    report(replay, 'net-total', `group record ${index} says ${group.dealUnits} units of its deal, not ${units}`, index)
  }
}

function checkLinks(replay: Replay, { groups, deals }: ReadRecords): void {
  for (const [index, group] of groups.entries()) {
    const deal = deals[group.dealRecord]
    const isLinked = deal?.dealId === group.dealId && deal.firstGroup <= index && index <= deal.lastGroup
    if (!isLinked)
      report(
        replay,
        'net-link',
        `group record ${index} and deal record ${group.dealRecord} are of different deals`,
        index,
      )
  }
}

/** What the deal's groups make of it, from the first one's own figures and the last one's. */
function amountOf(deal: Deal, from: GroupRecord, to: GroupRecord): bigint {
  const paid = (units: bigint): bigint => paidFor(units > 0n ? units : 0n, deal.price, deal.budget)
  const amount = paid(to.dealUnits) - paid(from.dealUnits + from.unitsBefore - from.units)
  return amount > 0n ? amount : 0n
}

function checkDeal(replay: Replay, { groups }: ReadRecords, record: DealRecord, index: number): void {
  const deal = netDealAt(replay.state, record.dealId)
  const what = `deal record ${index} (deal ${record.dealId})`
  if (deal === undefined) {
    report(replay, 'net-deal', `${what} is of no netted deal`)
    return
  }
  const buyer = replay.state.nets.buyers.get(deal.buyer)?.index
  if (buyer !== record.buyer) report(replay, 'net-deal', `${what} bills buyer ${record.buyer}, its own is ${buyer}`)
  const [from, to] = [groups[record.firstGroup], groups[record.lastGroup]]
  const isRun = record.firstGroup <= record.lastGroup && from?.dealId === deal.id && to?.dealId === deal.id
  if (!isRun || from === undefined || to === undefined) {
    report(
      replay,
      'net-link',
      `${what} names groups ${record.firstGroup} to ${record.lastGroup}, which are not its own`,
    )
    return
  }
  const amount = amountOf(deal, from, to)
  if (record.amount !== amount) report(replay, 'price', `${what} pays ${record.amount}, its groups make ${amount}`)
}

/** Checks everything that records say of each other and of the nets. */
export function checkRecords(replay: Replay, { providers, buyers }: ReadNetBatch, records: ReadRecords): void {
  for (const problem of records.malformed) report(replay, 'net-malformed', problem)
  const [groups, deals] = [sideOf(records.groups), otherSideOf(records.deals)]
  checkSteps(replay, groups)
  checkSteps(replay, deals)
  checkNets(replay, 'provider', groups, providers)
  checkNets(replay, 'buyer', deals, buyers)
  checkRun(replay, records)
  checkLinks(replay, records)
  for (const [index, deal] of records.deals.entries()) checkDeal(replay, records, deal, index)
}
