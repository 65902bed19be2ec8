/**
 * Random histories of demands and games between an honest provider, one that lies, honest and dishonest challengers: the
 * courts' invariants hold after every step, and at the end nobody honest has lost.
 *
 * @module
 */
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import { expect } from 'chai'
import { network } from 'hardhat'
import type { Hex } from 'viem'

import type { Shown } from '#protocol/courts.ts'
import { Kind } from '#protocol/types.ts'

import { createChoices } from '../support/cluster-random.ts'
import { deploy } from '../support/deployment.ts'
import { assertion, createGames, objection, type PlayedGame, receiptOf, runOf, Turn } from '../support/games.ts'
import { createMarket, joinProvider, type OpenDeal, openDeal, USD } from '../support/market.ts'
import { advance, lastClock } from '../support/protocol-clock.ts'
import { createShowing, type Task, taskOf } from '../support/tasks.ts'
import { workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const HOUR = 3600
const UNIT = USD / 1000n
const NOBODY = '0x000000000000000000000000000000000000dEaD'
const STEPS_OF_RUN = 16
const isDeep = process.env.TALLY_DEEP === '1'
const SEEDS = Array.from({ length: isDeep ? 40 : 4 }, (_, seed) => seed + 1)
const STEPS = isDeep ? 120 : 50

async function fixture() {
  const terms = { exposure: 10_000_000n, streams: 40 }
  const market = await createMarket(await deploy(ethers), { terms })
  await market.disputes.setReferee(Kind.Repeatable, await ethers.deployContract('CounterReferee'))
  const liar = await joinProvider(market, market.rival)
  const lies = await openDeal(market, liar, { terms, offer: { salt: workHashOf('lies') } })
  for (const who of [market.buyer, market.stranger, market.owner, market.rival, market.relayer]) {
    for (const court of [market.demands, market.disputes]) {
      await market.dollar.mint(who, 10n ** 9n * USD)
      await market.dollar.connect(who).approve(court, 10n ** 9n * USD)
    }
  }
  await advance(networkHelpers, market, 2 * HOUR)
  return { market, lies }
}

type Settled = { deal: OpenDeal; honest: boolean; index: number; shown: Shown; right: Hex[]; stated: Hex[] }
type Playing = { game: PlayedGame; of: Settled; honest: boolean; who: HardhatEthersSigner; openedAt: number }
type Asked = { facts: unknown[]; prepaid: bigint; task: Task; honest: boolean }

/** One history. */
async function createHistory(seed: number) {
  const { market, lies } = await networkHelpers.loadFixture(fixture)
  const { tally, disputes, demands } = market
  const random = createChoices(seed, 'courts')
  const showing = createShowing(market)
  const games = createGames(market)
  const settled: Settled[] = []
  const playing: Playing[] = []
  const asked: Asked[] = []
  const claims = new Set<Hex>()
  const paid = new Map<string, bigint>()
  let worth = 0n
  let streams = 0
  const startBlock = await ethers.provider.getBlockNumber()

  const asserterOf = ({ honest }: Settled) => (honest ? market.owner : market.rival)
  const chance = (share: number) => random.below(1000) < share * 1000
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[random.below(Math.max(1, items.length))]
  const pays = (who: HardhatEthersSigner, amount: bigint) =>
    paid.set(who.address, (paid.get(who.address) ?? 0n) + amount)

  /** Three runs on a stream of their own; a liar errs in some. */
  async function settleRuns(): Promise<void> {
    if (streams === 36) return
    const honest = chance(0.5)
    const deal = honest ? market.deal : lies
    const stream = deal.stream(streams++)
    const runs = [0, 1, 2].map((index) => {
      const start = workHashOf(`${seed} ${streams} ${index}`)
      const errsAt = !honest && chance(0.6) ? 1 + random.below(STEPS_OF_RUN) : undefined
      return { right: runOf(start, undefined, STEPS_OF_RUN), stated: runOf(start, errsAt, STEPS_OF_RUN) }
    })
    stream.add(...runs.map(({ stated }) => receiptOf(stated)))
    await advance(networkHelpers, market, 901)
    const shown = await showing.attested(stream, 0)
    settled.push(...runs.map((run, index) => ({ deal, honest, index, shown: { ...shown, index }, ...run })))
    if (honest) worth += 300n * UNIT
  }

  const isWrong = ({ right, stated }: Settled) => right.at(-1) !== stated.at(-1)

  async function challenge(): Promise<void> {
    const honest = chance(0.5)
    const of = pick(honest ? settled.filter(isWrong) : settled)
    if (of === undefined || playing.length > 6) return
    const who = honest ? market.stranger : market.relayer
    const game = await orRefused(() => games.challenge(of.deal, of.shown, who))
    if (game === undefined) return
    claims.add(game.claimId)
    if (honest) pays(who, game.bond)
    playing.push({ game, of, honest, who, openedAt: await lastClock(market) })
  }

  /** The result, unless the contract refuses: what has matured, or was refuted, is no longer challenged. */
  async function orRefused<Result>(act: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await act()
    } catch (error) {
      const text = String(error)
      const known = ['CourtMatured', 'DisputesRefuted', 'CourtOtherFacts', 'CourtWrongTime', 'DisputesMoveKnown']
      if ([...known, 'DisputesTooLate', 'DemandsTooMany', 'DisputesOtherMove'].some((name) => text.includes(name))) {
        return undefined
      }
      throw error
    }
  }

  async function asserts({ game, of }: Playing): Promise<void> {
    const before = (await disputes.claimOf(game.claimId)).bond
    await orRefused(() => games.moveBy(game, assertion(of.stated, game.state), asserterOf(of)))
    const after = (await disputes.claimOf(game.claimId)).bond
    if (of.honest && after > before) pays(market.owner, after - before)
  }

  async function objects({ game, of, honest, who }: Playing): Promise<void> {
    const run = honest || chance(0.5) ? of.right : of.stated
    await orRefused(() => games.moveBy(game, objection(run, game.state), who))
  }

  const drop = (one: Playing) => playing.splice(playing.indexOf(one), 1)

  /** Takes games off that have ended, by a move or with their claim. */
  async function sweep(): Promise<void> {
    for (const one of [...playing]) {
      const { state } = await disputes.claimOf(one.game.claimId)
      if (one.game.turn > Turn.Arbiter) drop(one)
      else if (state === 3n) {
        await games.conclude(one.game)
        drop(one)
      }
    }
  }

  /** The next move of a game, if it is an honest player's. */
  async function honestMove(one: Playing): Promise<boolean> {
    const { turn } = one.game
    if (turn === Turn.Asserter && one.of.honest) await asserts(one)
    else if (turn === Turn.Challenger && one.honest) await objects(one)
    else return false
    await sweep()
    return true
  }

  /** Whoever is honest never lets a clock run for more than an hour or two. */
  async function honestMoves(): Promise<void> {
    for (let moved = true; moved; ) {
      await sweep()
      moved = false
      for (const one of [...playing]) moved = (playing.includes(one) && (await honestMove(one))) || moved
    }
    for (const one of asked.filter(({ honest }) => honest)) {
      const { index, inputRoot, maxUnits } = one.task.order
      const { signature, work } = one.task
      const answering = demands.connect(market.owner)
      await answering.answerOrder(one.facts as never, work, { index, inputRoot, maxUnits }, signature)
      asked.splice(asked.indexOf(one), 1)
    }
  }

  /** Repeats the asserter's move, if it is known. */
  async function repeat({ game, of }: Playing): Promise<void> {
    if (game.turn !== Turn.Asserter) return
    const { move } = await disputes.moveOf(game.claimId, game.state)
    if (BigInt(move) === 0n) return
    await orRefused(() => games.moveBy(game, assertion(of.stated, game.state), market.stranger))
  }

  /** Anyone repeats what is known, ends what has run out of time, and lets lapse what nobody answered. */
  async function crank(): Promise<void> {
    await sweep()
    for (const one of [...playing]) {
      await repeat(one)
      if ((await orRefused(() => games.timeOut(one.game))) !== undefined) drop(one)
    }
    for (const one of [...asked]) {
      const lapsed = await orRefused(() => demands.lapse(one.facts as never))
      if (lapsed !== undefined) asked.splice(asked.indexOf(one), 1)
    }
    await sweep()
  }

  async function demand(): Promise<void> {
    if (streams === 36) return
    const honest = chance(0.5)
    const deal = honest ? market.deal : lies
    const task = taskOf(market, deal, streams)
    const shown = showing.signed(deal.stream(streams++).add(task.receipt), 0)
    const sent = await orRefused(() => demands.connect(market.stranger).demandOrder(deal.id, shown))
    if (sent === undefined) return
    const logs = (await sent.wait())?.logs.map((entry) => demands.interface.parseLog(entry)) ?? []
    const facts = logs.find((entry) => entry?.name === 'Demanded')?.args.facts
    asked.push({ facts: facts.toArray(), prepaid: BigInt(facts.prepaid), task, honest })
  }

  async function pass(hours: number): Promise<void> {
    await honestMoves()
    for (let hour = 0; hour < hours; hour++) {
      await advance(networkHelpers, market, HOUR)
      await honestMoves()
    }
    await crank()
  }

  /** A move of some game by whoever is to make it, honest or not. */
  async function move(): Promise<void> {
    const one = pick(playing)
    if (one === undefined) return
    if (one.game.turn === Turn.Asserter) await asserts(one)
    else await objects(one)
    await sweep()
  }

  const acts = [settleRuns, settleRuns, challenge, challenge, challenge, demand, move, move]
  const wait = async () => await pass(1 + random.below(5))
  const step = async () => await (pick([...acts, wait, wait]) ?? wait)()

  const accounts = [...Object.values(market.accounts).map(({ address }) => address), NOBODY]
  const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n)
  const owedBy = async (court: { owed(account: string): Promise<bigint> }) =>
    sum(await Promise.all(accounts.map(async (account) => await court.owed(account))))

  async function expectSolvent(): Promise<void> {
    const open = sum(playing.map(({ game }) => game.bond))
    const posted = sum(await Promise.all([...claims].map(async (claim) => (await disputes.claimOf(claim)).bond)))
    const held = await market.dollar.balanceOf(disputes)
    expect(held, 'disputes hold open bonds and what is owed').to.equal((await owedBy(disputes)) + open + posted)
    const prepaid = sum(asked.map((one) => one.prepaid))
    const kept = await market.dollar.balanceOf(demands)
    expect(kept, 'demands hold what was prepaid and what is owed').to.equal((await owedBy(demands)) + prepaid)
  }

  async function expectSettlementSolvent(): Promise<void> {
    for (const { id } of [market.provider, lies.provider]) await tally.refreshCover(id)
    const earned = await Promise.all([market.provider, lies.provider].map(async ({ id }) => await tally.earnings(id)))
    const left = await Promise.all([market.deal, lies].map(async ({ id }) => (await tally.deal(id)).remaining))
    const { free } = await tally.account(market.buyer)
    const fees = await tally.fees()
    const owes = [...left, free, fees.protocolFee, fees.committeeFee, await tally.disputed()]
    const provided = earned.flatMap(({ claimable, unmatured }) => [claimable, unmatured])
    expect(await market.dollar.balanceOf(tally), 'the settlement holds what it owes').to.equal(
      sum([...owes, ...provided]),
    )
  }

  async function expectLongestGame(): Promise<void> {
    const now = await lastClock(market)
    // twice eight hours, and what this history takes to see it
    for (const { openedAt } of playing) expect(now - openedAt).to.be.at.most(16 * HOUR + 8 * HOUR)
  }

  async function expectPunishedOnce(): Promise<void> {
    const vault = await ethers.getContractAt('IVault', market.registry)
    const cases = await vault.queryFilter(vault.filters.Slashed(), startBlock)
    const subjects = cases.map(({ args }) => args.subject)
    expect(new Set(subjects).size, 'each subject is punished once').to.equal(subjects.length)
    const slashed = new Set(cases.map(({ args }) => Number(args.facts.provider)))
    expect(slashed.has(market.provider.id), 'who is honest is never slashed').to.equal(false)
  }

  async function expectHonestWhole(): Promise<void> {
    for (const [account, amount] of paid) {
      expect(await disputes.owed(account), 'who is honest has its bonds back').to.be.at.least(amount)
    }
    const { claimable, unmatured } = await tally.earnings(market.provider.id)
    const fees = worth / 100n + worth / 200n
    expect(unmatured).to.equal(0n)
    expect(claimable, 'honest work is paid once').to.be.within(worth - fees, worth - fees + BigInt(2 * STEPS))
  }

  return {
    step,
    pass,
    expectSolvent,
    expectSettlementSolvent,
    expectLongestGame,
    expectPunishedOnce,
    expectHonestWhole,
    open: () => playing.length + asked.length,
    disputed: async () => await tally.disputed(),
  }
}

describe('courts through random histories', function () {
  this.timeout(600_000)

  for (const seed of SEEDS) {
    it(`stay solvent, end every game, punish once and leave nobody honest worse off, seed ${seed}`, async () => {
      const history = await createHistory(seed)
      for (let step = 0; step < STEPS; step++) {
        await history.step()
        await history.expectSolvent()
        await history.expectLongestGame()
        if (step % 10 === 9) await history.expectSettlementSolvent()
      }
      await history.pass(9)
      await history.pass(9)
      expect(history.open(), 'everything has ended').to.equal(0)
      expect(await history.disputed(), 'no money is left in dispute').to.equal(0n)
      await history.expectSolvent()
      await history.expectSettlementSolvent()
      await history.expectPunishedOnce()
      for (let day = 0; day < 4; day++) await history.pass(24)
      await history.expectHonestWhole()
    })
  }
})
