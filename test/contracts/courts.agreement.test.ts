/** What nodes reckon about demands and games, against the contracts. @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Address, parseEventLogs } from 'viem'

import { demandsAbi, disputesAbi } from '#protocol/abi.generated.ts'
import { Ask, demandId, demandPriceUp, PATIENCE_SECONDS, Side } from '#protocol/demands.ts'
import { bondFor, CLOCK_SECONDS, claimId, gameHash, gameId, lastSecond } from '#protocol/disputes.ts'
import { Kind } from '#protocol/types.ts'

import { PER_KILOBYTE, PER_MOVE } from '../support/courts.ts'
import { deploy } from '../support/deployment.ts'
import { receiptOf, runOf } from '../support/games.ts'
import { createMarket, USD } from '../support/market.ts'
import { advance, lastClock } from '../support/protocol-clock.ts'
import { createShowing } from '../support/tasks.ts'
import { workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n } })
  await market.disputes.setReferee(Kind.Repeatable, await ethers.deployContract('CounterReferee'))
  for (const court of [market.demands, market.disputes]) {
    await market.dollar.mint(market.buyer, 1000n * USD)
    await market.dollar.connect(market.buyer).approve(court, 1000n * USD)
  }
  await advance(networkHelpers, market, 3600)
  const stream = market.deal.stream(0).add(...[0, 1].map((index) => receiptOf(runOf(workHashOf(`${index}`)))))
  return { market, shown: await createShowing(market).attested(stream, 1) }
}

/** Logs of a transaction as viem reads them. */
async function logsOf(hash: string) {
  const receipt = await ethers.provider.getTransactionReceipt(hash)
  return (receipt?.logs ?? []).map(
    ({ address, topics, data }) => ({ address: address as Address, topics, data }) as never,
  )
}

describe('what nodes reckon about courts', () => {
  it('names demands as the contract does, and knows their price and their time', async () => {
    const { market, shown } = await working()
    for (const open of [0, 1]) {
      const index = open
      const sent = await market.demands.connect(market.buyer).demandOrder(market.deal.id, { ...shown, index })
      const [log] = parseEventLogs({ abi: demandsAbi, logs: await logsOf(sent.hash), eventName: 'Demanded' })
      if (log === undefined) return expect.fail('nothing was demanded')
      const { demand, facts } = log.args
      expect(demandId(facts)).to.equal(demand)
      expect(facts.prepaid).to.equal(demandPriceUp(PER_KILOBYTE, Ask.Order, open))
      expect(facts.until).to.equal((await lastClock(market)) + PATIENCE_SECONDS)
    }
    for (const ask of Object.values(Ask)) {
      expect(await market.demands.priceOf(market.deal.key, Side.Buyer, ask)).to.equal(
        demandPriceUp(PER_KILOBYTE, ask, 2),
      )
    }
  })

  it('names claims and games as the contract does, and knows their bonds and their time', async () => {
    const { market, shown } = await working()
    const { deal, disputes, buyer } = market
    for (const open of [0, 1]) {
      const sent = await disputes.connect(buyer).challenge(deal.id, shown, deal.offer, deal.nonce)
      const [log] = parseEventLogs({ abi: disputesAbi, logs: await logsOf(sent.hash), eventName: 'Challenged' })
      if (log === undefined) return expect.fail('nothing was challenged')
      const { claim, game, facts, opened } = log.args
      expect([claimId(facts), gameId(opened)]).to.deep.equal([claim, game])
      expect(await disputes.gameHash(game)).to.equal(gameHash(opened))
      expect(opened.bond).to.equal(bondFor(33, PER_MOVE, open))
      expect(lastSecond(opened)).to.equal((await lastClock(market)) + CLOCK_SECONDS)
    }
  })
})
