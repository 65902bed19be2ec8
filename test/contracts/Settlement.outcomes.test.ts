/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { zeroHash } from 'viem'

import { acknowledgementDigest, tallyDigest } from '#protocol/eip712.ts'
import { rateLimit } from '#protocol/rules.ts'
import { Lane, type Tally } from '#protocol/types.ts'

import { type Signer, signerNamed } from '../support/actors.ts'
import { deploy } from '../support/deployment.ts'
import { ackKey, createMarket, joinProvider, type Market, openDeal, STAKE, USD } from '../support/market.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'
import { setDealMode, setStream } from '../support/storage.ts'
import { acknowledgementOf, createStream, resigned, type SignedGroup } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const MAX_UNITS = 2n ** 40n - 1n
const LANES = Object.entries(Lane)

/** A usual deal with wide exposure, an hour old. */
async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n } })
  await advance(networkHelpers, market, 3600)
  return market
}

/** Settles one group and checks its outcome; on a skip nothing may have changed but the clock. */
async function expectOutcome(market: Market, lane: number, group: SignedGroup, outcome: string) {
  const before = await stateOf(market, group)
  const { outcomes } = await settle(market, lane, [group])
  expect(outcomes).to.deep.equal([outcome])
  if (outcome === 'Applied' || outcome === 'Clamped') return
  expect(await stateOf(market, group)).to.deep.equal(before)
}

async function stateOf({ tally, provider }: Market, { dealId, stream }: SignedGroup) {
  const { remaining, allowance } = await tally.deal(dealId)
  const { claimable, unmatured } = await tally.earnings(provider.id)
  return [
    remaining,
    allowance,
    claimable,
    unmatured,
    await tally.stream(dealId, stream),
    await tally.streamRecord(dealId, stream),
  ]
}

/** The group of a lane: acknowledged where the lane is. */
function groupFor(
  lane: number,
  stream: ReturnType<Market['deal']['stream']>,
  first = 0,
  count = stream.receipts.length,
) {
  return lane === Lane.Acknowledged ? stream.acknowledged(ackKey, first, count) : stream.group(first, count)
}

/** A group that is not its worker's own: skipped, but in the attested lane, whose members have checked it, no batch at all. */
async function expectNoWorkersTally(
  market: Awaited<ReturnType<typeof working>>,
  lane: number,
  group: SignedGroup,
  outcome: string,
  what?: string,
): Promise<void> {
  if (lane === Lane.Attested) {
    await expect(settle(market, lane, [group]), what).to.be.revertedWithCustomError(
      market.settlement,
      'SettlementBadGroup',
    )
  } else {
    expect((await settle(market, lane, [group])).outcomes, what).to.deep.equal([outcome])
  }
}

describe('settle: what becomes of a group', () => {
  for (const [name, lane] of LANES) {
    describe(`in the lane ${name}`, () => {
      it('Applied moves the stream, debits the deal and credits the provider', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { tally, deal, provider } = market
        await expectOutcome(market, lane, groupFor(lane, deal.stream(1).work(300n, 700n)), 'Applied')
        expect((await tally.stream(deal.id, 1)).slice(0, 2)).to.deep.equal([2n, 1000n])
        expect((await tally.deal(deal.id)).remaining).to.equal(99n * USD)
        const { claimable, unmatured } = await tally.earnings(provider.id)
        const fees = lane === Lane.Acknowledged ? 15_000n : 0n
        expect([claimable, unmatured]).to.deep.equal(lane === Lane.Acknowledged ? [USD - fees, 0n] : [0n, USD])
        expect(await tally.fees()).to.deep.equal(lane === Lane.Acknowledged ? [10_000n, 5_000n] : [0n, 0n])
      })

      it('Clamped pays what is left, records the signed units and takes no more', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { tally, deal, provider } = market
        await settle(market, Lane.Attested, [deal.stream(0).work(99_990n).group()])
        const stream = deal.stream(1).work(11n)
        await expectOutcome(market, lane, groupFor(lane, stream), 'Clamped')
        expect((await tally.stream(deal.id, 1)).slice(0, 2)).to.deep.equal([1n, 11n])
        expect((await tally.deal(deal.id)).remaining).to.equal(0n)
        const paid = (await tally.earnings(provider.id)).unmatured
        expect(paid).to.equal(lane === Lane.Acknowledged ? 99_990_000n : 100n * USD)
        await expectOutcome(market, lane, groupFor(lane, stream.work(5n), 1), 'Clamped')
        expect((await tally.deal(deal.id)).remaining).to.equal(0n)
        expect((await tally.earnings(provider.id)).unmatured).to.equal(paid)
      })

      it('DealNotOpen for an id without deal', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { domain, provider } = market
        const [signer] = provider.workers
        if (signer === undefined) throw new Error('no worker')
        for (const dealId of [0, 99, 2 ** 32 - 1]) {
          const place = { dealId, dealKey: zeroHash, stream: 0, worker: provider.firstWorker, signer }
          const stream = createStream(domain, place).work(5n)
          await expectOutcome(market, lane, groupFor(lane, stream), 'DealNotOpen')
        }
      })

      it('Applied to the last second of the closing period, DealNotOpen from the next on', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { tally, buyer, deal } = market
        await tally.connect(buyer).stop(deal.id)
        const until = (await lastClock(market)) + DAY
        const stream = deal.stream(0).work(5n)
        await arriveAt(networkHelpers, market, until - 1)
        await expectOutcome(market, lane, groupFor(lane, stream), 'Applied')
        const later = groupFor(lane, stream.work(5n))
        await arriveAt(networkHelpers, market, until)
        await expectOutcome(market, lane, later, 'DealNotOpen')
        await tally.close(deal.id)
        await expectOutcome(market, lane, later, 'DealNotOpen')
      })

      it('ModeMismatch for a netted deal', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { deal } = market
        await setDealMode(networkHelpers, market, deal.id, 2n)
        await expectOutcome(market, lane, groupFor(lane, deal.stream(0).work(5n)), 'ModeMismatch')
      })

      it("StreamOutOfRange from the deal's number of streams on", async () => {
        const market = await networkHelpers.loadFixture(working)
        const { deal } = market
        await expectOutcome(market, lane, groupFor(lane, deal.stream(3).work(5n)), 'Applied')
        for (const index of [4, 63]) {
          await expectOutcome(market, lane, groupFor(lane, deal.stream(index).work(5n)), 'StreamOutOfRange')
        }
      })

      it('Stale for what was settled, Gap for what lies beyond', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { deal } = market
        const stream = deal.stream(2).work(5n, 6n, 7n, 8n)
        await expectOutcome(market, lane, groupFor(lane, stream, 1, 2), 'Gap')
        await expectOutcome(market, lane, groupFor(lane, stream, 0, 2), 'Applied')
        for (const [first, count] of [
          [0, 2],
          [0, 1],
          [1, 2],
        ] as const) {
          await expectOutcome(market, lane, groupFor(lane, stream, first, count), 'Stale')
        }
        await expectOutcome(market, lane, groupFor(lane, stream, 3, 4), 'Gap')
        await expectOutcome(market, lane, groupFor(lane, stream, 1, 4), 'Applied')
      })

      it('RateExceeded above the rate, to the unit and the second, and payable later', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { tally, provider } = market
        const deal = await openDeal(market, provider, { offer: { rateCap: 500 }, terms: { exposure: 10_000_000n } })
        const { openedAt, end } = await tally.deal(deal.id)
        const limit = rateLimit(500, Number(openedAt), Number(end), Number(openedAt) + 100)
        expect(limit).to.equal(13n)
        const over = groupFor(lane, deal.stream(0).work(limit + 1n))
        await arriveAt(networkHelpers, market, Number(openedAt) + 100)
        await expectOutcome(market, lane, over, 'RateExceeded')
        await arriveAt(networkHelpers, market, Number(openedAt) + 101)
        await expectOutcome(market, lane, over, 'Applied') // 14 x 3600 <= 500 x 101
      })

      it("RateExceeded past the deal's end, where its clock stands", async () => {
        const market = await networkHelpers.loadFixture(working)
        const { tally, provider, buyer } = market
        const deal = await openDeal(market, provider, { offer: { rateCap: 3600 }, terms: { exposure: 10_000_000n } })
        const { openedAt } = await tally.deal(deal.id)
        await arriveAt(networkHelpers, market, Number(openedAt) + 50)
        await tally.connect(buyer).stop(deal.id)
        await advance(networkHelpers, market, 3600)
        await expectOutcome(market, lane, groupFor(lane, deal.stream(0).work(51n)), 'RateExceeded')
        await expectOutcome(market, lane, groupFor(lane, deal.stream(1).work(50n)), 'Applied')
      })

      const skipsOrReverts = lane === Lane.Attested ? 'reverts the batch' : 'skips the group'

      it(`${skipsOrReverts} for an unknown page, an empty row, and a worker of another provider`, async () => {
        const market = await networkHelpers.loadFixture(working)
        const { deal, rival, provider } = market
        const other = await joinProvider(market, rival)
        const group = groupFor(lane, deal.stream(0).work(5n))
        for (const worker of [0, 511, provider.firstWorker + 3, other.firstWorker, 512 * 77, 2 ** 32, 2 ** 40 - 1]) {
          await expectNoWorkersTally(market, lane, { ...group, worker }, 'NotAWorker')
        }
        const [theirs] = other.workers
        if (theirs === undefined) throw new Error('no worker')
        const signed = resigned(market.domain, { ...group, worker: other.firstWorker }, theirs)
        await expectNoWorkersTally(market, lane, signed, 'NotAWorker')
      })

      it('NotAWorker from the second of revocation on, Applied before; others go on', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { deal, registry, operator, provider } = market
        const from = (await lastClock(market)) + DAY + 600
        await registry.connect(operator).revokeWorker(provider.id, provider.firstWorker, from)
        const stream = deal.stream(0, 0).work(5n)
        await arriveAt(networkHelpers, market, from - 1)
        await expectOutcome(market, lane, groupFor(lane, stream), 'Applied')
        const later = groupFor(lane, stream.work(6n), 1)
        await arriveAt(networkHelpers, market, from)
        await expectOutcome(market, lane, later, 'NotAWorker')
        await expectOutcome(market, lane, groupFor(lane, deal.stream(1, 1).work(5n)), 'Applied')
      })

      it(`${skipsOrReverts} for another key, other units, another stream, another deal and rubbish`, async () => {
        const market = await networkHelpers.loadFixture(working)
        const { deal, domain, provider } = market
        const [worker] = provider.workers
        if (worker === undefined) throw new Error('no worker')
        const group = groupFor(lane, deal.stream(0).work(5n, 6n))
        const misnamed = (signer: Signer, change: Partial<Tally> = {}, under = domain): SignedGroup => ({
          ...group,
          signature: signer.sign(tallyDigest({ ...group.tally, ...change }, under)),
        })
        const wrong: [string, SignedGroup][] = [
          ['another worker', { ...group, worker: provider.firstWorker + 1 }],
          ['a stranger', misnamed(signerNamed('stranger'))],
          ['more units', misnamed(worker, { units: 12n })],
          ['fewer units', misnamed(worker, { units: 10n })],
          ['another stream', misnamed(worker, { stream: 1 })],
          ['another first', misnamed(worker, { first: 1 })],
          ['another count', misnamed(worker, { count: 3 })],
          ['another deal', misnamed(worker, { dealKey: zeroHash })],
          ['another segment', misnamed(worker, { segment: zeroHash })],
          ['another chain', misnamed(worker, {}, { ...domain, chainId: 1 })],
          ['zeros', { ...group, signature: `0x${'00'.repeat(64)}` }],
          ['ones', { ...group, signature: `0x${'ff'.repeat(64)}` }],
        ]
        for (const [what, bad] of wrong) {
          await expectNoWorkersTally(market, lane, bad, 'BadSignature', what)
        }
      })

      it('UnitsMismatch where the tally says more or fewer units than the receipts add', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { deal } = market
        const stream = deal.stream(1, 0).work(5n)
        await settle(market, Lane.Attested, [stream.group()])
        stream.work(6n, 7n)
        for (const units of [0n, 5n, 17n, 19n, MAX_UNITS]) {
          for (const first of [0, 1]) {
            const group = groupFor(lane, stream, first)
            await expectOutcome(market, lane, claiming(market, group, units), 'UnitsMismatch')
          }
        }
        await expectOutcome(market, lane, groupFor(lane, stream), 'Applied')
      })

      it('UnitsMismatch where the stream would count past 40 bits, whatever the tally says', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { deal } = market
        await setStream(networkHelpers, market, deal.id, 1, { cursor: 1n, units: MAX_UNITS - 4n })
        const group = groupFor(lane, deal.stream(1, 0).work(5n, 5n), 1)
        for (const units of [0n, 1n, MAX_UNITS]) {
          await expectOutcome(market, lane, claiming(market, group, units), 'UnitsMismatch')
        }
        const less = groupFor(lane, deal.stream(1, 0).work(5n, 4n), 1)
        await expectOutcome(market, lane, claiming(market, less, MAX_UNITS), 'RateExceeded')
      })

      it('ExposureExceeded beyond what is acknowledged and exposed', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { tally, provider } = market
        const deal = await openDeal(market, provider, { terms: { exposure: 10n } })
        await advance(networkHelpers, market, 60)
        const ten = deal.stream(0).work(10n)
        await settle(market, Lane.Attested, [ten.group()])
        const more = groupFor(lane, ten.work(1n))
        if (lane === Lane.Acknowledged) {
          await expectOutcome(market, lane, more, 'Applied')
          expect((await tally.deal(deal.id)).allowance).to.equal(10n + 11n)
          return
        }
        await expectOutcome(market, lane, more, 'ExposureExceeded')
        await settle(market, Lane.Acknowledged, [deal.stream(1).work(1n).acknowledged(ackKey)])
        await expectOutcome(market, lane, more, 'ExposureExceeded') // what was acknowledged was paid too
      })

      it('CoverageExceeded beyond the cover, never for acknowledged work', async () => {
        const market = await networkHelpers.loadFixture(working)
        const { tally, rival } = market
        const poor = await joinProvider(market, rival, { stake: 10n * STAKE }) // ten dollars of cover, all of it bond
        const deal = await openDeal(market, poor, { terms: { exposure: 10_000_000n } })
        await advance(networkHelpers, market, 60)
        const theirs = { ...market, provider: poor, owner: rival }
        const stream = deal.stream(0).work(10_000n)
        await expectOutcome(theirs, lane, groupFor(lane, stream), 'Applied')
        const more = groupFor(lane, stream.work(1n), 1)
        await expectOutcome(theirs, lane, more, lane === Lane.Acknowledged ? 'Applied' : 'CoverageExceeded')
        if (lane === Lane.Acknowledged) return
        await advance(networkHelpers, market, lane === Lane.Forced ? 4 * DAY : 2 * DAY)
        expect((await tally.earnings(poor.id)).unmatured).to.equal(0n)
        await expectOutcome(theirs, lane, more, 'Applied')
      })
    })
  }

  describe('BadAcknowledgement', () => {
    it('meets an acknowledgement by another key, of another tally, and rubbish', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal } = market
      const stream = deal.stream(0).work(5n, 6n)
      const right = stream.acknowledged(ackKey)
      const wrong = [
        stream.acknowledged(signerNamed('somebody')).acknowledgement,
        stream.acknowledged(ackKey, 0, 1).acknowledgement,
        deal.stream(1).work(5n, 6n).acknowledged(ackKey).acknowledgement,
        right.signature,
        `0x${'00'.repeat(64)}` as const,
      ]
      for (const acknowledgement of wrong) {
        if (acknowledgement === undefined) throw new Error('not acknowledged')
        await expectOutcome(market, Lane.Acknowledged, { ...right, acknowledgement }, 'BadAcknowledgement')
      }
      await expectOutcome(market, Lane.Acknowledged, right, 'Applied')
    })
  })

  describe('tallies of one stream', () => {
    it('commute: longer and shorter in any order pay the same once', async () => {
      const orders = [
        [1, 2, 4],
        [4, 2, 1],
        [2, 4, 1],
        [2, 1, 4],
      ]
      for (const counts of orders) {
        const market = await networkHelpers.loadFixture(working)
        const { tally, deal, provider } = market
        const stream = deal.stream(0).work(5n, 6n, 7n, 8n)
        for (const count of counts) await settle(market, Lane.Attested, [stream.group(0, count)])
        expect((await tally.stream(deal.id, 0)).slice(0, 2)).to.deep.equal([4n, 26n])
        expect((await tally.earnings(provider.id)).unmatured).to.equal(26n * deal.offer.price)
      }
    })

    it('pay once through every lane and however often they are sent', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal } = market
      const stream = deal.stream(0).work(5n, 6n)
      await settle(market, Lane.Attested, [stream.group()])
      for (const [, lane] of LANES) await expectOutcome(market, lane, groupFor(lane, stream), 'Stale')
      expect((await tally.deal(deal.id)).remaining).to.equal(100n * USD - 11n * deal.offer.price)
    })
  })

  describe('many groups', () => {
    it('settle what can apply and leave the rest, each deal, provider and worker by itself', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal, provider, rival } = market
      const other = await joinProvider(market, rival)
      const theirs = await openDeal(market, other, { terms: { exposure: 10_000_000n } })
      const ours = await openDeal(market, provider, { terms: { streams: 62, exposure: 10_000_000n } })
      await advance(networkHelpers, market, 60)
      const groups = [
        deal.stream(0).work(5n).group(),
        deal.stream(1).work(5n, 6n).group(1),
        deal.stream(2).work(7n).group(),
        theirs.stream(0).work(8n).group(),
        theirs.stream(3).work(9n).group(),
        ...[0, 1, 2, 3, 4, 5, 30, 61].map((index) => ours.stream(index).work(10n).group()),
        ours.stream(62).work(10n).group(),
      ]
      const { outcomes, applied } = await settle(market, Lane.Attested, groups)
      const moved = outcomes.map((name) => name === 'Applied')
      expect(outcomes).to.deep.equal([
        ...['Applied', 'Gap', 'Applied', 'Applied', 'Applied'],
        ...Array.from({ length: 8 }, () => 'Applied'),
        'StreamOutOfRange',
      ])
      expect(applied).to.equal('0xfd1f')
      expect(moved).to.have.length(14)
      expect((await tally.earnings(provider.id)).unmatured).to.equal(92n * deal.offer.price)
      expect((await tally.earnings(other.id)).unmatured).to.equal(17n * deal.offer.price)
      for (const index of [0, 1, 2, 3, 4, 5, 30, 61]) {
        expect((await tally.stream(ours.id, index)).slice(0, 2), `stream ${index}`).to.deep.equal([1n, 10n])
      }
      for (const index of [6, 29, 31, 60]) expect((await tally.stream(ours.id, index)).count).to.equal(0n)
    })

    it('share one budget: the clamp comes where the money ends', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal } = market
      const groups = [0, 1, 2].map((index) => deal.stream(index).work(40_000n).group())
      const { outcomes } = await settle(market, Lane.Attested, groups)
      expect(outcomes).to.deep.equal(['Applied', 'Applied', 'Clamped'])
      expect((await tally.deal(deal.id)).remaining).to.equal(0n)
    })

    it('alternate between two providers without mixing their money', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, provider, rival } = market
      const other = await joinProvider(market, rival)
      const deals = []
      for (const each of [provider, other, provider, other]) {
        deals.push(await openDeal(market, each, { terms: { exposure: 10_000_000n } }))
      }
      await advance(networkHelpers, market, 60)
      const lanes = [Lane.Attested, Lane.Acknowledged] as const
      for (const lane of lanes) {
        const groups = deals.map((one, index) => groupFor(lane, one.stream(lane).work(BigInt(index + 1))))
        const { outcomes } = await settle(market, lane, groups)
        expect(new Set(outcomes)).to.deep.equal(new Set(['Applied']))
      }
      const price = 1000n
      const [mine, theirs] = [await tally.earnings(provider.id), await tally.earnings(other.id)]
      expect([mine.unmatured, theirs.unmatured]).to.deep.equal([4n * price, 6n * price])
      expect([mine.claimable, theirs.claimable]).to.deep.equal([4n * 985n, 6n * 985n])
      expect(await tally.fees()).to.deep.equal([100n, 50n])
    })
  })
})

/** The group with a tally, and an acknowledgement where it has one, over these units. */
function claiming({ domain, provider }: Market, group: SignedGroup, units: bigint): SignedGroup {
  const [worker] = provider.workers
  if (worker === undefined) throw new Error('no worker')
  const claimed = resigned(domain, group, worker, { units })
  if (group.acknowledgement === undefined) return claimed
  const acknowledgement = ackKey.sign(acknowledgementDigest(acknowledgementOf(claimed.tally), domain))
  return { ...claimed, acknowledgement }
}
