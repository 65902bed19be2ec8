/**
 * Deals' facts that were copied to code: whether every row states its deal, and which rows still hold.
 *
 * @module
 */
import { concatHex, type Hex, numberToHex, slice } from 'viem'

import { pageAddress } from '#protocol/code-pages.ts'
import { DealState } from '#protocol/types.ts'

import { type EventArgs, expectSame, type Replay, report, thing, touch } from './replay.ts'
import { type Deal, dealStateAt, type State } from './state.ts'

const ROWS = 256
const ROW_BYTES = 80
const LIVE = 1n

function liveRows(state: State, page: number): Set<number> {
  const known = state.livePages.get(page)
  if (known !== undefined) return known
  const rows = new Set<number>()
  state.livePages.set(page, rows)
  return rows
}

/** The rows of a page that hold, as the settlement's word says it: bit r for row r. */
export function liveWord(state: State, page: number): bigint {
  let word = 0n
  for (const row of state.livePages.get(page) ?? []) word |= 1n << BigInt(row)
  return word
}

/** Ends a deal's row, if it has one: its terms or its budget change. */
export function unpackDeal(replay: Replay, deal: Deal): void {
  if (deal.place === 0) return
  const page = Math.floor(deal.place / ROWS)
  liveRows(replay.state, page).delete(deal.place % ROWS)
  deal.place = 0
  touch(replay, thing.dealPage(page), 'page')
}

/** The word of the same name that the settlement keeps of a live deal. */
function termsOf({ id, price, provider, rateCap, openedAt, end, streams, kind, mode }: Deal): bigint {
  const fields: readonly (readonly [number | bigint, bigint])[] = [
    [price, 192n],
    [provider, 160n],
    [rateCap, 128n],
    [openedAt, 96n],
    [end, 64n],
    [streams.length, 56n],
    [LIVE, 54n],
    [kind, 52n],
    [mode, 50n],
    [id, 0n],
  ]
  return fields.reduce((word, [value, shift]) => word | (BigInt(value) << shift), 0n)
}

/** The 80 bytes that state a deal. */
export function rowOf(deal: Deal): Hex {
  const { key, budget, allowance } = deal
  return concatHex([
    key,
    numberToHex(termsOf(deal), { size: 32 }),
    numberToHex(budget, { size: 8 }),
    numberToHex(allowance, { size: 8 }),
  ])
}

/** A deal moves to another page only where it finds twice the company it leaves. */
function checkMove(replay: Replay, deal: Deal, rows: number): void {
  if (deal.place === 0) return
  const live = liveRows(replay.state, Math.floor(deal.place / ROWS)).size
  if (rows < 2 * live) report(replay, 'page', `deal ${deal.id} left ${live} rows for ${rows}`)
}

/** Moves a deal to a row; what the row must be. */
function packDeal(replay: Replay, id: number, place: number, rows: number): Hex | null {
  const { state } = replay
  const deal = state.deals.get(id)
  if (deal === undefined || dealStateAt(deal, state.clock.value) !== DealState.Open) {
    report(replay, 'page', `deal ${id} was packed and is not open`)
    return null
  }
  checkMove(replay, deal, rows)
  unpackDeal(replay, deal)
  deal.place = place
  touch(replay, thing.deal(id), 'page')
  return rowOf(deal)
}

/** Holds a new page against the deals it says it states. */
export async function replayPacking(replay: Replay, { page, ids }: EventArgs<'DealsPacked'>): Promise<void> {
  const { state, findings, contracts, source, block } = replay
  expectSame(replay, 'page', 'the number of the new page', Math.max(0, ...state.livePages.keys()) + 1, page)
  touch(replay, thing.dealPage(page), 'page')
  const live = liveRows(state, page)
  for (const row of ids.keys()) live.add(row)
  const rows = ids.map((id, row) => packDeal(replay, id, page * ROWS + row, ids.length))

  const code = await source.code(pageAddress(contracts.settlement, page), block.number)
  const size = 1 + ROW_BYTES * ids.length
  if (code.length !== 2 + 2 * size || !code.startsWith('0x00')) {
    report(replay, 'page', `page ${page} does not hold ${ids.length} deals`)
    return
  }
  for (const [row, wanted] of rows.entries()) {
    findings.totals.compared++
    const found = slice(code, 1 + ROW_BYTES * row, 1 + ROW_BYTES * (row + 1))
    const isTrue = wanted === null || found === wanted
    findings.watch('pages', isTrue)
    if (!isTrue) report(replay, 'page', `row ${row} of page ${page} does not state deal ${ids[row]}`)
  }
}
