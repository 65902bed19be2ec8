/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'

import { Lane } from '#protocol/types.ts'

import { signerNamed } from '../support/actors.ts'
import { type DeployOptions, deploy } from '../support/deployment.ts'
import {
  ackKey,
  createMarket,
  fundBuyer,
  joinProvider,
  offerOf,
  openDeal,
  STAKE,
  signOffer,
  termsOf,
  USD,
} from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const MAX_HELD = 2n ** 55n - 1n
const WHALE = 2n ** 87n
const DEAR = 1_000_000_000 // a thousand dollars a stake token: a whale's stake is worth more than the ledger can hold

async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n, duration: 30 * DAY } })
  await advance(networkHelpers, market, 3600)
  return market
}

async function founded(parameters: DeployOptions['parameters'] = {}) {
  const deployment = await deploy(ethers, { parameters: { stakeValue: DEAR, ...parameters } })
  const provider = await joinProvider(deployment, deployment.owner, { stake: WHALE })
  return { ...deployment, provider }
}

async function withoutBonds() {
  return await founded({ bondBps: 0 })
}

/** 10^18 base units of stake are worth one base unit of money. */
async function withCheapStake() {
  return await founded({ stakeValue: 1, bondBps: 10_000 })
}

describe('findings: money', () => {
  describe('a fee paid twice on closing (a deposit contract refunded it to the payer and paid it out again)', () => {
    it('is paid once: what comes out is what went in, and nobody else pays', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, dollar, deal, buyer, otherBuyer, provider } = market
      await fundBuyer(market, otherBuyer, 77n * USD)
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(deal.id)
      await advance(networkHelpers, market, 5 * DAY)
      await tally.claim(provider.id)
      await tally.claimFees()
      await tally.connect(buyer).withdraw(buyer, 4999n * USD)
      expect(await dollar.balanceOf(tally)).to.equal(77n * USD)
      await tally.connect(otherBuyer).withdraw(otherBuyer, 77n * USD)
    })
  })

  describe('payouts above what came in (fees paid that nobody was charged)', () => {
    it('cannot be, even with the highest fees', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, governor, parameters, deal, provider, dollar } = market
      await tally.connect(governor).setParameters({ ...parameters, protocolFeeBps: 500, committeeFeeBps: 500 })
      await settle(market, Lane.Acknowledged, [deal.stream(0).work(100_000n).acknowledged(ackKey)])
      const before = await dollar.balanceOf(tally)
      await tally.claim(provider.id)
      await tally.claimFees()
      expect(before - (await dollar.balanceOf(tally))).to.equal(100n * USD)
    })
  })

  describe('a pause that voids debts (payers escaped while the service was paused)', () => {
    it('voids none: work is settled, forced, acknowledged, matured and claimed through it', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, registry, guardian, deal, provider } = market
      await tally.connect(guardian).pause(14 * DAY)
      await registry.connect(guardian).pause(14 * DAY)
      await settle(market, Lane.Attested, [deal.stream(0).work(10n).group()])
      await settle(market, Lane.Forced, [deal.stream(1).work(10n).group()])
      await settle(market, Lane.Acknowledged, [deal.stream(2).work(10n).acknowledged(ackKey)])
      await advance(networkHelpers, market, 5 * DAY)
      expect(await tally.claim.staticCall(provider.id)).to.equal(30n * 985n)
      await tally.claim(provider.id)
    })

    it('and a change of keys, which a buyer could use so, takes its notice', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, buyer, deal } = market
      const next = signerNamed('next').address
      const acknowledged = deal.stream(0).work(10n).acknowledged(ackKey)
      await tally.connect(buyer).announceDealKeys(deal.id, next, next)
      await expect(tally.applyDealKeys(deal.id)).to.be.revertedWithCustomError(tally, 'DealTooEarly')
      expect((await settle(market, Lane.Acknowledged, [acknowledged])).outcomes).to.deep.equal(['Applied'])
    })
  })

  describe('a list that grows (an outage left 4,373 claims that no transaction could release)', () => {
    it('is nowhere: claiming costs the same after a fortnight of credits as after one day', async () => {
      const costOf = async (days: number) => {
        const market = await networkHelpers.loadFixture(working)
        const { tally, deal, provider } = market
        const [attested, forced] = [deal.stream(0), deal.stream(1)]
        for (let day = 0; day < days; day += 1) {
          await settle(market, Lane.Attested, [attested.work(5n).group(attested.receipts.length - 1)])
          await settle(market, Lane.Forced, [forced.work(5n).group(forced.receipts.length - 1)])
          await advance(networkHelpers, market, DAY)
        }
        await advance(networkHelpers, market, 6 * DAY)
        const receipt = await (await tally.claim(provider.id)).wait()
        return Number(receipt?.gasUsed ?? 0n)
      }
      const [one, many] = [await costOf(1), await costOf(14)]
      expect(many).to.be.at.most(one + 5000)
    })
  })

  describe('defaults under which a job can neither end well nor badly (a provider short of the escrow for both)', () => {
    it('do not exist: a provider with the bond alone is paid for all its work', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, registry, rival, buyer } = market
      const bare = await joinProvider(market, rival, { stake: 10n * STAKE })
      const deal = await openDeal(market, bare, { terms: { exposure: 10_000_000n } })
      await advance(networkHelpers, market, 60)
      const stream = deal.stream(0)
      for (let round = 0; round < 3; round += 1) {
        const group = stream.work(10_000n).group(round)
        expect((await settle(market, Lane.Attested, [group])).outcomes).to.deep.equal(['Applied'])
        await advance(networkHelpers, market, 2 * DAY)
        await tally.claim(bare.id)
      }
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(deal.id)
      await registry.connect(rival).thaw(bare.id, 10n * STAKE)
    })
  })

  describe('money-back paths that always revert (a misspelt selector locked both sides)', () => {
    it('work through the settlement’s own address, for buyer and provider', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, registry, stake, dollar, deal, buyer, owner, provider } = market
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(deal.id)
      await tally.connect(buyer).withdraw(buyer, 4999n * USD)
      await registry.connect(owner).thaw(provider.id, 10_000n * STAKE)
      await advance(networkHelpers, market, 7 * DAY)
      await registry.connect(owner).withdrawStake(provider.id, owner)
      expect(await dollar.balanceOf(buyer)).to.equal(4999n * USD)
      expect(await stake.balanceOf(owner)).to.equal(10_000n * STAKE)
    })
  })

  describe('a sponsor’s deal debited from the wrong account', () => {
    it('takes the money of whose deal it is, wherever it came from', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, dollar, stranger, otherBuyer, buyer, provider } = market
      await dollar.mint(stranger, 100n * USD)
      await dollar.connect(stranger).approve(tally, 100n * USD)
      await tally.connect(stranger).deposit(otherBuyer, 100n * USD)
      const before = await tally.account(buyer)
      const deal = await openDeal(market, provider, { buyer: otherBuyer, terms: { exposure: 10_000_000n } })
      await advance(networkHelpers, market, 60)
      await settle(market, Lane.Acknowledged, [deal.stream(0).work(10n).acknowledged(ackKey)])
      await tally.connect(otherBuyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(deal.id)
      expect(await tally.account(otherBuyer)).to.deep.equal([100n * USD - 10_000n, 0n, 1n])
      expect(await tally.account(buyer)).to.deep.equal(before)
      expect((await tally.account(stranger)).free).to.equal(0n)
    })
  })

  describe('a batch posted early by a third party', () => {
    it('burns no pay: above the rate it waits, and is paid in full later', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, provider, stranger } = market
      const deal = await openDeal(market, provider, { offer: { rateCap: 3600 }, terms: { exposure: 10_000_000n } })
      const group = deal.stream(0).work(300n).group()
      expect((await settle(market, Lane.Attested, [group], { from: stranger })).outcomes).to.deep.equal([
        'RateExceeded',
      ])
      await advance(networkHelpers, market, 300)
      expect((await settle(market, Lane.Attested, [group])).outcomes).to.deep.equal(['Applied'])
      expect((await tally.earnings(provider.id)).unmatured).to.equal(300_000n)
    })
  })

  describe('words of few bits, at their bounds', () => {
    it('hold all the money there can be in one deal, one bucket and one claim', async () => {
      const deployment = await networkHelpers.loadFixture(withoutBonds)
      const { tally, dollar, buyer, provider, owner } = deployment
      await fundBuyer(deployment, buyer, MAX_HELD)
      const offer = {
        price: MAX_HELD,
        maxBudget: MAX_HELD,
        total: 2n ** 64n - 1n,
        rateCap: 2 ** 32 - 1,
        openingFee: 0n,
      }
      const terms = { budget: MAX_HELD, exposure: 2n ** 48n - 1n, streams: 62 }
      const deal = await openDeal(deployment, provider, { offer, terms })
      await advance(networkHelpers, deployment, 60)
      const { outcomes } = await settle(deployment, Lane.Forced, [deal.stream(61).work(1n).group()], { from: owner })
      expect(outcomes).to.deep.equal(['Applied'])
      const earned = await tally.earnings(provider.id)
      expect([earned.unmatured, earned.cover]).to.deep.equal([MAX_HELD, MAX_HELD])
      const more = await settle(deployment, Lane.Attested, [deal.stream(60).work(1n).group()])
      expect(more.outcomes).to.deep.equal(['Clamped'])
      await advance(networkHelpers, deployment, 5 * DAY)
      await tally.claim(provider.id)
      await tally.claimFees()
      expect(await dollar.balanceOf(tally)).to.equal(0n)
    })

    it('keep the counts of neighbouring streams apart, however many units', async () => {
      const deployment = await networkHelpers.loadFixture(withoutBonds)
      const { tally, buyer, provider } = deployment
      await fundBuyer(deployment, buyer, MAX_HELD)
      const offer = { price: 1n, maxBudget: MAX_HELD, total: MAX_HELD, rateCap: 2 ** 32 - 1, openingFee: 0n }
      const terms = { budget: MAX_HELD, exposure: 2n ** 48n - 1n, streams: 9, duration: 30 * DAY }
      const deal = await openDeal(deployment, provider, { offer, terms })
      await advance(networkHelpers, deployment, 11 * DAY)
      const large = 2n ** 24n - 10n
      const wide = [0, 2, 4, 6, 8]
      const { outcomes } = await settle(
        deployment,
        Lane.Acknowledged,
        wide.map((index) =>
          deal
            .stream(index)
            .work(large + BigInt(index))
            .acknowledged(ackKey),
        ),
      )
      expect(new Set(outcomes)).to.deep.equal(new Set(['Applied']))
      for (let index = 0; index < 9; index += 1) {
        const units = wide.includes(index) ? large + BigInt(index) : 0n
        expect(await tally.stream(deal.id, index), `stream ${index}`).to.deep.equal([
          units === 0n ? 0n : 1n,
          units,
          units,
        ])
      }
    })

    it('refuse a bond that no stake could be, instead of cutting off its high bits', async () => {
      const deployment = await networkHelpers.loadFixture(withCheapStake)
      const { tally, registry, buyer, provider, owner } = deployment
      // 2^96 base units of stake are worth 79,228.16 dollars here: the cut would have left next to nothing
      const budget = 79_228_162_515n
      await fundBuyer(deployment, buyer, budget)
      const offer = await offerOf(deployment, provider, { maxBudget: budget, total: budget })
      const signature = await signOffer(deployment, owner, offer)
      await expect(tally.connect(buyer).openDeal(offer, signature, termsOf({ budget })))
        .to.be.revertedWithCustomError(registry, 'RegistryInsufficientStake')
        .withArgs(provider.id, WHALE, 2n ** 96n - 1n)
    })

    it('refuse a duration that would wrap the end of a deal into the past', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, provider, owner, buyer } = market
      const offer = await offerOf(market, provider, { maxDuration: 2 ** 32 - 1 })
      const signature = await signOffer(market, owner, offer)
      const duration = 2 ** 32 - 1
      await expect(tally.connect(buyer).openDeal(offer, signature, termsOf({ duration })))
        .to.be.revertedWithCustomError(tally, 'DealOfferMismatch')
        .withArgs('duration', duration, 5 * 365 * DAY)
    })
  })
})
