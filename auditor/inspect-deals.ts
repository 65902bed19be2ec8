/**
 * What the chain says about deals, their streams, their pages and their offers, beside what the rules say.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'

import { clockAt } from './clock.ts'
import { type Comparison, pair, type Scope } from './comparison.ts'
import { liveWord } from './deal-pages.ts'
import { NO_RECORD } from './facts.ts'
import { readLiveRows } from './slots.ts'
import { addressKey, type Deal, dealStateAt, remainingOf, streamNumber } from './state.ts'
import { readView } from './views.ts'

type DealView = {
  key: Hex
  buyer: Address
  provider: number
  price: bigint
  rateCap: number
  openedAt: number
  end: number
  budget: bigint
  remaining: bigint
  allowance: bigint
  bond: bigint
  openingFee: bigint
  streams: number
  kind: number
  mode: number
  state: number
  closedAt: number
  orderKey: Address
  ackKey: Address
  taskRoot: Hex
  place: number
}

/** What can change while a deal lives. */
function compareMoney(deal: Deal, view: DealView): Comparison[] {
  const name = (field: string): string => `the ${field} of deal ${deal.id}`
  const remaining = deal.closedAt === null ? remainingOf(deal) : 0n
  return [
    pair(null, name('remaining budget'), remaining, view.remaining),
    pair(null, name('budget'), deal.budget, view.budget, () => {
      deal.budget = view.budget
    }),
    pair('exposure', name('allowance'), deal.allowance, view.allowance, () => {
      deal.allowance = view.allowance
    }),
    pair('bond', name('bond'), deal.bond, view.bond, () => {
      deal.bond = view.bond
    }),
    pair(null, name('end'), deal.end, view.end, () => {
      deal.end = view.end
    }),
    pair('page', name('place'), deal.place, view.place, () => {
      deal.place = view.place
    }),
    pair('keys', name('order key'), deal.orderKey, addressKey(view.orderKey)),
    pair('keys', name('acknowledgement key'), deal.ackKey, addressKey(view.ackKey), () => {
      deal.ackKey = addressKey(view.ackKey)
    }),
  ]
}

/** What its opening fixed. */
function compareTerms(deal: Deal, view: DealView): Comparison[] {
  const name = (field: string): string => `the ${field} of deal ${deal.id}`
  return [
    pair(null, name('opening time'), deal.openedAt, view.openedAt),
    pair(null, name('closing time'), deal.closedAt ?? 0, view.closedAt),
    pair(null, name('key'), deal.key, view.key),
    pair(null, name('buyer'), deal.buyer, addressKey(view.buyer)),
    pair(null, name('provider'), deal.provider, view.provider),
    pair(null, name('price'), deal.price, view.price),
    pair('rate', name('rate cap'), deal.rateCap, view.rateCap),
    pair(null, name('opening fee'), deal.openingFee, view.openingFee),
    pair(null, name('streams'), deal.streams.length, view.streams),
    pair(null, name('kind'), deal.kind, view.kind),
    pair(null, name('mode'), deal.mode, view.mode),
    pair(null, name('task root'), deal.taskRoot, view.taskRoot),
  ]
}

/** A deal, beside its view. */
export async function inspectDeal(scope: Scope, id: number): Promise<Comparison[]> {
  const { state, contracts, source, block, timestamp } = scope
  const call = { abi: settlementAbi, address: contracts.settlement, functionName: 'deal', args: [id] } as const
  const view: DealView = await readView(source, call, block)
  const deal = state.deals.get(id)
  const status = pair(null, `the state of deal ${id}`, dealStateAt(deal, clockAt(state, timestamp)), view.state)
  return deal === undefined ? [status] : [status, ...compareMoney(deal, view), ...compareTerms(deal, view)]
}

/** A stream and the chain of its forced and acknowledged groups. */
export async function inspectStream(scope: Scope, id: number, index: number): Promise<Comparison[]> {
  const { state, contracts, source, block } = scope
  const call = { abi: settlementAbi, address: contracts.settlement, args: [id, index] } as const
  const [[count, units, acknowledged], [chain, time]] = await Promise.all([
    readView(source, { ...call, functionName: 'stream' }, block),
    readView(source, { ...call, functionName: 'streamRecord' }, block),
  ])
  const stream = state.deals.get(id)?.streams[index]
  const record = state.records.get(streamNumber(id, index)) ?? { chain: NO_RECORD, time: 0 }
  const name = (field: string): string => `the ${field} of stream ${index} of deal ${id}`
  const takeStream = (): void => {
    if (stream === undefined) return
    stream.count = count
    stream.units = BigInt(units)
    stream.acknowledged = BigInt(acknowledged)
  }
  return [
    pair(null, name('receipts'), stream?.count ?? 0, count, takeStream),
    pair(null, name('units'), stream?.units ?? 0n, units, takeStream),
    pair('acknowledgement', name('acknowledged units'), stream?.acknowledged ?? 0n, acknowledged, takeStream),
    pair('record', name('record'), record.chain, chain, () => {
      state.records.set(streamNumber(id, index), { chain, time })
    }),
    pair('record', name('record’s time'), record.time, time),
  ]
}

/** Which rows of a deal page still hold. */
export async function inspectPage({ state, contracts, source, block }: Scope, page: number): Promise<Comparison[]> {
  const theirs = await readLiveRows(source, contracts.settlement, page, block)
  return [
    pair('page', `the rows of page ${page} that hold`, liveWord(state, page), theirs, () => {
      const rows = Array.from({ length: 256 }, (_, row) => row).filter((row) => (theirs >> BigInt(row)) & 1n)
      state.livePages.set(page, new Set(rows))
    }),
  ]
}

/** The budget taken of an offer. */
export async function inspectOffer({ state, contracts, source, block }: Scope, hash: Hex): Promise<Comparison[]> {
  const call = { abi: settlementAbi, address: contracts.settlement, functionName: 'offerTaken', args: [hash] } as const
  const taken = await readView(source, call, block)
  return [pair(null, `the budget taken of offer ${hash}`, state.offerTaken.get(hash) ?? 0n, taken)]
}

/** The lowest offer nonce of a provider that lives. */
export async function inspectNonce(scope: Scope, provider: Address): Promise<Comparison[]> {
  const { state, contracts, source, block } = scope
  const call = { abi: settlementAbi, address: contracts.settlement, args: [provider] } as const
  const nonce = await readView(source, { ...call, functionName: 'offerNonce' }, block)
  return [pair(null, `the offer nonce of ${provider}`, state.offerNonce.get(addressKey(provider)) ?? 0n, nonce)]
}
