/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Address, zeroAddress, zeroHash } from 'viem'
import { acknowledgementDigest } from '#protocol/eip712.ts'
import { Fault, Lane, Mode } from '#protocol/types.ts'
import { deploy } from '../support/deployment.ts'
import { caseOf, FROZEN } from '../support/faulty.ts'
import { ackKey, createMarket, type Market, openDeal, STAKE, USD } from '../support/market.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'
import { acknowledgementOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const HOUR = 3600
const PRICE = 1000n
const NO_MONEY = 0

async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { duration: 30 * DAY } })
  const today = Math.floor((await lastClock(market)) / DAY) + 1
  await arriveAt(networkHelpers, market, today * DAY + DAY / 2)
  await market.tally.tick()
  return market
}

/** Two groups of a stream, 10 and 20 units, settled at one time. */
async function settledTwice() {
  const market = await working()
  const log = market.deal.stream(0).work(10n)
  const { clock } = await settle(market, Lane.Attested, [log.group()])
  await settle(market, Lane.Attested, [log.work(20n).group(1)])
  return { ...market, log, clock }
}

/** What a court charges a provider with. */
function chargeOf(fault: Fault, change: { asked?: bigint; victim?: Address; restitution?: bigint } = {}) {
  return {
    ...{ subject: zeroHash, fault, proofGas: 0, asked: 0n, restitution: 0n, victim: zeroAddress },
    ...{ reporter: zeroAddress, evidence: zeroHash },
    ...change,
  }
}

/** Everything of a market that is owed to somebody: what the settlement must hold at least. */
async function owed({ tally, provider, deal, buyer }: Market): Promise<bigint> {
  const [{ free }, { remaining }, earned, disputed] = await Promise.all([
    tally.account(buyer),
    tally.deal(deal.id),
    tally.earnings(provider.id),
    tally.disputed(),
  ])
  const fees = await tally.fees()
  return free + remaining + earned.unmatured + earned.claimable + disputed + fees[0] + fees[1]
}

async function isSolvent(market: Market): Promise<void> {
  const { dollar, settlement } = market
  expect(await dollar.balanceOf(settlement)).to.equal(await owed(market))
}

describe('Remedies', () => {
  it('are for courts only', async () => {
    const market = await networkHelpers.loadFixture(settledTwice)
    const { tally, deal, stranger, buyer, provider, clock } = market
    const them = tally.connect(stranger)
    const asked = [
      () => them.penalize(deal.id, deal.key, 0, chargeOf(Fault.Unordered)),
      () => them.forfeit(deal.id, deal.key, 0, chargeOf(Fault.Unordered)),
      () => them.voidUnits(deal.id, deal.key, 0, 0, clock, 0),
      () => them.voidForced(deal.id, deal.key, 0, 0, clock, 30, 0),
      () => them.seize(deal.id, deal.key, 0, 0, clock),
      () => them.seizeForced(deal.id, deal.key, 0, 0, clock, 30),
      () => them.returnNetted(provider.id, buyer, 1, clock),
      () => them.restore(provider.id, 0),
      () => them.excuse(deal.id, deal.key),
      () => them.beginDispute(deal.id, deal.key),
      () => them.endDispute(deal.id),
    ]
    for (const one of asked) {
      await expect(one()).to.be.revertedWithCustomError(tally, 'RemediesOnlyCourts').withArgs(stranger.address)
    }
  })

  it('are for streams that there are, under the key they have', async () => {
    const { tally, deal, court, clock } = await networkHelpers.loadFixture(settledTwice)
    const it = tally.connect(court)
    for (const [id, key, stream] of [
      [deal.id, zeroHash, 0],
      [deal.id, deal.key, 4],
      [deal.id + 1, deal.key, 0],
    ] as const) {
      await expect(it.voidUnits(id, key, stream, 0, clock, 0))
        .to.be.revertedWithCustomError(tally, 'RemediesNoSuchStream')
        .withArgs(id, stream)
      await expect(it.penalize(id, key, stream, chargeOf(Fault.Unordered))).to.be.revertedWithCustomError(
        tally,
        'RemediesNoSuchStream',
      )
    }
  })

  describe('penalize', () => {
    it('takes the most of the bond, what the stream was paid for and what was asked', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, deal, court } = market
      const slash = (fault: Fault, asked: bigint) =>
        tally.connect(court).penalize(deal.id, deal.key, 0, chargeOf(fault, { asked }))
      expect((await caseOf(market, await slash(Fault.Unordered, 0n))).own).to.equal(10n * STAKE)
      expect((await caseOf(market, await slash(Fault.Withheld, 12n * STAKE))).own).to.equal(12n * STAKE)
    })

    it('tells the reporter and the victim of the case', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, deal, court, buyer } = market
      const charge = chargeOf(Fault.Unordered, { victim: buyer.address as Address, restitution: 5n * STAKE })
      const facts = await caseOf(market, await tally.connect(court).penalize(deal.id, deal.key, 0, charge))
      expect([facts.victim, facts.restitution]).to.deep.equal([buyer.address, 5n * STAKE])
    })

    it('takes what is there where less is there, and leaves no cover', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, deal, court, provider } = market
      const charge = chargeOf(Fault.Unordered, { asked: 10n ** 24n })
      const facts = await caseOf(market, await tally.connect(court).penalize(deal.id, deal.key, 0, charge))
      expect(facts.own).to.equal(10_000n * STAKE)
      expect((await tally.earnings(provider.id)).cover).to.equal(0n)
      await isSolvent(market)
    })

    it('asks for what the bond is worth after other slashes, and for nothing where they took all', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, registry, stake, deal, court, owner, provider } = market
      const slash = async (fault: Fault, stream: number, asked = 0n) =>
        await caseOf(market, await tally.connect(court).penalize(deal.id, deal.key, stream, chargeOf(fault, { asked })))
      await slash(Fault.Unordered, 0, 5_000n * STAKE)
      expect((await slash(Fault.Withheld, 1)).own).to.equal(5n * STAKE)
      await slash(Fault.Withheld, 0, 10n ** 24n)
      await stake.mint(owner, 100n * STAKE)
      await stake.connect(owner).approve(registry, 100n * STAKE)
      await registry.connect(owner).stake(provider.id, 100n * STAKE)
      expect((await slash(Fault.Minority, 1)).own).to.equal(0n)
    })

    it('stops a netted deal, once', async () => {
      const market = await createMarket(await deploy(ethers), { offer: { mode: Mode.Net } })
      const { tally, deal, court } = market
      const slash = (fault: Fault) => tally.connect(court).penalize(deal.id, deal.key, 0, chargeOf(fault))
      await expect(slash(Fault.Unordered)).to.emit(tally, 'StoppedForFault').withArgs(deal.id)
      const { end } = await tally.deal(deal.id)
      expect(end).to.equal(await tally.clock())
      await expect(slash(Fault.Withheld)).not.to.emit(tally, 'StoppedForFault')
    })
  })

  describe('forfeit', () => {
    it('takes the bond and no more, whatever the stream was paid for, and freezes the stream', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, deal, court, log } = market
      await settle(market, Lane.Attested, [log.work(20_000n).group(2)])
      const tx = await tally.connect(court).forfeit(deal.id, deal.key, 0, chargeOf(Fault.WrongResult))
      expect((await caseOf(market, tx)).own).to.equal(10n * STAKE)
      expect((await tally.stream(deal.id, 0)).count).to.equal(FROZEN)
      const whole = await tally.connect(court).penalize(deal.id, deal.key, 0, chargeOf(Fault.Unordered))
      expect((await caseOf(market, whole)).own).to.be.above(40n * STAKE)
    })
  })

  describe('voidUnits', () => {
    it('freezes, and gives back to the deal what the voided units were paid for', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, deal, court, provider, clock } = market
      const tx = tally.connect(court).voidUnits(deal.id, deal.key, 0, 10, clock, NO_MONEY)
      await expect(tx).to.emit(tally, 'StreamFrozen').withArgs(deal.id, 0, 2)
      await expect(tx)
        .to.emit(tally, 'UnitsVoided')
        .withArgs(deal.id, 0, 10, 20n * PRICE)
      expect(await tally.stream(deal.id, 0)).to.deep.equal([FROZEN, 10n, 0n])
      expect((await tally.deal(deal.id)).remaining).to.equal(100n * USD - 10n * PRICE)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(10n * PRICE)
      await isSolvent(market)
    })

    it('leaves acknowledged units alone', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, deal, court, domain, log, clock } = market
      const ack = acknowledgementOf(log.group(0, 1).tally)
      const signature = ackKey.sign(acknowledgementDigest(ack, domain))
      await tally.acknowledge(deal.id, 0, ack.count, ack.units, ack.segment, signature)
      await tally.connect(court).voidUnits(deal.id, deal.key, 0, 3, clock, NO_MONEY)
      expect((await tally.stream(deal.id, 0)).units).to.equal(10n)
      await isSolvent(market)
    })

    it('does nothing twice', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, deal, court, clock } = market
      const again = () => tally.connect(court).voidUnits(deal.id, deal.key, 0, 10, clock, NO_MONEY)
      await again()
      await expect(again()).to.emit(tally, 'ClawedBack').withArgs(market.provider.id, 0n, 2)
      await expect(again()).not.to.emit(tally, 'UnitsVoided')
      await expect(again()).not.to.emit(tally, 'StreamFrozen')
      await isSolvent(market)
    })

    it('ends with the day the first of the money matures', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, deal, court, clock } = market
      const due = (Math.floor(clock / DAY) + 2) * DAY
      await arriveAt(networkHelpers, market, due - 1)
      await tally.connect(court).voidUnits.staticCall(deal.id, deal.key, 0, 10, clock, NO_MONEY)
      await arriveAt(networkHelpers, market, due)
      await expect(tally.connect(court).voidUnits(deal.id, deal.key, 0, 10, clock, NO_MONEY))
        .to.be.revertedWithCustomError(tally, 'RemediesMatured')
        .withArgs(clock)
    })

    it('believes no settling that is yet to come', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, deal, court, clock } = market
      await expect(tally.connect(court).voidUnits(deal.id, deal.key, 0, 10, clock + DAY, NO_MONEY))
        .to.be.revertedWithCustomError(tally, 'RemediesMatured')
        .withArgs(clock + DAY)
    })

    it('gives back to the buyer of a closed deal', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal, court, buyer } = market
      await tally.connect(buyer).stop(deal.id)
      await arriveAt(networkHelpers, market, (await lastClock(market)) + DAY - 2 * HOUR)
      const { clock } = await settle(market, Lane.Attested, [deal.stream(0).work(30n).group()])
      await advance(networkHelpers, market, 3 * HOUR)
      await tally.close(deal.id)
      const { free } = await tally.account(buyer)
      await tally.connect(court).voidUnits(deal.id, deal.key, 0, 10, clock, NO_MONEY)
      expect((await tally.account(buyer)).free - free).to.equal(20n * PRICE)
      await isSolvent(market)
    })

    it('gives back no more than a used-up budget paid', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, provider, court } = market
      const deal = await openDeal(market, provider, { offer: { openingFee: 0n }, terms: { budget: 2n * USD } })
      await advance(networkHelpers, market, 60)
      const first = deal.stream(0).work(1500n).group()
      const second = deal.stream(1).work(900n).group()
      const { clock } = await settle(market, Lane.Attested, [first, second])
      expect((await tally.earnings(provider.id)).unmatured).to.equal(2n * USD)
      // 2,400 units are worth 2.4 dollars: of 2, the 900 left pay 0.9
      const tx = tally.connect(court).voidUnits(deal.id, deal.key, 0, 0, clock, NO_MONEY)
      await expect(tx).to.emit(tally, 'UnitsVoided').withArgs(deal.id, 0, 0, 1_100_000n)
      expect((await tally.deal(deal.id)).remaining).to.equal(1_100_000n)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(900_000n)
    })

    it('voids no unit that it cannot give back, where less is unmatured', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, provider, court } = market
      const deal = await openDeal(market, provider, { offer: { openingFee: 0n }, terms: { budget: 2n * USD } })
      await advance(networkHelpers, market, 60)
      const old = await settle(market, Lane.Attested, [deal.stream(0).work(1500n).group()])
      await advance(networkHelpers, market, DAY)
      const { clock } = await settle(market, Lane.Attested, [deal.stream(1).work(900n).group()])
      const it = tally.connect(court)
      await it.voidUnits(deal.id, deal.key, 0, 0, old.clock, NO_MONEY) // leaves 0.4 of what the first was paid
      await advance(networkHelpers, market, DAY)
      // of the second one's 0.9 dollars 0.5 were paid when it was settled
      const tx = it.voidUnits(deal.id, deal.key, 1, 0, clock, NO_MONEY)
      await expect(tx).to.emit(tally, 'UnitsVoided').withArgs(deal.id, 1, 400, 500_000n)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(0n)
      expect((await tally.deal(deal.id)).remaining).to.equal(1_600_000n)
    })

    it('takes money that matures with the voided or later before it takes other money', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal, court, provider } = market
      await settle(market, Lane.Attested, [deal.stream(1).work(7n).group()])
      await advance(networkHelpers, market, DAY)
      const { clock } = await settle(market, Lane.Attested, [deal.stream(0).work(30n).group()])
      await tally.connect(court).voidUnits(deal.id, deal.key, 0, 10, clock, NO_MONEY)
      const { attested } = await tally.earnings(provider.id)
      expect(attested).to.deep.equal([7n * PRICE, 10n * PRICE])
    })

    it('leaves no opening fee for work that was voided altogether', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, deal, court, clock } = market
      expect((await tally.deal(deal.id)).openingFee).to.equal(USD)
      await tally.connect(court).voidUnits(deal.id, deal.key, 0, 0, clock, NO_MONEY)
      expect((await tally.deal(deal.id)).openingFee).to.equal(0n)
    })

    it('knows nothing of the streams of netted deals', async () => {
      const market = await createMarket(await deploy(ethers), { offer: { mode: Mode.Net } })
      const { tally, deal, court } = market
      await expect(tally.connect(court).voidUnits(deal.id, deal.key, 0, 0, 0, 0))
        .to.be.revertedWithCustomError(tally, 'RemediesNetted')
        .withArgs(deal.id)
    })
  })

  describe('voidForced', () => {
    async function forced() {
      const market = await working()
      const log = market.deal.stream(0).work(30n)
      const { clock } = await settle(market, Lane.Forced, [log.group()])
      await advance(networkHelpers, market, 2 * DAY)
      return { ...market, log, clock }
    }

    it('reaches forced money after the window of attested money', async () => {
      const market = await networkHelpers.loadFixture(forced)
      const { tally, deal, court, provider, clock } = market
      const it = tally.connect(court)
      await expect(it.voidUnits(deal.id, deal.key, 0, 10, clock, NO_MONEY)).to.be.revertedWithCustomError(
        tally,
        'RemediesMatured',
      )
      await it.voidForced(deal.id, deal.key, 0, 10, clock, 30, NO_MONEY)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(10n * PRICE)
      await isSolvent(market)
    })

    it('reaches nothing that was settled after it', async () => {
      const market = await networkHelpers.loadFixture(forced)
      const { tally, deal, court, log, clock } = market
      await settle(market, Lane.Attested, [log.work(5n).group(1)])
      for (const until of [30, 35]) {
        const tx = tally.connect(court).voidForced(deal.id, deal.key, 0, 10, clock, until, NO_MONEY)
        if (until === 35) await tx
        else await expect(tx).to.be.revertedWithCustomError(tally, 'RemediesNotLast').withArgs(deal.id, 0)
      }
    })
  })

  describe('money in a dispute', () => {
    async function seized() {
      const market = await settledTwice()
      const { tally, deal, court, clock } = market
      await tally.connect(court).beginDispute(deal.id, deal.key)
      await tally.connect(court).seize(deal.id, deal.key, 0, 10, clock)
      return market
    }

    it('is out of the earnings at once, and matures for nobody', async () => {
      const market = await networkHelpers.loadFixture(seized)
      const { tally, provider } = market
      expect(await tally.disputed()).to.equal(20n * PRICE)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(10n * PRICE)
      await isSolvent(market)
      await advance(networkHelpers, market, 5 * DAY)
      expect((await tally.earnings(provider.id)).claimable).to.be.lessThan(10n * PRICE)
      expect(await tally.disputed()).to.equal(20n * PRICE)
    })

    it('stays when fees are claimed and mature', async () => {
      const market = await networkHelpers.loadFixture(seized)
      const { tally, provider } = market
      await advance(networkHelpers, market, 3 * DAY)
      await tally.refreshCover(provider.id)
      await tally.claimFees()
      expect(await tally.disputed()).to.equal(20n * PRICE)
      await isSolvent(market)
    })

    it('is used first when the units are voided, and the rest stays in the dispute', async () => {
      const market = await networkHelpers.loadFixture(seized)
      const { tally, deal, court, provider, clock } = market
      await tally.connect(court).voidUnits(deal.id, deal.key, 0, 15, clock, 20n * PRICE)
      expect(await tally.disputed()).to.equal(5n * PRICE)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(10n * PRICE)
      expect((await tally.deal(deal.id)).remaining).to.equal(100n * USD - 15n * PRICE)
      await isSolvent(market)
    })

    it('is the provider’s again when it is restored, and matures as if settled then: others have a whole window to object', async () => {
      const market = await networkHelpers.loadFixture(seized)
      const { tally, court, provider } = market
      await expect(tally.connect(court).restore(provider.id, 20n * PRICE))
        .to.emit(tally, 'Restored')
        .withArgs(provider.id, 20n * PRICE)
      expect(await tally.disputed()).to.equal(0n)
      expect((await tally.earnings(provider.id)).attested).to.deep.equal([0n, 30n * PRICE])
      await isSolvent(market)
    })

    it('is no more than was seized', async () => {
      const market = await networkHelpers.loadFixture(seized)
      const { tally, court, provider } = market
      await expect(tally.connect(court).restore(provider.id, 20n * PRICE + 1n)).to.be.revertedWithCustomError(
        tally,
        'RemediesNotDisputed',
      )
    })

    it('is no more than is unmatured', async () => {
      const market = await networkHelpers.loadFixture(seized)
      const { tally, deal, court, clock } = market
      await tally.connect(court).seize(deal.id, deal.key, 0, 0, clock) // 30 units, 10 of them are still there
      expect(await tally.disputed()).to.equal(30n * PRICE)
      await isSolvent(market)
    })
  })

  describe('a deal with open disputes', () => {
    async function closed() {
      const market = await working()
      const { tally, deal, court, buyer } = market
      await tally.connect(court).beginDispute(deal.id, deal.key)
      await tally.connect(court).beginDispute(deal.id, deal.key)
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(deal.id)
      return market
    }

    const liensOf = async ({ registry, provider }: Market): Promise<bigint> =>
      (await registry.providerOf(provider.id)).liens

    it('keeps its bond when it closes, until the last one ends', async () => {
      const market = await networkHelpers.loadFixture(closed)
      const { tally, deal, court } = market
      expect(await liensOf(market)).to.equal(10n * STAKE)
      await tally.connect(court).endDispute(deal.id)
      expect(await liensOf(market)).to.equal(10n * STAKE)
      await tally.connect(court).endDispute(deal.id)
      expect(await liensOf(market)).to.equal(0n)
      await expect(tally.connect(court).endDispute(deal.id)).to.be.revertedWithCustomError(tally, 'RemediesNotDisputed')
    })

    it('keeps its id until the last one ends', async () => {
      const market = await networkHelpers.loadFixture(closed)
      const { tally, deal, court } = market
      await advance(networkHelpers, market, 7 * DAY)
      await expect(tally.recycle(deal.id)).to.be.revertedWithCustomError(tally, 'DealDisputed').withArgs(deal.id)
      await tally.connect(court).endDispute(deal.id)
      await tally.connect(court).endDispute(deal.id)
      await tally.recycle(deal.id)
    })

    it('releases its bond once where disputes end before it closes', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal, court, buyer } = market
      await tally.connect(court).beginDispute(deal.id, deal.key)
      await tally.connect(court).endDispute(deal.id)
      expect(await liensOf(market)).to.equal(10n * STAKE)
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(deal.id)
      expect(await liensOf(market)).to.equal(0n)
    })
  })

  describe('returnNetted', () => {
    it('gives a buyer back what is still unmatured, free where its netted deals lack nothing', async () => {
      const market = await networkHelpers.loadFixture(settledTwice)
      const { tally, court, provider, stranger, clock } = market
      const tx = tally.connect(court).returnNetted(provider.id, stranger, 50n * PRICE, clock)
      await expect(tx)
        .to.emit(tally, 'NettedReturned')
        .withArgs(provider.id, stranger.address, 0n, 30n * PRICE)
      expect((await tally.account(stranger)).free).to.equal(30n * PRICE)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(0n)
    })
  })
})
