/**
 * Everything the settlement must hold, as the auditor believes it to be.
 *
 * Amounts are base units of the settlement token, bonds and stake base units of the stake token, times seconds on the
 * protocol clock. Addresses are lower case, so that they can be keys.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { DealState, type Domain, Mode } from '#protocol/types.ts'

import type { RegistryEvent } from './events.ts'
import { paidFor } from './money.ts'
import { createNetLedger, type NetLedger } from './net-ledger.ts'
import type { OwnSide, PoolSide } from './stake-model.ts'

/** Governed numbers, as in `ILedger.Parameters`. */
export type Parameters = {
  attestedWindow: number
  forcedWindow: number
  closingPeriod: number
  retention: number
  keyNotice: number
  coverageBps: number
  bondBps: number
  protocolFeeBps: number
  committeeFeeBps: number
  stakeValue: number
}

/** One stream of a deal. */
export type Stream = { count: number; units: bigint; acknowledged: bigint }

/** One deal from its opening to its recycling. */
export type Deal = {
  id: number
  key: Hex
  buyer: Address
  provider: number
  offerHash: Hex
  program: Hex
  price: bigint
  rateCap: number
  maxBudget: bigint
  offerTotal: bigint
  kind: number
  mode: number
  openingFee: bigint
  budget: bigint
  /** Units that may be paid: the exposure and what was acknowledged. */
  allowance: bigint
  /** Where its facts stand in code: page · 256 + row; 0 if nowhere. */
  place: number
  bond: bigint
  openedAt: number
  end: number
  streams: readonly Stream[]
  orderKey: Address
  ackKey: Address
  taskRoot: Hex
  /** Null while it settles. */
  closedAt: number | null
  /** Every order key it ever had: an order of any of them was good in its time. */
  orderKeys: readonly Address[]
}

/** A buyer's account. */
export type Account = { free: bigint; locked: bigint; nonce: bigint }

/** What may still be credited on the day it was issued for, and after how many days that matures. */
export type Room = { day: number; left: bigint; due: number }

/** A provider's earnings: money by the day it matures, in the two wheels whose buckets are rounded apart. */
export type Wheel = {
  claimable: bigint
  cover: bigint
  near: Map<number, bigint>
  far: Map<number, bigint>
  room: Room | null
  /** Whether a worker of the provider was ever revoked. */
  hasRevocations: boolean
}

/** A provider in the registry. */
export type Provider = {
  owner: Address
  operator: Address
  payout: Address
  side: OwnSide
  pool: PoolSide
  /** Whether its earnings go through the registry, which splits them. */
  hasPool: boolean
  thawedAt: number
  nextPayout: Address
  payoutFrom: number
}

/** A case of the vault: `IVault.Case`, and whether it still waits. */
export type SlashCase = {
  facts: Extract<RegistryEvent, { eventName: 'Slashed' }>['args']['facts']
  isOpen: boolean
}

/** A worker's key and whose it is. */
export type Worker = { provider: number; key: Address }

/** One committee epoch. */
export type Epoch = {
  number: number
  threshold: number
  signers: readonly Address[]
  endpoints: Map<Address, string>
  /** Unix second of the block it started in. */
  startedAt: number
}

/**
 * The protocol clock: `value` is what the last transaction saw; `stored` is what it was at `touchedAt` (unix seconds), the
 * last touch that was written down, from which it is reckoned.
 */
export type Clock = { value: number; stored: number; touchedAt: number }

/** The whole ledger. */
export type State = {
  domain: Domain
  committee: Address
  clock: Clock
  parameters: Parameters
  treasuries: { protocol: Address; committee: Address }
  pausedUntil: number
  stakePausedUntil: number
  /** Part of a pool that one fault may take. */
  poolCapBps: number
  /** What was slashed, by what for. */
  cases: Map<Hex, SlashCase>
  accounts: Map<Address, Account>
  deals: Map<number, Deal>
  /** Every deal there ever was, by its key. */
  dealsByKey: Map<Hex, Deal>
  /** New keys under notice, by deal key. */
  announced: Map<Hex, { orderKey: Address; ackKey: Address; from: number }>
  /** Deal key last stored under an id; outlives the deal. */
  keys: Map<number, Hex>
  wheels: Map<number, Wheel>
  fees: { protocol: bigint; committee: bigint }
  /** Money in disputes, nobody's until they end. */
  disputed: bigint
  /** Open disputes by deal id. */
  disputes: Map<number, number>
  /** Tokens that came in for a reason less those that left for one. */
  held: bigint
  /** Rows of each deal page that still hold. */
  livePages: Map<number, Set<number>>
  offerTaken: Map<Hex, bigint>
  offerNonce: Map<Address, bigint>
  providers: Map<number, Provider>
  /** Providers' ids by owner. */
  ids: Map<Address, number>
  workers: Map<number, Worker>
  /** When a key stops to count for its provider, by {@link membership}; absent: never. */
  revocations: Map<string, number>
  /** Pages of workers so far. */
  workerPages: number
  epochs: Map<number, Epoch>
  currentEpoch: number
  /** First epoch the settlement was told of; 0 before the committee is bound. */
  firstTold: number
  /** Seconds of block time the last epoch's attestations stay valid. */
  grace: number
  intervals: Map<number, { chain: Hex; count: number }>
  /** Forced and acknowledged groups of each stream, by `deal id * 64 + stream`; outlives the deal. */
  records: Map<number, { chain: Hex; time: number }>
  /** Seconds the registry makes stake, payouts and revocations wait. */
  notices: { thaw: number; payout: number; key: number }
  nets: NetLedger
}

/** What the registry begins with. */
const FIRST_POOL_CAP_BPS = 5000
const STREAMS_PER_DEAL = 64
const ZERO: Address = '0x0000000000000000000000000000000000000000'
const NO_PARAMETERS: Parameters = {
  attestedWindow: 0,
  forcedWindow: 0,
  closingPeriod: 0,
  retention: 0,
  keyNotice: 0,
  coverageBps: 0,
  bondBps: 0,
  protocolFeeBps: 0,
  committeeFeeBps: 0,
  stakeValue: 0,
}

/** The ledger before its first event. */
export function createState(domain: Domain, committee: Address): State {
  return {
    domain,
    committee,
    clock: { value: 0, stored: 0, touchedAt: 0 },
    parameters: NO_PARAMETERS,
    treasuries: { protocol: ZERO, committee: ZERO },
    pausedUntil: 0,
    stakePausedUntil: 0,
    poolCapBps: FIRST_POOL_CAP_BPS,
    cases: new Map(),
    accounts: new Map(),
    deals: new Map(),
    dealsByKey: new Map(),
    announced: new Map(),
    keys: new Map(),
    wheels: new Map(),
    fees: { protocol: 0n, committee: 0n },
    disputed: 0n,
    disputes: new Map(),
    held: 0n,
    livePages: new Map(),
    offerTaken: new Map(),
    offerNonce: new Map(),
    providers: new Map(),
    ids: new Map(),
    workers: new Map(),
    revocations: new Map(),
    workerPages: 0,
    epochs: new Map(),
    currentEpoch: 0,
    firstTold: 0,
    grace: 0,
    intervals: new Map(),
    records: new Map(),
    notices: { thaw: 0, payout: 0, key: 0 },
    nets: createNetLedger(),
  }
}

/** An address as a key of the state's maps. */
export function addressKey(address: Address): Address {
  return address.toLowerCase() as Address
}

/** A buyer's account, empty at first. */
export function accountOf(state: State, buyer: Address): Account {
  const key = addressKey(buyer)
  const known = state.accounts.get(key)
  if (known !== undefined) return known
  const account: Account = { free: 0n, locked: 0n, nonce: 0n }
  state.accounts.set(key, account)
  return account
}

/** A provider's earnings, empty at first. */
export function wheelOf(state: State, provider: number): Wheel {
  const known = state.wheels.get(provider)
  if (known !== undefined) return known
  const wheel: Wheel = {
    claimable: 0n,
    cover: 0n,
    near: new Map(),
    far: new Map(),
    room: null,
    hasRevocations: false,
  }
  state.wheels.set(provider, wheel)
  return wheel
}

/** Number of a stream among all streams of all deals. */
export function streamNumber(deal: number, stream: number): number {
  return deal * STREAMS_PER_DEAL + stream
}

/** Units of all streams of a deal. */
export function unitsOf(deal: Deal): bigint {
  return deal.streams.reduce((sum, { units }) => sum + units, 0n)
}

/** What a deal's budget has left. */
export function remainingOf(deal: Deal): bigint {
  return deal.budget - paidFor(unitsOf(deal), deal.price, deal.budget)
}

/** Whether a deal's receipts settle in net batches only. */
export function isNetted({ mode }: Deal): boolean {
  return mode === Mode.Net
}

/** The netted deal that has an id now, unless it was closed before this second. */
export function netDealAt({ deals, clock }: State, id: number): Deal | undefined {
  const deal = deals.get(id)
  if (deal === undefined || !isNetted(deal)) return undefined
  return deal.closedAt === null || clock.value <= deal.closedAt ? deal : undefined
}

/** Where a deal stands at `clock`. */
export function dealStateAt(deal: Deal | undefined, clock: number): DealState {
  if (deal === undefined) return DealState.None
  if (deal.closedAt !== null) return DealState.Closed
  return clock < deal.end ? DealState.Open : DealState.Closing
}

/** Names a key's membership with its provider, which all its indexes share. */
export function membership({ provider, key }: Worker): string {
  return `${provider}:${key}`
}

/** When the worker under `index` stops to count, second on the protocol clock; 0 if never. */
export function revokedFrom(state: State, index: number): number {
  const worker = state.workers.get(index)
  return worker === undefined ? 0 : (state.revocations.get(membership(worker)) ?? 0)
}
