/**
 * What is wrong with one group of a net batch by the chain's facts, the worker's signature and where its stream stood.
 *
 * @module
 */
import { zeroHash } from 'viem'

import { tallyHash } from '#protocol/eip712.ts'
import type { GroupRecord } from '#protocol/net-records.ts'
import { cellsOf, type NetTree } from '#protocol/net-tree.ts'
import { Outcome } from '#protocol/types.ts'

import type { ReadGroup } from './decode.ts'
import { type Judged, judgeSigners, rebuildTally } from './groups.ts'
import { paidFor, rateLimitDown } from './money.ts'
import type { ReadRecords } from './net-decode.ts'
import { payReceipts } from './paid.ts'
import { type Replay, report } from './replay.ts'
import { type Deal, netDealAt } from './state.ts'

const SIGNERS: Partial<Record<Outcome, string>> = {
  [Outcome.NotAWorker]: 'its worker is none of the provider’s',
  [Outcome.BadSignature]: 'its worker did not sign it',
}

function readGroupOf({ dealId, stream, worker, first, count, units, segment, signature }: GroupRecord): ReadGroup {
  const inBlob = { acknowledgement: null, bytes: null, place: 0 }
  return { dealId, stream, worker, first, count, units, segment, signature, ...inBlob }
}

function judgedOf(deal: Deal | undefined, record: GroupRecord): Judged {
  const group = readGroupOf(record)
  const tally = rebuildTally(deal?.key ?? zeroHash, group)
  return {
    group,
    tally,
    tallyHash: tallyHash(tally),
    outcome: Outcome.Applied,
    isMember: true,
    before: { count: record.cursorBefore, units: record.unitsBefore },
    suffixUnits: record.units - record.unitsBefore,
    amount: record.amount,
  }
}

type Check = { replay: Replay; deal: Deal; record: GroupRecord; index: number; what: string }

function checkPlace({ replay, deal, record, index, what }: Check): void {
  const { provider, stream, first, count, cursorBefore, units, unitsBefore } = record
  if (provider !== deal.provider)
    report(replay, 'net-deal', `${what} pays provider ${provider}, the deal’s is ${deal.provider}`, index)
  if (stream >= deal.streams.length) report(replay, 'stream', `${what}: the deal has no such stream`, index)
  const goesOn = first <= cursorBefore && cursorBefore < count && units >= unitsBefore + BigInt(count - cursorBefore)
  replay.findings.watch('monotone', goesOn)
  if (!goesOn)
    report(replay, 'stream', `${what} does not go on from receipt ${cursorBefore} and ${unitsBefore} units`, index)
}

function checkMoney({ replay, deal, record, index, what }: Check): void {
  const { state, findings } = replay
  const { units, unitsBefore, dealUnits, amount } = record
  const limit = rateLimitDown(deal.rateCap, deal.openedAt, deal.end, state.clock.value)
  findings.watch('rate', units <= limit)
  if (units > limit) report(replay, 'rate', `${what} comes to ${units} units, its rate allows ${limit}`, index)
  const paid = paidFor(dealUnits, deal.price, deal.budget)
  findings.watch('exposure', paid <= deal.allowance * deal.price)
  if (paid > deal.allowance * deal.price)
    report(replay, 'exposure', `${what} is paid beyond its deal’s allowance`, index)
  const before = dealUnits - (units - unitsBefore)
  const due = paid - paidFor(before, deal.price, deal.budget)
  findings.watch('budget', amount <= deal.budget)
  if (before < 0n || amount !== due) report(replay, 'price', `${what} is paid ${amount}, its units make ${due}`, index)
}

function checkSigner({ replay, deal, index, what }: Check, { group, tally }: Judged): void {
  replay.findings.totals.signatures++
  const problem = SIGNERS[judgeSigners(replay.state, group, deal, tally)]
  replay.findings.watch('signatures', problem === undefined)
  if (problem !== undefined) report(replay, 'signature', `${what}: ${problem}`, index)
}

/** Stream and deal stood before where the record says. */
function checkState({ replay, deal, record, index, what }: Check, tree: NetTree, isFirst: boolean): void {
  const cells = cellsOf(tree.leafAt(deal.id), deal.key, deal.streams.length)
  const cell = cells[record.stream]
  if (cell === undefined) return
  const stood = record.cursorBefore === cell.cursor && record.unitsBefore === cell.units
  replay.findings.watch('once', stood)
  if (!stood) {
    const said = `${record.cursorBefore} receipts and ${record.unitsBefore} units`
    report(
      replay,
      'net-state',
      `${what} says that ${said} were settled, it were ${cell.cursor} and ${cell.units}`,
      index,
    )
  }
  const units = cells.reduce((sum, one) => sum + one.units, 0n) + record.units - record.unitsBefore
  if (!isFirst || record.dealUnits === units) return
  report(replay, 'net-state', `${what} brings its deal to ${record.dealUnits} units, they are ${units}`, index)
}

/**
 * Checks every group, and writes down the receipts that it paid.
 *
 * @param tree - Where streams stood before; null where nobody here knows.
 */
export function checkGroups(replay: Replay, { groups, receipts }: ReadRecords, tree: NetTree | null): void {
  for (const [index, record] of groups.entries()) {
    replay.findings.totals.groups++
    const deal = netDealAt(replay.state, record.dealId)
    const judged = judgedOf(deal, record)
    const what = `group ${index} (stream ${record.stream} of deal ${record.dealId})`
    if (deal === undefined) report(replay, 'net-deal', `${what} is of no netted deal that is open`, index)
    else {
      const check = { replay, deal, record, index, what }
      checkPlace(check)
      checkMoney(check)
      checkSigner(check, judged)
      if (tree !== null) checkState(check, tree, groups[index - 1]?.dealId !== record.dealId)
    }
    payReceipts(replay, judged, index, receipts[index] ?? 'void')
  }
}
