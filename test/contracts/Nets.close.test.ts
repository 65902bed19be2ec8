/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Hex, keccak256, zeroHash } from 'viem'

import { encodeNetBatch } from '#protocol/net-batch.ts'
import { createNetTree } from '#protocol/net-tree.ts'

import { deploy } from '../support/deployment.ts'
import { fundBuyer, joinProvider, type OpenDeal, openDeal, STAKE, USD } from '../support/market.ts'
import {
  bondMembers,
  copyOf,
  createNetBooks,
  leafOf,
  type NetBooks,
  netBatchOf,
  openNetDeal,
  sendNetBatch,
  settleNets,
} from '../support/netting.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const PRICE = USD / 1000n
const DAY = 86_400
const GRACE = 3 * 3600
const WEEK = 7 * DAY

/** A buyer with two netted deals of 100 dollars, one of a day, of which 30 and 5 dollars were settled. */
async function trading() {
  const deployment = await deploy(ethers)
  const books = createNetBooks()
  await bondMembers(deployment)
  const provider = await joinProvider(deployment, deployment.owner)
  await fundBuyer(deployment, deployment.buyer, 5000n * USD)
  const deal = await openNetDeal(deployment, books, provider, { terms: { duration: DAY } })
  const second = await openNetDeal(deployment, books, provider)
  await advance(networkHelpers, deployment, 3600)
  const { end } = await deployment.tally.deal(deal.id)
  const groups = [deal.stream(0).work(20_000n), deal.stream(3).work(10_000n), second.stream(0).work(5000n)]
  const built = await netBatchOf(
    deployment,
    books,
    groups.map((stream) => stream.group()),
  )
  await settleNets(deployment, books, built)
  return { ...deployment, books, provider, deal, second, end: Number(end) }
}
type Trading = Awaited<ReturnType<typeof trading>>

async function begin(): Promise<Trading> {
  const market = await networkHelpers.loadFixture(trading)
  return { ...market, books: copyOf(market.books) }
}

/** Second from which a deal can be closed. */
const closing = ({ end }: Trading): number => end + DAY + GRACE

async function freeOf({ tally, buyer }: Trading): Promise<bigint> {
  return (await tally.account(buyer)).free
}

/** A root that says whatever members like of a deal. */
async function misstate(market: Trading, books: NetBooks, deal: OpenDeal, units: bigint): Promise<void> {
  const tree = books.tree.withLeaf(deal.id, { key: deal.key, cells: [{ cursor: 1, units }] })
  const built = await netBatchOf(market, books, [deal.stream(1).work(1n).group()])
  const nets = { providers: [], buyers: [], root: tree.root }
  const encoded = encodeNetBatch({ ...built.batch, ...nets })
  await sendNetBatch(market, { encoded, blobs: built.blobs, previous: books.tree.root, queueFrom: 0 })
  books.tree = tree
}

describe('Nets: closing', function () {
  this.timeout(60_000)

  describe('closeNet', () => {
    it('returns what the units under the net root leave of the budget, to the second', async () => {
      const market = await begin()
      const { tally, books, deal, buyer, registry, provider, stranger } = market
      const before = await freeOf(market)
      const { liens } = await registry.providerOf(provider.id)
      await arriveAt(networkHelpers, market, closing(market) - 1)
      await expect(tally.closeNet(deal.id, ...leafOf(books, deal.id)))
        .to.be.revertedWithCustomError(tally, 'DealTooEarly')
        .withArgs(deal.id, closing(market) - 1, closing(market))
      await arriveAt(networkHelpers, market, closing(market))
      await expect(tally.connect(stranger).closeNet(deal.id, ...leafOf(books, deal.id)))
        .to.emit(tally, 'DealClosed')
        .withArgs(deal.id, 70n * USD, 0)
      expect((await freeOf(market)) - before).to.equal(70n * USD)
      expect((await tally.account(buyer)).locked).to.equal(100n * USD)
      expect([...(await tally.netBuyer(buyer))]).to.deep.equal([0n, 1n, 100n * USD, 95n * USD])
      expect(liens - (await registry.providerOf(provider.id)).liens).to.equal(10n * STAKE)
    })

    it('happens once, and to netted deals only', async () => {
      const market = await begin()
      const { tally, books, deal, provider } = market
      const plain = await openDeal(market, provider, { terms: { duration: DAY } })
      await arriveAt(networkHelpers, market, closing(market))
      await tally.closeNet(deal.id, ...leafOf(books, deal.id))
      for (const id of [deal.id, plain.id, 99]) {
        await expect(tally.closeNet(id, ...leafOf(books, id)))
          .to.be.revertedWithCustomError(tally, 'NetsNoSuchDeal')
          .withArgs(id)
      }
    })

    it('takes nothing but the leaf under the net root', async () => {
      const market = await begin()
      const { tally, books, deal, second } = market
      await arriveAt(networkHelpers, market, closing(market))
      const [leaf, path] = leafOf(books, deal.id)
      const [other, elsewhere] = leafOf(books, second.id)
      const wrong: [Hex, typeof path][] = [
        ['0x', path],
        [`${leaf.slice(0, -2)}00` as Hex, path],
        [other, path],
        [leaf, elsewhere],
        [other, elsewhere],
        [leaf, { mask: path.mask, siblings: [...path.siblings, zeroHash] }],
        [leaf, { mask: 0, siblings: path.siblings }],
      ]
      for (const [bytes, way] of wrong) {
        await expect(tally.closeNet(deal.id, bytes, way)).to.be.revertedWithCustomError(tally, 'NetsBadPath')
      }
      await tally.closeNet(deal.id, leaf, path)
    })

    it('of a deal in which nothing was settled pays the opening fee', async () => {
      const market = await begin()
      const { tally, books, provider } = market
      const idle = await openNetDeal(market, books, provider, { terms: { duration: DAY } })
      const { unmatured } = await tally.earnings(provider.id)
      await arriveAt(networkHelpers, market, closing(market) + 7200)
      await expect(tally.closeNet(idle.id, ...leafOf(books, idle.id)))
        .to.emit(tally, 'DealClosed')
        .withArgs(idle.id, 99n * USD, USD)
      expect((await tally.earnings(provider.id)).unmatured).to.be.greaterThanOrEqual(USD)
      expect(unmatured).to.equal(35n * USD)
    })

    it('knows nothing of the deal that had the id before', async () => {
      const market = await begin()
      const { tally, books, deal, provider, parameters } = market
      await arriveAt(networkHelpers, market, closing(market))
      await tally.closeNet(deal.id, ...leafOf(books, deal.id))
      await arriveAt(networkHelpers, market, (await lastClock(market)) + parameters.retention)
      await tally.recycle(deal.id)
      const next = await openNetDeal(market, books, provider, { terms: { duration: DAY } })
      expect(next.id).to.equal(deal.id)
      await arriveAt(networkHelpers, market, (await lastClock(market)) + 2 * DAY + GRACE)
      await expect(tally.closeNet(next.id, ...leafOf(books, next.id)))
        .to.emit(tally, 'DealClosed')
        .withArgs(next.id, 99n * USD, USD)
    })

    it('returns no more than there is, and with the last deal all there is', async () => {
      const market = await begin()
      const { tally, books, deal, second, buyer } = market
      await misstate(market, books, deal, 1n)
      await arriveAt(networkHelpers, market, closing(market) + WEEK)
      await expect(tally.closeNet(deal.id, ...leafOf(books, deal.id)))
        .to.emit(tally, 'DealClosed')
        .withArgs(deal.id, 100n * USD - PRICE, 0)
      await expect(tally.closeNet(second.id, ...leafOf(books, second.id)))
        .to.emit(tally, 'DealClosed')
        .withArgs(second.id, 65n * USD + PRICE, 0)
      expect([...(await tally.netBuyer(buyer))]).to.deep.equal([0n, 0n, 0n, 0n])
    })

    it('returns what members took too little for, as no other deal has a budget for it', async () => {
      const market = await begin()
      const { tally, books, deal, second, buyer } = market
      await misstate(market, books, deal, 2n ** 40n - 1n)
      await arriveAt(networkHelpers, market, closing(market) + WEEK)
      await expect(tally.closeNet(deal.id, ...leafOf(books, deal.id)))
        .to.emit(tally, 'DealClosed')
        .withArgs(deal.id, 65n * USD, 0)
      await expect(tally.closeNet(second.id, ...leafOf(books, second.id)))
        .to.emit(tally, 'DealClosed')
        .withArgs(second.id, 100n * USD, 0)
      expect((await tally.account(buyer)).locked).to.equal(0n)
    })
  })

  describe('closeUnproven', () => {
    /** A root nobody knows the leaves of. */
    async function hide(market: Trading): Promise<void> {
      const { books, deal } = market
      const tree = createNetTree().withLeaf(7, { key: keccak256('0x07'), cells: [] })
      const built = await netBatchOf(market, books, [deal.stream(1).work(1n).group()])
      const encoded = encodeNetBatch({ ...built.batch, providers: [], buyers: [], root: tree.root })
      await sendNetBatch(market, { encoded, blobs: built.blobs, previous: books.tree.root, queueFrom: 0 })
    }

    it('is there for deals whose leaf nobody shows, once their retention is over', async () => {
      const market = await begin()
      const { tally, books, deal, end, parameters, stranger } = market
      await hide(market)
      const from = end + DAY + parameters.retention
      await arriveAt(networkHelpers, market, from - 1)
      await expect(tally.closeNet(deal.id, ...leafOf(books, deal.id))).to.be.revertedWithCustomError(
        tally,
        'NetsBadPath',
      )
      await arriveAt(networkHelpers, market, from)
      await expect(tally.connect(stranger).closeUnproven(deal.id)).to.emit(tally, 'DealClosed')
    })

    it('returns what other deals of the buyer cannot claim, and with the last one everything', async () => {
      const market = await begin()
      const { tally, deal, second, end, parameters, buyer } = market
      await hide(market)
      const from = end + DAY + parameters.retention
      await arriveAt(networkHelpers, market, from)
      await expect(tally.closeUnproven(second.id)).to.be.revertedWithCustomError(tally, 'DealTooEarly')
      await expect(tally.closeUnproven(deal.id))
        .to.emit(tally, 'DealClosed')
        .withArgs(deal.id, 65n * USD, 0)
      expect((await tally.netBuyer(buyer)).netted).to.equal(100n * USD)
      await arriveAt(networkHelpers, market, from + WEEK)
      await expect(tally.closeUnproven(second.id))
        .to.emit(tally, 'DealClosed')
        .withArgs(second.id, 100n * USD, 0)
      expect((await tally.account(buyer)).locked).to.equal(0n)
    })
  })

  describe('stopNet', () => {
    it('lets anyone end a deal whose budget is used up, and no other', async () => {
      const market = await begin()
      const { tally, books, provider, stranger } = market
      const deal = await openNetDeal(market, books, provider, { terms: { exposure: 200_000n } })
      await advance(networkHelpers, market, 3600)
      const stream = deal.stream(0).work(99_999n)
      await settleNets(market, books, await netBatchOf(market, books, [stream.group()]))
      await expect(tally.connect(stranger).stopNet(deal.id, ...leafOf(books, deal.id)))
        .to.be.revertedWithCustomError(tally, 'DealUnauthorized')
        .withArgs(deal.id, stranger)
      await settleNets(market, books, await netBatchOf(market, books, [stream.work(5n).group(1)]))
      await expect(tally.connect(stranger).stopNet(deal.id, ...leafOf(books, deal.id))).to.emit(tally, 'DealStopped')
      await expect(tally.stopNet(deal.id, ...leafOf(books, deal.id))).to.be.revertedWithCustomError(
        tally,
        'DealWrongState',
      )
      await expect(tally.stopNet(99, ...leafOf(books, 99))).to.be.revertedWithCustomError(tally, 'NetsNoSuchDeal')
    })
  })

  it('netted deals are neither closed nor topped up like others', async () => {
    const market = await begin()
    const { tally, deal, second, buyer } = market
    await expect(tally.connect(buyer).topUp(second.id, second.offer, second.nonce, USD)).to.be.revertedWithCustomError(
      tally,
      'DealNetted',
    )
    await arriveAt(networkHelpers, market, closing(market))
    await expect(tally.close(deal.id)).to.be.revertedWithCustomError(tally, 'DealNetted').withArgs(deal.id)
  })
})
