/**
 * Reads what the chain says about one thing and sets it beside what the rules say.
 *
 * @module
 */
import { type Address, type Hex, parseAbi, slice, zeroAddress, zeroHash } from 'viem'

import { committeeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'

import { clockAt } from './clock.ts'
import type { Contracts } from './events.ts'
import { dayOf } from './money.ts'
import type { DiscrepancyKind } from './report.ts'
import type { Source } from './source.ts'
import {
  accountOf,
  addressKey,
  type Deal,
  dealStateAt,
  revokedFrom,
  type State,
  streamNumber,
  wheelOf,
} from './state.ts'
import { readView } from './views.ts'
import { bucketOf, dueAt, unmaturedAt } from './wheel.ts'

/** One value by the rules and by the chain. */
export type Comparison = {
  /** Null: what the touch that caused it means. */
  kind: DiscrepancyKind | null
  what: string
  ours: string
  theirs: string
  /** Takes the chain's value, so that what follows is judged by itself. */
  adopt: () => void
}

/** Where an inspection looks. */
export type Scope = {
  state: State
  contracts: Contracts
  source: Source
  /** Number of the block after which it looks. */
  block: number
  /** Unix seconds of that block. */
  timestamp: number
}

type Value = bigint | number | string | boolean

const tokenAbi = parseAbi(['function balanceOf(address account) view returns (uint256)'])
const keep = (): void => undefined
const CHAIN_BYTES = 26
const INTERVAL_SECONDS = 900
const INTERVALS = 512
const RECORD_BYTES = 27

function pair(kind: DiscrepancyKind | null, what: string, ours: Value, theirs: Value, adopt = keep): Comparison {
  return { kind, what, ours: String(ours), theirs: String(theirs), adopt }
}

async function inspectAccount({ state, contracts, source, block }: Scope, buyer: Address): Promise<Comparison[]> {
  const view = { abi: settlementAbi, address: contracts.settlement, functionName: 'account', args: [buyer] } as const
  const [free, locked, nonce] = await readView(source, view, block)
  const account = accountOf(state, buyer)
  return [
    pair(null, `${buyer}’s free balance`, account.free, free, () => {
      account.free = free
    }),
    pair(null, `${buyer}’s locked balance`, account.locked, locked, () => {
      account.locked = locked
    }),
    pair(null, `${buyer}’s nonce`, account.nonce, nonce, () => {
      account.nonce = nonce
    }),
  ]
}

function compareDeal(scope: Scope, deal: Deal, view: DealView): Comparison[] {
  const name = (field: string): string => `the ${field} of deal ${deal.id}`
  const clock = clockAt(scope.state, scope.timestamp)
  return [
    pair(null, name('remaining budget'), deal.remaining, view.remaining, () => {
      deal.remaining = view.remaining
    }),
    pair(null, name('budget'), deal.budget, view.budget, () => {
      deal.budget = view.budget
    }),
    pair('exposure', name('floor'), deal.floor, view.floor, () => {
      deal.floor = view.floor
    }),
    pair('bond', name('bond'), deal.bond, view.bond, () => {
      deal.bond = view.bond
    }),
    pair(null, name('end'), deal.end, view.end, () => {
      deal.end = view.end
    }),
    pair(null, name('opening time'), deal.openedAt, view.openedAt),
    pair(null, name('state'), dealStateAt(deal, clock), view.state),
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
    pair('keys', name('order key'), deal.orderKey, addressKey(view.orderKey)),
    pair('keys', name('acknowledgement key'), deal.ackKey, addressKey(view.ackKey), () => {
      deal.ackKey = addressKey(view.ackKey)
    }),
  ]
}

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
  floor: bigint
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
}

async function inspectDeal(scope: Scope, id: number): Promise<Comparison[]> {
  const { state, contracts, source, block } = scope
  const call = { abi: settlementAbi, address: contracts.settlement, functionName: 'deal', args: [id] } as const
  const view: DealView = await readView(source, call, block)
  const deal = state.deals.get(id)
  return deal === undefined ? [pair(null, `the state of deal ${id}`, 0, view.state)] : compareDeal(scope, deal, view)
}

async function inspectStream(scope: Scope, id: number, index: number): Promise<Comparison[]> {
  const { state, contracts, source, block } = scope
  const call = { abi: settlementAbi, address: contracts.settlement, args: [id, index] } as const
  const [[count, units, acknowledged], [chain, time]] = await Promise.all([
    readView(source, { ...call, functionName: 'stream' }, block),
    readView(source, { ...call, functionName: 'streamRecord' }, block),
  ])
  const stream = state.deals.get(id)?.streams[index]
  const record = state.records.get(streamNumber(id, index)) ?? { chain: slice(zeroHash, 0, RECORD_BYTES), time: 0 }
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

async function inspectEarnings(scope: Scope, provider: number): Promise<Comparison[]> {
  const { state, contracts, source, block, timestamp } = scope
  const call = {
    abi: settlementAbi,
    address: contracts.settlement,
    functionName: 'earnings',
    args: [provider],
  } as const
  const view = await readView(source, call, block)
  const wheel = wheelOf(state, provider)
  const clock = clockAt(state, timestamp)
  const today = dayOf(clock)
  const due = dueAt(wheel, clock, state.parameters)
  const dueNet = due.gross - due.protocolFee - due.committeeFee
  const name = (field: string): string => `the ${field} of provider ${provider}`
  const bucket = (buckets: Map<number, bigint>, label: string, offset: number, theirs: bigint): Comparison =>
    pair('maturity', name(`${label} bucket ${offset}`), bucketOf(buckets, today + offset), theirs, () => {
      buckets.set(today + offset, theirs)
    })
  return [
    pair(null, name('claimable money'), wheel.claimable + dueNet, view.claimable, () => {
      wheel.claimable = view.claimable - dueNet
    }),
    pair('price', name('unmatured money'), unmaturedAt(wheel, clock), view.unmatured),
    pair('coverage', name('cover'), wheel.cover, view.cover, () => {
      wheel.cover = view.cover
    }),
    ...view.attested.map((amount, i) => bucket(wheel.near, 'near', i + 1, amount)),
    ...view.forced.map((amount, i) => bucket(wheel.far, 'far', i + 1, amount)),
  ]
}

async function inspectProvider({ state, contracts, source, block }: Scope, id: number): Promise<Comparison[]> {
  const call = { abi: registryAbi, address: contracts.registry, functionName: 'providerOf', args: [id] } as const
  const view = await readView(source, call, block)
  const provider = state.providers.get(id)
  const name = (field: string): string => `the ${field} of provider ${id}`
  if (provider === undefined) return [pair(null, name('owner'), zeroAddress, view.owner)]
  return [
    pair('authority', name('owner'), provider.owner, addressKey(view.owner)),
    pair('authority', name('operator'), provider.operator, addressKey(view.operator)),
    pair('claim', name('payout account'), provider.payout, addressKey(view.payout)),
    pair('claim', name('next payout account'), provider.nextPayout, addressKey(view.nextPayout)),
    pair('claim', name('payout notice'), provider.payoutFrom, view.payoutFrom),
    pair(null, name('stake'), provider.stake, view.stake, () => {
      provider.stake = view.stake
    }),
    pair('bond', name('reserved stake'), provider.liens, view.liens, () => {
      provider.liens = view.liens
    }),
    pair(null, name('thawing stake'), provider.thawing, view.thawing),
    pair(null, name('end of the thaw'), provider.thawedAt, view.thawedAt),
  ]
}

async function inspectWorker({ state, contracts, source, block }: Scope, index: number): Promise<Comparison[]> {
  const call = { abi: registryAbi, address: contracts.registry, functionName: 'revokedFrom', args: [index] } as const
  const from = await readView(source, call, block)
  return [pair('registry', `the revocation of worker ${index}`, revokedFrom(state, index), from)]
}

async function inspectOffer({ state, contracts, source, block }: Scope, hash: Hex): Promise<Comparison[]> {
  const call = { abi: settlementAbi, address: contracts.settlement, functionName: 'offerTaken', args: [hash] } as const
  const taken = await readView(source, call, block)
  return [pair(null, `the budget taken of offer ${hash}`, state.offerTaken.get(hash) ?? 0n, taken)]
}

async function inspectNonce({ state, contracts, source, block }: Scope, provider: Address): Promise<Comparison[]> {
  const call = { abi: settlementAbi, address: contracts.settlement, args: [provider] } as const
  const nonce = await readView(source, { ...call, functionName: 'offerNonce' }, block)
  return [pair(null, `the offer nonce of ${provider}`, state.offerNonce.get(addressKey(provider)) ?? 0n, nonce)]
}

async function inspectInterval({ state, contracts, source, block }: Scope, interval: number): Promise<Comparison[]> {
  // the ring has come round: the slot is another interval's by now
  if (Math.floor(state.clock.value / INTERVAL_SECONDS) >= interval + INTERVALS) return []
  const call = { abi: settlementAbi, address: contracts.settlement, args: [interval] } as const
  const [chain, count] = await readView(source, { ...call, functionName: 'intervalChain' }, block)
  const ours = state.intervals.get(interval) ?? { chain: slice(zeroHash, 0, CHAIN_BYTES), count: 0 }
  return [
    pair('record', `the chain of interval ${interval}`, ours.chain, chain, () => {
      state.intervals.set(interval, { chain, count })
    }),
    pair('record', `the batches of interval ${interval}`, ours.count, count),
  ]
}

/** What every block's end is held against: clock, money held, fees, parameters, and the tokens themselves. */
async function inspectHead(scope: Scope): Promise<Comparison[]> {
  const { state, contracts, source, block, timestamp } = scope
  const call = { abi: settlementAbi, address: contracts.settlement, args: [] } as const
  const [clock, held, fees, pausedUntil, parameters, treasuries, balance, epoch] = await Promise.all([
    readView(source, { ...call, functionName: 'clock' }, block),
    readView(source, { ...call, functionName: 'held' }, block),
    readView(source, { ...call, functionName: 'fees' }, block),
    readView(source, { ...call, functionName: 'pausedUntil' }, block),
    readView(source, { ...call, functionName: 'parameters' }, block),
    readView(source, { ...call, functionName: 'treasuries' }, block),
    readView(
      source,
      { abi: tokenAbi, address: contracts.token, functionName: 'balanceOf', args: [contracts.settlement] },
      block,
    ),
    readView(
      source,
      { abi: committeeAbi, address: contracts.committee, functionName: 'currentEpoch', args: [] },
      block,
    ),
  ])
  const parameter = (name: keyof typeof parameters): Comparison =>
    pair('parameters', `the parameter ${name}`, state.parameters[name], parameters[name])
  return [
    pair('clock', 'the protocol clock', clockAt(state, timestamp), clock, () => {
      state.clock = { value: clock, touchedAt: timestamp }
    }),
    pair('solvency', 'the money held', state.held, held, () => {
      state.held = held
    }),
    pair('solvency', 'whether tokens cover what is held', true, balance >= held),
    pair('fee', 'the protocol fees', state.fees.protocol, fees[0], () => {
      state.fees.protocol = fees[0]
    }),
    pair('fee', 'the committee fees', state.fees.committee, fees[1], () => {
      state.fees.committee = fees[1]
    }),
    pair('parameters', 'the pause', state.pausedUntil, pausedUntil),
    ...(Object.keys(parameters) as (keyof typeof parameters)[]).map(parameter),
    pair('parameters', 'the treasury', state.treasuries.protocol, addressKey(treasuries[0])),
    pair('parameters', 'the committee treasury', state.treasuries.committee, addressKey(treasuries[1])),
    pair('attestation', 'the committee epoch', state.currentEpoch, epoch),
  ]
}

/** Everything the chain says about `thing` (as `thing` in replay.ts names it), beside the rules' values. */
export async function inspect(scope: Scope, thing: string): Promise<Comparison[]> {
  const [what, first = '', second = ''] = thing.split(' ')
  switch (what) {
    case 'account':
      return await inspectAccount(scope, first as Address)
    case 'deal':
      return await inspectDeal(scope, Number(first))
    case 'stream':
      return await inspectStream(scope, Number(first), Number(second))
    case 'earnings':
      return await inspectEarnings(scope, Number(first))
    case 'provider':
      return await inspectProvider(scope, Number(first))
    case 'worker':
      return await inspectWorker(scope, Number(first))
    case 'offer':
      return await inspectOffer(scope, first as Hex)
    case 'offer-nonce':
      return await inspectNonce(scope, first as Address)
    case 'interval':
      return await inspectInterval(scope, Number(first))
    default:
      return await inspectHead(scope)
  }
}
