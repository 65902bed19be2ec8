/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Address, type Hex, zeroAddress } from 'viem'

import { PER_MOVE } from '../support/courts.ts'
import { deploy } from '../support/deployment.ts'
import { createGames, type PlayedGame, receiptOf, runOf, Turn } from '../support/games.ts'
import { createMarket, USD } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { createShowing } from '../support/tasks.ts'
import { workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const HOUR = 3600
const FEE = 10n ** 18n
const BOND = 2n * PER_MOVE
const SIDE = { Asserter: 0, Challenger: 1 }
const UNIT = USD / 1000n

async function fixture() {
  const deployment = await deploy(ethers)
  const arbiter = await ethers.deployContract('MockArbiter')
  const offer = { arbiter: (await arbiter.getAddress()) as Address }
  const market = await createMarket(deployment, { offer, terms: { exposure: 10_000_000n } })
  for (const who of [market.stranger, market.operator, market.rival]) {
    await market.dollar.mint(who, 1000n * USD)
    await market.dollar.connect(who).approve(market.disputes, 1000n * USD)
  }
  await advance(networkHelpers, market, 2 * HOUR)
  return { market, arbiter }
}

/** A receipt that somebody challenges. */
async function challenged() {
  const { market, arbiter } = await networkHelpers.loadFixture(fixture)
  const stream = market.deal.stream(0)
  stream.add(...[0, 1, 2].map((index) => receiptOf(runOf(workHashOf(`start ${index}`)))))
  const shown = await createShowing(market).attested(stream, 1)
  const games = createGames(market)
  const game = await games.challenge(market.deal, shown, market.stranger)
  const referee = market.arbiterReferee
  const pay = (who: typeof market.rival, side: number, value = FEE) =>
    referee.connect(who).pay(game.claim as never, side, { value })
  return { market, arbiter, referee, games, game, shown, pay }
}

/** Both sides have paid and said so. */
async function submitted() {
  const all = await challenged()
  const { market, games, game, pay } = all
  await pay(market.stranger, SIDE.Challenger)
  await games.moveBy(game, '0x', market.stranger)
  await pay(market.operator, SIDE.Asserter)
  await games.moveBy(game, '0x', market.operator)
  expect(game.turn).to.equal(Turn.Arbiter)
  return all
}

async function heldBy({ market, referee }: Awaited<ReturnType<typeof challenged>>): Promise<bigint> {
  const accounts = [market.stranger, market.operator, market.rival]
  const owed = await Promise.all(accounts.map(async (account) => await referee.owed(account)))
  return (await ethers.provider.getBalance(referee)) - owed.reduce((sum, one) => sum + one, 0n)
}

const end = async (games: ReturnType<typeof createGames>, game: PlayedGame, who: Parameters<typeof games.moveBy>[2]) =>
  await games.moveBy(game, '0x' as Hex, who)

describe('ArbiterReferee', () => {
  it('lets the arbiter that the offer names refute a claim; the winner has its fee back', async () => {
    const all = await submitted()
    const { market, arbiter, referee, games, game } = all
    expect(await heldBy(all)).to.equal(FEE)
    await expect(end(games, game, market.rival)).to.be.revertedWithCustomError(referee, 'RefereeBadMove')
    await arbiter.rule(0, 2)
    const last = await end(games, game, market.rival)
    expect(game.turn).to.equal(Turn.ChallengerWon)
    await expect(last)
      .to.emit(market.tally, 'UnitsVoided')
      .withArgs(market.deal.id, 0, 100, 200n * UNIT)
    expect(await referee.owed(market.stranger)).to.equal(FEE)
    expect(await heldBy(all)).to.equal(0n)
    await expect(referee.withdraw(market.stranger)).to.changeEtherBalance(ethers, market.stranger, FEE)
    expect(await market.disputes.owed(market.stranger)).to.equal(BOND + (BOND * 4n) / 5n)
  })

  it('or uphold it', async () => {
    const all = await submitted()
    const { market, arbiter, referee, games, game } = all
    await arbiter.rule(0, 1)
    const last = await end(games, game, market.rival)
    await expect(last)
      .to.emit(market.tally, 'Restored')
      .withArgs(market.provider.id, 200n * UNIT)
    expect(await referee.owed(market.operator)).to.equal(FEE)
    expect(await market.disputes.owed(market.operator)).to.equal(BOND + (BOND * 4n) / 5n)
    expect(await heldBy(all)).to.equal(0n)
  })

  it('or refuse to rule: nobody wins, and every bond returns', async () => {
    const all = await submitted()
    const { market, arbiter, referee, games, game } = all
    await arbiter.rule(0, 0)
    await expect(arbiter.rule(0, 1)).to.be.revertedWithCustomError(referee, 'ArbiterRefereeBadDispute')
    await end(games, game, market.rival)
    expect(game.turn).to.equal(Turn.Drawn)
    expect(await market.disputes.owed(market.stranger)).to.equal(BOND)
    expect(await market.disputes.owed(market.operator)).to.equal(BOND)
    expect([await referee.owed(market.stranger), await referee.owed(market.operator)]).to.deep.equal([
      FEE / 2n,
      FEE / 2n,
    ])
    expect(await market.tally.disputed()).to.equal(0n)
  })

  it('an arbiter that is silent for 17 hours draws; its later ruling changes nothing', async () => {
    const all = await submitted()
    const { market, arbiter, referee, games, game } = all
    await expect(referee.reclaim(game.claimId)).to.be.revertedWithCustomError(referee, 'ArbiterRefereeNotOpen')
    await advance(networkHelpers, market, 17 * HOUR + 60)
    await games.timeOut(game)
    expect(await market.tally.disputed()).to.equal(0n)
    await referee.reclaim(game.claimId)
    expect(await heldBy(all)).to.equal(0n)
    await expect(arbiter.rule(0, 2)).to.be.revertedWithCustomError(referee, 'ArbiterRefereeBadDispute')
    await expect(referee.reclaim(game.claimId)).to.be.revertedWithCustomError(referee, 'ArbiterRefereeNotOpen')
  })

  it('rules once for every challenger of a claim, of whom only the first pays', async () => {
    const { market, arbiter, games, game, shown, ...rest } = await submitted()
    const second = await games.challenge(market.deal, shown, market.rival)
    await arbiter.rule(0, 1)
    await end(games, game, market.rival)
    expect((await market.disputes.claimOf(game.claimId)).state).to.equal(1n)
    await end(games, second, market.rival)
    await end(games, second, market.relayer)
    await end(games, second, market.relayer)
    expect(second.turn).to.equal(Turn.AsserterWon)
    expect((await market.disputes.claimOf(game.claimId)).state).to.equal(2n)
    expect(await heldBy({ market, arbiter, games, game, shown, ...rest })).to.equal(0n)
  })

  it('a side that does not pay loses by time, and the other one has its fee back', async () => {
    const all = await challenged()
    const { market, referee, games, game, pay } = all
    await expect(end(games, game, market.stranger)).to.be.revertedWithCustomError(referee, 'RefereeBadMove')
    await pay(market.stranger, SIDE.Challenger, 3n * FEE)
    expect(await referee.owed(market.stranger)).to.equal(2n * FEE)
    await end(games, game, market.stranger)
    await expect(end(games, game, market.operator)).to.be.revertedWithCustomError(referee, 'RefereeBadMove')
    await advance(networkHelpers, market, 8 * HOUR + 60)
    await games.timeOut(game)
    expect((await market.disputes.claimOf(game.claimId)).state).to.equal(3n)
    await referee.reclaim(game.claimId)
    expect(await referee.owed(market.stranger)).to.equal(3n * FEE)
    expect(await heldBy(all)).to.equal(0n)
  })

  it('takes a fee once a side, of open claims, and all of it', async () => {
    const all = await challenged()
    const { market, referee, games, game, pay } = all
    await expect(pay(market.rival, SIDE.Challenger, FEE - 1n)).to.be.revertedWithCustomError(
      referee,
      'ArbiterRefereeTooLittle',
    )
    await pay(market.rival, SIDE.Challenger)
    await expect(pay(market.rival, SIDE.Challenger)).to.be.revertedWithCustomError(referee, 'ArbiterRefereePaid')
    await advance(networkHelpers, market, 8 * HOUR + 60)
    await games.timeOut(game)
    await expect(pay(market.operator, SIDE.Asserter)).to.be.revertedWithCustomError(referee, 'ArbiterRefereeNotOpen')
    await referee.reclaim(game.claimId)
    expect(await referee.owed(market.rival)).to.equal(FEE)
    await expect(referee.withdraw(market.operator)).to.be.revertedWithCustomError(referee, 'ArbiterRefereeUnpaid')
  })

  it('does not judge where the offer names no arbiter', async () => {
    const deployment = await deploy(ethers)
    const market = await createMarket(deployment, { offer: { arbiter: zeroAddress }, terms: { exposure: 10_000_000n } })
    await advance(networkHelpers, market, 2 * HOUR)
    const stream = market.deal.stream(0).add(receiptOf(runOf(workHashOf('start'))))
    const shown = await createShowing(market).attested(stream, 0)
    await expect(createGames(market).challenge(market.deal, shown, market.stranger)).to.be.revertedWithCustomError(
      market.arbiterReferee,
      'RefereeNotMine',
    )
  })
})
