/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'

import { Lane } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { createMarket, type Market, type OpenDeal, openDeal, USD } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'
import type { SignedGroup } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const WIDE = { exposure: 10_000_000n, streams: 2 }

/** A small deal and a large one, both packed into one page, with something settled today. */
async function packed() {
  const market = await createMarket(await deploy(ethers), { terms: { ...WIDE, budget: 10n * USD } })
  const large = await openDeal(market, market.provider, { terms: { ...WIDE, budget: 100n * USD } })
  const spare = await openDeal(market, market.provider, { terms: { ...WIDE, budget: 10n * USD } })
  await advance(networkHelpers, market, 3600)
  await market.tally.packDeals([market.deal.id, large.id, spare.id])
  const deals = { small: market.deal, large, spare }
  await settle(market, Lane.Attested, [deals.small.stream(0).work(1n).group()])
  return { ...market, deals }
}

async function placed({ tally }: Market, { id }: OpenDeal, group: SignedGroup): Promise<SignedGroup> {
  return { ...group, place: Number((await tally.deal(id)).place) }
}

describe('findings: settling', () => {
  describe('a group off the usual path judged by the deal before it', () => {
    it('is paid from the budget of its own deal, where the one before has less', async () => {
      const market = await networkHelpers.loadFixture(packed)
      const { small, large } = market.deals
      const [first, second] = [large.stream(0).work(5n), large.stream(1).work(5n)]
      await settle(market, Lane.Attested, [first.group(), second.group()])
      const groups = [
        await placed(market, small, small.stream(1).work(5n).group()),
        await placed(market, large, first.work(13_000n).group(1)),
        await placed(market, large, second.work(13_000n).group(0)), // longer than it had to be
      ]
      const { records } = await settle(market, Lane.Attested, groups)
      expect(records.map(({ amount }) => amount)).to.deep.equal([5000n, 13n * USD, 13n * USD])
      expect((await market.tally.deal(large.id)).remaining).to.equal(74n * USD - 10_000n)
    })

    it('is clamped to the budget of its own deal, where the one before has more', async () => {
      const market = await networkHelpers.loadFixture(packed)
      const { tally, deals, provider } = market
      const { large, spare } = deals
      const [first, second] = [spare.stream(0).work(5n), spare.stream(1).work(5n)]
      await settle(market, Lane.Attested, [first.group(), second.group()])
      const before = (await tally.earnings(provider.id)).unmatured
      const groups = [
        await placed(market, large, large.stream(0).work(5n).group()),
        await placed(market, spare, first.work(5n).group(1)),
        await placed(market, spare, second.work(50_000n).group(0)),
      ]
      const { outcomes } = await settle(market, Lane.Attested, groups)
      expect(outcomes).to.deep.equal(['Applied', 'Applied', 'Clamped'])
      const paid = (await tally.earnings(provider.id)).unmatured - before
      expect(paid).to.equal(10n * USD - 10_000n + 5000n)
      expect((await tally.deal(spare.id)).remaining).to.equal(0n)
    })

    it('is said to be stale, though the deal before is no more', async () => {
      const market = await networkHelpers.loadFixture(packed)
      const { deals, tally, buyer } = market
      const { small, large, spare } = deals
      const [first, second] = [spare.stream(0).work(5n), spare.stream(1).work(5n)]
      await settle(market, Lane.Attested, [first.group(), second.group()])
      await tally.connect(buyer).stop(large.id)
      await advance(networkHelpers, market, 86_400)
      await settle(market, Lane.Attested, [small.stream(1).work(1n).group()])
      const groups = [
        await placed(market, small, small.stream(1).work(1n, 2n).group(1)),
        large.stream(1).work(1n).group(),
        await placed(market, spare, first.work(5n).group(1)),
        await placed(market, spare, second.group()),
      ]
      const { outcomes } = await settle(market, Lane.Attested, groups)
      expect(outcomes).to.deep.equal(['Applied', 'DealNotOpen', 'Applied', 'Stale'])
    })
  })
})
