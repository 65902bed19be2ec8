/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Hex, sliceHex, zeroHash } from 'viem'

import { nextIntervalChain } from '#protocol/chains.ts'
import { encodeNetBatch, type NetBatch, netBatchRoot } from '#protocol/net-batch.ts'
import type { BuiltNetBatch } from '#protocol/net-build.ts'
import { Lane, Mode } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { fundBuyer, joinProvider, openDeal, STAKE, USD } from '../support/market.ts'
import { bondMembers, copyOf, createNetBooks, netBatchOf, openNetDeal, settleNets } from '../support/netting.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { attest, settle } from '../support/settling.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const PRICE = USD / 1000n
const INTERVAL = 900

/** Two providers, two buyers, three netted deals and one that is not, an hour old; bonds of 1,000 dollars a member. */
async function trading() {
  const deployment = await deploy(ethers)
  const books = createNetBooks()
  await bondMembers(deployment)
  const provider = await joinProvider(deployment, deployment.owner)
  const competitor = await joinProvider(deployment, deployment.rival)
  await fundBuyer(deployment, deployment.buyer, 5000n * USD)
  await fundBuyer(deployment, deployment.otherBuyer, 1000n * USD)
  const deal = await openNetDeal(deployment, books, provider)
  const second = await openNetDeal(deployment, books, competitor)
  const third = await openNetDeal(deployment, books, provider, { buyer: deployment.otherBuyer })
  const plain = await openDeal(deployment, provider)
  await advance(networkHelpers, deployment, 3600)
  return { ...deployment, books, provider, competitor, deal, second, third, plain }
}
type Trading = Awaited<ReturnType<typeof trading>>

/** The usual start, with books of the test's own. */
async function begin(): Promise<Trading> {
  const market = await networkHelpers.loadFixture(trading)
  return { ...market, books: copyOf(market.books) }
}

/** 5 dollars of the first buyer's for the provider, 2 for its rival, half a dollar of the other buyer's. */
async function usual(market: Trading): Promise<BuiltNetBatch> {
  const { books, deal, second, third } = market
  const groups = [deal.stream(0).work(4000n, 1000n), second.stream(1).work(2000n), third.stream().work(500n)]
  return await netBatchOf(
    market,
    books,
    groups.map((stream) => stream.group()),
  )
}

/** The same with other bytes on the wire. */
function altered(built: BuiltNetBatch, change: Partial<NetBatch>): BuiltNetBatch {
  const batch = { ...built.batch, ...change }
  return { ...built, batch, encoded: encodeNetBatch(batch) }
}

describe('Nets: settle', function () {
  this.timeout(60_000)

  it('pays providers what buyers owe, and keeps where the streams stand', async () => {
    const market = await begin()
    const { tally, books, buyer, otherBuyer, provider, competitor } = market
    const built = await usual(market)
    await settleNets(market, books, built)
    expect(await tally.netRoot()).to.equal(built.tree.root)
    expect((await tally.netBuyer(buyer)).netted).to.equal(200n * USD - 7000n * PRICE)
    expect((await tally.netBuyer(otherBuyer)).netted).to.equal(100n * USD - 500n * PRICE)
    expect((await tally.earnings(provider.id)).unmatured).to.equal(5500n * PRICE)
    expect((await tally.earnings(competitor.id)).unmatured).to.equal(2000n * PRICE)
  })

  it('tells what was settled and chains it in the ring', async () => {
    const market = await begin()
    const {
      ethers: { provider },
      settlement,
      tally,
      books,
    } = market
    const built = await usual(market)
    const { hash, root, blobs } = await settleNets(market, books, built)
    const versionedHashes = blobs.map(({ versionedHash }) => versionedHash)
    expect(root).to.equal(netBatchRoot(built.encoded, { versionedHashes, previous: zeroHash, queueFrom: 0 }))
    const receipt = await provider.getTransactionReceipt(hash)
    const [event] = receipt?.logs.map((log) => settlement.interface.parseLog(log)) ?? []
    const clock = await lastClock(market)
    expect(event?.args.toArray()).to.deep.equal([BigInt(Lane.Attested), root, BigInt(Mode.Net), '0x', BigInt(clock)])
    const { chain, count } = await tally.intervalChain(Math.floor(clock / INTERVAL))
    expect(count).to.equal(1n)
    expect(chain).to.equal(nextIntervalChain(`0x${'00'.repeat(26)}`, root, zeroHash, clock))
  })

  it('goes on where the batch before ended', async () => {
    const market = await begin()
    const { tally, books, deal, buyer, provider } = market
    const stream = deal.stream(2).work(100n, 200n)
    await settleNets(market, books, await netBatchOf(market, books, [stream.group()]))
    stream.work(300n, 400n)
    const next = await netBatchOf(market, books, [stream.group(1)])
    expect(next.groups[0]).to.deep.include({ first: 1, cursorBefore: 2, unitsBefore: 300n, count: 4, units: 1000n })
    await settleNets(market, books, next)
    expect((await tally.netBuyer(buyer)).netted).to.equal(200n * USD - 1000n * PRICE)
    expect((await tally.earnings(provider.id)).unmatured).to.equal(1000n * PRICE)
  })

  it('matures like everything that is attested', async () => {
    const market = await begin()
    const { tally, books, provider } = market
    await settleNets(market, books, await usual(market))
    const today = Math.floor((await lastClock(market)) / 86_400)
    await arriveAt(networkHelpers, market, 86_400 * (today + 2) - 1)
    await tally.tick()
    expect((await tally.earnings(provider.id)).claimable).to.equal(0n)
    await arriveAt(networkHelpers, market, 86_400 * (today + 2))
    await tally.claim(provider.id)
  })

  it('can say that nothing was settled, without a blob', async () => {
    const market = await begin()
    const { books, tally } = market
    await settleNets(market, books, await usual(market))
    await settleNets(market, books, await netBatchOf(market, books, []))
    expect(await tally.netRoot()).to.equal(books.tree.root)
  })

  describe('the nets', () => {
    it('must be what buyers pay on one side and providers receive on the other', async () => {
      const market = await begin()
      const built = await usual(market)
      const providers = built.batch.providers.map((net) => ({ ...net, amount: net.amount + 1n }))
      await expect(settleNets(market, market.books, altered(built, { providers })))
        .to.be.revertedWithCustomError(market.tally, 'NetsUnbalanced')
        .withArgs(7500n * PRICE + 2n, 7500n * PRICE)
    })

    it('can take no more from a buyer than its netted deals have', async () => {
      const market = await begin()
      const { books, tally, provider } = market
      const built = await usual(market)
      const amount = 200n * USD + 1n
      const nets = { providers: [{ of: provider.id, amount }], buyers: [{ of: 0, amount }] }
      await expect(settleNets(market, books, altered(built, nets)))
        .to.be.revertedWithCustomError(tally, 'NetsBuyerShort')
        .withArgs(0, amount - 1n, amount)
      const unknown = { providers: [{ of: provider.id, amount: 1n }], buyers: [{ of: 2, amount: 1n }] }
      await expect(settleNets(market, books, altered(built, unknown)))
        .to.be.revertedWithCustomError(tally, 'NetsBuyerShort')
        .withArgs(2, 0, 1)
    })

    it('can give a provider no more than its stake covers, nor anything to nobody', async () => {
      const market = await begin()
      const { books, tally, competitor, registry } = market
      await registry.connect(competitor.owner).thaw(competitor.id, 9_989n * STAKE - 1n)
      const built = await usual(market)
      const amount = 11n * USD + 1n
      for (const [of, net] of [
        [competitor.id, amount],
        [3, 1n],
      ] as const) {
        const nets = { providers: [{ of, amount: net }], buyers: [{ of: 0, amount: net }] }
        await expect(settleNets(market, books, altered(built, nets)))
          .to.be.revertedWithCustomError(tally, 'NetsUncovered')
          .withArgs(of, net)
      }
    })

    it('rise strictly by provider and by buyer', async () => {
      const market = await begin()
      const { books, tally } = market
      const built = await usual(market)
      const { providers, buyers } = built.batch
      for (const [change, position] of [
        [{ providers: providers.toReversed() }, 51 + 11],
        [{ buyers: buyers.toReversed() }, 51 + 3 * 11],
        [{ buyers: buyers.map((net) => ({ ...net, of: 1 })) }, 51 + 3 * 11],
      ] as const) {
        await expect(settleNets(market, books, altered(built, change)))
          .to.be.revertedWithCustomError(tally, 'NetsNotRising')
          .withArgs(position)
      }
    })

    it('that have not matured are never worth more than the bonds of those who sign', async () => {
      const market = await begin()
      const { books, tally, registry, owner, members, deal } = market
      const [, one] = members
      await registry.connect(owner).thawBond(one?.address ?? '', 999n * STAKE + 1n)
      await registry.connect(owner).thawBond(members[0]?.address ?? '', 990n * STAKE)
      const stream = deal.stream(0)
      const first = await netBatchOf(market, books, [stream.work(10_000n).group()])
      // ten whole tokens of the one, none of the other, whose last one is not whole
      await settleNets(market, books, first)
      const next = await netBatchOf(market, books, [stream.work(1n).group()])
      await expect(settleNets(market, books, next))
        .to.be.revertedWithCustomError(tally, 'NetsBeyondBonds')
        .withArgs(10n * USD + PRICE, 10n * USD)
      await networkHelpers.mine()
      expect([...(await tally.openNets(1, 5))]).to.deep.equal([10n * USD, 1010n * USD])
      await settleNets(market, books, next, { signers: [0, 2] })
    })

    it('leave room for others once they have matured', async () => {
      const market = await begin()
      const { books, tally, registry, owner, members, deal } = market
      for (const { address } of members) await registry.connect(owner).thawBond(address, 995n * STAKE)
      const stream = deal.stream(0)
      await settleNets(market, books, await netBatchOf(market, books, [stream.work(10_000n).group()]))
      const today = Math.floor((await lastClock(market)) / 86_400)
      stream.work(10_000n)
      await arriveAt(networkHelpers, market, 86_400 * (today + 2) - 1)
      await expect(
        settleNets(market, books, await netBatchOf(market, books, [stream.group()])),
      ).to.be.revertedWithCustomError(tally, 'NetsBeyondBonds')
      await arriveAt(networkHelpers, market, 86_400 * (today + 2))
      await settleNets(market, books, await netBatchOf(market, books, [stream.group()]))
    })
  })

  describe('the attestation', () => {
    it('is for these bytes, these blobs and the root before', async () => {
      const market = await begin()
      const { books, committee, deal } = market
      const built = await usual(market)
      const other = await netBatchOf(market, books, [deal.stream(0).work(1n).group()])
      for (const change of [{ previous: built.tree.root }, { queueFrom: 1 }]) {
        await expect(settleNets(market, books, built, change))
          .to.be.revertedWithCustomError(committee, 'CommitteeBadSignature')
          .withArgs(0)
      }
      await settleNets(market, books, built)
      books.tree = built.tree
      await expect(settleNets(market, books, other, { previous: zeroHash })).to.be.revertedWithCustomError(
        committee,
        'CommitteeBadSignature',
      )
    })

    it('needs the threshold and the claim that tallies are signed', async () => {
      const market = await begin()
      const { books, committee, settlement } = market
      const built = await usual(market)
      await expect(settleNets(market, books, built, { signers: [1] }))
        .to.be.revertedWithCustomError(committee, 'CommitteeBelowThreshold')
        .withArgs(1, 2)
      await expect(settleNets(market, books, built, { claims: 2 }))
        .to.be.revertedWithCustomError(settlement, 'SettlementNothingClaimed')
        .withArgs(2)
    })

    it('holds until the second the batch names', async () => {
      const market = await begin()
      const { books, tally } = market
      const built = await usual(market)
      await arriveAt(networkHelpers, market, built.batch.until + 1)
      await expect(settleNets(market, books, built))
        .to.be.revertedWithCustomError(tally, 'NetsExpired')
        .withArgs(built.batch.until + 1, built.batch.until)
    })
  })

  describe('the blobs', () => {
    it('are as many as the batch names', async () => {
      const market = await begin()
      const { books, settlement } = market
      const built = await usual(market)
      await expect(settleNets(market, books, built, { blobs: [] }))
        .to.be.revertedWithCustomError(settlement, 'SettlementBlobMissing')
        .withArgs(0)
      await expect(settleNets(market, books, built, { blobs: [...built.blobs, ...built.blobs] }))
        .to.be.revertedWithCustomError(settlement, 'SettlementBlobMissing')
        .withArgs(1)
    })

    it('that hold no deal move no root', async () => {
      const market = await begin()
      const built = await usual(market)
      const blobs = [{ groups: 3, deals: 0 }]
      await expect(settleNets(market, market.books, altered(built, { blobs }))).to.be.revertedWithCustomError(
        market.tally,
        'NetsNothingRecorded',
      )
    })
  })

  describe('bytes that are no net batch', () => {
    const wrong: readonly [string, (encoded: Hex) => Hex, number][] = [
      ['cut off', (encoded) => sliceHex(encoded, 0, -1), 51 + 4 * 11 - 1],
      ['too long', (encoded) => `${encoded}00`, 51 + 4 * 11 + 1],
      ['without nets', (encoded) => sliceHex(encoded, 0, 44), 42],
      ['with nothing at all', () => '0x02', 1],
      ['in the acknowledged lane', (encoded) => `0x0200${encoded.slice(6)}`, 1],
      ['in the forced lane', (encoded) => `0x0202${encoded.slice(6)}`, 1],
      ['with seven blobs', (encoded) => `${sliceHex(encoded, 0, 42)}07${encoded.slice(88)}`, 42],
      [
        'with more records than a blob holds',
        (encoded) => `${sliceHex(encoded, 0, 43)}03330001${encoded.slice(96)}`,
        43,
      ],
      ['with a blob that holds none', (encoded) => `${sliceHex(encoded, 0, 43)}00000000${encoded.slice(96)}`, 43],
    ]
    for (const [what, change, position] of wrong) {
      it(`${what} revert`, async () => {
        const market = await begin()
        const { settlement, books } = market
        const built = await usual(market)
        await expect(settleNets(market, books, { ...built, encoded: change(built.encoded) }))
          .to.be.revertedWithCustomError(settlement, 'SettlementMalformedBatch')
          .withArgs(position)
      })
    }
  })

  describe('where the code stands', () => {
    it('nothing can be settled by itself', async () => {
      const market = await begin()
      const { nets, desk, tally, books } = market
      const { encoded } = await netBatchOf(market, books, [])
      const at = nets.attach(await desk.getAddress()) as typeof nets
      for (const code of [nets, at]) {
        await expect(code.settle(encoded, attest(market, zeroHash))).to.be.revertedWithCustomError(
          tally,
          'LedgerNotTheSettlement',
        )
      }
    })
  })

  it('leaves deals that are not netted alone, as those do netted ones', async () => {
    const market = await begin()
    const { tally, books, plain, deal } = market
    await settleNets(market, books, await usual(market))
    expect((await tally.deal(plain.id)).remaining).to.equal(100n * USD)
    const settled = await settle(market, Lane.Attested, [
      deal.stream(0).work(10n).group(),
      plain.stream(0).work(10n).group(),
    ])
    expect(settled.outcomes).to.deep.equal(['ModeMismatch', 'Applied'])
  })
})
