/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'

import { coverDown, dayOf, forcedMaturityDay, maturityDay, splitDown } from '#protocol/rules.ts'
import { Lane } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { ackKey, createMarket, joinProvider, openDeal, STAKE, USD } from '../support/market.ts'
import { advance, arriveAt, lastClock, writtenClock } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const PRICE = 1000n
/** Day at whose start money settled at `clock` matures. */
const WAYS = [
  { lane: Lane.Attested, dayOfMaturity: (clock: number) => maturityDay(dayOf(clock), DAY) },
  { lane: Lane.Forced, dayOfMaturity: (clock: number) => forcedMaturityDay(clock, 3 * DAY) },
]
/** Amount, protocol's fee, committee's fee. */
const FEES = [
  [1n, 0n, 0n],
  [99n, 0n, 0n],
  [100n, 1n, 0n],
  [199n, 1n, 0n],
  [200n, 2n, 1n],
  [12_345n, 123n, 61n],
] as const

async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n, duration: 30 * DAY } })
  await advance(networkHelpers, market, 3600)
  return market
}

/** Noon of a day on the protocol clock. */
async function atNoon() {
  const market = await working()
  const today = Math.floor((await lastClock(market)) / DAY) + 1
  await arriveAt(networkHelpers, market, today * DAY + DAY / 2)
  await market.tally.tick()
  return { ...market, today }
}

describe('Earnings', () => {
  describe('maturing', () => {
    it('takes attested money through its window, bucket by bucket, to the second', async () => {
      const market = await networkHelpers.loadFixture(atNoon)
      const { tally, deal, provider, today } = market
      const { clock } = await settle(market, Lane.Attested, [deal.stream(0).work(100n).group()])
      expect(maturityDay(dayOf(clock), DAY)).to.equal(today + 2)
      const settled = await tally.earnings(provider.id)
      expect([settled.day, settled.unmatured]).to.deep.equal([BigInt(today), 100n * PRICE])
      expect(settled.attested).to.deep.equal([0n, 100n * PRICE])

      await arriveAt(networkHelpers, market, (today + 1) * DAY)
      await tally.tick()
      expect((await tally.earnings(provider.id)).attested).to.deep.equal([100n * PRICE, 0n])

      await arriveAt(networkHelpers, market, (today + 2) * DAY - 1)
      await expect(tally.claim(provider.id))
        .to.be.revertedWithCustomError(tally, 'EarningsNothingToClaim')
        .withArgs(provider.id)
      await arriveAt(networkHelpers, market, (today + 2) * DAY)
      const { net, protocolFee, committeeFee } = splitDown(100n * PRICE, 100, 50)
      const tx = tally.claim(provider.id)
      await expect(tx)
        .to.emit(tally, 'Matured')
        .withArgs(provider.id, 100n * PRICE, protocolFee, committeeFee)
      await expect(tx).to.emit(tally, 'Claimed').withArgs(provider.id, market.payout, net)
    })

    it('takes forced money through the longer window', async () => {
      const market = await networkHelpers.loadFixture(atNoon)
      const { tally, deal, provider, today } = market
      const { clock } = await settle(market, Lane.Forced, [deal.stream(0).work(100n).group()])
      expect(WAYS[1]?.dayOfMaturity(clock)).to.equal(today + 4)
      for (let day = 0; day < 4; day += 1) {
        const { forced, unmatured, claimable } = await tally.earnings(provider.id)
        expect(forced, `day ${day}`).to.deep.equal([0, 1, 2, 3].map((at) => (at === 3 - day ? 100n * PRICE : 0n)))
        expect([unmatured, claimable]).to.deep.equal([100n * PRICE, 0n])
        await arriveAt(networkHelpers, market, (today + day + 1) * DAY - 1)
        await expect(tally.claim(provider.id)).to.be.revertedWithCustomError(tally, 'EarningsNothingToClaim')
        await arriveAt(networkHelpers, market, (today + day + 1) * DAY)
        await tally.tick()
      }
      await tally.claim(provider.id)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(0n)
    })

    for (const idle of [0, 1, 2, 3, 4, 5, 9]) {
      it(`keeps the two wheels apart with ${idle} days between touches`, async () => {
        const market = await networkHelpers.loadFixture(atNoon)
        const { tally, deal, provider } = market
        const due: [day: number, amount: bigint][] = []
        const ways = WAYS.map((way, index) => ({ ...way, stream: deal.stream(index) }))
        for (const units of [1n, 10n, 100n]) {
          for (const { lane, dayOfMaturity, stream } of ways) {
            const { clock } = await settle(market, lane, [stream.work(units).group()])
            due.push([dayOfMaturity(clock), units * PRICE])
          }
          await advance(networkHelpers, market, idle * DAY + 1)
          const now = dayOf(await lastClock(market))
          const unmatured = due.filter(([day]) => day > now).reduce((sum, [, amount]) => sum + amount, 0n)
          expect((await tally.earnings(provider.id)).unmatured, `after ${units} units`).to.equal(unmatured)
        }
        await advance(networkHelpers, market, 5 * DAY)
        const { unmatured, claimable } = await tally.earnings(provider.id)
        expect([unmatured, claimable]).to.deep.equal([0n, 222n * 985n])
      })
    }

    it('matures forced money though only attested money follows it', async () => {
      const market = await networkHelpers.loadFixture(atNoon)
      const { tally, deal, provider } = market
      await settle(market, Lane.Forced, [deal.stream(0).work(100n).group()])
      const stream = deal.stream(1)
      for (let day = 0; day < 6; day += 1) {
        await settle(market, Lane.Attested, [stream.work(1n).group(day)])
        await advance(networkHelpers, market, DAY)
      }
      await advance(networkHelpers, market, DAY)
      expect(await tally.claim.staticCall(provider.id)).to.equal(106n * 985n)
    })

    it('matures at once what the buyer acknowledged', async () => {
      const market = await networkHelpers.loadFixture(atNoon)
      const { tally, dollar, deal, provider, payout } = market
      await settle(market, Lane.Acknowledged, [deal.stream(0).work(100n).acknowledged(ackKey)])
      const tx = tally.claim(provider.id)
      await expect(tx).to.changeTokenBalances(ethers, dollar, [tally, payout], [-98_500n, 98_500n])
    })

    it('shows in the view what a touch would leave', async () => {
      const market = await networkHelpers.loadFixture(atNoon)
      const { tally, deal, provider, owner, registry } = market
      await settle(market, Lane.Attested, [deal.stream(0).work(7n).group()])
      await settle(market, Lane.Forced, [deal.stream(1).work(9n).group()])
      for (let day = 0; day < 5; day += 1) {
        await advance(networkHelpers, market, DAY)
        const seen = await tally.earnings(provider.id)
        if (day === 2) await registry.connect(owner).thaw(provider.id, 1n) // touches the wheel
        if (day !== 2) await tally.refreshCover(provider.id)
        const after = await tally.earnings(provider.id)
        expect([after.claimable, after.unmatured, after.attested, after.forced]).to.deep.equal([
          seen.claimable,
          seen.unmatured,
          seen.attested,
          seen.forced,
        ])
      }
    })

    it('stands still while the chain stands: an outage matures nothing unseen', async () => {
      const market = await networkHelpers.loadFixture(atNoon)
      const { tally, deal, provider } = market
      await settle(market, Lane.Attested, [deal.stream(0).work(100n).group()])
      await networkHelpers.time.increase(30 * DAY)
      await expect(tally.claim(provider.id)).to.be.revertedWithCustomError(tally, 'EarningsNothingToClaim')
    })
  })

  describe('fees', () => {
    it('are rounded down bucket by bucket, never against the provider', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, provider } = market
      const deal = await openDeal(market, provider, { offer: { price: 1n }, terms: { exposure: 2n ** 40n } })
      await advance(networkHelpers, market, 3600)
      const stream = deal.stream(0)
      for (const [amount, protocolFee, committeeFee] of FEES) {
        const before = await tally.fees()
        const { claimable } = await tally.earnings(provider.id)
        await settle(market, Lane.Acknowledged, [stream.work(amount).acknowledged(ackKey)])
        expect(await tally.fees()).to.deep.equal([before[0] + protocolFee, before[1] + committeeFee])
        const net = amount - protocolFee - committeeFee
        expect((await tally.earnings(provider.id)).claimable).to.equal(claimable + net)
      }
    })

    it('go to their recipients when anybody asks, once', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, dollar, deal, treasury, committeeTreasury, stranger } = market
      await settle(market, Lane.Acknowledged, [deal.stream(0).work(100n).acknowledged(ackKey)])
      expect(await tally.fees()).to.deep.equal([1000n, 500n])
      const tx = tally.connect(stranger).claimFees()
      await expect(tx).to.emit(tally, 'FeesClaimed').withArgs(1000n, 500n)
      await expect(tx).to.changeTokenBalances(
        ethers,
        dollar,
        [treasury, committeeTreasury, tally],
        [1000n, 500n, -1500n],
      )
      const again = tally.claimFees()
      await expect(again).to.emit(tally, 'FeesClaimed').withArgs(0n, 0n)
      await expect(again).to.changeTokenBalances(ethers, dollar, [treasury, committeeTreasury], [0n, 0n])
    })
  })

  describe('claim', () => {
    it('pays where the registry says from the moment a new payout address holds', async () => {
      const market = await networkHelpers.loadFixture(atNoon)
      const { tally, registry, owner, stranger, deal, provider, dollar } = market
      await registry.connect(owner).proposePayout(provider.id, stranger)
      await registry.connect(stranger).acceptPayout(provider.id)
      await settle(market, Lane.Attested, [deal.stream(0).work(100n).group()])
      await advance(networkHelpers, market, 8 * DAY)
      await registry.applyPayout(provider.id)
      await expect(tally.claim(provider.id)).to.changeTokenBalance(
        ethers,
        dollar,
        stranger,
        splitDown(100n * PRICE, 100, 50).net,
      )
    })

    it('goes by the protocol clock where blocks are days ahead of it', async () => {
      const market = await networkHelpers.loadFixture(atNoon)
      const { tally, deal, provider } = market
      await settle(market, Lane.Attested, [deal.stream(0).work(100n).group()])
      await networkHelpers.time.increase(5 * DAY)
      await expect(tally.claim(provider.id)).to.be.revertedWithCustomError(tally, 'EarningsNothingToClaim')
    })

    it('leaves the protocol clock where it stands, as a deposit does', async () => {
      const market = await networkHelpers.loadFixture(atNoon)
      const { tally, deal, provider, buyer, dollar } = market
      await settle(market, Lane.Attested, [deal.stream(0).work(100n).group()])
      await advance(networkHelpers, market, 3 * DAY)
      const before = await writtenClock(market)
      await networkHelpers.time.increase(1800)
      await tally.claim(provider.id)
      await dollar.mint(buyer, 1n)
      await dollar.connect(buyer).approve(tally, 1n)
      await tally.connect(buyer).deposit(buyer, 1n)
      expect(await writtenClock(market)).to.equal(before)
    })

    it('pays the payout account whoever asks', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, dollar, deal, provider, payout, stranger, owner } = market
      await settle(market, Lane.Acknowledged, [deal.stream(0).work(100n).acknowledged(ackKey)])
      const tx = tally.connect(stranger).claim(provider.id)
      await expect(tx).to.changeTokenBalances(ethers, dollar, [payout, owner, stranger], [98_500n, 0n, 0n])
      await expect(tally.claim(provider.id)).to.be.revertedWithCustomError(tally, 'EarningsNothingToClaim')
    })

    it('refuses a provider without earnings and one that is none', async () => {
      const { tally, provider } = await networkHelpers.loadFixture(working)
      for (const id of [provider.id, 0, 99]) {
        await expect(tally.claim(id)).to.be.revertedWithCustomError(tally, 'EarningsNothingToClaim').withArgs(id)
      }
    })
  })

  describe('cover', () => {
    it('follows stake, thaw and the parameters, rounded down', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, registry, stake, owner, provider, governor, parameters } = market
      const covered = async () => (await tally.earnings(provider.id)).cover
      expect(await covered()).to.equal(10_000n * USD)
      await registry.connect(owner).thaw(provider.id, 1n)
      expect(await covered()).to.equal(10_000n * USD - 1n)
      await stake.mint(owner, 5n * STAKE)
      await stake.connect(owner).approve(registry, 5n * STAKE)
      await registry.connect(owner).stake(provider.id, 5n * STAKE)
      expect(await covered()).to.equal(10_005n * USD - 1n)
      await tally.connect(governor).setParameters({ ...parameters, coverageBps: 5000, stakeValue: 1_500_000 })
      expect(await covered()).to.equal(10_005n * USD - 1n)
      const expected = coverDown(10_005n * STAKE - 1n, 1_500_000, 5000)
      await expect(tally.refreshCover(provider.id)).to.emit(tally, 'CoverSet').withArgs(provider.id, expected)
      expect(await covered()).to.equal(expected)
    })

    it('is never more than the ledger can hold', async () => {
      const market = await createMarket(await deploy(ethers, { parameters: { stakeValue: 1_000_000_000 } }))
      const { tally, rival } = market
      const rich = await joinProvider(market, rival, { stake: 2n ** 87n })
      expect((await tally.earnings(rich.id)).cover).to.equal(2n ** 55n - 1n)
      const deal = await openDeal(market, rich, { terms: { exposure: 10_000_000n } })
      await advance(networkHelpers, market, 60)
      const { outcomes } = await settle(market, Lane.Attested, [deal.stream(0).work(5n).group()])
      expect(outcomes).to.deep.equal(['Applied'])
    })

    it('below what is unmatured stops new credit, keeps the old, and frees it as it matures', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, registry, owner, provider, deal } = market
      const stream = deal.stream(0)
      await settle(market, Lane.Attested, [stream.work(50_000n).group()])
      await registry.connect(owner).thaw(provider.id, 9980n * STAKE)
      const { cover, unmatured } = await tally.earnings(provider.id)
      expect([cover, unmatured]).to.deep.equal([20n * USD, 50n * USD])
      const more = stream.work(1n).group()
      expect((await settle(market, Lane.Attested, [more])).outcomes).to.deep.equal(['CoverageExceeded'])
      await advance(networkHelpers, market, 2 * DAY)
      expect((await settle(market, Lane.Attested, [more])).outcomes).to.deep.equal(['Applied'])
      expect((await tally.earnings(provider.id)).unmatured).to.equal(PRICE)
    })
  })

  describe('setPayout', () => {
    it('is for the registry', async () => {
      const { tally, provider, stranger } = await networkHelpers.loadFixture(working)
      await expect(tally.connect(stranger).setPayout(provider.id, stranger))
        .to.be.revertedWithCustomError(tally, 'EarningsOnlyRegistry')
        .withArgs(stranger)
    })
  })

  describe('markRevocation', () => {
    it('is for the registry', async () => {
      const { tally, provider, stranger } = await networkHelpers.loadFixture(working)
      await expect(tally.connect(stranger).markRevocation(provider.id))
        .to.be.revertedWithCustomError(tally, 'EarningsOnlyRegistry')
        .withArgs(stranger)
    })
  })
})
