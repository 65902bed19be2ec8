/**
 * How, what and when to settle of what waits: the mode that costs least now, the groups that ride, and whether to go.
 *
 * @module
 */
import { Mode } from '#protocol/types.ts'
import { type Route, shapeOf } from './batch-shape.ts'
import { asymptoticGas, type BatchShape, type Estimate, estimate } from './cost-model.ts'
import { blobPrice, costNow, type FeeLevel } from './fees.ts'
import { type Bounds, type Selection, selectGroups, type Waiting } from './grouping.ts'
import type { WishPolicy } from './wishes.ts'

/** What a member decides by. */
export type BatchPolicy = WishPolicy &
  Bounds & {
    /** Modes this node can settle in. */
    readonly modes: readonly Mode[]
    /** Cost per receipt, in percent of the least a receipt can cost, below which waiting saves too little. */
    readonly worthPercent: number
    /** Base fee, in percent of the usual one, above which what is not due waits for a cheaper hour. */
    readonly dearPercent: number
    /** Least saving, in percent, for which receipts leave the input for a blob, whose bytes nodes forget. */
    readonly blobSavingPercent: number
    /** Settlement token base units an ether is worth; null where nobody says. */
    readonly etherPrice: bigint | null
    /** Share of the pay that may go to gas without waiting, in 1/10,000; a provider's own wish goes first. */
    readonly gasShareBps: number
    /** What being paid at once and not after the window is worth to a provider, in 1/10,000 of the pay. */
    readonly payAtOnceBps: number
  }

/**
 * Why a batch goes out: something is `due`, more is ready than fits (`full`), waiting saves too little (`worth`), its gas
 * is a small share of the pay (`share`). Why not: `wait` for company, `dear` fees, or `none` is there.
 */
export type Why = 'due' | 'full' | 'worth' | 'share' | 'wait' | 'dear' | 'none'

/** What to do with one kind of candidates. */
export type Plan<C extends Waiting = Waiting> = Selection<C> & {
  readonly route: Route
  readonly estimate: Estimate
  /** Wei at the fees of the moment, its blobs included. */
  readonly cost: bigint
  /** Unix milliseconds at which it goes at the latest; `goes` says whether that is now. */
  readonly when: number
  readonly goes: boolean
  readonly why: Why
}

const PERCENT = 100n
const BPS = 10_000n
const ETHER = 10n ** 18n

/**
 * The cheapest way to settle candidates of different streams in one lane, and whether to take it now.
 *
 * @param lane - Its lane and the committee signatures it carries.
 * @param nowMs - Unix milliseconds.
 */
export function cheapest<C extends Waiting>(
  candidates: readonly C[],
  lane: Omit<Route, 'mode'>,
  fees: FeeLevel,
  policy: BatchPolicy,
  nowMs: number,
): Plan<C> {
  const when = Math.min(...candidates.map(({ dueMs }) => dueMs))
  const riding = candidates.filter((candidate) => rides(candidate, lane, fees, policy, nowMs))
  const priced = policy.modes.flatMap((mode) => pricedIn(mode, riding, lane, fees, policy))
  const best = priced.reduce<Priced<C> | null>((low, one) => (isBetter(one, low, policy) ? one : low), null)
  if (best === null) {
    const route = { ...lane, mode: Mode.Calldata }
    const shape = shapeOf([], route)
    const empty = { groups: [], shape, more: false, route, estimate: estimate(shape, policy.fork), cost: 0n }
    return { ...empty, when, goes: false, why: candidates.length === 0 ? 'none' : 'wait' }
  }
  const why = reason(best, fees, policy, when <= nowMs)
  return { ...best, when, goes: why !== 'wait' && why !== 'dear', why }
}

type Priced<C extends Waiting> = Selection<C> & {
  readonly route: Route
  readonly estimate: Estimate
  readonly cost: bigint
}

/** The selection in one mode, or nothing where that mode can take none of it. */
function pricedIn<C extends Waiting>(
  mode: Mode,
  candidates: readonly C[],
  lane: Omit<Route, 'mode'>,
  fees: FeeLevel,
  policy: BatchPolicy,
): Priced<C>[] {
  const route = { ...lane, mode }
  const selection = selectGroups(candidates, route, policy)
  if (selection.groups.length === 0) return []
  const taken = estimate(selection.shape, policy.fork)
  const cost = costNow(taken, fees)
  return cost === null ? [] : [{ ...selection, route, estimate: taken, cost }]
}

/** Whether a way costs less per receipt; a blob only where it saves enough. */
function isBetter<C extends Waiting>(one: Priced<C>, other: Priced<C> | null, policy: BatchPolicy): boolean {
  if (other === null) return true
  const leaves = one.route.mode !== Mode.Calldata && other.route.mode === Mode.Calldata
  const margin = leaves ? PERCENT - BigInt(policy.blobSavingPercent) : PERCENT
  // cost / receipts of both, without dividing
  return one.cost * BigInt(other.shape.receipts) * PERCENT < other.cost * BigInt(one.shape.receipts) * margin
}

function reason<C extends Waiting>(plan: Priced<C>, fees: FeeLevel, policy: BatchPolicy, isDue: boolean): Why {
  if (isDue) return 'due'
  if (fees.baseFee * PERCENT > fees.usualBaseFee * BigInt(policy.dearPercent)) return 'dear'
  if (plan.more) return 'full'
  const least = leastCost(plan.shape, fees, policy) * BigInt(plan.shape.receipts)
  if (plan.cost * PERCENT <= least * BigInt(policy.worthPercent)) return 'worth'
  return isWithinShare(plan.cost, payOf(plan.groups), policy.gasShareBps, policy) ? 'share' : 'wait'
}

/**
 * Whether a group goes with a batch of this moment. Who may wait longer than one round of batches stays until its own
 * gas is well spent: it would only come again with the next round.
 */
function rides(candidate: Waiting, lane: Omit<Route, 'mode'>, fees: FeeLevel, policy: BatchPolicy, nowMs: number) {
  if (candidate.dueMs <= nowMs + policy.maxAgeMs) return true
  const own = marginalCost(candidate, lane, fees, policy)
  const { gasShareBps } = candidate.wish
  if (gasShareBps !== undefined && policy.etherPrice !== null)
    return isWithinShare(own, payOf([candidate]), gasShareBps, policy)
  const receipts = BigInt(candidate.count - candidate.first)
  const least = BigInt(asymptoticGas(Mode.Calldata, bytesOf(candidate), policy.fork)) * (fees.baseFee + fees.tip)
  return own * PERCENT <= least * receipts * BigInt(policy.worthPercent)
}

/** Wei a group adds to a batch in calldata. */
export function marginalCost(
  candidate: Waiting,
  lane: Omit<Route, 'mode'>,
  fees: FeeLevel,
  policy: Pick<BatchPolicy, 'fork'>,
): bigint {
  const route = { ...lane, mode: Mode.Calldata }
  const gas = (groups: readonly Waiting[]) => Math.ceil(estimate(shapeOf(groups, route), policy.fork).gas)
  return BigInt(gas([candidate]) - gas([])) * (fees.baseFee + fees.tip)
}

/** Settlement token base units that candidates claim. */
export function payOf(candidates: readonly Waiting[]): bigint {
  return candidates.reduce((sum, { units, deal }) => sum + units * deal.price, 0n)
}

/** Whether `cost`, wei, is at most a share of `pay`; never where nobody says what an ether is worth. */
function isWithinShare(cost: bigint, pay: bigint, shareBps: number, { etherPrice }: BatchPolicy): boolean {
  return etherPrice !== null && cost * etherPrice * BPS <= pay * BigInt(shareBps) * ETHER
}

/** Wei one receipt of average length costs where everything else is spread over very many. */
function leastCost({ mode, receipts, receiptBytes }: BatchShape, fees: FeeLevel, { fork }: BatchPolicy): bigint {
  const bytes = receiptBytes / receipts
  if (mode === Mode.Calldata) return BigInt(Math.ceil(asymptoticGas(mode, bytes, fork))) * (fees.baseFee + fees.tip)
  return ((blobPrice(fees) ?? 0n) * BigInt(Math.ceil(bytes))) / BLOB_PAYLOAD
}

/** Bytes a blob carries. */
const BLOB_PAYLOAD = 4_096n * 31n

function bytesOf({ receiptBytes, first, count }: Waiting): number {
  return receiptBytes / (count - first)
}
