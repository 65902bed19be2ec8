/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'

import { Lane } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { ackKey, createMarket, joinProvider, openDeal, STAKE, USD } from '../support/market.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'
import { hasIssued, roomOf } from '../support/storage.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const PRICE = 1000n
const COVER = 10_000n * USD

/** Noon of a day on the protocol clock, with one credit of 100 units made that day. */
async function creditedWith(stakeValue: number) {
  const market = await createMarket(await deploy(ethers, { parameters: { stakeValue } }), {
    terms: { exposure: 10_000_000n, duration: 30 * DAY },
  })
  await advance(networkHelpers, market, 3600)
  const today = Math.floor((await lastClock(market)) / DAY) + 1
  await arriveAt(networkHelpers, market, today * DAY + DAY / 2)
  await market.tally.tick()
  await settle(market, Lane.Attested, [market.deal.stream(0).work(100n).group()])
  return { ...market, today }
}

/** The same with the stream's log: the chain goes back to the fixture, what a test writes down does not. */

const credited = () => creditedWith(1_000_000)

async function fresh() {
  const market = await networkHelpers.loadFixture(credited)
  return { ...market, stream: market.deal.stream(0).work(100n) }
}

type Credited = Awaited<ReturnType<typeof fresh>>

async function settleMore(market: Credited, units: bigint) {
  const first = market.stream.receipts.length
  return await settle(market, Lane.Attested, [market.stream.work(units).group(first)])
}

describe('settle: rooms of the day', () => {
  it('are issued by the first credit of a day and only taken from by the next ones', async () => {
    const market = await fresh()
    const { tally, provider, today } = market
    expect(await roomOf(market, provider.id)).to.deep.equal({ left: COVER - 100n * PRICE, day: today })
    await settleMore(market, 50n)
    expect(await roomOf(market, provider.id)).to.deep.equal({ left: COVER - 150n * PRICE, day: today })
    const { unmatured, cover, attested } = await tally.earnings(provider.id)
    expect([unmatured, cover]).to.deep.equal([150n * PRICE, COVER])
    expect(attested).to.deep.equal([0n, 150n * PRICE])
  })

  it('of yesterday hold no more: the next day folds what they took into its bucket', async () => {
    const market = await fresh()
    const { tally, provider, today } = market
    await settleMore(market, 50n)
    await arriveAt(networkHelpers, market, (today + 1) * DAY)
    await settleMore(market, 7n)
    expect(await roomOf(market, provider.id)).to.deep.equal({ left: COVER - 157n * PRICE, day: today + 1 })
    expect((await tally.earnings(provider.id)).attested).to.deep.equal([150n * PRICE, 7n * PRICE])
    await arriveAt(networkHelpers, market, (today + 2) * DAY)
    await expect(tally.claim(provider.id))
      .to.emit(tally, 'Claimed')
      .withArgs(provider.id, market.payout, 150n * 985n)
  })

  it('follow a cover that changes in the middle of the day', async () => {
    const market = await fresh()
    const { tally, registry, owner, provider, today } = market
    await settleMore(market, 50n)
    await registry.connect(owner).thaw(provider.id, 9_000n * STAKE)
    expect(await roomOf(market, provider.id)).to.deep.equal({ left: 1000n * USD - 150n * PRICE, day: today })
    const { unmatured, cover } = await tally.earnings(provider.id)
    expect([unmatured, cover]).to.deep.equal([150n * PRICE, 1000n * USD])
  })

  it('are none below nothing, and what costs nothing settles though', async () => {
    const market = await fresh()
    const { registry, owner, provider, deal, stream } = market
    await settleMore(market, 99_900n) // the whole budget
    await registry.connect(owner).thaw(provider.id, 9_990n * STAKE)
    expect((await roomOf(market, provider.id)).left).to.equal(0n)
    const free = stream.work(5n).group(2)
    for (const lane of [Lane.Attested, Lane.Forced]) {
      const group = lane === Lane.Attested ? free : deal.stream(1).work(5n).group()
      expect((await settle(market, lane, [group])).outcomes).to.deep.equal(['Clamped'])
    }
  })

  it('keep what a claim, a forced and an acknowledged credit do beside them', async () => {
    const market = await fresh()
    const { tally, deal, provider, today } = market
    await settleMore(market, 50n)
    await settle(market, Lane.Forced, [deal.stream(1).work(10n).group()])
    expect(await roomOf(market, provider.id)).to.deep.equal({ left: COVER - 160n * PRICE, day: today })
    await settleMore(market, 5n)
    await settle(market, Lane.Acknowledged, [deal.stream(2).work(20n).acknowledged(ackKey)])
    expect(await roomOf(market, provider.id)).to.deep.equal({ left: COVER - 165n * PRICE, day: today })
    await tally.claim(provider.id)
    await settleMore(market, 1n)
    const { claimable, unmatured, cover, attested, forced } = await tally.earnings(provider.id)
    expect([claimable, unmatured, cover]).to.deep.equal([0n, 166n * PRICE, COVER])
    expect([attested[1], forced[3]]).to.deep.equal([156n * PRICE, 10n * PRICE])
  })

  it('are refused to a provider with a revoked worker, whose others go on', async () => {
    const market = await fresh()
    const { tally, registry, operator, provider, deal } = market
    await settleMore(market, 50n)
    const from = (await lastClock(market)) + DAY + 600
    await registry.connect(operator).revokeWorker(provider.id, provider.firstWorker + 1, from)
    expect(await roomOf(market, provider.id)).to.deep.equal({ left: 0n, day: 0 })
    expect(await hasIssued(market, provider.id)).to.equal(false)
    await settleMore(market, 5n)
    expect((await roomOf(market, provider.id)).day).to.equal(0)
    expect((await tally.earnings(provider.id)).unmatured).to.equal(155n * PRICE)
    await arriveAt(networkHelpers, market, from)
    const groups = [deal.stream(1, 1).work(5n).group(), deal.stream(2, 2).work(5n).group()]
    expect((await settle(market, Lane.Attested, groups)).outcomes).to.deep.equal(['NotAWorker', 'Applied'])
  })

  it('of four providers stand in one word, and each is taken from by itself', async () => {
    const market = await fresh()
    const { tally, rival, stranger, otherBuyer, nextPayout, today } = market
    const others = [rival, stranger, otherBuyer, nextPayout]
    const providers = [market.provider]
    for (const owner of others) providers.push(await joinProvider(market, owner))
    const deals = [market.deal]
    for (const one of providers.slice(1)) deals.push(await openDeal(market, one, { terms: { exposure: 10_000_000n } }))
    await advance(networkHelpers, market, 60)
    await tally.packDeals(deals.map(({ id }) => id))
    // workers of all of them in one page, too: then nothing comes between their groups
    const workers = providers.flatMap(({ firstWorker }) => [0, 1, 2].map((worker) => firstWorker + worker))
    const firstWorker = Number(await market.registry.packWorkers.staticCall(workers))
    await market.registry.packWorkers(workers)
    const places = await Promise.all(deals.map(async ({ id }) => Number((await tally.deal(id)).place)))
    const credit = async (stream: number) => {
      const groups = deals.map((one, index) => ({
        ...one
          .stream(stream)
          .work(BigInt(1 + index))
          .group(),
        ...{ place: places[index] ?? 0, worker: firstWorker + 3 * index + (stream % 3) },
      }))
      return (await settle(market, Lane.Attested, groups)).outcomes
    }
    for (const stream of [1, 2]) expect(new Set(await credit(stream))).to.deep.equal(new Set(['Applied']))
    for (const [index, { id }] of providers.entries()) {
      const taken = 2n * BigInt(1 + index) * PRICE + (index === 0 ? 100n * PRICE : 0n)
      expect(await roomOf(market, id), `provider ${id}`).to.deep.equal({ left: COVER - taken, day: today })
      expect((await tally.earnings(id)).unmatured, `provider ${id}`).to.equal(taken)
    }
  })

  it('let money mature by the window that was in force when they were issued', async () => {
    const market = await fresh()
    const { tally, governor, parameters, provider, today } = market
    await tally.connect(governor).setParameters({ ...parameters, attestedWindow: 2 * DAY })
    await settleMore(market, 50n)
    expect((await tally.earnings(provider.id)).attested).to.deep.equal([0n, 150n * PRICE])
    await arriveAt(networkHelpers, market, (today + 1) * DAY)
    await settleMore(market, 7n)
    const { attested, forced } = await tally.earnings(provider.id)
    expect([attested, forced[2]]).to.deep.equal([[150n * PRICE, 0n], 7n * PRICE])
  })

  it('hold 48 bits; a provider with more is issued another when one is used up', async () => {
    const market = await creditedWith(1_000_000_000) // a thousand dollars a stake token
    const { tally, registry, stake, dollar, rival, buyer, provider, today } = market
    const most = 2n ** 48n - 1n
    await stake.mint(rival, 2n ** 86n)
    await stake.connect(rival).approve(registry, 2n ** 86n)
    await registry.connect(rival).stake(provider.id, 2n ** 86n)
    await dollar.mint(buyer, 3n * most)
    await dollar.connect(buyer).approve(tally, 3n * most)
    await tally.connect(buyer).deposit(buyer, 3n * most)
    const offer = { price: most / 2n, maxBudget: 3n * most, total: 3n * most, openingFee: 0n }
    const deal = await openDeal(market, provider, { offer, terms: { budget: 3n * most, exposure: 1000n } })
    await advance(networkHelpers, market, 60)
    for (let index = 0; index < 4; index += 1) {
      const { outcomes } = await settle(market, Lane.Attested, [deal.stream(index).work(1n).group()])
      expect(outcomes).to.deep.equal(['Applied'])
      const { left, day } = await roomOf(market, provider.id)
      expect([left <= most, day]).to.deep.equal([true, today])
    }
    expect((await tally.earnings(provider.id)).unmatured).to.equal(4n * (most / 2n) + 100n * PRICE)
  })
})
