/**
 * A market in which a group can meet everything that the rules of settling know, its deals in one page of code and each
 * kind of group between two usual ones.
 *
 * @module
 */
import type { NetworkHelpers } from '@nomicfoundation/hardhat-network-helpers/types'

import { Lane, Mode } from '#protocol/types.ts'

import type { Deployment } from './deployment.ts'
import {
  createMarket,
  type DealOptions,
  joinProvider,
  type OpenDeal,
  openDeal,
  type Provider,
  STAKE,
  USD,
} from './market.ts'
import { advance, arriveAt, lastClock } from './protocol-clock.ts'
import { settle } from './settling.ts'
import { resigned, type SignedGroup } from './work.ts'

const HOUR = 3600
const DAY = 24 * HOUR
const WIDE = { exposure: 10_000_000n, duration: 30 * DAY }

/** A group, and what is to become of it wherever it stands. */
export type MixedGroup = {
  readonly name: string
  readonly outcome: string
  /** Settlement token base units. */
  readonly amount: bigint
  readonly group: SignedGroup
}

type Plan = DealOptions & { readonly provider?: 'poor' | 'leaving' }

/** Deals by name, in the order of their ids. */
const PLANS = {
  low: {},
  begun: { terms: { streams: 10 } },
  slow: { offer: { rateCap: 100 } },
  ended: { offer: { rateCap: 100 }, terms: { duration: 20 * HOUR } },
  over: { terms: { duration: HOUR } },
  exposed: { terms: { exposure: 10n } },
  small: { terms: { budget: 2n * USD } },
  raised: { terms: { budget: 2n * USD } },
  uncovered: { provider: 'poor' },
  revoked: { provider: 'leaving' },
  netted: { offer: { mode: Mode.Net } },
  high: {},
} as const satisfies Record<string, Plan>

type Deals = Record<keyof typeof PLANS, OpenDeal>

/** Opens the market's deals, packs them, and goes on to a day on which their providers' rooms are issued. */
export async function createMixedMarket(helpers: NetworkHelpers, deployment: Deployment) {
  const market = await createMarket(deployment, { offer: { openingFee: 0n }, terms: WIDE })
  const providers = {
    usual: market.provider,
    poor: await joinProvider(deployment, deployment.rival, { stake: 20n * STAKE }),
    leaving: await joinProvider(deployment, deployment.stranger),
  }
  const openedAt = await lastClock(deployment)
  const deals = await openDeals(deployment, providers)
  await deployment.tally.packDeals(Object.values(deals).map(({ id }) => id))
  const { raised } = deals
  await deployment.tally.connect(raised.buyer).topUp(raised.id, raised.offer, raised.nonce, 2n * USD)
  const { leaving } = providers
  await deployment.registry.connect(leaving.owner).revokeWorker(leaving.id, leaving.firstWorker, openedAt + DAY + HOUR)
  await arriveAt(helpers, deployment, farFromMidnight(openedAt + 26 * HOUR))
  await advance(helpers, deployment, 60)
  await settle(deployment, Lane.Attested, [
    ...[2, 3, 4, 5, 6, 7].map((index) => deals.begun.stream(index).work(5n, 6n).group()),
    ...[deals.uncovered, deals.revoked].map((deal) => deal.stream(3, 1).work(1n).group()),
  ])
  return { ...market, providers, deals, sharedWorkers: await shareWorkers(deployment, Object.values(providers)) }
}

/** What {@link createMixedMarket} gives. */
export type MixedMarket = Awaited<ReturnType<typeof createMixedMarket>>

async function openDeals(
  deployment: Deployment,
  providers: Record<'usual' | 'poor' | 'leaving', Provider>,
): Promise<Deals> {
  const opened: [string, OpenDeal][] = []
  for (const [name, plan] of Object.entries<Plan>(PLANS)) {
    const { provider = 'usual', offer, terms } = plan
    const options = { offer: { openingFee: 0n, ...offer }, terms: { ...WIDE, ...terms } }
    opened.push([name, await openDeal(deployment, providers[provider], options)])
  }
  return Object.fromEntries(opened) as Deals
}

/** That second, or one two hours later if the day is nearly over. */
function farFromMidnight(clock: number): number {
  return clock % DAY > DAY - 2 * HOUR ? clock + 2 * HOUR : clock
}

/** Copies all workers into one page; their indexes there by those they had. */
async function shareWorkers({ registry }: Deployment, providers: readonly Provider[]): Promise<Map<number, number>> {
  const indexes = providers.flatMap(({ firstWorker, workers }) => workers.map((_, row) => firstWorker + row))
  const first = Number(await registry.packWorkers.staticCall(indexes))
  await registry.packWorkers(indexes)
  return new Map(indexes.map((index, row) => [index, first + row]))
}

/** The group with its deal's place, and its worker in the page that all share. */
export async function placed({ tally, sharedWorkers }: MixedMarket, group: SignedGroup): Promise<SignedGroup> {
  const place = Number((await tally.deal(group.dealId)).place)
  return { ...group, place, worker: sharedWorkers.get(group.worker) ?? group.worker }
}

/** Usual groups of the lowest and the highest deal. */
export function usualGroups({ deals: { low, high } }: MixedMarket): { low: MixedGroup; high: MixedGroup } {
  const usual = (deal: OpenDeal): MixedGroup => {
    return { name: 'usual', outcome: 'Applied', amount: 5000n, group: deal.stream(1).work(2n, 3n).group() }
  }
  return { low: usual(low), high: usual(high) }
}

/** Groups that are not usual, one for each reason, by rising stream. */
export function unusualGroups({ deals, domain }: MixedMarket): MixedGroup[] {
  const skipped = (name: string, outcome: string, group: SignedGroup): MixedGroup => ({
    name,
    outcome,
    amount: 0n,
    group,
  })
  const { begun, slow, ended, over, exposed, small, raised, uncovered, revoked, netted } = deals
  const whole = (deal: OpenDeal, units: bigint) => deal.stream(1, 0).work(units).group()
  const [third, second] = [begun.provider.workers[2], begun.provider.workers[1]]
  if (third === undefined || second === undefined) throw new Error('the provider has too few workers')
  const mismatched = begun.stream(5).work(5n, 6n, 7n).group(2)
  const again = begun.stream(4).work(5n, 6n).group()
  const ahead = begun.stream(7).work(5n, 6n, 7n, 8n).group(3)
  const rubbish = `0x${'11'.repeat(64)}` as const
  return [
    { ...skipped('longer than it had to be', 'Applied', begun.stream(2).work(5n, 6n, 7n).group()), amount: 7000n },
    skipped('ahead of its stream', 'Gap', begun.stream(3).work(5n, 6n, 7n, 8n).group(3)),
    skipped('settled before, for more units', 'Stale', resigned(domain, again, second, { units: 22n })),
    skipped('of other units', 'UnitsMismatch', resigned(domain, mismatched, third, { units: 19n })),
    skipped('of a moved stream', 'BadSignature', { ...begun.stream(6).work(5n, 6n, 7n).group(), signature: rubbish }),
    skipped('ahead, its units as if it were not', 'Gap', resigned(domain, ahead, second, { units: 19n })),
    skipped('of a stream there is not', 'StreamOutOfRange', begun.stream(10).work(1n).group()),
    skipped('above the rate', 'RateExceeded', whole(slow, 10_000n)),
    skipped('above the rate of an ended deal', 'RateExceeded', whole(ended, 2001n)),
    { ...skipped('at the rate of an ended deal', 'Applied', ended.stream(2, 0).work(2000n).group()), amount: 2n * USD },
    skipped('of a deal that is over', 'DealNotOpen', whole(over, 5n)),
    skipped('above the exposure', 'ExposureExceeded', whole(exposed, 11n)),
    { ...skipped('above the budget', 'Clamped', whole(small, 3000n)), amount: 2n * USD },
    { ...skipped('of a raised budget', 'Applied', whole(raised, 3000n)), amount: 3n * USD },
    skipped('above the cover', 'CoverageExceeded', whole(uncovered, 25_000n)),
    skipped('of a worker who left', 'NotAWorker', whole(revoked, 5n)),
    skipped('of a netted deal', 'ModeMismatch', whole(netted, 5n)),
  ]
}
