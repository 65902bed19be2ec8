/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { zeroAddress } from 'viem'

import { acknowledgementDigest } from '#protocol/eip712.ts'
import { Lane } from '#protocol/types.ts'

import { signerNamed } from '../support/actors.ts'
import { deploy } from '../support/deployment.ts'
import {
  ackKey,
  createMarket,
  joinProvider,
  offerOf,
  openDeal,
  STAKE,
  signOffer,
  termsOf,
  USD,
} from '../support/market.ts'
import { permitOf } from '../support/permits.ts'
import { advance } from '../support/protocol-clock.ts'
import { attest, settle } from '../support/settling.ts'
import { acknowledgementOf, batchOf, workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const NOTHING = `0x${'00'.repeat(64)}` as const

async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n } })
  await advance(networkHelpers, market, 3600)
  return market
}

describe('findings: tokens and signatures', () => {
  describe('a permit played by somebody else first (many deposit routers revert then)', () => {
    it('stops neither a deposit, nor a deal, nor joining', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, registry, dollar, stake, otherBuyer, rival, stranger, deal } = market
      await dollar.mint(otherBuyer, 200n * USD)
      const { offer, signature, terms } = deal

      const forDeposit = await permitOf(market, otherBuyer, 100n * USD)
      await dollar
        .connect(stranger)
        .permit(otherBuyer, tally, 100n * USD, forDeposit.deadline, forDeposit.v, forDeposit.r, forDeposit.s)
      await tally.connect(otherBuyer).depositWithPermit(otherBuyer, 100n * USD, forDeposit)

      const forDeal = await permitOf(market, otherBuyer, 100n * USD)
      await dollar
        .connect(stranger)
        .permit(otherBuyer, tally, 100n * USD, forDeal.deadline, forDeal.v, forDeal.r, forDeal.s)
      await tally.connect(otherBuyer).openDealWithPermit(offer, signature, terms, 100n * USD, forDeal)

      await stake.mint(rival, STAKE)
      const forStake = await permitOf(market, rival, STAKE, 'stake')
      await stake
        .connect(stranger)
        .permit(rival, registry, STAKE, forStake.deadline, forStake.v, forStake.r, forStake.s)
      await registry.connect(rival).join(STAKE, forStake, rival, zeroAddress, '0x')
      expect(await tally.account(otherBuyer)).to.deep.equal([100n * USD, 100n * USD, 1n])
    })
  })

  describe('ecrecover answers zero for rubbish (a row without key would match it)', () => {
    it('makes no worker of an empty row, an unknown page or page 0', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, provider } = market
      for (const worker of [provider.firstWorker + 3, provider.firstWorker + 511, 512 * 1000, 0]) {
        const group = { ...deal.stream(0).work(5n).group(), worker, signature: NOTHING }
        const { outcomes } = await settle(market, Lane.Forced, [group])
        expect(outcomes).to.deep.equal(['NotAWorker'])
      }
    })

    it('makes no acknowledgement, member, operator or authority of nobody', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { settlement, committee, tally, deal, registry, owner, provider, stranger } = market
      await registry.connect(owner).setOperator(provider.id, zeroAddress)
      const acknowledged = { ...deal.stream(0).work(5n).acknowledged(ackKey), acknowledgement: NOTHING }
      const { outcomes } = await settle(market, Lane.Acknowledged, [acknowledged])
      expect(outcomes).to.deep.equal(['BadAcknowledgement'])
      await expect(tally.acknowledge(deal.id, 0, 1, 1, workHashOf('x'), NOTHING)).to.be.revertedWithCustomError(
        tally,
        'DealBadAcknowledgement',
      )
      const attested = batchOf(Lane.Attested, [deal.stream(0).work(5n).group()])
      const authority = `${attest(market, attested.root).slice(0, 20)}${NOTHING.slice(2).repeat(2)}` as const
      await expect(settlement.settle(attested.bytes, authority)).to.be.revertedWithCustomError(
        committee,
        'CommitteeBadSignature',
      )
      const forced = batchOf(Lane.Forced, [deal.stream(0).work(5n).group()])
      await expect(settlement.connect(stranger).settle(forced.bytes, NOTHING)).to.be.revertedWithCustomError(
        settlement,
        'SettlementForceUnauthorized',
      )
    })
  })

  describe('the twin of a signature (s above n/2 signs the same)', () => {
    it('is no signature: no second form of one tally settles', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal } = market
      const group = deal.stream(0).work(5n).group()
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
      const vs = BigInt(`0x${group.signature.slice(66)}`)
      const [parity, s] = [vs >> 255n, vs & (2n ** 255n - 1n)]
      const high = order - s // does not fit 255 bits beside the parity: written as wallets would
      for (const flipped of [0n, 1n]) {
        const twin = BigInt.asUintN(256, high | ((parity ^ flipped) << 255n))
          .toString(16)
          .padStart(64, '0')
        const signature = `${group.signature.slice(0, 66)}${twin}` as `0x${string}`
        const { outcomes } = await settle(market, Lane.Forced, [{ ...group, signature }])
        expect(outcomes).to.deep.equal(['BadSignature'])
      }
    })
  })

  describe('a recycled id (an old tally could be replayed against the new deal)', () => {
    it("takes none of the old deal's tallies and acknowledgements", async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal, buyer, provider, domain } = market
      const unsettled = deal.stream(1).work(7n)
      await settle(market, Lane.Attested, [deal.stream(0).work(5n).group()])
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(deal.id)
      await advance(networkHelpers, market, 7 * DAY)
      await tally.recycle(deal.id)
      const next = await openDeal(market, provider, { offer: { salt: workHashOf('next') } })
      expect(next.id).to.equal(deal.id)
      await advance(networkHelpers, market, 60)
      const replay = { ...unsettled.acknowledged(ackKey), leaf: next.stream(1).work(7n).group().leaf }
      // the same receipts under the new key have another hash each: only the signatures are the old ones
      for (const lane of [Lane.Attested, Lane.Acknowledged, Lane.Forced]) {
        const { acknowledgement, ...bare } = replay
        const group = lane === Lane.Acknowledged ? replay : bare
        const relabelled = { ...group, receipts: next.stream(1).work(7n).receipts }
        if (lane === Lane.Attested) {
          await expect(settle(market, lane, [relabelled])).to.be.revertedWithCustomError(
            market.settlement,
            'SettlementBadGroup',
          )
        } else {
          expect((await settle(market, lane, [relabelled])).outcomes).to.deep.equal(['BadSignature'])
        }
        expect(acknowledgement).to.be.a('string')
      }
      const signature = ackKey.sign(acknowledgementDigest(acknowledgementOf(unsettled.group().tally), domain))
      const { count, units, segment } = unsettled.group().tally
      await expect(tally.acknowledge(next.id, 1, count, units, segment, signature))
        .to.be.revertedWithCustomError(tally, 'DealBadAcknowledgement')
        .withArgs(next.id, 1)
    })
  })

  describe('another deployment (TAP: receipts replayed across chains)', () => {
    it('shares no signature: offers, tallies, acknowledgements bind chain and contract', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally, buyer, owner, domain } = market
      const elsewhere = { ...domain, verifyingContract: signerNamed('other settlement').address }
      const offer = await offerOf(market, market.provider, { salt: workHashOf('there') })
      const theirs = await signOffer({ ...market, domain: elsewhere }, owner, offer)
      await expect(tally.connect(buyer).openDeal(offer, theirs, termsOf())).to.be.revertedWithCustomError(
        tally,
        'DealOfferSignature',
      )
      const group = deal.stream(0).work(5n).acknowledged(ackKey)
      const digest = acknowledgementDigest(acknowledgementOf(group.tally), elsewhere)
      const foreign = { ...group, acknowledgement: ackKey.sign(digest) }
      expect((await settle(market, Lane.Acknowledged, [foreign])).outcomes).to.deep.equal(['BadAcknowledgement'])
    })
  })

  describe('an account that gained code (EIP-7702)', () => {
    it('cannot settle through itself', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { settlement, relayer, deal } = market
      const code = await ethers.deployContract('MockWallet', [relayer])
      const { bytes, root } = batchOf(Lane.Attested, [deal.stream(0).work(5n).group()])
      const data = settlement.interface.encodeFunctionData('settle', [bytes, attest(market, root)])
      await networkHelpers.setCode(relayer.address, `0xef0100${(await code.getAddress()).slice(2)}`)
      const self = code.interface.encodeFunctionData('execute', [await settlement.getAddress(), data])
      await expect(
        relayer.sendTransaction({ to: relayer.address, data: self, gasLimit: 2_000_000n }),
      ).to.be.revertedWithCustomError(settlement, 'SettlementNotTopLevel')
    })
  })

  describe('one attested root brought group by group (a stranger could fill the ring)', () => {
    it('settles as a whole or not at all: spoilt signatures of some groups revert the batch', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { settlement, deal } = market
      const groups = [0, 1, 2].map((index) => deal.stream(index).work(5n).group())
      const { root } = batchOf(Lane.Attested, groups)
      for (const kept of groups) {
        const spoilt = groups.map((group) => (group === kept ? group : { ...group, signature: NOTHING }))
        const { bytes } = batchOf(Lane.Attested, spoilt)
        await expect(settlement.settle(bytes, attest(market, root))).to.be.revertedWithCustomError(
          settlement,
          'SettlementBadGroup',
        )
      }
      expect((await settle(market, Lane.Attested, groups)).outcomes).to.deep.equal(['Applied', 'Applied', 'Applied'])
    })
  })

  describe('an equivocating worker (its provider could revert batches of all the others)', () => {
    it('is skipped where a conflicting tally moved its stream first: the others settle', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, owner } = market
      const forMembers = deal.stream(0).work(6n, 7n).group()
      const others = deal.stream(1).work(5n).group()
      const conflicting = deal.stream(0).work(5n).group()
      await settle(market, Lane.Forced, [conflicting], { from: owner })
      expect((await settle(market, Lane.Attested, [forMembers, others])).outcomes).to.deep.equal([
        'UnitsMismatch',
        'Applied',
      ])
    })
  })

  describe('one deal in the way (an exhausted sender blocked whole batches)', () => {
    it('is skipped: every kind of bad group stands beside good ones', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, provider, rival } = market
      const poor = await joinProvider(market, rival, { stake: 10n * STAKE })
      const theirs = await openDeal(market, poor, { terms: { exposure: 10_000_000n } })
      const tight = await openDeal(market, provider, { terms: { exposure: 0n } })
      await advance(networkHelpers, market, 60)
      const good = (index: number) => deal.stream(index).work(5n).group()
      const groups = [
        good(0),
        deal
          .stream(3)
          .work(2n ** 24n - 1n)
          .group(),
        deal.stream(9).work(5n).group(),
        theirs.stream(0).work(10_001n).group(),
        theirs.stream(1).work(1n).group(),
        tight.stream(0).work(1n).group(),
      ]
      const { outcomes } = await settle(market, Lane.Attested, groups)
      expect(outcomes).to.deep.equal([
        'Applied',
        'RateExceeded',
        'StreamOutOfRange',
        'CoverageExceeded',
        'Applied',
        'ExposureExceeded',
      ])
    })
  })
})
