import { expect } from 'chai'
import { network } from 'hardhat'

import { Turn } from '#protocol/disputes.ts'

import type { Market } from '../../support/market.ts'
import { createProvableMarket, createTable, type DoneWork, doWork } from '../../support/players.ts'
import { advance } from '../../support/protocol-clock.ts'
import { type Slip, slips, stepsOf } from '../../support/summing.ts'
import { createShowing } from '../../support/tasks.ts'

const { ethers, networkHelpers, provider } = await network.create({ network: 'osaka' })

const COUNT = 300
const HOUR = 3600

type Step = () => Promise<unknown>
type Table = Awaited<ReturnType<typeof createTable>>

describe('players of games about provable work', () => {
  let market: Market
  let table: Table

  async function fixture() {
    const made = await createProvableMarket(ethers)
    await advance(networkHelpers, made, 2 * HOUR)
    return made
  }

  beforeEach(async () => {
    market = await networkHelpers.loadFixture(fixture)
    table = await createTable(market, provider)
    await table.letPlay(market.provider.id)
    await table.endow('challenger')
  })
  afterEach(async () => {
    await table.holdBack(false)
    table.close()
  })

  /** Work that was done so, settled. */
  async function settled(slip?: Slip): Promise<DoneWork> {
    const done = await doWork(market, market.deal, { index: 0, count: COUNT, ...(slip === undefined ? {} : { slip }) })
    await createShowing(market).attested(market.deal.stream(0).add(done.receipt), 0)
    return done
  }

  /** Lets everybody look in turn, until the first game has ended. */
  async function playOn(steps: readonly Step[], rounds = 30): Promise<number | null> {
    for (let round = 0; round < rounds; round += 1) {
      for (const step of steps) await step()
      const [game] = [...(await table.court.read()).games.values()]
      if (game !== undefined && game.outcome !== null) return game.outcome
    }
    return null
  }

  const lies: readonly (readonly [string, Slip])[] = [
    ['a wrong output', slips.output(stepsOf(COUNT) - 1n)],
    ['a wrong last state', slips.memory(700n)],
    ['too long a run', slips.longer(800n, 20)],
  ]
  for (const [what, slip] of lies) {
    it(`an honest challenger wins against ${what}, by itself`, async () => {
      const done = await settled(slip)
      const asserter = table.asserter([done])
      const challenger = table.challenger(done)
      const before = await challenger.purse.balance()
      expect(await playOn([challenger.step, asserter.step])).to.equal(Turn.ChallengerWon)
      expect((await market.tally.stream(market.deal.id, 0)).units).to.equal(0n)
      await challenger.purse.collect()
      expect((await challenger.purse.balance()) > before).to.equal(true)
    })
  }

  it('an honest worker wins against a challenger that errs, by itself, and keeps its money', async () => {
    const done = await settled()
    const asserter = table.asserter([done])
    const challenger = table.challenger(done, slips.register(555n))
    const before = await asserter.purse.balance()
    expect(await playOn([challenger.step, asserter.step], 8)).to.equal(null)
    await advance(networkHelpers, market, 8 * HOUR + 60)
    expect(await playOn([asserter.step], 3)).to.equal(Turn.AsserterWon)
    expect((await market.tally.stream(market.deal.id, 0)).units).to.equal(done.receipt.units)
    await asserter.purse.collect()
    expect((await asserter.purse.balance()) > before).to.equal(true)
  })

  describe('after a restart', () => {
    /** A player that is made anew for every look at the chain. */
    const mortal = (make: () => { step: Step; leave: () => void }): Step => {
      return async () => {
        const one = make()
        await one.step()
        one.leave()
      }
    }

    it('between any two moves, either side goes on and moves once', async () => {
      const done = await settled(slips.register(777n))
      const steps = [mortal(() => table.challenger(done)), mortal(() => table.asserter([done]))]
      expect(await playOn(steps)).to.equal(Turn.ChallengerWon)
      const [game] = [...(await table.court.read()).games.values()]
      const made = game?.moves.map(({ turn }) => turn) ?? []
      const { address: asserter } = table.asserter([], 'asserter')
      const { address: challenger } = table.challenger(done)
      // one approval each, and the challenge
      expect(await table.sentBy(asserter)).to.equal(1 + made.filter((turn) => turn === Turn.Asserter).length)
      expect(await table.sentBy(challenger)).to.equal(2 + made.filter((turn) => turn === Turn.Challenger).length)
    })

    it('with a move on its way, it is not made twice', async () => {
      const done = await settled(slips.register(777n))
      const steps = [mortal(() => table.challenger(done)), mortal(() => table.asserter([done]))]
      await table.holdBack(true)
      const mining = async () => {
        for (const step of steps) await step()
        await table.mine()
      }
      expect(await playOn([mining])).to.equal(Turn.ChallengerWon)
      const [game] = [...(await table.court.read()).games.values()]
      const { address } = table.challenger(done)
      const own = game?.moves.filter(({ turn }) => turn === Turn.Challenger) ?? []
      expect(await table.sentBy(address)).to.equal(2 + own.length)
    })
  })

  for (const depth of [1, 2, 3]) {
    it(`a re-organisation that takes ${depth} moves back makes them again`, async () => {
      const done = await settled(slips.register(777n))
      const asserter = table.asserter([done])
      const challenger = table.challenger(done)
      const snapshots: unknown[] = []
      let isDue = true
      const watched = (step: Step): Step => {
        return async () => {
          snapshots.push(await table.snapshot())
          await step()
          const [game] = [...(await table.court.read()).games.values()]
          if (!isDue || (game?.moves.length ?? 0) < 4) return
          isDue = false
          await table.reorganise(snapshots.at(-depth), depth)
        }
      }
      expect(await playOn([watched(challenger.step), watched(asserter.step)])).to.equal(Turn.ChallengerWon)
      expect(isDue).to.equal(false)
    })
  }

  it('two challengers at once share the asserter’s moves, and one win refutes for both', async () => {
    const done = await settled(slips.register(777n))
    await table.endow('other challenger')
    const asserter = table.asserter([done])
    const one = table.challenger(done)
    const other = table.challenger(done, undefined, 'other challenger')
    const before = [await one.purse.balance(), await other.purse.balance()]
    expect(await playOn([one.step, other.step, asserter.step])).to.equal(Turn.ChallengerWon)
    for (let round = 0; round < 3; round += 1) await other.step()
    const games = [...(await table.court.read()).games.values()]
    expect(games.map(({ outcome }) => outcome)).to.deep.equal([Turn.ChallengerWon, Turn.ChallengerWon])
    const said = new Set(
      games.flatMap(({ moves }) => moves.filter(({ turn }) => turn === Turn.Asserter)).map(({ move }) => move),
    )
    // the bond's approval, and each thing once
    expect(await table.sentBy(asserter.address)).to.equal(1 + said.size)
    for (const [at, player] of [one, other].entries()) {
      await player.purse.collect()
      expect((await player.purse.balance()) >= (before[at] ?? 0n)).to.equal(true)
    }
  })

  it('a silent asserter is timed out, and the protocol clock is kept going meanwhile', async () => {
    const done = await settled(slips.register(777n))
    const challenger = table.challenger(done)
    for (let hours = 0; hours < 40; hours += 1) {
      if ((await challenger.step()).kind === 'ended') break
      await table.pass(HOUR)
    }
    const [game] = [...(await table.court.read()).games.values()]
    expect(game?.outcome).to.equal(Turn.ChallengerWon)
    expect(game?.moves).to.deep.equal([])
  })
})
