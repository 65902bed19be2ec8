/** @module */
import { expect } from 'chai'
import type { ContractTransactionResponse } from 'ethers'
import { network } from 'hardhat'
import { type Hex, zeroHash } from 'viem'

import { chunkOf, taskAuthority } from '#protocol/courts.ts'
import { dealKey, offerHash } from '#protocol/eip712.ts'
import { merkleRoot } from '#protocol/merkle.ts'
import { Fault } from '#protocol/types.ts'

import { signerNamed } from '../support/actors.ts'
import { PER_KILOBYTE } from '../support/courts.ts'
import { deploy } from '../support/deployment.ts'
import { ackKey, createMarket, type Market, offerOf, openDeal, orderKey, USD } from '../support/market.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { contentOf, createShowing, type Task, taskOf } from '../support/tasks.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const ASK = { Order: 0, Output: 1, Input: 2, Work: 3 }
const SIDE = { Anyone: 0, Buyer: 1, Provider: 2 }
const HOUR = 3600
const ORDER_PRICE = 3n * PER_KILOBYTE
const CHUNK_PRICE = 9n * PER_KILOBYTE
const UNIT = USD / 1000n

async function fixture() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n, streams: 20 } })
  for (const who of [market.buyer, market.stranger, market.owner, market.operator, market.rival]) {
    await market.dollar.mint(who, 100n * USD)
    await market.dollar.connect(who).approve(market.demands, 100n * USD)
  }
  await advance(networkHelpers, market, 2 * HOUR)
  return market
}

/** A stream of five tasks, each of 100 units, with the fourth's order signed by whoever is named. */
async function working(signer = orderKey) {
  const market = await networkHelpers.loadFixture(fixture)
  const { deal } = market
  const tasks = [0, 1, 2, 3, 4].map((index) => taskOf(market, deal, index, index === 3 ? { signer } : {}))
  const stream = deal.stream(0).add(...tasks.map(({ receipt }) => receipt))
  const task = tasks[3]
  if (task === undefined) throw new Error('there is no fourth task')
  return { market, deal, tasks, task, stream, showing: createShowing(market) }
}

/** Facts of the demand that a transaction made. */
async function factsOf({ demands }: Market, sent: Promise<ContractTransactionResponse> | ContractTransactionResponse) {
  const receipt = await (await sent).wait()
  const log = receipt?.logs
    .map((entry) => demands.interface.parseLog(entry))
    .find((entry) => entry?.name === 'Demanded')
  if (log == null) throw new Error('nothing was demanded')
  return { id: log.args.demand as Hex, facts: log.args.facts.toArray(), prepaid: BigInt(log.args.facts.prepaid) }
}

const bare = ({ order }: Task) => ({ index: order.index, inputRoot: order.inputRoot, maxUnits: order.maxUnits })
const subjectOf = (key: Hex, stream: number, fault: number) =>
  ethers.keccak256(ethers.AbiCoder.defaultAbiCoder().encode(['bytes32', 'uint8', 'uint8'], [key, stream, fault]))

/** What the contract holds is what open demands prepaid and accounts are owed. */
async function expectSolvent(market: Market, open: bigint, accounts: readonly string[]) {
  const owed = await Promise.all(accounts.map(async (account) => await market.demands.owed(account)))
  const sum = owed.reduce((total, amount) => total + amount, open)
  expect(await market.dollar.balanceOf(market.demands)).to.equal(sum)
}

describe('Demands', () => {
  describe('demandOrder', () => {
    for (const how of ['attested', 'forced', 'signed'] as const) {
      it(`is answered by the order of a receipt that was ${how}; who answers gets what was prepaid`, async () => {
        const { market, deal, task, stream, showing } = await working()
        const shown = await showing[how](stream, 3)
        const { id, facts, prepaid } = await factsOf(
          market,
          market.demands.connect(market.stranger).demandOrder(deal.id, shown),
        )
        expect(prepaid).to.equal(ORDER_PRICE)
        const answer = market.demands.connect(market.rival).answerOrder(facts, task.work, bare(task), task.signature)
        await expect(answer).to.emit(market.demands, 'Answered').withArgs(id, deal.id, market.rival.address)
        await expectSolvent(market, 0n, [market.rival.address])
        await expect(market.demands.withdraw(market.rival)).to.changeTokenBalance(
          ethers,
          market.dollar,
          market.rival,
          ORDER_PRICE,
        )
        expect((await market.demands.demandOf(id)).state).to.equal(2n)
      })
    }

    it('is answered by a leaf of the task root fixed at opening', async () => {
      const market = await networkHelpers.loadFixture(fixture)
      const { nonce } = await market.tally.account(market.buyer)
      const offer = await offerOf(market, market.provider)
      const key = dealKey(offerHash(offer, market.domain), market.buyer.address as Hex, nonce)
      const tasks = [0, 1, 2, 3, 4].map((index) => taskOf(market, { ...market.deal, key }, index))
      const leaves = tasks.map(({ work }) => work.taskHash)
      const deal = await openDeal(market, market.provider, {
        offer,
        terms: { exposure: 10_000_000n, taskRoot: merkleRoot(leaves) },
      })
      expect(deal.key).to.equal(key)
      await advance(networkHelpers, market, HOUR)
      const stream = deal.stream(0).add(...tasks.map(({ receipt }) => receipt))
      const shown = createShowing(market).signed(stream, 4)
      const { facts } = await factsOf(market, market.demands.connect(market.buyer).demandOrder(deal.id, shown))
      const task = tasks[4]
      if (task === undefined) return expect.fail('there is no fifth task')
      const wrong = market.demands.answerOrder(facts, task.work, bare(task), taskAuthority(leaves, 3))
      await expect(wrong).to.be.revertedWithCustomError(market.demands, 'DemandsNoAuthority')
      await expect(market.demands.answerOrder(facts, task.work, bare(task), taskAuthority(leaves, 4))).to.emit(
        market.demands,
        'Answered',
      )
    })

    it('takes no order signed by others, for other work, or for fewer units', async () => {
      const { market, deal, task, tasks, stream, showing } = await working(signerNamed('somebody else'))
      const shown = await showing.attested(stream, 3)
      const { facts } = await factsOf(market, market.demands.connect(market.buyer).demandOrder(deal.id, shown))
      const other = tasks[2]
      if (other === undefined) return expect.fail('there is no third task')
      await expect(
        market.demands.answerOrder(facts, task.work, bare(task), task.signature),
      ).to.be.revertedWithCustomError(market.demands, 'DemandsNoAuthority')
      await expect(
        market.demands.answerOrder(facts, other.work, bare(other), other.signature),
      ).to.be.revertedWithCustomError(market.demands, 'CourtOtherWork')
      const changed = [...facts]
      changed[6] = 1n
      await expect(
        market.demands.answerOrder(changed as never, task.work, bare(task), task.signature),
      ).to.be.revertedWithCustomError(market.demands, 'DemandsNoAuthority')
    })

    it('refuses an order that allows fewer units than the receipt has', async () => {
      const market = await networkHelpers.loadFixture(fixture)
      const task = taskOf(market, market.deal, 0, { units: 101n, maxUnits: 100n })
      const stream = market.deal.stream(0).add(task.receipt)
      const shown = createShowing(market).signed(stream, 0)
      const { facts } = await factsOf(market, market.demands.connect(market.buyer).demandOrder(market.deal.id, shown))
      await expect(market.demands.answerOrder(facts, task.work, bare(task), task.signature))
        .to.be.revertedWithCustomError(market.demands, 'DemandsTooFewUnits')
        .withArgs(100, 101)
    })

    it('counts a key that was kept when another one replaced it', async () => {
      const { market, deal, task, stream, showing } = await working()
      await market.tally.connect(market.buyer).announceDealKeys(deal.id, market.rival, market.rival)
      await market.demands.keepOrderKey(deal.id)
      await advance(networkHelpers, market, 25 * HOUR)
      await market.tally.applyDealKeys(deal.id)
      const shown = await showing.attested(stream, 3)
      const { facts } = await factsOf(market, market.demands.connect(market.buyer).demandOrder(deal.id, shown))
      await expect(market.demands.answerOrder(facts, task.work, bare(task), task.signature)).to.emit(
        market.demands,
        'Answered',
      )
    })

    it('slashes for silence, voids the stream from the receipt on and returns what was prepaid', async () => {
      const { market, deal, stream, showing } = await working()
      const shown = await showing.attested(stream, 3)
      const { id, facts, prepaid } = await factsOf(
        market,
        market.demands.connect(market.stranger).demandOrder(deal.id, shown),
      )
      const before = await market.tally.deal(deal.id)
      await arriveAt(networkHelpers, market, Number(facts.at(-1)))
      await expect(market.demands.lapse(facts)).to.be.revertedWithCustomError(market.demands, 'CourtWrongTime')
      await arriveAt(networkHelpers, market, Number(facts.at(-1)) + 1)
      await expect(market.demands.lapse(facts))
        .to.emit(market.demands, 'Silenced')
        .and.to.emit(market.tally, 'StreamFrozen')
        .withArgs(deal.id, 0, 5)
        .and.to.emit(market.tally, 'UnitsVoided')
        .withArgs(deal.id, 0, 300, 200n * UNIT)
        .and.to.emit(market.registry, 'Slashed')
      expect(await market.demands.owed(market.stranger)).to.equal(prepaid)
      const after = await market.tally.deal(deal.id)
      expect(after.remaining - before.remaining).to.equal(200n * UNIT)
      expect(await market.registry.punishedAt(subjectOf(deal.key, 0, Fault.Unordered))).to.be.greaterThan(0n)
      expect((await market.demands.demandOf(id)).state).to.equal(3n)
      await expectSolvent(market, 0n, [market.stranger.address])
    })

    it('voids further when an earlier receipt lapses too, and slashes once', async () => {
      const { market, deal, stream, showing } = await working()
      const shown = await showing.attested(stream, 3)
      const ask = async (index: number) =>
        await factsOf(market, market.demands.connect(market.buyer).demandOrder(deal.id, { ...shown, index }))
      const [late, early, latest] = [await ask(3), await ask(1), await ask(4)]
      await advance(networkHelpers, market, 13 * HOUR)
      await market.demands.lapse(late.facts)
      await expect(market.demands.lapse(early.facts))
        .to.emit(market.tally, 'UnitsVoided')
        .withArgs(deal.id, 0, 100, 200n * UNIT)
        .and.not.to.emit(market.registry, 'Slashed')
      await expect(market.demands.lapse(latest.facts)).not.to.emit(market.tally, 'UnitsVoided')
      await expectSolvent(market, 0n, [market.buyer.address])
    })

    it('slashes though the money has matured meanwhile', async () => {
      const { market, deal, stream, showing } = await working()
      const shown = await showing.attested(stream, 3)
      await advance(networkHelpers, market, 23 * HOUR)
      const { facts } = await factsOf(market, market.demands.connect(market.buyer).demandOrder(deal.id, shown))
      await advance(networkHelpers, market, 36 * HOUR)
      await expect(market.demands.lapse(facts))
        .to.emit(market.registry, 'Slashed')
        .and.not.to.emit(market.tally, 'UnitsVoided')
    })

    it('slashes for what was only signed, and voids nothing', async () => {
      const { market, deal, stream, showing } = await working()
      const { facts } = await factsOf(
        market,
        market.demands.connect(market.buyer).demandOrder(deal.id, showing.signed(stream, 3)),
      )
      await advance(networkHelpers, market, 13 * HOUR)
      await expect(market.demands.lapse(facts))
        .to.emit(market.registry, 'Slashed')
        .and.to.emit(market.tally, 'StreamFrozen')
        .and.not.to.emit(market.tally, 'UnitsVoided')
    })

    it('takes no answer after the time, and no second one', async () => {
      const { market, deal, task, tasks, stream, showing } = await working()
      const shown = await showing.attested(stream, 3)
      const { id, facts } = await factsOf(market, market.demands.connect(market.buyer).demandOrder(deal.id, shown))
      const answer = () => market.demands.answerOrder(facts, task.work, bare(task), task.signature)
      const other = await factsOf(
        market,
        market.demands.connect(market.buyer).demandOrder(deal.id, { ...shown, index: 2 }),
      )
      await answer()
      await expect(answer()).to.be.revertedWithCustomError(market.demands, 'CourtOtherFacts').withArgs(id)
      await expect(market.demands.connect(market.stranger).demandOrder(deal.id, shown))
        .to.be.revertedWithCustomError(market.demands, 'DemandsAsked')
        .withArgs(id, 2)
      const third = tasks[2]
      if (third === undefined) return expect.fail('there is no third task')
      const late = () => market.demands.answerOrder(other.facts, third.work, bare(third), third.signature)
      await arriveAt(networkHelpers, market, Number(other.facts.at(-1)) + 1)
      await expect(late()).to.be.revertedWithCustomError(market.demands, 'CourtWrongTime')
    })

    it('is refused for what is final: acknowledged, matured, or settled and shown by its signature', async () => {
      const { market, deal, stream, showing } = await working()
      const demand = (shown: Parameters<typeof market.demands.demandOrder>[1]) =>
        market.demands.connect(market.buyer).demandOrder(deal.id, shown)
      const shown = await showing.attested(stream, 3)
      await expect(demand(showing.signed(stream, 3)))
        .to.be.revertedWithCustomError(market.demands, 'CourtSettled')
        .withArgs(3, 5)
      await advance(networkHelpers, market, 24 * HOUR)
      await expect(demand(shown)).to.be.revertedWithCustomError(market.demands, 'CourtMatured')
      const stream1 = deal.stream(1).add(...[5, 6].map((index) => taskOf(market, deal, index).receipt))
      const final = await showing.acknowledged(stream1, ackKey, 0)
      await expect(demand(final)).to.be.revertedWithCustomError(market.demands, 'CourtAcknowledged').withArgs(200, 0)
    })

    it('believes only the worker, and a revoked one no longer than faults count', async () => {
      const { market, deal, stream, showing } = await working()
      const shown = showing.signed(stream, 3)
      const demand = (change: object) =>
        market.demands.connect(market.buyer).demandOrder(deal.id, { ...shown, ...change })
      const other = signerNamed('somebody else').sign(zeroHash)
      for (const change of [{ worker: shown.worker + 1 }, { signature: other }, { worker: 7 }]) {
        await expect(demand(change)).to.be.revertedWithCustomError(market.demands, 'CourtNotAWorker')
      }
      for (const change of [{ index: 5 }, { receipts: shown.receipts.slice(0, -2) }]) {
        await expect(demand(change)).to.be.revertedWithCustomError(market.demands, 'CourtMalformedReceipts')
      }
      const notice = 3 * 24 * HOUR
      const from = (await lastClock(market)) + notice + HOUR
      await market.registry.connect(market.owner).revokeWorker(market.provider.id, shown.worker, from)
      await arriveAt(networkHelpers, market, from + 72 * HOUR + 33 * HOUR - 1)
      await demand({})
      await expect(demand({ index: 2 })).to.be.revertedWithCustomError(market.demands, 'CourtNotAWorker')
    })

    it('keeps the id and the bond of a deal while a demand on it is open', async () => {
      const { market, deal, stream, showing } = await working()
      await market.tally.connect(market.buyer).stop(deal.id)
      const shown = await showing.attested(stream, 3)
      await advance(networkHelpers, market, 23 * HOUR)
      const { facts } = await factsOf(market, market.demands.connect(market.buyer).demandOrder(deal.id, shown))
      await advance(networkHelpers, market, 2 * HOUR)
      await market.tally.close(deal.id)
      const liens = async () => (await market.registry.providerOf(market.provider.id)).liens
      expect(await liens()).to.be.greaterThan(0n)
      await advance(networkHelpers, market, 11 * HOUR)
      await market.demands.lapse(facts)
      expect(await liens()).to.equal(0n)
    })
  })

  describe('demandOutput', () => {
    async function demanded(chunk: number, output = contentOf(9000)) {
      const { market, deal, stream: _, ...rest } = await working()
      const task = taskOf(market, deal, 9, { output })
      const stream = deal.stream(2).add(task.receipt)
      const shown = await rest.showing.attested(stream, 0)
      const made = await factsOf(market, market.demands.connect(market.buyer).demandOutput(deal.id, shown, chunk))
      return { market, deal, task, output, shown, ...made }
    }

    for (const [chunk, size] of [
      [0, 9000],
      [2, 9000],
      [7, 9000],
      [0, 0],
      [1, 4096],
      [1, 8192],
      [5, 20_481],
      [2, 20_481],
    ] as const) {
      it(`is answered by chunk ${chunk} of ${size} bytes, or the last one there is`, async () => {
        const { market, task, output, facts, prepaid } = await demanded(chunk, contentOf(size))
        expect(prepaid).to.equal(CHUNK_PRICE)
        const answer = market.demands.connect(market.owner).answerOutput(facts, task.work, chunkOf(output, chunk))
        await expect(answer).to.emit(market.demands, 'Answered')
        expect(await market.demands.owed(market.owner)).to.equal(CHUNK_PRICE)
      })
    }

    it('takes no other chunk, no other length, no longer path, and no other content', async () => {
      const { market, task, output, facts } = await demanded(1)
      const right = chunkOf(output, 1)
      const wrongs = [
        chunkOf(output, 0),
        chunkOf(output, 2),
        { ...right, length: right.length - 1n },
        { ...right, length: 1n << 40n },
        { ...right, length: (1n << 64n) - 1n },
        { ...right, path: `${right.path}${'00'.repeat(32)}` },
        { ...right, path: right.path.slice(0, -64) },
        { ...right, data: right.data.slice(0, -2) },
        chunkOf(contentOf(9000, 5), 1),
      ]
      for (const wrong of wrongs) {
        await expect(market.demands.answerOutput(facts, task.work, wrong)).to.be.revertedWithCustomError(
          market.demands,
          'DemandsOtherContent',
        )
      }
      const other = { ...task.work, plainHash: zeroHash }
      await expect(market.demands.answerOutput(facts, other, right)).to.be.revertedWithCustomError(
        market.demands,
        'CourtOtherWork',
      )
    })

    it('is the buyer, its order key and its acknowledgement key to make, and nobody else', async () => {
      const { market, deal, shown } = await demanded(1)
      for (const who of [market.stranger, market.owner, market.rival]) {
        await expect(market.demands.connect(who).demandOutput(deal.id, shown, 0))
          .to.be.revertedWithCustomError(market.demands, 'CourtUnauthorized')
          .withArgs(who.address)
      }
    })

    it('slashes and voids for silence', async () => {
      const { market, deal, facts } = await demanded(1)
      await advance(networkHelpers, market, 13 * HOUR)
      await expect(market.demands.lapse(facts))
        .to.emit(market.tally, 'UnitsVoided')
        .withArgs(deal.id, 2, 0, 100n * UNIT)
      expect(await market.registry.punishedAt(subjectOf(deal.key, 2, Fault.Withheld))).to.be.greaterThan(0n)
    })
  })

  describe('the price of a demand', () => {
    it('doubles with every open demand of the same side on the deal, and falls with the answers', async () => {
      const { market, deal, tasks, stream, showing } = await working()
      const shown = await showing.attested(stream, 0)
      const demand = async (who: typeof market.buyer, index: number) =>
        await factsOf(market, market.demands.connect(who).demandOrder(deal.id, { ...shown, index }))
      const made = [await demand(market.stranger, 0), await demand(market.rival, 1), await demand(market.stranger, 2)]
      expect(made.map(({ prepaid }) => prepaid)).to.deep.equal([ORDER_PRICE, 2n * ORDER_PRICE, 4n * ORDER_PRICE])
      expect((await demand(market.buyer, 3)).prepaid).to.equal(ORDER_PRICE)
      await expectSolvent(market, 8n * ORDER_PRICE, [])
      const task = tasks[1]
      if (task === undefined || made[1] === undefined) return expect.fail('there is no second task')
      await market.demands.answerOrder(made[1].facts, task.work, bare(task), task.signature)
      expect(await market.demands.priceOf(deal.key, SIDE.Anyone, ASK.Order)).to.equal(4n * ORDER_PRICE)
      await expectSolvent(market, 6n * ORDER_PRICE, [market.deployer.address])
    })

    it('is governed, within bounds', async () => {
      const market = await networkHelpers.loadFixture(fixture)
      await expect(market.demands.connect(market.stranger).setPrice(5)).to.be.revertedWithCustomError(
        market.demands,
        'AccessManagedUnauthorized',
      )
      for (const price of [0n, 2n ** 40n + 1n]) {
        await expect(market.demands.setPrice(price)).to.be.revertedWithCustomError(market.demands, 'CourtOutOfBounds')
      }
      await market.demands.setPrice(2n ** 40n)
      expect(await market.demands.priceOf(zeroHash, SIDE.Buyer, ASK.Work)).to.equal(12n * 2n ** 40n)
    })
  })

  describe('what a provider may demand', () => {
    it('a chunk of an order’s input, which whoever has it may show', async () => {
      const { market, deal, task } = await working()
      const demand = () => market.demands.connect(market.operator).demandInput(deal.id, bare(task), task.signature, 1)
      const { facts } = await factsOf(market, demand())
      expect(await market.demands.isExcused(deal.key)).to.equal(true)
      await expect(market.demands.answerInput(facts, chunkOf(contentOf(5000, 3), 1))).to.be.revertedWithCustomError(
        market.demands,
        'DemandsOtherContent',
      )
      await market.demands.connect(market.rival).answerInput(facts, chunkOf(task.input, 1))
      expect(await market.demands.isExcused(deal.key)).to.equal(false)
      expect(await market.demands.owed(market.rival)).to.equal(CHUNK_PRICE)
    })

    it('is excused from no-show by silence, and slashed for nothing', async () => {
      const { market, deal, task } = await working()
      const { facts, prepaid } = await factsOf(
        market,
        market.demands.connect(market.operator).demandInput(deal.id, bare(task), task.signature, 1),
      )
      await advance(networkHelpers, market, 13 * HOUR)
      await expect(market.demands.lapse(facts))
        .to.emit(market.tally, 'DealExcused')
        .withArgs(deal.id)
        .and.not.to.emit(market.registry, 'Slashed')
      expect(await market.demands.isExcused(deal.key)).to.equal(true)
      expect(await market.demands.owed(market.operator)).to.equal(prepaid)
    })

    it('work worth the offer’s minimum, from the middle of the deal’s time on', async () => {
      const { market, deal, tasks } = await working()
      const demand = () => market.demands.connect(market.owner).demandWork(deal.id, deal.offer, deal.nonce)
      await expect(demand()).to.be.revertedWithCustomError(market.demands, 'CourtWrongTime')
      await advance(networkHelpers, market, 84 * HOUR)
      const wrong = { ...deal.offer, minBudget: 1n }
      await expect(
        market.demands.connect(market.owner).demandWork(deal.id, wrong, deal.nonce),
      ).to.be.revertedWithCustomError(market.demands, 'CourtOtherOffer')
      const { facts } = await factsOf(market, demand())
      // a dollar's worth is 1,000 units: one order allows as many
      const answer = (count: number, from = 0) => {
        const some = tasks.slice(from, count)
        return market.demands.answerWork(
          facts,
          some.map(bare),
          some.map(({ signature }) => signature),
        )
      }
      await expect(answer(0)).to.be.revertedWithCustomError(market.demands, 'DemandsTooFewUnits').withArgs(0, 1000)
      const twice = [tasks[0], tasks[0]] as [Task, Task]
      await expect(
        market.demands.answerWork(
          facts,
          twice.map(bare),
          twice.map(({ signature }) => signature),
        ),
      ).to.be.revertedWithCustomError(market.demands, 'DemandsNotRising')
      await expect(answer(1)).to.emit(market.demands, 'Answered')
    })

    it('nothing, if it is not the deal’s provider, the order is none, or the deal is too near its end', async () => {
      const { market, deal, task } = await working(signerNamed('somebody else'))
      const demand = (who: typeof market.buyer) =>
        market.demands.connect(who).demandInput(deal.id, bare(task), task.signature, 0)
      await expect(demand(market.buyer)).to.be.revertedWithCustomError(market.demands, 'CourtUnauthorized')
      await expect(demand(market.owner)).to.be.revertedWithCustomError(market.demands, 'DemandsNoAuthority')
      await market.tally.connect(market.buyer).stop(deal.id)
      await expect(demand(market.owner)).to.be.revertedWithCustomError(market.demands, 'CourtNoSuchDeal')
    })
  })

  it('a demand’s answer is no other kind’s', async () => {
    const { market, deal, task, stream, showing } = await working()
    const shown = await showing.attested(stream, 3)
    const { facts } = await factsOf(market, market.demands.connect(market.buyer).demandOutput(deal.id, shown, 0))
    await expect(
      market.demands.answerOrder(facts, task.work, bare(task), task.signature),
    ).to.be.revertedWithCustomError(market.demands, 'DemandsOtherAsk')
    await expect(market.demands.answerInput(facts, chunkOf(task.output, 0))).to.be.revertedWithCustomError(
      market.demands,
      'DemandsOtherAsk',
    )
    await expect(market.demands.withdraw(market.rival)).to.be.revertedWithCustomError(
      market.demands,
      'CourtNothingOwed',
    )
  })
})
