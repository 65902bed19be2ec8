/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Hex, zeroAddress } from 'viem'

import { type Game, moveInInput } from '#protocol/disputes.ts'
import { Fault, Kind, Lane } from '#protocol/types.ts'

import { PER_MOVE } from '../support/courts.ts'
import { deploy } from '../support/deployment.ts'
import { assertion, createGames, objection, receiptOf, runOf, STEPS, Turn } from '../support/games.ts'
import { ackKey, createMarket, type Market, openDeal, USD } from '../support/market.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'
import { createShowing } from '../support/tasks.ts'
import { workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const HOUR = 3600
const DAY = 24 * HOUR
const UNIT = USD / 1000n
const BOND = 33n * PER_MOVE
const ASSERTER_BOND = 32n * PER_MOVE
const NOBODY = '0x000000000000000000000000000000000000dEaD'
const CLAIM = { Open: 1n, Upheld: 2n, Refuted: 3n }

async function fixture() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n, streams: 20 } })
  const referee = await ethers.deployContract('CounterReferee')
  await market.disputes.setReferee(Kind.Repeatable, referee)
  for (const who of [market.buyer, market.stranger, market.owner, market.operator, market.rival]) {
    await market.dollar.mint(who, 1000n * USD)
    await market.dollar.connect(who).approve(market.disputes, 1000n * USD)
  }
  await advance(networkHelpers, market, 2 * HOUR)
  return { market, referee }
}

/** Five runs of 100 units each in one stream, of which those named err at a step. */
async function working(errors: Record<number, number> = {}) {
  const { market, referee } = await networkHelpers.loadFixture(fixture)
  const { deal } = market
  const starts = [0, 1, 2, 3, 4].map((index) => workHashOf(`start ${index}`))
  const right = starts.map((start) => runOf(start))
  const stated = starts.map((start, index) => runOf(start, errors[index]))
  const stream = deal.stream(0).add(...stated.map((states) => receiptOf(states)))
  const showing = createShowing(market)
  return { market, referee, deal, right, stated, stream, showing, games: createGames(market) }
}

const states = (all: readonly Hex[][], index: number): Hex[] => all[index] ?? []

async function unmaturedOf({ tally, provider }: Market): Promise<bigint> {
  return (await tally.earnings(provider.id)).unmatured
}

/** What the contract holds is bonds of open games, the asserter's, and what accounts are owed. */
async function expectSolvent(market: Market, bonds: bigint): Promise<void> {
  const accounts = [...Object.values(market.accounts).map(({ address }) => address), NOBODY]
  const owed = await Promise.all(accounts.map(async (account) => await market.disputes.owed(account)))
  expect(await market.dollar.balanceOf(market.disputes)).to.equal(owed.reduce((sum, one) => sum + one, bonds))
}

describe('Disputes', () => {
  describe('a game', () => {
    it('finds the one wrong step: the provider is slashed, its units void, and the deal has its money again', async () => {
      const { market, deal, right, stated, stream, showing, games } = await working({ 3: 37 })
      const shown = await showing.attested(stream, 3)
      const before = await market.tally.deal(deal.id)
      const game = await games.challenge(deal, shown, market.stranger)
      expect(await market.tally.disputed()).to.equal(200n * UNIT)
      expect(await unmaturedOf(market)).to.equal(300n * UNIT)

      const { last, moves } = await games.finish(
        game,
        { states: states(stated, 3), who: market.operator },
        { states: states(right, 3), who: market.stranger },
      )
      expect(moves).to.equal(1 + 2 * 3)
      expect(game.turn).to.equal(Turn.ChallengerWon)
      const value = 500n * UNIT * 10n ** 12n // the whole stream's, in stake
      await expect(last)
        .to.emit(market.tally, 'UnitsVoided')
        .withArgs(deal.id, 0, 300, 200n * UNIT)
        .and.to.emit(market.registry, 'Slashed')
      const bond = before.bond > value ? before.bond : value
      expect(await slashedIn(market, last.hash)).to.be.greaterThanOrEqual(bond)
      expect((await market.tally.deal(deal.id)).remaining - before.remaining).to.equal(200n * UNIT)
      expect(await market.tally.disputed()).to.equal(0n)
      expect(await unmaturedOf(market)).to.equal(300n * UNIT)
      expect(await market.disputes.owed(market.stranger)).to.equal(BOND + (ASSERTER_BOND * 4n) / 5n)
      expect(await market.disputes.owed(NOBODY)).to.equal(ASSERTER_BOND / 5n)
      expect((await market.disputes.claimOf(game.claimId)).state).to.equal(CLAIM.Refuted)
      await expectSolvent(market, 0n)
    })

    it('gives an honest provider its money, once, and the challenger’s bond', async () => {
      const { market, deal, right, stated, stream, showing, games } = await working()
      const shown = await showing.attested(stream, 3)
      const game = await games.challenge(deal, shown, market.stranger)
      const lie = runOf(states(right, 3)[0] ?? '0x', 12)
      const { last } = await games.finish(
        game,
        { states: states(stated, 3), who: market.operator },
        { states: lie, who: market.stranger },
      )
      expect(game.turn).to.equal(Turn.AsserterWon)
      await expect(last)
        .to.emit(market.tally, 'Restored')
        .withArgs(market.provider.id, 200n * UNIT)
        .and.not.to.emit(market.registry, 'Slashed')
      expect(await market.disputes.owed(market.operator)).to.equal(ASSERTER_BOND + (BOND * 4n) / 5n)
      expect(await market.disputes.owed(market.stranger)).to.equal(0n)
      await expectSolvent(market, 0n)
      await advance(networkHelpers, market, 72 * HOUR)
      const gross = 500n * UNIT
      const fees = gross / 100n + gross / 200n
      expect((await market.tally.earnings(market.provider.id)).claimable).to.be.closeTo(gross - fees, 2n)
      expect((await market.registry.providerOf(market.provider.id)).liens).to.equal(
        (await market.tally.deal(deal.id)).bond,
      )
    })

    for (const [errsAt, shownAt] of [
      [1, 0],
      [STEPS, 4],
      [16, 2],
      [17, 2],
    ] as const) {
      it(`is won by who is right where step ${errsAt} is wrong`, async () => {
        const { market, deal, right, stated, stream, showing, games } = await working({ [shownAt]: errsAt })
        const game = await games.challenge(deal, await showing.forced(stream, shownAt), market.buyer)
        await games.finish(
          game,
          { states: states(stated, shownAt), who: market.owner },
          { states: states(right, shownAt), who: market.buyer },
        )
        expect(game.turn).to.equal(Turn.ChallengerWon)
        expect((await market.tally.stream(deal.id, 0)).units).to.equal(BigInt(100 * shownAt))
      })
    }

    it('voids what was disputed in time, though it would have matured meanwhile, and what came later', async () => {
      const { market, deal, right, stated, stream, showing, games } = await working({ 3: 20 })
      // late in a day: what is settled now matures as soon as it may
      const clock = await lastClock(market)
      await arriveAt(networkHelpers, market, clock - (clock % DAY) + DAY + 22 * HOUR)
      const shown = await showing.attested(stream, 3)
      await advance(networkHelpers, market, 23 * HOUR)
      const game = await games.challenge(deal, shown, market.stranger)
      stream.add(receiptOf(runOf(workHashOf('start 5'))))
      await showing.attested(stream, 5, 5)
      // each side takes nearly all its time
      await advance(networkHelpers, market, 7 * HOUR)
      await games.assert(game, states(stated, 3), market.operator)
      await games.assert(game, states(stated, 3), market.operator)
      await advance(networkHelpers, market, 7 * HOUR)
      await games.finish(
        game,
        { states: states(stated, 3), who: market.operator },
        { states: states(right, 3), who: market.stranger },
      )
      expect((await market.tally.stream(deal.id, 0)).units).to.equal(300n)
      expect(await market.tally.disputed()).to.equal(0n)
      expect((await market.tally.deal(deal.id)).remaining).to.equal(100n * USD - 300n * UNIT)
    })

    it('takes only the asserter’s keys: owner, operator and the one they name', async () => {
      const { market, deal, stated, stream, showing, games } = await working()
      const game = await games.challenge(deal, await showing.attested(stream, 3), market.stranger)
      const run = states(stated, 3)
      const refused = (who: typeof market.rival) =>
        expect(market.disputes.connect(who).play(game.claim as never, game.facts, assertion(run, game.state)))
          .to.be.revertedWithCustomError(market.disputes, 'CourtUnauthorized')
          .withArgs(who.address)
      await refused(market.rival)
      await expect(
        market.disputes.connect(market.rival).setPlayer(market.provider.id, market.rival),
      ).to.be.revertedWithCustomError(market.disputes, 'CourtUnauthorized')
      await market.disputes.connect(market.operator).setPlayer(market.provider.id, market.rival)
      await games.assert(game, run, market.rival)
      await games.assert(game, run, market.owner)
      await refused(market.owner) // the challenger's turn
      await games.object(game, run, market.stranger)
    })

    it('tells a move by its event where the transaction does not show it: made by an account that has code', async () => {
      const { market, deal, stated, stream, showing, games } = await working()
      const wallet = await ethers.deployContract('MockWallet', [market.operator])
      await market.dollar.mint(wallet, 1000n * USD)
      await wallet.execute(
        market.dollar,
        market.dollar.interface.encodeFunctionData('approve', [await market.disputes.getAddress(), 1000n * USD]),
      )
      await market.disputes.connect(market.operator).setPlayer(market.provider.id, wallet)
      const shown = await showing.attested(stream, 3)
      const hidden = await games.challenge(deal, shown, market.stranger)
      const plain = await games.challenge(deal, shown, market.rival)
      const move = assertion(states(stated, 3), '0x')
      const call = market.disputes.interface.encodeFunctionData('play', [hidden.claim as never, hidden.facts, move])
      const until = (second: bigint) => second > 0n
      await expect(wallet.execute(market.disputes, call))
        .to.emit(market.disputes, 'Moved')
        .withArgs(hidden.id, until, move)
      const repeated = market.disputes.connect(market.operator).play(plain.claim as never, plain.facts, move)
      await expect(repeated).to.emit(market.disputes, 'Moved').withArgs(plain.id, until, '0x')
      expect(moveInInput((await (await repeated).getTransaction())?.data as Hex)).to.equal(move)
    })

    it('refuses moves on facts that are not the game’s: a move made before a re-organisation binds nothing after', async () => {
      const { market, referee, deal, right, stated, stream, showing, games } = await working({ 3: 20 })
      const game = await games.challenge(deal, await showing.attested(stream, 3), market.stranger)
      const stale = game.facts
      await games.assert(game, states(stated, 3), market.operator)
      const play = (facts: Game, claim = game.claim) =>
        market.disputes.connect(market.operator).play(claim as never, facts, assertion(states(stated, 3), game.state))
      await expect(play(stale)).to.be.revertedWithCustomError(market.disputes, 'CourtOtherFacts')
      const claim = [...game.claim]
      claim[5] = 0n
      await expect(play(game.facts, claim)).to.be.revertedWithCustomError(market.disputes, 'CourtOtherFacts')
      const rich = { ...game.facts, bond: 10n ** 9n }
      await expect(play(rich)).to.be.revertedWithCustomError(market.disputes, 'CourtOtherFacts')
      await games.assert(game, states(stated, 3), market.operator)
      await expect(
        market.disputes
          .connect(market.stranger)
          .play(game.claim as never, game.facts, objection(states(right, 3), game.state).replace(/.$/, '9')),
      ).to.be.revertedWithCustomError(referee, 'RefereeBadMove')
    })
  })

  describe('the clocks', () => {
    it('void what a silent provider asserts and slash it for it', async () => {
      const { market, deal, stream, showing, games } = await working()
      const game = await games.challenge(deal, await showing.attested(stream, 3), market.stranger)
      const moved = game.facts.moved
      await arriveAt(networkHelpers, market, moved + 8 * HOUR)
      await expect(games.timeOut(game)).to.be.revertedWithCustomError(market.disputes, 'CourtWrongTime')
      await arriveAt(networkHelpers, market, moved + 8 * HOUR + 1)
      const sent = await games.timeOut(game)
      await expect(sent)
        .to.emit(market.tally, 'UnitsVoided')
        .withArgs(deal.id, 0, 300, 200n * UNIT)
        .and.to.emit(market.disputes, 'Ended')
        .withArgs(game.claimId, game.id, Turn.ChallengerWon, true)
      expect(await slashedIn(market, sent.hash)).to.equal((await market.tally.deal(deal.id)).bond)
      expect(await market.disputes.owed(market.stranger)).to.equal(BOND)
      await expectSolvent(market, 0n)
    })

    it('cost a silent provider its deal’s bond only, whatever else the stream was paid for', async () => {
      const { market, deal, stream, showing, games } = await working()
      const game = await games.challenge(deal, await showing.attested(stream, 3), market.stranger)
      await settle(market, Lane.Attested, [stream.work(40_000n).group(5)])
      await arriveAt(networkHelpers, market, game.facts.moved + 8 * HOUR + 1)
      const sent = await games.timeOut(game)
      expect(await slashedIn(market, sent.hash)).to.equal((await market.tally.deal(deal.id)).bond)
    })

    it('give a silent challenger’s bond to who it kept waiting', async () => {
      const { market, deal, stated, stream, showing, games } = await working()
      const game = await games.challenge(deal, await showing.attested(stream, 3), market.stranger)
      await games.assert(game, states(stated, 3), market.operator)
      await games.assert(game, states(stated, 3), market.operator)
      await advance(networkHelpers, market, 8 * HOUR + 60)
      await expect(
        market.disputes
          .connect(market.stranger)
          .play(game.claim as never, game.facts, objection(states(stated, 3), game.state)),
      ).to.be.revertedWithCustomError(market.disputes, 'DisputesTooLate')
      await expect(games.timeOut(game)).to.emit(market.tally, 'Restored')
      expect(await market.disputes.owed(market.operator)).to.equal(ASSERTER_BOND + (BOND * 4n) / 5n)
      await expectSolvent(market, 0n)
    })

    it('run for all moves together, and end a game within twice eight hours', async () => {
      const { market, deal, right, stated, stream, showing, games } = await working({ 3: 20 })
      const game = await games.challenge(deal, await showing.attested(stream, 3), market.stranger)
      const began = game.facts.moved
      for (const half of [0, 1]) {
        await advance(networkHelpers, market, 3 * HOUR)
        await games.assert(game, states(stated, 3), market.operator)
        if (half === 0) await games.assert(game, states(stated, 3), market.operator)
        await advance(networkHelpers, market, 3 * HOUR)
        await games.object(game, states(right, 3), market.stranger)
      }
      await advance(networkHelpers, market, 2 * HOUR + 60)
      await expect(
        market.disputes
          .connect(market.operator)
          .play(game.claim as never, game.facts, assertion(states(stated, 3), game.state)),
      ).to.be.revertedWithCustomError(market.disputes, 'DisputesTooLate')
      await games.timeOut(game)
      expect(Number(await market.tally.clock()) - began).to.be.lessThan(16 * HOUR)
    })
  })

  describe('several challengers', () => {
    it('are answered by one player’s moves: whatever was asserted in a state counts for all, by anyone’s hand', async () => {
      const { market, deal, right, stated, stream, showing, games } = await working({ 3: 20 })
      const shown = await showing.attested(stream, 3)
      const [thrown, won] = [
        await games.challenge(deal, shown, market.rival),
        await games.challenge(deal, shown, market.stranger),
      ]
      expect([thrown.bond, won.bond]).to.deep.equal([BOND, 2n * BOND])
      await expectSolvent(market, 3n * BOND)
      // a friend of the provider throws the first game
      await games.finish(
        thrown,
        { states: states(stated, 3), who: market.operator },
        { states: states(stated, 3), who: market.rival },
      )
      expect(thrown.turn).to.equal(Turn.AsserterWon)
      expect((await market.disputes.claimOf(won.claimId)).state).to.equal(CLAIM.Open)
      expect(await market.tally.disputed()).to.equal(200n * UNIT)
      // the second goes on with what was asserted there, and the provider may not say otherwise
      await expect(games.timeOut(won)).to.be.revertedWithCustomError(market.disputes, 'DisputesMoveKnown')
      await games.assert(won, states(stated, 3), market.relayer)
      const other = runOf(states(stated, 3)[0] ?? '0x', 3)
      await expect(
        market.disputes.connect(market.operator).play(won.claim as never, won.facts, assertion(other, won.state)),
      ).to.be.revertedWithCustomError(market.disputes, 'DisputesOtherMove')
      await games.assert(won, states(stated, 3), market.relayer)
      await games.finish(
        won,
        { states: states(stated, 3), who: market.operator },
        { states: states(right, 3), who: market.stranger },
      )
      expect(won.turn).to.equal(Turn.ChallengerWon)
      expect((await market.disputes.claimOf(won.claimId)).state).to.equal(CLAIM.Refuted)
      expect(await market.disputes.owed(market.stranger)).to.equal(2n * BOND + (ASSERTER_BOND * 4n) / 5n)
      await expectSolvent(market, 0n)
    })

    it('get their bonds back when another one of them has won', async () => {
      const { market, deal, right, stated, stream, showing, games } = await working({ 3: 20 })
      const shown = await showing.attested(stream, 3)
      const [one, two] = [
        await games.challenge(deal, shown, market.rival),
        await games.challenge(deal, shown, market.stranger),
      ]
      await expect(games.conclude(two)).to.be.revertedWithCustomError(market.disputes, 'CourtOtherFacts')
      await games.finish(
        one,
        { states: states(stated, 3), who: market.operator },
        { states: states(right, 3), who: market.rival },
      )
      await expectSolvent(market, 2n * BOND)
      await expect(games.assert(two, states(stated, 3), market.operator)).to.be.revertedWithCustomError(
        market.disputes,
        'CourtOtherFacts',
      )
      await games.conclude(two)
      expect(await market.disputes.owed(market.stranger)).to.equal(2n * BOND)
      await expectSolvent(market, 0n)
      await expect(games.challenge(deal, shown, market.buyer)).to.be.revertedWithCustomError(
        market.disputes,
        'DisputesRefuted',
      )
    })

    it('wait no longer for a move that is known: from when it was made the challenger’s clock runs', async () => {
      const { market, deal, stated, stream, showing, games } = await working()
      const shown = await showing.attested(stream, 3)
      const [one, two] = [
        await games.challenge(deal, shown, market.rival),
        await games.challenge(deal, shown, market.stranger),
      ]
      await advance(networkHelpers, market, 7 * HOUR)
      await games.assert(one, states(stated, 3), market.operator)
      await games.assert(one, states(stated, 3), market.operator)
      await advance(networkHelpers, market, 9 * HOUR)
      await games.assert(two, states(stated, 3), market.relayer)
      await games.assert(two, states(stated, 3), market.relayer)
      expect(two.turn).to.equal(Turn.Challenger)
      await games.timeOut(two)
      await games.timeOut(one)
      expect((await market.disputes.claimOf(one.claimId)).state).to.equal(CLAIM.Upheld)
      await expectSolvent(market, 0n)
    })

    it('may challenge again what was upheld, until its window closes; the provider loses nothing by it', async () => {
      const { market, deal, stated, stream, showing, games } = await working()
      const shown = await showing.attested(stream, 3)
      for (const who of [market.stranger, market.rival]) {
        const game = await games.challenge(deal, shown, who)
        expect(await market.tally.disputed()).to.equal(200n * UNIT)
        await games.finish(
          game,
          { states: states(stated, 3), who: market.operator },
          { states: states(stated, 3), who },
        )
        expect(await market.tally.disputed()).to.equal(0n)
        expect(await unmaturedOf(market)).to.equal(500n * UNIT)
      }
      await expectSolvent(market, 0n)
      await advance(networkHelpers, market, 24 * HOUR)
      await expect(games.challenge(deal, shown, market.rival)).to.be.revertedWithCustomError(
        market.disputes,
        'CourtMatured',
      )
    })
  })

  describe('several claims on one stream', () => {
    it('hold the money of the earliest, and give back what is left when the last has ended', async () => {
      const { market, deal, right, stated, stream, showing, games } = await working({ 3: 20 })
      const shown = await showing.attested(stream, 3)
      const late = await games.challenge(deal, shown, market.stranger)
      const early = await games.challenge(deal, { ...shown, index: 1 }, market.rival)
      expect(await market.tally.disputed()).to.equal(400n * UNIT)
      expect(await unmaturedOf(market)).to.equal(100n * UNIT)
      await games.finish(
        late,
        { states: states(stated, 3), who: market.operator },
        { states: states(right, 3), who: market.stranger },
      )
      // units of receipts 3 and 4 are the deal's again, those of 1 and 2 still in dispute
      expect(await market.tally.disputed()).to.equal(200n * UNIT)
      await games.finish(
        early,
        { states: states(stated, 1), who: market.operator },
        { states: states(stated, 1), who: market.rival },
      )
      expect(early.turn).to.equal(Turn.AsserterWon)
      expect(await market.tally.disputed()).to.equal(0n)
      expect(await unmaturedOf(market)).to.equal(300n * UNIT)
      expect((await market.tally.stream(deal.id, 0)).units).to.equal(300n)
      await expectSolvent(market, 0n)
    })

    it('slash once, and void the earlier units too where both are refuted', async () => {
      const { market, deal, right, stated, stream, showing, games } = await working({ 1: 40, 3: 20 })
      const shown = await showing.attested(stream, 3)
      const early = await games.challenge(deal, { ...shown, index: 1 }, market.rival)
      const late = await games.challenge(deal, shown, market.stranger)
      await games.finish(
        early,
        { states: states(stated, 1), who: market.operator },
        { states: states(right, 1), who: market.rival },
      )
      expect((await market.tally.stream(deal.id, 0)).units).to.equal(100n)
      const { last } = await games.finish(
        late,
        { states: states(stated, 3), who: market.operator },
        { states: states(right, 3), who: market.stranger },
      )
      await expect(last).not.to.emit(market.registry, 'Slashed')
      await expect(last).not.to.emit(market.tally, 'UnitsVoided')
      expect(await market.tally.disputed()).to.equal(0n)
      expect(await unmaturedOf(market)).to.equal(100n * UNIT)
      await expectSolvent(market, 0n)
    })

    it('never void what the buyer’s side vouches for meanwhile', async () => {
      const { market, deal, right, stated, stream, showing, games } = await working({ 3: 20 })
      const game = await games.challenge(deal, await showing.attested(stream, 3), market.stranger)
      const { tally, acknowledgement } = stream.acknowledged(ackKey)
      const { stream: index, count, units, segment } = tally
      await market.tally.acknowledge(deal.id, index, count, units, segment, acknowledgement ?? '0x')
      await games.finish(
        game,
        { states: states(stated, 3), who: market.operator },
        { states: states(right, 3), who: market.stranger },
      )
      expect((await market.tally.stream(deal.id, 0)).units).to.equal(500n)
      expect(await unmaturedOf(market)).to.equal(500n * UNIT)
      expect(await market.tally.disputed()).to.equal(0n)
    })
  })

  describe('challenge', () => {
    it('is refused for what is final, only signed, of another offer, or judged by nobody', async () => {
      const { market, deal, stream, showing, games } = await working()
      await expect(games.challenge(deal, showing.signed(stream, 3), market.stranger)).to.be.revertedWithCustomError(
        market.disputes,
        'DisputesNotProvable',
      )
      const shown = await showing.attested(stream, 3)
      const wrong = { ...deal, offer: { ...deal.offer, program: workHashOf('another') } }
      await expect(games.challenge(wrong, shown, market.stranger)).to.be.revertedWithCustomError(
        market.disputes,
        'CourtOtherOffer',
      )
      await market.disputes.setReferee(Kind.Repeatable, zeroAddress)
      await expect(games.challenge(deal, shown, market.stranger)).to.be.revertedWithCustomError(
        market.disputes,
        'DisputesNotProvable',
      )
      const final = await showing.acknowledged(deal.stream(1).add(receiptOf(runOf(workHashOf('x')))), ackKey, 0)
      await expect(games.challenge(deal, final, market.stranger)).to.be.revertedWithCustomError(
        market.disputes,
        'CourtAcknowledged',
      )
    })

    it('keeps a deal’s bond and its id while it is open', async () => {
      const { market, deal, stated, stream, showing, games } = await working()
      await market.tally.connect(market.buyer).stop(deal.id)
      const shown = await showing.attested(stream, 3)
      await advance(networkHelpers, market, 22 * HOUR)
      const game = await games.challenge(deal, shown, market.stranger)
      await games.assert(game, states(stated, 3), market.operator)
      await games.assert(game, states(stated, 3), market.operator)
      await advance(networkHelpers, market, 3 * HOUR)
      await market.tally.close(deal.id)
      const liens = async () => (await market.registry.providerOf(market.provider.id)).liens
      expect(await liens()).to.be.greaterThan(0n)
      await advance(networkHelpers, market, 6 * HOUR)
      await games.timeOut(game)
      expect(await liens()).to.equal(0n)
    })

    it('has its referees and its price from governance', async () => {
      const { market } = await working()
      const { disputes } = market
      await expect(disputes.connect(market.rival).setReferee(0, market.rival)).to.be.revertedWithCustomError(
        disputes,
        'AccessManagedUnauthorized',
      )
      await expect(disputes.connect(market.rival).setPrice(1)).to.be.revertedWithCustomError(
        disputes,
        'AccessManagedUnauthorized',
      )
      for (const price of [0n, 2n ** 36n + 1n]) {
        await expect(disputes.setPrice(price)).to.be.revertedWithCustomError(disputes, 'CourtOutOfBounds')
      }
    })
  })

  /** Stake taken in a transaction. */
  async function slashedIn(market: Market, hash: string): Promise<bigint> {
    const receipt = await ethers.provider.getTransactionReceipt(hash)
    const vault = await ethers.getContractAt('IVault', market.registry)
    const logs = receipt?.logs.map((entry) => vault.interface.parseLog(entry)) ?? []
    const cases = logs.filter((entry) => entry?.name === 'Slashed')
    expect(cases.length).to.equal(1)
    expect(cases[0]?.args.fault).to.equal(BigInt(Fault.WrongResult))
    return cases[0]?.args.facts.own + cases[0]?.args.facts.delegated
  }

  it('is told apart from a deal of another provider', async () => {
    const { market, stream, showing, games } = await working()
    const shown = await showing.attested(stream, 3)
    const other = await openDeal(market, market.provider, { offer: { salt: workHashOf('other') } })
    await expect(games.challenge(other, shown, market.stranger)).to.be.revertedWithCustomError(
      market.disputes,
      'CourtNoSuchDeal',
    )
  })
})
