/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { zeroAddress } from 'viem'

import { equivocationOf } from '#protocol/faults.ts'
import { Lane } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { caseOf, prove } from '../support/faulty.ts'
import { createMarket, fundBuyer, joinProvider, type Market, NO_PERMIT, STAKE, USD } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'
import { chargeOf, lastCase, slash } from '../support/slashing.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const VAULT_TIME = 3 * DAY

async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { duration: 30 * DAY } })
  await advance(networkHelpers, market, 3600)
  return market
}

/** A provider with a pool that somebody has delegated 1,000 tokens to. */
async function delegated() {
  const market = await working()
  const { registry, stake, provider, stranger } = market
  await registry.connect(provider.owner).openPool(provider.id, 1_000)
  await stake.mint(stranger, 3_000n * STAKE)
  await stake.connect(stranger).approve(registry, 3_000n * STAKE)
  await registry.connect(stranger).delegate(provider.id, 1_000n * STAKE, 0, NO_PERMIT)
  return market
}

/** A settled group and another history of the same stream. */
async function forked(market: Market) {
  const group = market.deal.stream(0).work(10_000n).group()
  await settle(market, Lane.Attested, [group])
  const proof = equivocationOf(market.deal.id, group, market.deal.stream(0).work(9_000n).group())
  if (proof === null) throw new Error('that shows no fault')
  return proof
}

describe('findings: slashing', () => {
  describe('slashing that reverts as deployed (a burner role that no script granted; a verifier set to nobody)', () => {
    it('takes stake on the deployment as it is, and pays it out', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, provider } = market
      const before = (await registry.providerOf(provider.id)).stake
      const tx = await prove(market, await forked(market))
      const { own } = await caseOf(market, tx)
      expect(own).to.be.greaterThan(0n)
      expect(before - (await registry.providerOf(provider.id)).stake).to.equal(own)
      await advance(networkHelpers, market, VAULT_TIME)
      await expect(registry.payOut(await lastCase(market))).to.emit(registry, 'CasePaid')
    })
  })

  describe('slashing by one role’s word (an administrator, an arbitrator, any middleware)', () => {
    it('is nobody’s: neither deployer, guardian, governor nor stranger can slash without a proof', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, provider, tally, deal } = market
      const charge = chargeOf('because I say so', STAKE)
      const { court: _, ...others } = market.accounts
      for (const who of Object.values(others)) {
        await expect(registry.connect(who).slash(provider.id, charge, 0, 0))
          .to.be.revertedWithCustomError(registry, 'RegistryUnauthorized')
          .withArgs(provider.id, who.address)
        await expect(tally.connect(who).penalize(deal.id, deal.key, 0, charge))
          .to.be.revertedWithCustomError(tally, 'RemediesOnlyCourts')
          .withArgs(who.address)
      }
    })
  })

  describe('a pool that a slash emptied (division by zero: nobody could delegate or leave any more)', () => {
    it('begins anew: others delegate and leave with what is theirs', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, provider, stranger, stake } = market
      // half of the pool a fault, until next to nothing is left
      for (let fault = 0; fault < 80; fault += 1)
        await slash(networkHelpers, market, provider.id, chargeOf(`fault ${fault}`, 1_000_000n * STAKE))
      await registry.connect(stranger).delegate(provider.id, 500n * STAKE, 0, NO_PERMIT)
      const { shares } = await registry.positionOf(provider.id, stranger)
      await registry.connect(stranger).undelegate(provider.id, shares)
      await advance(networkHelpers, market, 7 * DAY)
      const before = await stake.balanceOf(stranger)
      await registry.connect(stranger).withdrawDelegation(provider.id, stranger)
      expect((await stake.balanceOf(stranger)) - before).to.be.closeTo(500n * STAKE, 1_000n)
    })

    it('of a provider’s own leaves the deal closable, and the provider free to stake again', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, tally, provider, deal, buyer, stake } = market
      await slash(networkHelpers, market, provider.id, chargeOf('everything', 1_000_000n * STAKE))
      await stake.mint(buyer, 100n * STAKE)
      await stake.connect(buyer).approve(registry, 100n * STAKE)
      await registry.connect(buyer).stake(provider.id, 100n * STAKE)
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(deal.id)
      const { stake: left, liens } = await registry.providerOf(provider.id)
      expect([left, liens]).to.deep.equal([100n * STAKE, 0n])
    })
  })

  describe('leaving ahead of a slash (thawing stake out of reach, a deallocation overtaken)', () => {
    it('does not help the provider: stake that thaws is slashed like the rest', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, provider } = market
      await registry.connect(provider.owner).thaw(provider.id, 9_000n * STAKE)
      await slash(networkHelpers, market, provider.id, chargeOf('half', 5_000n * STAKE))
      const { stake, thawing } = await registry.providerOf(provider.id)
      expect([stake, thawing]).to.deep.equal([500n * STAKE, 4_500n * STAKE])
    })

    it('does not help a delegator, who bears the same part as one who stayed', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, provider, stranger, buyer, stake } = market
      await stake.mint(buyer, 1_000n * STAKE)
      await stake.connect(buyer).approve(registry, 1_000n * STAKE)
      await registry.connect(buyer).delegate(provider.id, 1_000n * STAKE, 0, NO_PERMIT)
      const { shares } = await registry.positionOf(provider.id, stranger)
      await registry.connect(stranger).undelegate(provider.id, shares)
      await slash(networkHelpers, market, provider.id, chargeOf('both', 10_500n * STAKE))
      await advance(networkHelpers, market, 7 * DAY)
      const before = await stake.balanceOf(stranger)
      await registry.connect(stranger).withdrawDelegation(provider.id, stranger)
      const left = (await stake.balanceOf(stranger)) - before
      const stayed = (await registry.positionOf(provider.id, buyer)).value
      expect(left).to.be.closeTo(750n * STAKE, 1_000n)
      expect(stayed).to.be.closeTo(left, 1_000n)
    })
  })

  describe('a dispute as long as the thaw (stake was gone when it was decided)', () => {
    it('ends two days before stake that began to thaw with the work has thawed', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, registry, provider } = market
      const { forcedWindow } = await tally.parameters()
      const longestDispute = 33n * 3600n
      await registry.connect(provider.owner).thaw(provider.id, STAKE)
      const { thawedAt } = await registry.providerOf(provider.id)
      const thaw = thawedAt - (await tally.clock())
      expect(forcedWindow + longestDispute).to.be.lessThan(thaw - 2n * BigInt(DAY))
    })
  })

  describe('reporting oneself for half of the slash (deterrence halved)', () => {
    it('brings back a tenth at most: nine tenths are gone', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, stake, provider } = market
      const tx = await prove(market, await forked(market), provider.owner)
      const { own } = await caseOf(market, tx)
      await advance(networkHelpers, market, VAULT_TIME)
      const before = await stake.balanceOf(provider.owner)
      await registry.payOut(await lastCase(market))
      expect((await stake.balanceOf(provider.owner)) - before).to.equal(own / 10n)
    })
  })

  describe('a friend who occupies the only case (an id without the reporter in it, cancelled later)', () => {
    it('cannot spare anything: the first proof takes as much as any, and freezes the stream', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally } = market
      const proof = await forked(market)
      const small = deal.stream(0).work(1n).group()
      const friendly = equivocationOf(deal.id, small, deal.stream(0).work(2n).group())
      if (friendly === null) return expect.fail('that shows no fault')
      const { own } = await caseOf(market, await prove(market, friendly))
      expect(own).to.be.greaterThanOrEqual((await tally.deal(deal.id)).bond)
      await expect(prove(market, proof)).to.be.revertedWithCustomError(market.registry, 'VaultPunished')
      const { outcomes } = await settle(market, Lane.Attested, [deal.stream(0).work(10_000n, 1n).group(1)])
      expect(outcomes).to.deep.equal(['Stale'])
    })
  })

  describe('a slash that reverts for lack of stake (the offender kept what it had)', () => {
    it('takes what there is', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { provider } = market
      const { own } = await slash(networkHelpers, market, provider.id, chargeOf('all', 10n ** 26n))
      expect(own).to.equal(10_000n * STAKE)
      const none = await slash(networkHelpers, market, provider.id, chargeOf('more', 10n ** 26n))
      expect(none.own).to.equal(0n)
    })
  })

  describe('a pause behind which debts die or slashes stop', () => {
    it('stops neither a proof, nor the vault, nor the way out', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, tally, guardian, provider } = market
      await registry.connect(guardian).pause(14 * DAY)
      await tally.connect(guardian).pause(14 * DAY)
      await registry.connect(provider.owner).thaw(provider.id, 100n * STAKE)
      await expect(prove(market, await forked(market))).to.emit(registry, 'Slashed')
      await advance(networkHelpers, market, 7 * DAY)
      await expect(registry.payOut(await lastCase(market))).to.emit(registry, 'CasePaid')
      await expect(registry.connect(provider.owner).withdrawStake(provider.id, provider.owner)).to.emit(
        registry,
        'StakeWithdrawn',
      )
    })
  })

  describe('refunds that always revert (a state nobody could leave)', () => {
    it('do not exist after a fault: the buyer has back what was refuted or not used, everything', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal, buyer } = market
      await prove(market, await forked(market))
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(deal.id)
      const { free } = await tally.account(buyer)
      expect(free).to.equal(5_000n * USD - 10n * USD)
      await tally.connect(buyer).withdraw(buyer, free)
    })
  })

  describe('a removed operator that is slashed, or nobody where somebody is paid (staking of an alerted feed)', () => {
    it('pays no reporter and no victim where there is none: all is burned', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, provider, stake } = market
      const supply = await stake.totalSupply()
      const facts = await slash(networkHelpers, market, provider.id, chargeOf('nobody', 100n * STAKE))
      expect([facts.victim, facts.reporter]).to.deep.equal([zeroAddress, zeroAddress])
      await advance(networkHelpers, market, VAULT_TIME)
      await expect(registry.payOut(facts))
        .to.emit(registry, 'CasePaid')
        .withArgs(facts.subject, 0n, 0n, 100n * STAKE)
      const grave = await stake.balanceOf('0x000000000000000000000000000000000000dEaD')
      expect(supply - (await stake.totalSupply()) + grave).to.equal(100n * STAKE)
    })
  })

  describe('slashing the innocent (a victim of its neighbour in one word, or of one name)', () => {
    it('leaves other providers, their money and their deals as they were', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, tally, rival, otherBuyer } = market
      const other = await joinProvider(market, rival, { stake: 700n * STAKE })
      await fundBuyer(market, otherBuyer, 100n * USD)
      const before = [await registry.providerOf(other.id), await tally.earnings(other.id)]
      await prove(market, await forked(market))
      const after = [await registry.providerOf(other.id), await tally.earnings(other.id)]
      expect(after).to.deep.equal(before)
    })
  })
})
