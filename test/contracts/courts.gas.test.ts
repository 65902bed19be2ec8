/** @module */
import { network } from 'hardhat'

import { chunkOf } from '#protocol/courts.ts'
import { Kind } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { createGames, receiptOf, runOf } from '../support/games.ts'
import { expectGasAbout as expectGas } from '../support/gas.ts'
import { createMarket, USD } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { createShowing, taskOf } from '../support/tasks.ts'
import { workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const HOUR = 3600

async function fixture() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n, streams: 20 } })
  await market.disputes.setReferee(Kind.Repeatable, await ethers.deployContract('CounterReferee'))
  for (const who of [market.buyer, market.stranger, market.operator]) {
    for (const court of [market.demands, market.disputes]) {
      await market.dollar.mint(who, 1000n * USD)
      await market.dollar.connect(who).approve(court, 1000n * USD)
    }
  }
  await advance(networkHelpers, market, 2 * HOUR)
  return market
}

describe('gas of courts', () => {
  it('of demands: to make, to answer, to let lapse', async () => {
    const market = await networkHelpers.loadFixture(fixture)
    const { deal, demands } = market
    const tasks = [0, 1, 2, 3, 4].map((index) => taskOf(market, deal, index))
    const stream = deal.stream(0).add(...tasks.map(({ receipt }) => receipt))
    const shown = await createShowing(market).attested(stream, 3)
    const made: unknown[][] = []
    for (const index of [1, 3]) {
      const sent = await demands.connect(market.buyer).demandOrder(deal.id, { ...shown, index })
      const logs = (await sent.wait())?.logs.map((entry) => demands.interface.parseLog(entry)) ?? []
      made.push(logs.find((entry) => entry?.name === 'Demanded')?.args.facts.toArray())
      await expectGas(`demand an order, ${index === 1 ? 'the first' : 'one more'} of a deal, group of 5`, sent)
    }
    const output = await demands.connect(market.buyer).demandOutput(deal.id, shown, 1)
    const logs = (await output.wait())?.logs.map((entry) => demands.interface.parseLog(entry)) ?? []
    const facts = logs.find((entry) => entry?.name === 'Demanded')?.args.facts.toArray()
    const task = tasks[1]
    const delivered = tasks[3]
    if (task === undefined || delivered === undefined) throw new Error('there are five tasks')
    const { index, inputRoot, maxUnits } = task.order
    await expectGas(
      'answer with an order',
      demands.answerOrder(made[0] as never, task.work, { index, inputRoot, maxUnits }, task.signature),
    )
    await expectGas(
      'answer with a chunk of 4,096 bytes',
      demands.answerOutput(facts, delivered.work, chunkOf(delivered.output, 1)),
    )
    await advance(networkHelpers, market, 13 * HOUR)
    await expectGas('let a demand lapse: slash and void', demands.lapse(made[1] as never))
  })

  it('of games: to challenge, to move, and to end', async () => {
    const market = await networkHelpers.loadFixture(fixture)
    const starts = [0, 1, 2, 3, 4].map((index) => workHashOf(`start ${index}`))
    const right = starts.map((start) => runOf(start))
    const stated = starts.map((start, index) => runOf(start, index === 3 ? 20 : undefined))
    const stream = market.deal.stream(0).add(...stated.map((states) => receiptOf(states)))
    const shown = await createShowing(market).attested(stream, 3)
    const games = createGames(market)
    const opening = market.disputes.connect(market.stranger)
    await expectGas(
      'challenge a receipt, group of 5',
      opening.challenge(market.deal.id, shown, market.deal.offer, market.deal.nonce),
    )
    const game = await games.challenge(market.deal, shown, market.buyer)
    const [lie, truth] = [stated[3] ?? [], right[3] ?? []]
    await expectGas('assert, with the bond', games.assert(game, lie, market.operator))
    await expectGas('assert', games.assert(game, lie, market.operator))
    await expectGas('object', games.object(game, truth, market.buyer))
    const { last } = await games.finish(
      game,
      { states: lie, who: market.operator },
      { states: truth, who: market.buyer },
    )
    await expectGas('the last move: refute, slash and void', last)
  })
})
