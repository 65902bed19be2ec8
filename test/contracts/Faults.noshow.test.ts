/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'

import { faultSubject } from '#protocol/evidence.ts'
import { Fault, Lane, Mode } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { caseOf } from '../support/faulty.ts'
import { createMarket, type DealOptions, type Market, STAKE, USD } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const HOUR = 3600

/** A day's deal of at least 40 of 100 dollars, at a tenth of a cent a unit. */
async function marketOf(options: DealOptions = {}): Promise<Market> {
  return await createMarket(await deploy(ethers), {
    offer: { minBudget: 40n * USD, openingFee: 0n, ...options.offer },
    terms: { duration: DAY, exposure: 100_000n, ...options.terms },
  })
}

async function working() {
  const market = await marketOf()
  await advance(networkHelpers, market, HOUR)
  return market
}

/** Lets the deal end and its closing period pass. */
async function end(market: Market): Promise<void> {
  await advance(networkHelpers, market, 2 * DAY)
}

const proveNoShow = ({ tally, deal, stranger }: Market) =>
  tally.connect(stranger).proveNoShow(deal.id, deal.offer, deal.nonce)

async function isRefused(market: Market, error = 'FaultsNoShowRefused'): Promise<void> {
  await expect(proveNoShow(market)).to.be.revertedWithCustomError(market.tally, error)
}

describe('Faults: no-shows', () => {
  it('cost the whole bond where nothing was done, nine tenths of it for the buyer', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { tally, deal, buyer, stranger } = market
    await end(market)
    const tx = await proveNoShow(market)
    const subject = faultSubject(deal.key, 0, Fault.NoShow)
    await expect(tx).to.emit(tally, 'FaultProven').withArgs(subject, 0, deal.key)
    const facts = await caseOf(market, tx)
    expect([facts.own, facts.restitution]).to.deep.equal([10n * STAKE, 9n * STAKE])
    expect([facts.victim, facts.reporter]).to.deep.equal([buyer.address, stranger.address])
  })

  it('cost as much of the bond as is missing of the minimum', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { deal } = market
    await settle(market, Lane.Attested, [deal.stream(0).work(30_000n).group()])
    await end(market)
    expect((await caseOf(market, await proveNoShow(market))).own).to.equal((10n * STAKE) / 4n)
  })

  it('are none from the minimum on', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { deal } = market
    await settle(market, Lane.Attested, [deal.stream(0).work(40_000n).group()])
    await end(market)
    await isRefused(market, 'FaultsNothingWrong')
  })

  it('cannot be shown before the closing period is over', async () => {
    const market = await networkHelpers.loadFixture(working)
    await advance(networkHelpers, market, 2 * DAY - HOUR - 60)
    await isRefused(market)
  })

  it('can be shown of a closed deal, once', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { tally, deal, registry } = market
    await end(market)
    await tally.close(deal.id)
    await proveNoShow(market)
    await expect(proveNoShow(market)).to.be.revertedWithCustomError(registry, 'VaultPunished')
  })

  it('are none of a deal that its buyer stopped', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { tally, deal, buyer } = market
    await tally.connect(buyer).stop(deal.id)
    await end(market)
    await isRefused(market)
  })

  it('are none of a provider that asked for work in vain', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { tally, deal, court } = market
    await expect(tally.connect(court).excuse(deal.id, deal.key)).to.emit(tally, 'DealExcused').withArgs(deal.id)
    await end(market)
    await isRefused(market)
  })

  it('ask for no more than the rate cap allowed', async () => {
    // four streams of 1,000 units an hour for a day: 96 dollars; for six hours: 24 of the 40
    const market = await marketOf({ offer: { rateCap: 1000 }, terms: { duration: 6 * HOUR } })
    const { deal } = market
    await advance(networkHelpers, market, 5 * HOUR)
    const groups = [0, 1, 2, 3].map((stream) => deal.stream(stream).work(4500n).group())
    await settle(market, Lane.Attested, groups)
    await end(market)
    expect((await caseOf(market, await proveNoShow(market))).own).to.equal((10n * STAKE * 6n) / 24n)
  })

  it('are of the deal’s own offer and nonce', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { tally, deal } = market
    await end(market)
    const other = { ...deal.offer, minBudget: deal.offer.minBudget + 1n }
    for (const tx of [
      () => tally.proveNoShow(deal.id, other, deal.nonce),
      () => tally.proveNoShow(deal.id, deal.offer, deal.nonce + 1n),
    ]) {
      await expect(tx()).to.be.revertedWithCustomError(tally, 'FaultsOtherOffer').withArgs(deal.id)
    }
    await expect(tally.proveNoShow(deal.id + 1, deal.offer, deal.nonce)).to.be.revertedWithCustomError(
      tally,
      'FaultsNoSuchStream',
    )
  })

  it('leave the provider no opening fee', async () => {
    const market = await marketOf({ offer: { openingFee: USD } })
    const { tally, deal, buyer } = market
    await end(market)
    await proveNoShow(market)
    await tally.close(deal.id)
    expect((await tally.account(buyer)).free).to.equal(5000n * USD)
  })

  it('of netted deals are shown by their leaf', async () => {
    const market = await marketOf({ offer: { mode: Mode.Net } })
    const { tally, deal, stranger } = market
    await end(market)
    await expect(proveNoShow(market)).to.be.revertedWithCustomError(tally, 'RemediesNetted').withArgs(deal.id)
    const nothing = { mask: 0, siblings: [] }
    const tx = await tally.connect(stranger).proveNetNoShow(deal.id, deal.offer, deal.nonce, '0x', nothing)
    expect((await caseOf(market, tx)).own).to.equal(10n * STAKE)
  })
})
