/**
 * Reads what the chain says about one thing and sets it beside what the rules say.
 *
 * @module
 */
import { type Address, type Hex, zeroAddress } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'

import { clockAt } from './clock.ts'
import { type Comparison, pair, type Scope } from './comparison.ts'
import { NO_INTERVAL } from './facts.ts'
import { inspectDeal, inspectNonce, inspectOffer, inspectPage, inspectStream } from './inspect-deals.ts'
import { inspectHead } from './inspect-head.ts'
import { inspectAnnounced, inspectMemberBond, inspectNetBuyer, inspectNets, inspectReadBonds } from './inspect-nets.ts'
import { dayOf } from './money.ts'
import { accountOf, addressKey, revokedFrom, wheelOf } from './state.ts'
import { readView } from './views.ts'
import { bucketOf, dueAt, unmaturedAt } from './wheel.ts'

const INTERVAL_SECONDS = 900
const INTERVALS = 512

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
    pair(null, name('unmatured money'), unmaturedAt(wheel, clock), view.unmatured),
    pair('coverage', name('cover'), wheel.cover, view.cover, () => {
      wheel.cover = view.cover
    }),
    ...view.attested.map((amount, i) => bucket(wheel.near, 'near', i + 1, amount)),
    ...view.forced.map((amount, i) => bucket(wheel.far, 'far', i + 1, amount)),
  ]
}

async function inspectProvider({ state, contracts, source, block }: Scope, id: number): Promise<Comparison[]> {
  const call = { abi: registryAbi, address: contracts.registry, functionName: 'providerOf', args: [id] } as const
  const [view, side, pool] = await Promise.all([
    readView(source, call, block),
    readView(source, { ...call, functionName: 'sideOf' } as const, block),
    readView(source, { ...call, functionName: 'poolOf' } as const, block),
  ])
  const provider = state.providers.get(id)
  const name = (field: string): string => `the ${field} of provider ${id}`
  if (provider === undefined) return [pair(null, name('owner'), zeroAddress, view.owner)]
  return [
    pair('authority', name('owner'), provider.owner, addressKey(view.owner)),
    pair('authority', name('operator'), provider.operator, addressKey(view.operator)),
    pair('claim', name('payout account'), provider.payout, addressKey(view.payout)),
    pair('claim', name('next payout account'), provider.nextPayout, addressKey(view.nextPayout)),
    pair('claim', name('payout notice'), provider.payoutFrom, view.payoutFrom),
    pair(null, name('stake'), provider.side.tokens, side.tokens, () => {
      provider.side.tokens = side.tokens
    }),
    pair(null, name('shares'), provider.side.shares, side.shares, () => {
      provider.side.shares = side.shares
    }),
    pair('bond', name('reserved and thawing shares'), provider.side.blocked, side.blocked, () => {
      provider.side.blocked = side.blocked
    }),
    pair(null, name('thawing shares'), provider.side.thawing, side.thawing),
    pair(null, name('disputed shares'), provider.side.disputed, side.disputed),
    pair(null, name('delegated stake'), provider.pool.tokens, pool.tokens, () => {
      provider.pool.tokens = pool.tokens
    }),
    pair(null, name('delegated shares'), provider.pool.shares, pool.shares),
    pair(null, name('thawing delegated shares'), provider.pool.thawing, pool.thawing),
    pair(null, name('end of the thaw'), provider.thawedAt, view.thawedAt),
  ]
}

async function inspectWorker({ state, contracts, source, block }: Scope, index: number): Promise<Comparison[]> {
  const call = { abi: registryAbi, address: contracts.registry, functionName: 'revokedFrom', args: [index] } as const
  const from = await readView(source, call, block)
  return [pair('registry', `the revocation of worker ${index}`, revokedFrom(state, index), from)]
}

async function inspectInterval({ state, contracts, source, block }: Scope, interval: number): Promise<Comparison[]> {
  // the ring has come round: the slot is another interval's by now
  if (Math.floor(state.clock.value / INTERVAL_SECONDS) >= interval + INTERVALS) return []
  const call = { abi: settlementAbi, address: contracts.settlement, args: [interval] } as const
  const [chain, count] = await readView(source, { ...call, functionName: 'intervalChain' }, block)
  const ours = state.intervals.get(interval) ?? { chain: NO_INTERVAL, count: 0 }
  return [
    pair('record', `the chain of interval ${interval}`, ours.chain, chain, () => {
      state.intervals.set(interval, { chain, count })
    }),
    pair('record', `the batches of interval ${interval}`, ours.count, count),
  ]
}

/** What is of net mode; null for anything else. */
async function inspectOfNets(scope: Scope, what: string, which: string): Promise<Comparison[] | null> {
  switch (what) {
    case 'nets':
      return await inspectNets(scope)
    case 'net-buyer':
      return await inspectNetBuyer(scope, which as Address)
    case 'announced':
      return await inspectAnnounced(scope, Number(which))
    case 'member-bond':
      return await inspectMemberBond(scope, which as Address)
    case 'read-bonds':
      return await inspectReadBonds(scope, Number(which))
    default:
      return null
  }
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
    case 'page':
      return await inspectPage(scope, Number(first))
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
      return (await inspectOfNets(scope, what ?? '', first)) ?? (await inspectHead(scope))
  }
}
