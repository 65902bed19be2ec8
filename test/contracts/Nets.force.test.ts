/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Hex, sliceHex, zeroHash } from 'viem'

import { nextStreamChain } from '#protocol/chains.ts'
import { encodeFacts } from '#protocol/facts.ts'
import { encodeNetBatch } from '#protocol/net-batch.ts'
import { netForceRoot } from '#protocol/net-force.ts'
import { Outcome } from '#protocol/types.ts'

import { signerNamed } from '../support/actors.ts'
import { deploy } from '../support/deployment.ts'
import { ackKey, fundBuyer, joinProvider, openDeal, STAKE, USD } from '../support/market.ts'
import {
  bondMembers,
  copyOf,
  createNetBooks,
  groupBytesOf,
  leafOf,
  netBatchOf,
  openNetDeal,
  sendNetBatch,
  settleNets,
} from '../support/netting.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { forceBy } from '../support/settling.ts'
import { acknowledgementOf, resigned, type SignedGroup } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const DAY = 86_400
const HOUR = 3600
const QUARTER = 900
const WINDOW = 300

/** A netted deal of a day for 100 dollars, two receipts of 10 dollars settled in its first stream. */
async function trading() {
  const deployment = await deploy(ethers)
  const books = createNetBooks()
  await bondMembers(deployment)
  const provider = await joinProvider(deployment, deployment.owner, { operator: deployment.operator.address })
  await fundBuyer(deployment, deployment.buyer, 5000n * USD)
  const deal = await openNetDeal(deployment, books, provider, { terms: { duration: DAY } })
  await advance(networkHelpers, deployment, HOUR)
  const stream = deal.stream(0).work(4000n, 6000n)
  await settleNets(deployment, books, await netBatchOf(deployment, books, [stream.group()]))
  return { ...deployment, books, provider, deal }
}
type Trading = Awaited<ReturnType<typeof trading>>
type Start = Trading & { stream: ReturnType<Trading['deal']['stream']> }

/** The usual start; the stream's third receipt, of 5 dollars, waits. */
async function begin(): Promise<Start> {
  const market = await networkHelpers.loadFixture(trading)
  const stream = market.deal.stream(0).work(4000n, 6000n, 5000n)
  return { ...market, books: copyOf(market.books), stream }
}

/** Announces as the provider's owner. */
async function announce({ tally, owner }: Trading, group: SignedGroup): Promise<Hex> {
  const bytes = groupBytesOf(group)
  await tally.connect(owner).announceForce(bytes, '0x')
  return bytes
}

/** Lets the next transaction see the first second in which what is announced now can be executed. */
async function arriveInTime(market: Trading): Promise<number> {
  const from = (await lastClock(market)) + HOUR
  const clock = from % QUARTER < WINDOW ? from : from + QUARTER - (from % QUARTER)
  await arriveAt(networkHelpers, market, clock)
  return clock
}

/** Writes an executed group into the books. */
function keep({ books, deal }: Start, cells: readonly { cursor: number; units: bigint }[]): void {
  const none = { cursor: 0, units: 0n }
  const all = Array.from({ length: deal.terms.streams }, (_, index) => cells[index] ?? none)
  books.tree = books.tree.withLeaf(deal.id, { key: deal.key, cells: all })
}

describe('Nets: announced forces', function () {
  this.timeout(60_000)

  describe('announceForce', () => {
    it('queues a group of the provider, by its owner or operator', async () => {
      const market = await begin()
      const { tally, owner, operator, deal, stream } = market
      for (const [index, actor] of [owner, operator].entries()) {
        await expect(tally.connect(actor).announceForce(groupBytesOf(stream.group()), '0x'))
          .to.emit(tally, 'ForceAnnounced')
          .withArgs(index, deal.id, 0, (clock: bigint) => clock > 0n)
      }
      expect([...(await tally.netQueue())]).to.deep.equal([0n, 2n])
    })

    it("takes the worker's or the operator's signature for this group and this sender", async () => {
      const market = await begin()
      const { tally, provider, settlement, stranger, relayer, stream } = market
      const group = stream.group()
      const [worker] = provider.workers
      const root = netForceRoot(group.tally)
      const signature = forceBy(market, worker ?? expect.fail('no worker'), root, stranger.address)
      for (const [caller, authority] of [
        [stranger, '0x'],
        [relayer, signature],
        [stranger, forceBy(market, signerNamed('nobody'), root, stranger.address)],
        [stranger, forceBy(market, worker ?? expect.fail('no worker'), zeroHash, stranger.address)],
      ] as const) {
        await expect(tally.connect(caller).announceForce(groupBytesOf(group), authority))
          .to.be.revertedWithCustomError(settlement, 'SettlementForceUnauthorized')
          .withArgs(provider.id, caller)
      }
      await tally.connect(stranger).announceForce(groupBytesOf(group), signature)
    })

    it('refuses what could never settle', async () => {
      const market = await begin()
      const { tally, domain, deal, stream, provider, registry, owner } = market
      const group = stream.group()
      const plain = await openDeal(market, provider)
      const stranger = signerNamed('no worker')
      const wrong: [SignedGroup, Outcome][] = [
        [resigned(domain, group, stranger), Outcome.BadSignature],
        [{ ...group, worker: group.worker + 1 }, Outcome.BadSignature],
        [{ ...group, worker: 77 }, Outcome.NotAWorker],
        [deal.stream(4, 0).work(1n).group(), Outcome.StreamOutOfRange],
        [resigned(domain, group, provider.workers[0] ?? stranger, { units: 2n ** 40n - 1n }), Outcome.RateExceeded],
      ]
      for (const [bad, outcome] of wrong) {
        await expect(tally.connect(owner).announceForce(groupBytesOf(bad), '0x'))
          .to.be.revertedWithCustomError(tally, 'NetsRefused')
          .withArgs(outcome)
      }
      await expect(tally.connect(owner).announceForce(groupBytesOf(plain.stream(0).work(1n).group()), '0x'))
        .to.be.revertedWithCustomError(tally, 'NetsNoSuchDeal')
        .withArgs(plain.id)
      const from = (await lastClock(market)) + DAY + 100
      await registry.connect(owner).revokeWorker(provider.id, provider.firstWorker, from)
      await arriveAt(networkHelpers, market, from)
      await expect(tally.connect(owner).announceForce(groupBytesOf(group), '0x'))
        .to.be.revertedWithCustomError(tally, 'NetsRefused')
        .withArgs(Outcome.NotAWorker)
    })

    it('takes one whole group and nothing else', async () => {
      const market = await begin()
      const { tally, owner, settlement, stream } = market
      const bytes = groupBytesOf(stream.group())
      for (const wrong of ['0x', sliceHex(bytes, 0, -1), `${bytes}00`, sliceHex(bytes, 0, 20)] as Hex[]) {
        await expect(tally.connect(owner).announceForce(wrong, '0x')).to.be.revertedWithCustomError(
          settlement,
          'SettlementMalformedBatch',
        )
      }
      const empty = `${bytes.slice(0, 2 + 2 * 88)}000000${bytes.slice(2 + 2 * 91)}` as Hex
      await expect(tally.connect(owner).announceForce(empty, '0x')).to.be.revertedWithCustomError(
        settlement,
        'SettlementMalformedBatch',
      )
    })

    it('must be a transaction of its own', async () => {
      const market = await begin()
      const { tally, relayer, stream } = market
      const wallet = await ethers.deployContract('MockWallet', [relayer])
      const data = tally.interface.encodeFunctionData('announceForce', [groupBytesOf(stream.group()), '0x'])
      await expect(wallet.connect(relayer).execute(tally, data)).to.be.revertedWithCustomError(
        tally,
        'SettlementNotTopLevel',
      )
    })

    it('is for as long as the deal settles', async () => {
      const market = await begin()
      const { tally, owner, deal, stream } = market
      const bytes = groupBytesOf(stream.group())
      const { end } = await tally.deal(deal.id)
      await arriveAt(networkHelpers, market, Number(end) + DAY - 1)
      await tally.connect(owner).announceForce(bytes, '0x')
      await arriveAt(networkHelpers, market, Number(end) + DAY)
      await expect(tally.connect(owner).announceForce(bytes, '0x'))
        .to.be.revertedWithCustomError(tally, 'NetsRefused')
        .withArgs(Outcome.DealNotOpen)
    })
  })

  describe('executeForce', () => {
    it('pays an hour later what no batch paid, and moves the net root', async () => {
      const market = await begin()
      const { tally, books, stream, deal, buyer, provider, stranger } = market
      const bytes = await announce(market, stream.group())
      await arriveInTime(market)
      const transaction = tally.connect(stranger).executeForce(0, bytes, ...leafOf(books, deal.id))
      await expect(transaction)
        .to.emit(tally, 'ForceExecuted')
        .withArgs(0, deal.id, 0, (3n << 40n) | 15_000n, 5n * USD, (root: Hex) => root !== books.tree.root)
      keep(market, [{ cursor: 3, units: 15_000n }])
      expect(await tally.netRoot()).to.equal(books.tree.root)
      expect((await tally.netBuyer(buyer)).netted).to.equal(85n * USD)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(15n * USD)
      await expect(tally.executeForce(0, bytes, ...leafOf(books, deal.id)))
        .to.be.revertedWithCustomError(tally, 'NetsRefused')
        .withArgs(Outcome.Stale)
    })

    it('lets the money mature after the forced window', async () => {
      const market = await begin()
      const { tally, books, stream, deal, provider } = market
      const bytes = await announce(market, stream.group())
      const clock = await arriveInTime(market)
      await tally.executeForce(0, bytes, ...leafOf(books, deal.id))
      const { forced, day } = await tally.earnings(provider.id)
      expect(forced[Math.ceil((clock + 3 * DAY) / DAY) - Number(day) - 1]).to.equal(5n * USD)
    })

    it('keeps the group with its stream', async () => {
      const market = await begin()
      const { tally, books, stream, deal } = market
      const group = stream.group()
      const bytes = await announce(market, group)
      const time = await arriveInTime(market)
      await tally.executeForce(0, bytes, ...leafOf(books, deal.id))
      const record = encodeFacts([{ outcome: Outcome.Applied, cursor: 2, units: 10_000n, amount: 5n * USD }])
      const kept = await tally.streamRecord(deal.id, 0)
      expect([...kept]).to.deep.equal([nextStreamChain(`0x${'00'.repeat(27)}`, group.leaf, record, time), BigInt(time)])
    })

    it('waits an hour, and for the first five minutes of a quarter', async () => {
      const market = await begin()
      const { tally, books, stream, deal } = market
      const start = Math.ceil(((await lastClock(market)) + 10) / QUARTER) * QUARTER
      await arriveAt(networkHelpers, market, start)
      const bytes = await announce(market, stream.group())
      const leaf = leafOf(books, deal.id)
      for (const clock of [start + HOUR - 1, start + HOUR + WINDOW, start + HOUR + QUARTER - 1]) {
        await arriveAt(networkHelpers, market, clock)
        await expect(tally.executeForce(0, bytes, ...leaf))
          .to.be.revertedWithCustomError(tally, 'NetsForceTooEarly')
          .withArgs(clock, start + HOUR)
      }
      await arriveAt(networkHelpers, market, start + HOUR + QUARTER + WINDOW - 1)
      await tally.executeForce(0, bytes, ...leaf)
    })

    it('takes what was announced, under its own index', async () => {
      const market = await begin()
      const { tally, books, stream, deal, owner } = market
      const bytes = await announce(market, stream.group())
      const other = groupBytesOf(stream.group(2))
      await arriveInTime(market)
      await tally.tick()
      for (const [index, group] of [
        [1, bytes],
        [0, other],
        [65_536, bytes],
      ] as const) {
        await expect(tally.connect(owner).executeForce(index, group, ...leafOf(books, deal.id)))
          .to.be.revertedWithCustomError(tally, 'NetsNotAnnounced')
          .withArgs(index)
      }
      const [, path] = leafOf(books, deal.id)
      await expect(tally.executeForce(0, bytes, '0x', path)).to.be.revertedWithCustomError(tally, 'NetsBadPath')
    })

    it('holds to gaps, exposure, budget and cover like everything else', async () => {
      const market = await begin()
      const { tally, books, stream, deal, owner, registry, provider } = market
      const gap = await announce(market, stream.work(1n).group(3))
      const wide = deal.stream(1).work(45_000n)
      const exposed = await announce(market, wide.group())
      await arriveInTime(market)
      await expect(tally.executeForce(0, gap, ...leafOf(books, deal.id)))
        .to.be.revertedWithCustomError(tally, 'NetsRefused')
        .withArgs(Outcome.Gap)
      await expect(tally.executeForce(1, exposed, ...leafOf(books, deal.id)))
        .to.be.revertedWithCustomError(tally, 'NetsRefused')
        .withArgs(Outcome.ExposureExceeded)
      const acknowledgement = acknowledgementOf(wide.group().tally)
      const { stream: index, count, units, segment } = acknowledgement
      const { acknowledgement: signed = '0x' } = wide.acknowledged(ackKey)
      await tally.acknowledge(deal.id, index, count, units, segment, signed)
      await registry.connect(owner).thaw(provider.id, 9_946n * STAKE)
      await expect(tally.executeForce(1, exposed, ...leafOf(books, deal.id)))
        .to.be.revertedWithCustomError(tally, 'NetsRefused')
        .withArgs(Outcome.CoverageExceeded)
    })

    it('cuts what the budget does not hold', async () => {
      const market = await begin()
      const { tally, books, deal, buyer } = market
      const big = deal.stream(1).work(200_000n)
      const { stream, count, units, segment } = acknowledgementOf(big.group().tally)
      const { acknowledgement = '0x' } = big.acknowledged(ackKey)
      await tally.acknowledge(deal.id, stream, count, units, segment, acknowledgement)
      const bytes = await announce(market, big.group())
      await arriveInTime(market)
      await expect(tally.executeForce(0, bytes, ...leafOf(books, deal.id)))
        .to.emit(tally, 'ForceExecuted')
        .withArgs(0, deal.id, 1, (1n << 40n) | 200_000n, 90n * USD, (root: Hex) => root !== zeroHash)
      expect((await tally.netBuyer(buyer)).netted).to.equal(0n)
    })

    it('refuses receipts that do not make up the signed units', async () => {
      const market = await begin()
      const { tally, books, stream, deal, domain, provider } = market
      const [worker = signerNamed('nobody')] = provider.workers
      const bytes = await announce(market, resigned(domain, stream.group(), worker, { units: 15_001n }))
      await arriveInTime(market)
      await expect(tally.executeForce(0, bytes, ...leafOf(books, deal.id)))
        .to.be.revertedWithCustomError(tally, 'NetsRefused')
        .withArgs(Outcome.UnitsMismatch)
    })

    it('can be done for a deal that is announced in its last second, before the deal can be closed', async () => {
      const market = await begin()
      const { tally, books, stream, deal } = market
      const { end } = await tally.deal(deal.id)
      const last = Number(end) + DAY - 1
      await arriveAt(networkHelpers, market, last)
      const bytes = await announce(market, stream.group())
      const clock = await arriveInTime(market)
      await tally.executeForce(0, bytes, ...leafOf(books, deal.id))
      expect(clock).to.be.lessThan(last + 3 * HOUR - 2 * QUARTER)
      await arriveAt(networkHelpers, market, last + 3 * HOUR + 1)
      keep(market, [{ cursor: 3, units: 15_000n }])
      await tally.closeNet(deal.id, ...leafOf(books, deal.id))
      await expect(tally.executeForce(0, bytes, ...leafOf(books, deal.id)))
        .to.be.revertedWithCustomError(tally, 'NetsNoSuchDeal')
        .withArgs(deal.id)
    })

    it('is no more for the deal that gets the id next', async () => {
      const market = await begin()
      const { tally, books, stream, deal, provider, parameters } = market
      const { end } = await tally.deal(deal.id)
      const bytes = await announce(market, stream.group())
      await arriveAt(networkHelpers, market, Number(end) + DAY + 3 * HOUR)
      await tally.closeNet(deal.id, ...leafOf(books, deal.id))
      await arriveAt(networkHelpers, market, (await lastClock(market)) + parameters.retention)
      await tally.recycle(deal.id)
      expect((await openNetDeal(market, books, provider)).id).to.equal(deal.id)
      await arriveInTime(market)
      await expect(tally.executeForce(0, bytes, ...leafOf(books, deal.id)))
        .to.be.revertedWithCustomError(tally, 'NetsNotAnnounced')
        .withArgs(0)
    })
  })

  describe('a batch', () => {
    it('takes the group in, and then it is no longer to be executed', async () => {
      const market = await begin()
      const { tally, books, stream, deal } = market
      const bytes = await announce(market, stream.group())
      const built = await netBatchOf(market, books, [stream.group()], { queueTo: 1 })
      await settleNets(market, books, built)
      expect([...(await tally.netQueue())]).to.deep.equal([1n, 1n])
      await arriveInTime(market)
      await expect(tally.executeForce(0, bytes, ...leafOf(books, deal.id)))
        .to.be.revertedWithCustomError(tally, 'NetsRefused')
        .withArgs(Outcome.Stale)
    })

    it('may leave it out for less than an hour', async () => {
      const market = await begin()
      const { tally, books, stream, deal } = market
      await announce(market, stream.group())
      const announced = await lastClock(market)
      const other = deal.stream(1).work(1n).group()
      const change = { until: announced + DAY }
      await arriveAt(networkHelpers, market, announced + HOUR - 1)
      await settleNets(market, books, await netBatchOf(market, books, [other], change))
      const next = await netBatchOf(market, books, [deal.stream(1).work(1n, 1n).group()], change)
      await expect(settleNets(market, books, next))
        .to.be.revertedWithCustomError(tally, 'NetsQueue')
        .withArgs(0, 0, 1)
    })

    it('may say that it looked at it and settle nothing: the group can be executed all the same', async () => {
      const market = await begin()
      const { tally, books, stream, deal } = market
      const bytes = await announce(market, stream.group())
      await settleNets(market, books, await netBatchOf(market, books, [], { queueTo: 1 }))
      await arriveInTime(market)
      await tally.executeForce(0, bytes, ...leafOf(books, deal.id))
    })

    it('cannot go back in the queue, nor ahead of it', async () => {
      const market = await begin()
      const { tally, books, stream } = market
      await announce(market, stream.group())
      await settleNets(market, books, await netBatchOf(market, books, [], { queueTo: 1 }))
      for (const queueTo of [0, 2]) {
        const built = await netBatchOf(market, books, [], { queueTo })
        await expect(settleNets(market, books, built))
          .to.be.revertedWithCustomError(tally, 'NetsQueue')
          .withArgs(queueTo, 1, 1)
      }
    })

    it('that was built before a group was executed settles nothing', async () => {
      const market = await begin()
      const { tally, books, stream, deal, committee } = market
      const bytes = await announce(market, stream.group())
      await arriveInTime(market)
      const built = await netBatchOf(market, books, [deal.stream(1).work(1n).group()], { queueTo: 1 })
      await tally.executeForce(0, bytes, ...leafOf(books, deal.id))
      await expect(settleNets(market, books, built)).to.be.revertedWithCustomError(committee, 'CommitteeBadSignature')
      keep(market, [{ cursor: 3, units: 15_000n }])
      const again = await netBatchOf(market, books, [deal.stream(1).work(1n).group()], { queueTo: 1 })
      await settleNets(market, books, again)
    })
  })

  it('members that took too much leave no more than there is', async () => {
    const market = await begin()
    const { tally, books, stream, deal, buyer, provider } = market
    const bytes = await announce(market, stream.group())
    const built = await netBatchOf(market, books, [deal.stream(1).work(1n).group()])
    const amount = 88n * USD
    const nets = { providers: [{ of: provider.id, amount }], buyers: [{ of: 0, amount }] }
    const encoded = encodeNetBatch({ ...built.batch, ...nets })
    await sendNetBatch(market, { encoded, blobs: built.blobs, previous: books.tree.root, queueFrom: 0 })
    books.tree = built.tree
    await arriveInTime(market)
    await tally.executeForce(0, bytes, ...leafOf(books, deal.id))
    expect((await tally.netBuyer(buyer)).netted).to.equal(0n)
    expect((await tally.earnings(provider.id)).unmatured).to.equal(100n * USD)
  })
})
