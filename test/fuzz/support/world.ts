/**
 * A market in which everything that can stop a group happens: deals without room in budget, exposure, rate or cover,
 * deals that are over, netted, stopped or changed since their facts were put into code, workers of others and one that
 * was revoked.
 *
 * @module
 */
import { encodeFunctionData, type Hex, parseEventLogs } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { type DealTerms, Mode, type Offer } from '#protocol/types.ts'

import type { DealHand, ProviderHand, Scenario } from '../../support/scenario.ts'

/** A deal, and where its facts stand. */
export type WorldDeal = DealHand & {
  readonly name: string
  /** Its place as the chain tells it, 0 if it has none. */
  readonly place: number
  /** The place it had first. */
  readonly oldPlace: number
}

/** The market. */
export type World = {
  readonly scenario: Scenario
  readonly deals: readonly WorldDeal[]
  /** Index of every worker in the page that all providers share, by the one in its own provider's page. */
  readonly sharedIndexes: ReadonlyMap<number, number>
  /** Index of the worker that may sign no more. */
  readonly revoked: number
}

const STAKE = 10n ** 18n
const PRICE = 700n
/** A stream that has begun stands here. */
const BEGUN = 2
const HOUR = 3600

type Plan = { readonly name: string; readonly provider: ProviderHand } & {
  readonly offer?: Partial<Offer>
  readonly terms?: Partial<DealTerms>
}

/** Builds the market. */
export async function createWorld(scenario: Scenario): Promise<World> {
  const { deployer } = scenario
  await scenario.deposit(deployer, 10n ** 12n)
  const [rich, other, leaving, poor] = [
    await scenario.join('rich', 100_000n * STAKE, ['rich 1', 'rich 2', 'rich 3']),
    await scenario.join('other', 100_000n * STAKE, ['other 1', 'other 2']),
    await scenario.join('leaving', 100_000n * STAKE, ['leaving 1', 'leaving 2']),
    await scenario.join('poor', STAKE / 5n, ['poor 1']),
  ]
  const over = await openDeal(scenario, { name: 'over', provider: rich, terms: { duration: HOUR } })
  const revoked = await revokeLast(scenario, leaving)
  await scenario.elapse(3 * HOUR + scenario.parameters.closingPeriod)

  const plans: Plan[] = [
    { name: 'usual', provider: rich },
    { name: 'usual, other provider', provider: other },
    { name: 'one stream', provider: rich, terms: { streams: 1 } },
    { name: 'small budget', provider: other, terms: { budget: PRICE * 400n } },
    { name: 'small exposure', provider: rich, terms: { exposure: 300n } },
    { name: 'slow', provider: other, offer: { rateCap: 300 } },
    { name: 'seven streams', provider: rich, terms: { streams: 7 } },
    { name: 'a worker left', provider: leaving },
    { name: 'little cover', provider: poor, terms: { budget: 10n ** 6n } },
    { name: 'stopped', provider: rich, offer: { rateCap: 300 } },
    { name: 'topped up', provider: other, terms: { budget: PRICE * 1000n } },
    { name: 'vouched for', provider: rich, terms: { exposure: 200n } },
    { name: 'moved to another page', provider: other },
    { name: 'nowhere in code', provider: rich },
    { name: 'netted', provider: rich, offer: { mode: Mode.Net } },
  ]
  const deals: Named[] = []
  for (const plan of plans) deals.push(await openDeal(scenario, plan))
  const named = (name: string): Named => {
    const found = deals.find((deal) => deal.name === name)
    if (found === undefined) throw new Error(`there is no deal ${name}`)
    return found
  }
  await scenario.elapse(2 * HOUR)

  await packDeals(scenario, [named('moved to another page')])
  const oldPlaces = new Map([
    [named('moved to another page').id, await placeOf(scenario, named('moved to another page'))],
  ])
  const packed = deals.filter(({ name }) => name !== 'nowhere in code')
  await packDeals(scenario, packed)
  for (const deal of packed) oldPlaces.set(deal.id, oldPlaces.get(deal.id) ?? (await placeOf(scenario, deal)))
  await stop(scenario, named('stopped'))
  await topUp(scenario, named('topped up'))
  await scenario.elapse(HOUR) // the rate of the stopped deal stands while its old row would let it run
  await scenario.acknowledge({ ...named('vouched for'), streams: [{ count: BEGUN, units: 0n }] }, 0, 150n)
  const sharedIndexes = await packWorkers(scenario, [rich, other, leaving, poor])
  const placed = await Promise.all(
    [over, ...deals].map(async (deal): Promise<WorldDeal> => {
      return { ...deal, place: await placeOf(scenario, deal), oldPlace: oldPlaces.get(deal.id) ?? 0 }
    }),
  )
  return { scenario, deals: placed, sharedIndexes, revoked }
}

type Named = DealHand & { readonly name: string }

async function openDeal(scenario: Scenario, { name, provider, offer = {}, terms = {} }: Plan): Promise<Named> {
  const salted = { price: PRICE, ...offer }
  const { deal } = await scenario.open(provider, scenario.deployer, { offer: salted, terms })
  return { ...deal, name }
}

async function packDeals(scenario: Scenario, deals: readonly Named[]): Promise<void> {
  const args = [deals.map(({ id }) => id)] as const
  await scenario.act(scenario.relay, encodeFunctionData({ abi: settlementAbi, functionName: 'packDeals', args }))
}

async function stop({ act }: Scenario, { id, buyer }: Named): Promise<void> {
  await act(buyer, encodeFunctionData({ abi: settlementAbi, functionName: 'stop', args: [id] }))
}

async function topUp({ act }: Scenario, { id, offer, buyerNonce, buyer }: Named): Promise<void> {
  const args = [id, offer, buyerNonce, PRICE * 1000n] as const
  await act(buyer, encodeFunctionData({ abi: settlementAbi, functionName: 'topUp', args }))
}

async function placeOf({ client, deployment }: Scenario, { id }: Named): Promise<number> {
  const call = { address: deployment.settlement, abi: settlementAbi, functionName: 'deal', args: [id] } as const
  return (await client.readContract(call)).place
}

/** All workers of these providers in one page. */
async function packWorkers(scenario: Scenario, providers: readonly ProviderHand[]): Promise<Map<number, number>> {
  const indexes = providers.flatMap(({ workers }) => workers.map(({ index }) => index))
  const data = encodeFunctionData({ abi: registryAbi, functionName: 'packWorkers', args: [indexes] })
  const { logs } = await scenario.send(scenario.relay, scenario.deployment.registry, data)
  const [packed] = parseEventLogs({ abi: registryAbi, logs, eventName: 'WorkersPacked' })
  const first = packed?.args.firstIndex ?? 0
  return new Map(indexes.map((index, row) => [index, first + row]))
}

/** The provider's last worker may sign no more from a day on. */
async function revokeLast(scenario: Scenario, { id, owner, workers }: ProviderHand): Promise<number> {
  const { client, deployment, parameters } = scenario
  const clock = await client.readContract({ address: deployment.settlement, abi: settlementAbi, functionName: 'clock' })
  const from = clock + parameters.keyNotice + 60
  const revoked = workers.at(-1)?.index ?? 0
  const args = [id, revoked, from] as const
  const data: Hex = encodeFunctionData({ abi: registryAbi, functionName: 'revokeWorker', args })
  await scenario.send(owner, deployment.registry, data)
  return revoked
}
