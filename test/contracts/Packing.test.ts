/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import type { Address, Hex } from 'viem'

import { pageAddress } from '#protocol/code-pages.ts'
import { DEAL_ROWS, dealPlace, parseDealPage } from '#protocol/deal-pages.ts'
import { DealState, Lane } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { ackKey, createMarket, type Market, type OpenDeal, openDeal, USD } from '../support/market.ts'
import { advance, arriveAt } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'
import { liveRows } from '../support/storage.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const NO_FEE = { openingFee: 0n }

/** Six open deals, in no page. */
async function trading() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n } })
  const deals = [market.deal]
  while (deals.length < 6) deals.push(await openDeal(market, market.provider, { terms: { exposure: 10_000_000n } }))
  return { ...market, deals }
}

/** The first four of them in page 1. */
async function packed() {
  const market = await trading()
  await market.tally.packDeals(market.deals.slice(0, 4).map(({ id }) => id))
  return market
}

const idsOf = (deals: readonly OpenDeal[]) => deals.map(({ id }) => id)

async function placesOf({ tally }: Market, deals: readonly OpenDeal[]): Promise<number[]> {
  const places = []
  for (const { id } of deals) places.push(Number((await tally.deal(id)).place))
  return places
}

async function rowsOf({ tally, ethers }: Market, page: number) {
  const address = pageAddress((await tally.getAddress()) as Address, page)
  return parseDealPage((await ethers.provider.getCode(address)) as Hex)
}

describe('Packing', () => {
  describe('packDeals', () => {
    it('writes what settling needs of each deal, in the order they were named, whoever asks', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, stranger, deals } = market
      const [first, , third] = deals
      if (first === undefined || third === undefined) throw new Error('no deal')
      await expect(tally.connect(stranger).packDeals([third.id, first.id]))
        .to.emit(tally, 'DealsPacked')
        .withArgs(1n, [third.id, first.id])
      expect(await placesOf(market, [third, first])).to.deep.equal([dealPlace(1, 0), dealPlace(1, 1)])
      const rows = await rowsOf(market, 1)
      expect(rows.map(({ dealKey, budget, allowance }) => [dealKey, budget, allowance])).to.deep.equal([
        [third.key, 100n * USD, 10_000_000n],
        [first.key, 100n * USD, 10_000_000n],
      ])
      expect(await liveRows(market, 1)).to.equal(3n)
    })

    it('numbers the pages, each of which has an address of its own', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deals } = market
      for (const [index, { id }] of deals.entries()) {
        expect(await tally.packDeals.staticCall([id])).to.equal(BigInt(index + 1))
        await tally.packDeals([id])
        expect((await rowsOf(market, index + 1))[0]?.dealKey).to.equal(deals[index]?.key)
      }
    })

    it('takes 1 to 256 deals', async () => {
      const { tally, deal } = await networkHelpers.loadFixture(trading)
      await expect(tally.packDeals([])).to.be.revertedWithCustomError(tally, 'DealsPackSize').withArgs(0)
      const many = Array.from({ length: DEAL_ROWS + 1 }, () => deal.id)
      await expect(tally.packDeals(many)).to.be.revertedWithCustomError(tally, 'DealsPackSize').withArgs(257)
    })

    it('fills a whole page, whose first and last row serve alike', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, provider } = market
      const deals = [...market.deals]
      const small = { offer: NO_FEE, terms: { budget: USD, exposure: 1000n } }
      while (deals.length < DEAL_ROWS) deals.push(await openDeal(market, provider, small))
      await tally.packDeals(idsOf(deals))
      expect(await liveRows(market, 1)).to.equal(2n ** 256n - 1n)
      await advance(networkHelpers, market, 3600)
      const groups = []
      for (const deal of [deals[0], deals[DEAL_ROWS - 1]]) {
        if (deal === undefined) throw new Error('no deal')
        groups.push({ ...deal.stream(0).work(5n).group(), place: Number((await tally.deal(deal.id)).place) })
      }
      expect(groups.map(({ place }) => place)).to.deep.equal([dealPlace(1, 0), dealPlace(1, 255)])
      const { outcomes } = await settle(market, Lane.Attested, groups)
      expect(outcomes).to.deep.equal(['Applied', 'Applied'])
    })

    it('refuses a deal that is closing, closed or none', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, buyer, deals } = market
      const [stopped, ended] = deals
      if (stopped === undefined || ended === undefined) throw new Error('no deal')
      const refused = async (id: number) =>
        await expect(tally.packDeals([id]))
          .to.be.revertedWithCustomError(tally, 'DealNotPackable')
          .withArgs(id)
      for (const id of [0, 99, 2 ** 32 - 1]) await refused(id)
      await tally.connect(buyer).stop(stopped.id)
      await refused(stopped.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(stopped.id)
      await refused(stopped.id)
      const { end } = await tally.deal(ended.id)
      await arriveAt(networkHelpers, market, Number(end))
      await refused(ended.id)
    })

    it('refuses a deal named twice, be it new or packed before', async () => {
      const market = await networkHelpers.loadFixture(packed)
      const { tally, deals } = market
      const [first, , , , fifth, sixth] = idsOf(deals)
      if (first === undefined || fifth === undefined || sixth === undefined) throw new Error('no deal')
      for (const twice of [
        [fifth, fifth],
        [fifth, sixth, fifth],
        [...idsOf(deals), fifth, sixth, fifth, sixth],
      ]) {
        await expect(tally.packDeals(twice)).to.be.revertedWithCustomError(tally, 'DealAlreadyPacked')
      }
      expect(await placesOf(market, deals)).to.deep.equal([256, 257, 258, 259, 0, 0])
    })

    it('moves a deal only to twice the company that it leaves', async () => {
      const market = await networkHelpers.loadFixture(packed)
      const { tally, provider } = market
      const deals = [...market.deals]
      for (let extra = 0; extra < 2; extra += 1) {
        await expect(tally.packDeals(idsOf(deals))).to.be.revertedWithCustomError(tally, 'DealAlreadyPacked')
        deals.push(await openDeal(market, provider, { offer: NO_FEE, terms: { budget: USD, exposure: 1000n } }))
      }
      await tally.packDeals(idsOf(deals))
      expect(await placesOf(market, deals)).to.deep.equal(deals.map((_, row) => dealPlace(2, row)))
      expect([await liveRows(market, 1), await liveRows(market, 2)]).to.deep.equal([0n, 255n])
    })

    it('lets company shrink as deals leave it: the last one of a page moves with one other', async () => {
      const market = await networkHelpers.loadFixture(packed)
      const { tally, buyer, deals } = market
      const [kept, ...left] = deals.slice(0, 4)
      const other = deals[4]
      if (kept === undefined || other === undefined) throw new Error('no deal')
      const pair = [kept.id, other.id]
      for (const { id } of left) {
        await expect(tally.packDeals(pair)).to.be.revertedWithCustomError(tally, 'DealAlreadyPacked').withArgs(kept.id)
        await tally.connect(buyer).stop(id)
      }
      await tally.packDeals(pair)
      expect(await placesOf(market, [kept, other])).to.deep.equal([dealPlace(2, 0), dealPlace(2, 1)])
    })
  })

  describe('a row', () => {
    const acts: [name: string, act: (market: Market, deal: OpenDeal) => Promise<unknown>][] = [
      ['stopped', ({ tally, buyer }, { id }) => tally.connect(buyer).stop(id)],
      ['topped up', ({ tally, buyer }, { id, offer, nonce }) => tally.connect(buyer).topUp(id, offer, nonce, USD)],
    ]
    for (const [name, act] of acts) {
      it(`no longer holds when its deal is ${name}, and its neighbours' go on holding`, async () => {
        const market = await networkHelpers.loadFixture(packed)
        const [, deal] = market.deals
        if (deal === undefined) throw new Error('no deal')
        await act(market, deal)
        expect(await liveRows(market, 1)).to.equal(0b1101n)
        expect(await placesOf(market, market.deals)).to.deep.equal([256, 0, 258, 259, 0, 0])
      })
    }

    it('holds past the end that its deal agreed, until it is closed', async () => {
      const market = await networkHelpers.loadFixture(packed)
      const { tally, deal } = market
      const { end } = await tally.deal(deal.id)
      await arriveAt(networkHelpers, market, Number(end) + DAY)
      expect(await liveRows(market, 1)).to.equal(0b1111n)
      await tally.close(deal.id)
      expect(await liveRows(market, 1)).to.equal(0b1110n)
      expect((await tally.deal(deal.id)).place).to.equal(0n)
    })

    it('holds when the buyer acknowledges more, which counts all the same', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, provider } = market
      const deal = await openDeal(market, provider, { terms: { exposure: 10n } })
      await tally.packDeals([deal.id])
      await advance(networkHelpers, market, 3600)
      await settle(market, Lane.Acknowledged, [deal.stream(1).work(20n).acknowledged(ackKey)])
      const place = Number((await tally.deal(deal.id)).place)
      expect(place).to.equal(256)
      expect((await rowsOf(market, 1))[0]?.allowance).to.equal(10n)
      const exposed = { ...deal.stream(0).work(10n).group(), place }
      expect((await settle(market, Lane.Attested, [exposed])).outcomes).to.deep.equal(['Applied'])
      const more = { ...deal.stream(2).work(1n).group(), place }
      expect((await settle(market, Lane.Attested, [more])).outcomes).to.deep.equal(['ExposureExceeded'])
    })

    it('is packed again with what its deal has by then', async () => {
      const market = await networkHelpers.loadFixture(packed)
      const { tally, buyer, deal } = market
      await tally.connect(buyer).topUp(deal.id, deal.offer, deal.nonce, 7n * USD)
      await tally.packDeals([deal.id])
      expect((await rowsOf(market, 2))[0]?.budget).to.equal(107n * USD)
      expect(await placesOf(market, [deal])).to.deep.equal([dealPlace(2, 0)])
    })
  })

  describe('a place in a batch', () => {
    it('of a stopped, topped-up or recycled deal serves nothing that was true before', async () => {
      const market = await networkHelpers.loadFixture(packed)
      const { tally, buyer, provider, deals } = market
      const [first, second] = deals
      if (first === undefined || second === undefined) throw new Error('no deal')
      await advance(networkHelpers, market, 3600)
      await tally.connect(buyer).topUp(second.id, second.offer, second.nonce, 50n * USD)
      await tally.connect(buyer).stop(first.id)
      const rich = { ...second.stream(0).work(120_000n).group(), place: 257 }
      expect((await settle(market, Lane.Attested, [rich])).outcomes).to.deep.equal(['Applied'])

      await advance(networkHelpers, market, DAY)
      await tally.close(first.id)
      const late = { ...first.stream(0).work(5n).group(), place: 256 }
      expect((await settle(market, Lane.Attested, [late])).outcomes).to.deep.equal(['DealNotOpen'])
      await advance(networkHelpers, market, 7 * DAY)
      await tally.recycle(first.id)
      const next = await openDeal(market, provider, {
        terms: { budget: 2n * USD, exposure: 10_000_000n },
        offer: NO_FEE,
      })
      expect(next.id).to.equal(first.id)
      await advance(networkHelpers, market, 3600)
      const groups = [{ ...next.stream(0).work(3000n).group(), place: 256 }]
      const { outcomes, records } = await settle(market, Lane.Attested, groups)
      expect([outcomes, records[0]?.amount]).to.deep.equal([['Clamped'], 2n * USD])
      expect(Number((await tally.deal(next.id)).state)).to.equal(DealState.Open)
    })

    it('of another deal, another page, a page to come or none at all serves nothing', async () => {
      const market = await networkHelpers.loadFixture(packed)
      await advance(networkHelpers, market, 3600)
      const [deal, neighbour] = market.deals
      if (deal === undefined || neighbour === undefined) throw new Error('no deal')
      const stream = deal.stream(0)
      for (const place of [0, 1, 255, 257, 260, 511, dealPlace(2, 0), dealPlace(2 ** 24 - 1, 255), 256]) {
        const group = { ...stream.work(5n).group(stream.receipts.length - 1), place }
        const { outcomes, records } = await settle(market, Lane.Attested, [group])
        expect([outcomes, records[0]?.amount], `place ${place}`).to.deep.equal([['Applied'], 5000n])
      }
      expect((await market.tally.stream(neighbour.id, 0)).count).to.equal(0n)
    })

    it('makes settling cheaper and nothing else', async () => {
      const spent = async (placed: boolean) => {
        const market = await networkHelpers.loadFixture(packed)
        await advance(networkHelpers, market, 3600)
        await settle(market, Lane.Attested, [market.deal.stream(0).work(1n).group()])
        const groups = market.deals.slice(0, 4).map((deal, row) => {
          const group = deal.stream(1).work(5n, 6n).group()
          return placed ? { ...group, place: dealPlace(1, row) } : group
        })
        const settled = await settle(market, Lane.Attested, groups)
        const receipt = await settled.tx.wait()
        return { gas: Number(receipt?.gasUsed ?? 0n), facts: settled.facts, root: settled.root }
      }
      const [without, withPlaces] = [await spent(false), await spent(true)]
      expect([withPlaces.facts, withPlaces.root]).to.deep.equal([without.facts, without.root])
      expect(without.gas - withPlaces.gas).to.be.greaterThan(4 * 3000)
    })
  })
})
