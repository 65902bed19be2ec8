/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { zeroAddress, zeroHash } from 'viem'

import { acknowledgementDigest } from '#protocol/eip712.ts'
import { DealState, Lane } from '#protocol/types.ts'

import { signerNamed } from '../support/actors.ts'
import { deploy } from '../support/deployment.ts'
import {
  ackKey,
  createMarket,
  type Market,
  NO_PERMIT,
  offerOf,
  openDeal,
  STAKE,
  signOffer,
  termsOf,
  USD,
} from '../support/market.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { valuesOf } from '../support/results.ts'
import { settle } from '../support/settling.ts'
import { acknowledgementOf, type SignedGroup, workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const RETENTION = 7 * DAY

async function trading() {
  return await createMarket(await deploy(ethers))
}

/** A stopped deal whose closing period ended a moment ago, nothing settled. */
async function closable() {
  const market = await trading()
  await market.tally.connect(market.buyer).stop(market.deal.id)
  await advance(networkHelpers, market, DAY)
  return market
}

/** A deal of six streams with work in each settled and acknowledged, closed and past its retention. */
async function recyclable() {
  const market = await trading()
  const deal = await openDeal(market, market.provider, { terms: { streams: 8 } })
  await advance(networkHelpers, market, 60)
  const groups = [0, 1, 2, 5, 7].map((index) => deal.stream(index).work(5n, 6n).acknowledged(ackKey))
  const { outcomes } = await settle(market, Lane.Acknowledged, groups)
  expect(new Set(outcomes)).to.deep.equal(new Set(['Applied']))
  await market.tally.connect(market.buyer).stop(deal.id)
  await advance(networkHelpers, market, DAY)
  await market.tally.close(deal.id)
  await advance(networkHelpers, market, RETENTION)
  return { ...market, deal }
}

async function stateOf({ tally }: Market, id: number) {
  return Number((await tally.deal(id)).state)
}

describe('Deals: life', () => {
  describe('stop', () => {
    it('lets the buyer end a deal at once; its rate clock stands from then on', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer } = market
      await tally.connect(buyer).stop(deal.id)
      const end = await lastClock(market)
      const [log] = await tally.queryFilter(tally.filters.DealStopped)
      expect(valuesOf(log?.args)).to.deep.equal([BigInt(deal.id), BigInt(end)])
      const view = await tally.deal(deal.id)
      expect([view.end, Number(view.state)]).to.deep.equal([BigInt(end), DealState.Closing])
    })

    it('is refused to strangers while there is money, and open to all when it is used up', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, stranger, owner } = market
      const small = await openDeal(market, market.provider, {
        offer: { openingFee: 0n },
        terms: { budget: USD, exposure: 1000n },
      })
      for (const somebody of [stranger, owner]) {
        await expect(tally.connect(somebody).stop(small.id))
          .to.be.revertedWithCustomError(tally, 'DealUnauthorized')
          .withArgs(small.id, somebody)
      }
      await advance(networkHelpers, market, 60)
      await settle(market, Lane.Attested, [small.stream().work(1000n).group()])
      await tally.connect(stranger).stop(small.id)
      expect(await stateOf(market, small.id)).to.equal(DealState.Closing)
    })

    it('happens once, and to deals that are open', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer } = market
      await tally.connect(buyer).stop(deal.id)
      await expect(tally.connect(buyer).stop(deal.id))
        .to.be.revertedWithCustomError(tally, 'DealWrongState')
        .withArgs(deal.id, DealState.Closing)
      await expect(tally.connect(buyer).stop(0))
        .to.be.revertedWithCustomError(tally, 'DealWrongState')
        .withArgs(0, DealState.None)
    })

    it('comes by itself at the agreed end', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer } = market
      const { end } = await tally.deal(deal.id)
      await arriveAt(networkHelpers, market, Number(end) - 1)
      await tally.tick()
      expect(await stateOf(market, deal.id)).to.equal(DealState.Open)
      await arriveAt(networkHelpers, market, Number(end))
      await expect(tally.connect(buyer).stop(deal.id)).to.be.revertedWithCustomError(tally, 'DealWrongState')
    })
  })

  describe('close', () => {
    it('waits for the closing period, to the second, whoever calls', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer, stranger } = market
      await tally.connect(buyer).stop(deal.id)
      const { end } = await tally.deal(deal.id)
      const from = Number(end) + DAY
      await arriveAt(networkHelpers, market, from - 1)
      await expect(tally.connect(stranger).close(deal.id))
        .to.be.revertedWithCustomError(tally, 'DealTooEarly')
        .withArgs(deal.id, from - 1, from)
      await arriveAt(networkHelpers, market, from)
      await tally.connect(stranger).close(deal.id)
      expect(await stateOf(market, deal.id)).to.equal(DealState.Closed)
    })

    it('pays an unused deal back less the opening fee, which goes to the provider', async () => {
      const market = await networkHelpers.loadFixture(closable)
      const { tally, registry, deal, buyer, provider } = market
      await expect(tally.close(deal.id))
        .to.emit(tally, 'DealClosed')
        .withArgs(deal.id, 99n * USD, USD)
      expect(await tally.account(buyer)).to.deep.equal([4999n * USD, 0n, 1n])
      expect((await registry.providerOf(provider.id)).liens).to.equal(0n)
      const earned = await tally.earnings(provider.id)
      expect([earned.unmatured, earned.claimable]).to.deep.equal([USD, 0n])
      expect(earned.forced.reduce((sum, part) => sum + part)).to.equal(USD)
      const view = await tally.deal(deal.id)
      expect([view.remaining, view.closedAt]).to.deep.equal([0n, BigInt(await lastClock(market))])
    })

    it('keeps no opening fee once a receipt was settled', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer } = market
      await advance(networkHelpers, market, 60)
      await settle(market, Lane.Attested, [deal.stream().work(1n).group()])
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await expect(tally.close(deal.id))
        .to.emit(tally, 'DealClosed')
        .withArgs(deal.id, 100n * USD - 1000n, 0n)
    })

    it("returns the opening fee when the provider's cover has no room for it", async () => {
      const market = await networkHelpers.loadFixture(closable)
      const { tally, registry, deal, owner, provider } = market
      await registry.connect(owner).thaw(provider.id, 9990n * STAKE)
      expect((await tally.earnings(provider.id)).cover).to.equal(10n * USD)
      const { parameters, governor } = market
      await tally.connect(governor).setParameters({ ...parameters, coverageBps: 999 })
      await tally.refreshCover(provider.id)
      expect((await tally.earnings(provider.id)).cover).to.equal(999_000n)
      await expect(tally.close(deal.id))
        .to.emit(tally, 'DealClosed')
        .withArgs(deal.id, 100n * USD, 0n)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(0n)
    })

    it('happens once', async () => {
      const market = await networkHelpers.loadFixture(closable)
      const { tally, deal } = market
      await tally.close(deal.id)
      await expect(tally.close(deal.id))
        .to.be.revertedWithCustomError(tally, 'DealWrongState')
        .withArgs(deal.id, DealState.Closed)
    })

    it('is refused while the deal is open', async () => {
      const { tally, deal } = await networkHelpers.loadFixture(trading)
      await expect(tally.close(deal.id))
        .to.be.revertedWithCustomError(tally, 'DealWrongState')
        .withArgs(deal.id, DealState.Open)
    })
  })

  describe('recycle', () => {
    it('waits for the retention, to the second', async () => {
      const market = await networkHelpers.loadFixture(closable)
      const { tally, deal, stranger } = market
      await tally.close(deal.id)
      const from = (await lastClock(market)) + RETENTION
      await arriveAt(networkHelpers, market, from - 1)
      await expect(tally.connect(stranger).recycle(deal.id))
        .to.be.revertedWithCustomError(tally, 'DealTooEarly')
        .withArgs(deal.id, from - 1, from)
      await arriveAt(networkHelpers, market, from)
      await expect(tally.connect(stranger).recycle(deal.id)).to.emit(tally, 'DealRecycled').withArgs(deal.id)
      expect(await stateOf(market, deal.id)).to.equal(DealState.None)
    })

    it('is for closed deals', async () => {
      const { tally, deal } = await networkHelpers.loadFixture(trading)
      await expect(tally.recycle(deal.id))
        .to.be.revertedWithCustomError(tally, 'DealWrongState')
        .withArgs(deal.id, DealState.Open)
    })

    it('gives the id to the next deal, whose streams start from nothing', async () => {
      const market = await networkHelpers.loadFixture(recyclable)
      const { tally, provider, deal } = market
      await tally.recycle(deal.id)
      const next = await openDeal(market, provider, { offer: { salt: workHashOf('next') }, terms: { streams: 8 } })
      expect(next.id).to.equal(deal.id)
      for (const index of [0, 1, 2, 5, 7]) {
        expect(await tally.stream(next.id, index), `stream ${index}`).to.deep.equal([0n, 0n, 0n])
      }
      await advance(networkHelpers, market, 60)
      const groups = [0, 1, 2, 5, 7].map((index) => next.stream(index).work(3n).group())
      const { outcomes } = await settle(market, Lane.Attested, groups)
      expect(outcomes).to.deep.equal(groups.map(() => 'Applied'))
    })

    it('gives freed ids out before new ones, the last freed first', async () => {
      const market = await networkHelpers.loadFixture(closable)
      const { tally, buyer, provider, deal } = market
      const second = await openDeal(market, provider)
      await tally.connect(buyer).stop(second.id)
      await advance(networkHelpers, market, DAY)
      for (const id of [deal.id, second.id]) await tally.close(id)
      await advance(networkHelpers, market, RETENTION)
      for (const id of [deal.id, second.id]) await tally.recycle(id)
      const ids = []
      for (const salt of ['a', 'b', 'c'])
        ids.push((await openDeal(market, provider, { offer: { salt: workHashOf(salt) } })).id)
      expect(ids).to.deep.equal([second.id, deal.id, second.id + 1])
    })
  })

  describe('announceDealKeys and applyDealKeys', () => {
    const [nextOrder, nextAck] = [signerNamed('next order'), signerNamed('next acknowledgement')]

    it('change the keys after the notice, to the second, whoever applies', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer, stranger } = market
      await tally.connect(buyer).announceDealKeys(deal.id, nextOrder.address, nextAck.address)
      const from = (await lastClock(market)) + DAY
      const [log] = await tally.queryFilter(tally.filters.DealKeysAnnounced)
      expect(valuesOf(log?.args)).to.deep.equal([BigInt(deal.id), nextOrder.address, nextAck.address, BigInt(from)])
      await arriveAt(networkHelpers, market, from - 1)
      await expect(tally.connect(stranger).applyDealKeys(deal.id))
        .to.be.revertedWithCustomError(tally, 'DealTooEarly')
        .withArgs(deal.id, from - 1, from)
      await arriveAt(networkHelpers, market, from)
      await expect(tally.connect(stranger).applyDealKeys(deal.id))
        .to.emit(tally, 'DealKeysApplied')
        .withArgs(deal.id, nextOrder.address, nextAck.address)
      const view = await tally.deal(deal.id)
      expect([view.orderKey, view.ackKey]).to.deep.equal([nextOrder.address, nextAck.address])
    })

    it('put the buyer in place of keys that are not named', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer } = market
      await tally.connect(buyer).announceDealKeys(deal.id, zeroAddress, zeroAddress)
      await advance(networkHelpers, market, DAY)
      await tally.applyDealKeys(deal.id)
      expect((await tally.deal(deal.id)).ackKey).to.equal(buyer.address)
    })

    it('start over when announced again, and apply once', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer } = market
      await tally.connect(buyer).announceDealKeys(deal.id, nextOrder.address, nextAck.address)
      await advance(networkHelpers, market, DAY - 60)
      await tally.connect(buyer).announceDealKeys(deal.id, nextOrder.address, nextOrder.address)
      await advance(networkHelpers, market, 120)
      await expect(tally.applyDealKeys(deal.id)).to.be.revertedWithCustomError(tally, 'DealTooEarly')
      await advance(networkHelpers, market, DAY)
      await tally.applyDealKeys(deal.id)
      expect((await tally.deal(deal.id)).ackKey).to.equal(nextOrder.address)
      await expect(tally.applyDealKeys(deal.id)).to.be.revertedWithCustomError(tally, 'DealTooEarly')
    })

    it('are for the buyer of an open deal', async () => {
      const { tally, deal, owner, buyer } = await networkHelpers.loadFixture(closable)
      await expect(tally.connect(buyer).announceDealKeys(deal.id, zeroAddress, zeroAddress))
        .to.be.revertedWithCustomError(tally, 'DealWrongState')
        .withArgs(deal.id, DealState.Closing)
      const market = await networkHelpers.loadFixture(trading)
      await expect(market.tally.connect(owner).announceDealKeys(market.deal.id, zeroAddress, zeroAddress))
        .to.be.revertedWithCustomError(tally, 'DealUnauthorized')
        .withArgs(market.deal.id, owner)
    })
  })

  describe('acknowledge', () => {
    const send = ({ tally, stranger, deal, domain }: Market, group: SignedGroup, signer = ackKey, stream?: number) => {
      const { count, units, segment, stream: index } = group.tally
      const signature = signer.sign(acknowledgementDigest(acknowledgementOf(group.tally), domain))
      return tally.connect(stranger).acknowledge(deal.id, stream ?? index, count, units, segment, signature)
    }

    it('lets anyone bring the signature, and frees as much exposure', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal } = market
      const before = await tally.deal(deal.id)
      const tx = send(market, deal.stream(3).work(20n, 30n).group())
      await expect(tx).to.emit(tally, 'Acknowledged').withArgs(deal.id, 3n, 50n)
      expect((await tally.deal(deal.id)).allowance).to.equal(before.allowance + 50n)
      expect(await tally.stream(deal.id, 3)).to.deep.equal([0n, 0n, 50n])
      expect((await tally.deal(deal.id)).remaining).to.equal(100n * USD)
    })

    it('counts only what is new, stream by stream', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal } = market
      const start = (await tally.deal(deal.id)).allowance
      const stream = deal.stream(0).work(20n, 30n)
      await send(market, stream.group(0, 1))
      await send(market, stream.group())
      await send(market, deal.stream(1).work(7n).group())
      expect((await tally.deal(deal.id)).allowance).to.equal(start + 57n)
      await expect(send(market, stream.group(0, 1)))
        .to.be.revertedWithCustomError(tally, 'DealBadAcknowledgement')
        .withArgs(deal.id, 0n)
      await expect(send(market, stream.group())).to.be.revertedWithCustomError(tally, 'DealBadAcknowledgement')
    })

    it('takes the acknowledgement key of this deal and this stream only', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, provider } = market
      const group = deal.stream(0).work(5n).group()
      const other = await openDeal(market, provider)
      for (const attempt of [
        () => send(market, group, signerNamed('somebody')),
        () => send(market, group, ackKey, 1),
        () => send(market, other.stream(0).work(5n).group()),
      ]) {
        await expect(attempt()).to.be.revertedWithCustomError(tally, 'DealBadAcknowledgement')
      }
      const { count, units, segment } = group.tally
      for (const signature of ['0x', `0x${'00'.repeat(64)}`, `0x${'ff'.repeat(65)}`]) {
        await expect(tally.acknowledge(deal.id, 0, count, units, segment, signature)).to.be.revertedWithCustomError(
          tally,
          'DealBadAcknowledgement',
        )
      }
    })

    it('knows no stream beyond the deal', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal } = market
      await expect(send(market, deal.stream(4).work(5n).group()))
        .to.be.revertedWithCustomError(tally, 'DealBadAcknowledgement')
        .withArgs(deal.id, 4n)
    })

    it('works while the deal is closing, not when it is closed', async () => {
      const market = await networkHelpers.loadFixture(closable)
      const { tally, deal } = market
      const group = deal.stream(0).work(5n).group()
      await send(market, group)
      await tally.close(deal.id)
      await expect(send(market, deal.stream(0).work(9n).group()))
        .to.be.revertedWithCustomError(tally, 'DealWrongState')
        .withArgs(deal.id, DealState.Closed)
    })

    it('of everything in every stream, on top of the widest exposure, still counts each unit', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, stranger, provider, domain } = market
      const most = 2n ** 48n - 1n
      const deal = await openDeal(market, provider, { terms: { streams: 62, exposure: most } })
      for (let index = 0; index < 62; index += 1) {
        const message = { dealKey: deal.key, stream: index, count: 1, units: most, segment: zeroHash }
        const signature = ackKey.sign(acknowledgementDigest(message, domain))
        await tally.connect(stranger).acknowledge(deal.id, index, 1, most, zeroHash, signature)
      }
      expect((await tally.deal(deal.id)).allowance).to.equal(63n * most)
      await advance(networkHelpers, market, 60)
      const { outcomes } = await settle(market, Lane.Attested, [deal.stream(61).work(60_000n).group()])
      expect(outcomes).to.deep.equal(['Applied'])
    })
  })

  describe('a provider that is a contract', () => {
    it('signs offers by EIP-1271', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { registry, stake, rival, buyer, tally } = market
      const wallet = await ethers.deployContract('MockWallet', [rival])
      await stake.mint(wallet, 100n * STAKE)
      const approve = stake.interface.encodeFunctionData('approve', [await registry.getAddress(), 100n * STAKE])
      const join = registry.interface.encodeFunctionData('join', [
        100n * STAKE,
        NO_PERMIT,
        rival.address,
        zeroAddress,
        '0x',
      ])
      await wallet.execute(stake, approve)
      await wallet.execute(registry, join)
      const offer = await offerOf(market, market.provider, { provider: (await wallet.getAddress()) as `0x${string}` })
      await tally.connect(buyer).openDeal(offer, await signOffer(market, rival, offer), termsOf())
      await expect(tally.connect(buyer).openDeal(offer, await signOffer(market, buyer, offer), termsOf()))
        .to.be.revertedWithCustomError(tally, 'DealOfferSignature')
        .withArgs(wallet)
    })
  })
})
