/** @module */
import type { HardhatEthers } from '@nomicfoundation/hardhat-ethers/types'
import { network } from 'hardhat'

import { doubleSellingOf, duplicateOf, equivocationOf, overclaimOf, overMaximumOf } from '#protocol/faults.ts'
import { Lane } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { bare, orderOf, prove, shown, taskOf } from '../support/faulty.ts'
import { expectGasAbout as expectGas } from '../support/gas.ts'
import { createMarket, openDeal } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'

const HOUR = 3600
const DAY = 86_400

describe('gas of faults', function () {
  this.timeout(60_000)

  for (const fork of ['osaka', 'amsterdam'] as const) {
    /** A deal at work: what is proven was settled the same day. */
    async function working() {
      const { ethers, networkHelpers } = await network.create({ network: fork })
      const market = await createMarket(await deploy(ethers as HardhatEthers), {
        offer: { rateCap: 36_000 },
        terms: { duration: 30 * DAY },
      })
      await market.tally.connect(market.owner).declareCapacity(market.provider.id, 1)
      await advance(networkHelpers, market, 12 * HOUR)
      const log = market.deal.stream(0).work(100n, 200n)
      await settle(market, Lane.Attested, [log.group()])
      return { ...market, log, networkHelpers }
    }

    it(`of two tallies and of one, on ${fork}`, async () => {
      const market = await working()
      const { deal, log } = market
      const two = equivocationOf(deal.id, bare(log.group()), bare(deal.stream(0).work(100n, 201n).group()))
      await expectGas(`${fork}: prove an equivocation`, await prove(market, two))
      const other = deal.stream(1).work(900_000n)
      await expectGas(`${fork}: prove an overclaim`, await prove(market, overclaimOf(deal.id, other.group())))
    })

    it(`of receipts, on ${fork}`, async () => {
      const market = await working()
      const { deal } = market
      const order = orderOf(deal.key)
      const [one, other] = [taskOf(order, 5n), taskOf(order, 2000n)]
      const group = deal.stream(1).add(one.receipt, other.receipt).group()
      const [a, b] = [shown(group, 0, one), shown(group, 1, other)]
      await expectGas(`${fork}: prove a duplicate task`, await prove(market, duplicateOf(a, b)))
      await expectGas(`${fork}: prove a receipt above its maximum`, await prove(market, overMaximumOf(b, order)))
    })

    for (const count of [2, 3, 8]) {
      it(`of ${count} receipts of one time, each of another deal, on ${fork}`, async () => {
        const market = await working()
        const { provider, networkHelpers } = market
        await advance(networkHelpers, market, 8 * DAY)
        const now = await networkHelpers.time.latest()
        const sold = []
        for (let at = 0; at < count; at++) {
          const deal = await openDeal(market, provider)
          const task = taskOf(orderOf(deal.key), 5n, now - 60, now)
          sold.push(shown(deal.stream(0).add(task.receipt).group(), 0, task))
        }
        const tx = await prove(market, doubleSellingOf(sold, 1))
        await expectGas(`${fork}: prove ${count} receipts of one time in as many deals`, tx)
      })
    }

    it(`of a no-show, on ${fork}`, async () => {
      const market = await working()
      const { tally, provider, networkHelpers, stranger } = market
      const deal = await openDeal(market, provider, { terms: { duration: DAY } })
      await advance(networkHelpers, market, 2 * DAY)
      // fees wait here already, as anywhere that is in use
      await tally.refreshCover(provider.id)
      const tx = await tally.connect(stranger).proveNoShow(deal.id, deal.offer, deal.nonce)
      await expectGas(`${fork}: prove a no-show`, tx)
    })
  }
})
