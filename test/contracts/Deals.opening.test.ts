/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { zeroAddress } from 'viem'

import { DealState, type DealTerms, Lane, type Offer } from '#protocol/types.ts'
import { deploy } from '../support/deployment.ts'
import {
  ackKey,
  createMarket,
  fundBuyer,
  joinProvider,
  type Market,
  offerOf,
  openDeal,
  orderKey,
  STAKE,
  signOffer,
  termsOf,
  USD,
} from '../support/market.ts'
import { advance, lastClock } from '../support/protocol-clock.ts'
import { fieldsOf } from '../support/results.ts'
import { settle } from '../support/settling.ts'

const { ethers, networkHelpers } = await network.create()

const YEARS_5 = 5 * 365 * 86_400

async function trading() {
  return await createMarket(await deploy(ethers))
}

type Change = { offer?: Partial<Offer>; terms?: Partial<DealTerms> }

/** Tries to open a deal with the usual offer and terms, changed. */
async function attempt(market: Market, { offer: offerChange, terms }: Change) {
  const offer = await offerOf(market, market.provider, offerChange)
  const signature = await signOffer(market, market.owner, offer)
  return market.tally.connect(market.buyer).openDeal(offer, signature, termsOf(terms))
}

const REFUSED: [name: string, change: Change, field: string, value: bigint, limit: bigint][] = [
  ['an unknown kind', { offer: { kind: 3 } }, 'kind', 3n, 2n],
  ['blob mode', { offer: { mode: 1 } }, 'mode', 1n, 0n],
  ['a mode that does not exist', { offer: { mode: 3 } }, 'mode', 3n, 0n],
  ['an offer of expired time', { offer: { expiry: 5 } }, 'expiry', 0n, 5n],
  ['no price', { offer: { price: 0n } }, 'price', 0n, 1n],
  ['no rate', { offer: { rateCap: 0 } }, 'rateCap', 0n, 1n],
  ['no budget', { offer: { minBudget: 0n }, terms: { budget: 0n } }, 'minBudget', 0n, 0n],
  ['a budget below the minimum', { terms: { budget: USD - 1n } }, 'minBudget', USD - 1n, USD],
  ['a budget above the maximum', { offer: { maxBudget: 99n * USD } }, 'maxBudget', 100n * USD, 99n * USD],
  ['an opening fee above the bond', { offer: { openingFee: 10n * USD + 1n } }, 'openingFee', 10n * USD + 1n, 10n * USD],
  ['no duration', { terms: { duration: 0 } }, 'duration', 0n, 30n * 86_400n],
  [
    'a longer duration than offered',
    { terms: { duration: 30 * 86_400 + 1 } },
    'duration',
    30n * 86_400n + 1n,
    30n * 86_400n,
  ],
  [
    'a duration beyond five years',
    { offer: { maxDuration: 2 ** 32 - 1 }, terms: { duration: YEARS_5 + 1 } },
    'duration',
    BigInt(YEARS_5) + 1n,
    BigInt(YEARS_5),
  ],
  ['no stream', { terms: { streams: 0 } }, 'streams', 0n, 62n],
  ['63 streams', { offer: { maxStreams: 255 }, terms: { streams: 63 } }, 'streams', 63n, 62n],
  ['more streams than offered', { offer: { maxStreams: 3 }, terms: { streams: 4 } }, 'streams', 4n, 3n],
  [
    'an exposure that would bind a bond and allow no work',
    { offer: { minExposure: 10 }, terms: { exposure: 9n } },
    'exposure',
    9n,
    10n,
  ],
  ['more than the offer has in total', { offer: { total: 99n * USD } }, 'total', 100n * USD, 99n * USD],
]

describe('Deals: opening', () => {
  describe('openDeal', () => {
    it('locks the budget, reserves the bond and writes every term down', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, registry, deal, buyer, provider } = market
      const view = await tally.deal(deal.id)
      const openedAt = BigInt(view.openedAt)
      expect(fieldsOf(view)).to.deep.equal({
        key: deal.key,
        buyer: buyer.address,
        provider: BigInt(provider.id),
        price: deal.offer.price,
        rateCap: 3_600_000n,
        openedAt,
        end: openedAt + 7n * 86_400n,
        budget: 100n * USD,
        remaining: 100n * USD,
        allowance: 50_000n,
        bond: 10n * STAKE,
        openingFee: USD,
        streams: 4n,
        kind: 1n,
        mode: 0n,
        state: BigInt(DealState.Open),
        closedAt: 0n,
        orderKey: orderKey.address,
        ackKey: ackKey.address,
        taskRoot: deal.terms.taskRoot,
        place: 0n,
      })
      expect(await tally.account(buyer)).to.deep.equal([4900n * USD, 100n * USD, 1n])
      expect((await registry.providerOf(provider.id)).liens).to.equal(10n * STAKE)
      expect(await tally.offerTaken(await tally.offerHash(deal.offer))).to.equal(100n * USD)
    })

    it('tells everything in its event', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, buyer, deal, provider } = market
      const tx = await attempt(market, {})
      const [log] = await tally.queryFilter(tally.filters.DealOpened, tx.blockNumber ?? undefined)
      const args = log?.args
      expect([args?.id, args?.buyer, args?.provider]).to.deep.equal([
        BigInt(deal.id + 1),
        buyer.address,
        BigInt(provider.id),
      ])
      expect(args?.key).to.equal((await tally.deal(deal.id + 1)).key)
      expect(args?.offer).to.deep.equal(Object.values({ ...deal.offer, expiry: args?.offer.expiry }).map(big))
      expect(args?.terms).to.deep.equal(Object.values(deal.terms).map(big))
      expect([args?.openedAt, args?.bond]).to.deep.equal([BigInt(await lastClock(market)), 10n * STAKE])
    })

    it('gives two deals of one offer different keys, and counts both against its total', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer } = market
      await tally.connect(buyer).openDeal(deal.offer, deal.signature, deal.terms)
      expect((await tally.deal(deal.id + 1)).key).to.not.equal(deal.key)
      expect(await tally.offerTaken(await tally.offerHash(deal.offer))).to.equal(200n * USD)
    })

    it('lets the buyer itself sign where no keys are named', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { id } = await openDeal(market, market.provider, { terms: { orderKey: zeroAddress, ackKey: zeroAddress } })
      const view = await market.tally.deal(id)
      expect([view.orderKey, view.ackKey]).to.deep.equal([market.buyer.address, market.buyer.address])
    })

    it('takes up to 62 streams, five years, and a service', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const offer = { kind: 2, maxDuration: 2 ** 32 - 1, openingFee: 0n }
      const { id } = await openDeal(market, market.provider, { offer, terms: { streams: 62, duration: YEARS_5 } })
      expect((await market.tally.deal(id)).streams).to.equal(62n)
    })

    it('reserves a bond rounded up to the last unit', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { id } = await openDeal(market, market.provider, { offer: { openingFee: 0n }, terms: { budget: USD + 1n } })
      expect((await market.tally.deal(id)).bond).to.equal((10n ** 17n * (USD + 1n)) / USD)
    })

    context('when an offer and terms do not fit', () => {
      for (const [name, change, field, value, limit] of REFUSED) {
        it(`refuses ${name}`, async () => {
          const market = await networkHelpers.loadFixture(trading)
          const given = field === 'expiry' ? (seen: bigint) => seen > 5n : value
          await expect(attempt(market, change))
            .to.be.revertedWithCustomError(market.tally, 'DealOfferMismatch')
            .withArgs(field, given, limit)
        })
      }
    })

    it('lets no offer live longer because the protocol clock fell behind', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally } = market
      const expiry = (await networkHelpers.time.latest()) + 7200
      await networkHelpers.time.setNextBlockTimestamp(expiry + 1) // two hours untouched: its clock is one behind
      await expect(attempt(market, { offer: { expiry } }))
        .to.be.revertedWithCustomError(tally, 'DealOfferMismatch')
        .withArgs('expiry', expiry + 1, expiry)
    })

    it('refuses an offer for somebody else', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, stranger, buyer } = market
      await expect(attempt(market, { offer: { buyer: stranger.address as `0x${string}` } }))
        .to.be.revertedWithCustomError(tally, 'DealOfferMismatch')
        .withArgs('buyer', BigInt(buyer.address), 0n)
    })

    it('refuses an offer of somebody who is no provider', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, stranger, buyer, provider } = market
      const offer = await offerOf(market, { ...provider, owner: stranger })
      await expect(tally.connect(buyer).openDeal(offer, await signOffer(market, stranger, offer), termsOf()))
        .to.be.revertedWithCustomError(tally, 'DealOfferMismatch')
        .withArgs('provider', BigInt(stranger.address), 0n)
    })

    it('refuses an offer signed by another, changed after signing, or signed for another deployment', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, stranger, owner, buyer, deal } = market
      const elsewhere = { ...market, domain: { ...market.domain, chainId: 1 } }
      for (const [offer, signature] of [
        [deal.offer, await signOffer(market, stranger, deal.offer)],
        [{ ...deal.offer, price: 1n }, deal.signature],
        [deal.offer, await signOffer(elsewhere, owner, deal.offer)],
        [deal.offer, '0x'],
      ] as const) {
        await expect(tally.connect(buyer).openDeal(offer, signature, termsOf()))
          .to.be.revertedWithCustomError(tally, 'DealOfferSignature')
          .withArgs(owner)
      }
    })

    it('refuses more than the buyer has free', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, stranger } = market
      await expect(tally.connect(stranger).openDeal(deal.offer, deal.signature, deal.terms))
        .to.be.revertedWithCustomError(tally, 'EscrowInsufficientFree')
        .withArgs(stranger, 0n, 100n * USD)
    })

    it('refuses when the provider has no stake left for the bond', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { registry, rival, buyer, tally } = market
      const poor = await joinProvider(market, rival, { stake: 10n * STAKE - 1n })
      const offer = await offerOf(market, poor)
      await expect(tally.connect(buyer).openDeal(offer, await signOffer(market, rival, offer), termsOf()))
        .to.be.revertedWithCustomError(registry, 'RegistryInsufficientStake')
        .withArgs(poor.id, 10n * STAKE - 1n, 10n * STAKE)
    })

    it('refuses while new deals are paused, and not a second longer', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, guardian } = market
      await tally.connect(guardian).pause(600)
      const until = await tally.pausedUntil()
      await expect(attempt(market, {})).to.be.revertedWithCustomError(tally, 'LedgerPaused').withArgs(until)
      await networkHelpers.time.increase(600)
      await attempt(market, {})
    })
  })

  describe('cancelOffers', () => {
    it('kills the offers below the nonce and leaves those from it on', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, owner } = market
      await expect(tally.connect(owner).cancelOffers(5)).to.emit(tally, 'OffersCancelled').withArgs(owner, 5n)
      expect(await tally.offerNonce(owner)).to.equal(5n)
      await expect(attempt(market, { offer: { nonce: 4n } }))
        .to.be.revertedWithCustomError(tally, 'DealOfferMismatch')
        .withArgs('nonce', 4n, 5n)
      await attempt(market, { offer: { nonce: 5n } })
    })

    it('never falls', async () => {
      const { tally, owner } = await networkHelpers.loadFixture(trading)
      await tally.connect(owner).cancelOffers(5)
      for (const asked of [5n, 4n, 0n]) {
        await expect(tally.connect(owner).cancelOffers(asked))
          .to.be.revertedWithCustomError(tally, 'DealNonceNotRising')
          .withArgs(5n, asked)
      }
    })
  })

  describe('topUp', () => {
    it('adds budget and bond, but nothing to what may be paid unacknowledged', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, registry, deal, buyer, provider } = market
      const tx = tally.connect(buyer).topUp(deal.id, deal.offer, deal.nonce, 50n * USD)
      await expect(tx)
        .to.emit(tally, 'DealToppedUp')
        .withArgs(deal.id, 50n * USD, 5n * STAKE)
      const after = await tally.deal(deal.id)
      expect([after.budget, after.remaining, after.bond]).to.deep.equal([150n * USD, 150n * USD, 15n * STAKE])
      expect(after.allowance).to.equal(50_000n)
      expect(await tally.account(buyer)).to.deep.equal([4850n * USD, 150n * USD, 1n])
      expect((await registry.providerOf(provider.id)).liens).to.equal(15n * STAKE)
      expect(await tally.offerTaken(await tally.offerHash(deal.offer))).to.equal(150n * USD)
    })

    it('stays within the offer', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer } = market
      await expect(tally.connect(buyer).topUp(deal.id, deal.offer, 0n, 900n * USD + 1n))
        .to.be.revertedWithCustomError(tally, 'DealOfferMismatch')
        .withArgs('maxBudget', 1000n * USD + 1n, 1000n * USD)
      const tight = await openDeal(market, market.provider, { offer: { total: 120n * USD } })
      await expect(tally.connect(buyer).topUp(tight.id, tight.offer, tight.nonce, 21n * USD))
        .to.be.revertedWithCustomError(tally, 'DealOfferMismatch')
        .withArgs('total', 121n * USD, 120n * USD)
    })

    it('takes the very offer of the deal only', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer } = market
      const other = { ...deal.offer, maxBudget: 10_000n * USD }
      for (const [offer, nonce] of [
        [other, 0n],
        [deal.offer, 1n],
      ] as const) {
        await expect(tally.connect(buyer).topUp(deal.id, offer, nonce, USD))
          .to.be.revertedWithCustomError(tally, 'DealOfferMismatch')
          .withArgs('offer', await tally.offerHash(offer), 0n)
      }
    })

    it('is for the buyer, with money, of an open deal', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, deal, buyer, stranger } = market
      await fundBuyer(market, stranger, 10n * USD)
      await expect(tally.connect(stranger).topUp(deal.id, deal.offer, 0n, USD))
        .to.be.revertedWithCustomError(tally, 'DealUnauthorized')
        .withArgs(deal.id, stranger)
      await expect(tally.connect(buyer).topUp(deal.id, deal.offer, 0n, 0n)).to.be.revertedWithCustomError(
        tally,
        'EscrowZeroAmount',
      )
      await tally.connect(buyer).withdraw(buyer, 4900n * USD)
      await expect(tally.connect(buyer).topUp(deal.id, deal.offer, 0n, USD))
        .to.be.revertedWithCustomError(tally, 'EscrowInsufficientFree')
        .withArgs(buyer, 0n, USD)
      await tally.connect(buyer).stop(deal.id)
      await expect(tally.connect(buyer).topUp(deal.id, deal.offer, 0n, USD))
        .to.be.revertedWithCustomError(tally, 'DealWrongState')
        .withArgs(deal.id, DealState.Closing)
      await expect(tally.connect(buyer).topUp(99, deal.offer, 0n, USD))
        .to.be.revertedWithCustomError(tally, 'DealWrongState')
        .withArgs(99, DealState.None)
    })

    it('is refused once the provider cancelled the offer', async () => {
      const { tally, deal, buyer, owner } = await networkHelpers.loadFixture(trading)
      await tally.connect(owner).cancelOffers(3)
      await expect(tally.connect(buyer).topUp(deal.id, deal.offer, deal.nonce, USD))
        .to.be.revertedWithCustomError(tally, 'DealOfferMismatch')
        .withArgs('nonce', 0n, 3n)
    })

    it('is refused once more was settled than the budget paid: what was worked above it is lost for good', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, provider, buyer } = market
      const [even, above] = [
        await openDeal(market, provider, { terms: { exposure: 200_000n } }),
        await openDeal(market, provider, { terms: { exposure: 200_000n } }),
      ]
      await advance(networkHelpers, market, 3600)
      const whole = [even, above].map((deal) => deal.stream(0).work(100_000n).group())
      expect((await settle(market, Lane.Attested, whole)).outcomes).to.deep.equal(['Applied', 'Applied'])
      const more = above.stream(1).work(1n).group()
      expect((await settle(market, Lane.Attested, [more])).outcomes).to.deep.equal(['Clamped'])

      await tally.connect(buyer).topUp(even.id, even.offer, even.nonce, USD)
      expect((await tally.deal(even.id)).remaining).to.equal(USD)
      const before = await tally.account(buyer)
      await expect(tally.connect(buyer).topUp(above.id, above.offer, above.nonce, USD))
        .to.be.revertedWithCustomError(tally, 'DealExhausted')
        .withArgs(above.id)
      expect(await tally.account(buyer)).to.deep.equal(before)
    })

    it('needs bond for what is added', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { registry, rival, buyer, tally } = market
      const poor = await joinProvider(market, rival, { stake: 10n * STAKE })
      const deal = await openDeal(market, poor)
      await expect(tally.connect(buyer).topUp(deal.id, deal.offer, deal.nonce, 10n))
        .to.be.revertedWithCustomError(registry, 'RegistryInsufficientStake')
        .withArgs(poor.id, 0n, 10n ** 12n)
    })
  })
})

function big(value: unknown): unknown {
  return typeof value === 'number' ? BigInt(value) : value
}
