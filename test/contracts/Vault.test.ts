/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { encodeAbiParameters, type Hex, keccak256, stringToHex, zeroAddress, zeroHash } from 'viem'

import { signerNamed } from '../support/actors.ts'
import { deploy } from '../support/deployment.ts'
import { joinProvider, NO_PERMIT, STAKE } from '../support/market.ts'
import { advance, arriveAt } from '../support/protocol-clock.ts'
import { asSettlement, type Case, chargeOf, lastCase, plain, slash } from '../support/slashing.ts'

const { ethers, networkHelpers } = await network.create()

const HOUR = 3600
const DAY = 24 * HOUR
const VAULT_TIME = 3 * DAY
const EVIDENCE = keccak256(stringToHex('two tallies'))
const SALT = keccak256(stringToHex('salt'))
const MEMBER = signerNamed('member 0').address
const GRAVE = '0x000000000000000000000000000000000000dEaD'

/** A provider with 100 tokens, a member with a bond of 100 of which 40 thaw. */
async function staked() {
  const deployment = await deploy(ethers)
  const { owner, stake, registry } = deployment
  const provider = await joinProvider(deployment, owner, { stake: 100n * STAKE })
  await networkHelpers.impersonateAccount(MEMBER)
  await networkHelpers.setBalance(MEMBER, 10n ** 20n)
  await registry.connect(await ethers.getSigner(MEMBER)).nameBondOwner(MEMBER, owner)
  await stake.mint(owner, 1000n * STAKE)
  await stake.connect(owner).approve(registry, 1000n * STAKE)
  await registry.connect(owner).bond(MEMBER, 100n * STAKE, NO_PERMIT)
  await registry.connect(owner).thawBond(MEMBER, 40n * STAKE)
  return { ...deployment, id: provider.id }
}

/** A case of 50 tokens: 20 are for the buyer, a stranger reported it. */
async function slashed() {
  const market = await staked()
  const { buyer, stranger, id } = market
  const parts = { restitution: 20n * STAKE, victim: buyer.address, reporter: stranger.address, evidence: EVIDENCE }
  const facts = await slash(networkHelpers, market, id, chargeOf('lie', 50n * STAKE, parts))
  return { ...market, facts }
}

/** Liens of disputes are on multiples of 2^48 shares, rounded up. */
const UNIT = 2n ** 48n
const inUnits = (amount: bigint) => ((amount + UNIT - 1n) / UNIT) * UNIT

function commitmentOf(reporter: string): Hex {
  const types = [{ type: 'bytes32' }, { type: 'address' }, { type: 'bytes32' }] as const
  return keccak256(encodeAbiParameters(types, [EVIDENCE, reporter as Hex, SALT]))
}

/** The clock at which a case may be paid. */
function dueOf(facts: Case): number {
  return Number(facts.slashedAt) + VAULT_TIME
}

describe('Registry: the vault', () => {
  describe('slash', () => {
    it('takes what is asked for and tells everything that paying it out needs', async () => {
      const { registry, stake, buyer, stranger, facts, id } = await networkHelpers.loadFixture(slashed)
      expect(facts).to.include({ provider: BigInt(id), signer: zeroAddress, own: 50n * STAKE, delegated: 0n })
      expect(facts).to.include({ restitution: 20n * STAKE, victim: buyer.address, reporter: stranger.address })
      expect((await registry.providerOf(id)).stake).to.equal(50n * STAKE)
      expect(await registry.punishedAt(facts.subject)).to.equal(facts.slashedAt)
      expect(await registry.stands(facts)).to.equal(true)
      expect(await stake.balanceOf(registry)).to.equal(200n * STAKE)
    })

    it('takes what there is where more is asked for, and nothing where nothing is', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { registry, id } = market
      const first = await slash(networkHelpers, market, id, chargeOf('first', 1_000_000n * STAKE))
      const second = await slash(networkHelpers, market, id, chargeOf('second', 1n))
      expect([first.own, second.own]).to.deep.equal([100n * STAKE, 0n])
      expect(await registry.punishedAt(second.subject)).to.equal(second.slashedAt)
      expect((await registry.sideOf(id)).generation).to.equal(1n)
    })

    it('takes at least twenty times what its proof cost', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { gasValue } = await market.registry.stakingParameters()
      const charge = chargeOf('cheap', 1n, { proofGas: 100_000 })
      const facts = await slash(networkHelpers, market, market.id, charge)
      expect(facts.own).to.equal(20n * 100_000n * gasValue)
    })

    it('punishes a subject once', async () => {
      const market = await networkHelpers.loadFixture(slashed)
      const registry = await asSettlement(networkHelpers, market)
      for (const again of [
        registry.slash(market.id, chargeOf('lie', 1n), 0, 0),
        registry.slashBond(MEMBER, chargeOf('lie', 1n)),
      ])
        await expect(again).to.be.revertedWithCustomError(registry, 'VaultPunished').withArgs(market.facts.subject)
    })

    it('leaves at least a tenth that nobody harmed by it gets, and nothing for a victim that is nobody', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const parts = { restitution: 100n * STAKE, victim: market.buyer.address }
      const most = await slash(networkHelpers, market, market.id, chargeOf('a', 50n * STAKE, parts))
      expect(most.restitution).to.equal(45n * STAKE)
      const nobody = { restitution: 5n * STAKE }
      const none = await slash(networkHelpers, market, market.id, chargeOf('b', 10n * STAKE, nobody))
      expect(none.restitution).to.equal(0n)
    })

    it('is for the settlement; members are slashed by courts too', async () => {
      const { registry, owner, id } = await networkHelpers.loadFixture(staked)
      const charge = chargeOf('x', 1n)
      for (const [attempt, provider] of [
        [registry.connect(owner).slash(id, charge, 0, 0), id],
        [registry.connect(owner).slashBond(MEMBER, charge), 0],
      ] as const)
        await expect(attempt).to.be.revertedWithCustomError(registry, 'RegistryUnauthorized').withArgs(provider, owner)
    })

    it('reaches stake that thaws as it reaches the rest', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { registry, owner, stake, id } = market
      await registry.connect(owner).thaw(id, 40n * STAKE)
      await slash(networkHelpers, market, id, chargeOf('half', 50n * STAKE))
      const view = await registry.providerOf(id)
      expect([view.stake, view.thawing]).to.deep.equal([30n * STAKE, 20n * STAKE])
      await arriveAt(networkHelpers, market, Number(view.thawedAt))
      const paid = registry.connect(owner).withdrawStake(id, owner)
      await expect(paid).to.changeTokenBalances(ethers, stake, [registry, owner], [-20n * STAKE, 20n * STAKE])
      expect(await registry.sideOf(id)).to.deep.equal([30n * STAKE, 60n * STAKE, 0n, 0n, 0n, 0n])
    })

    it('lets staking go on at the price it left', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { registry, owner, id } = market
      await slash(networkHelpers, market, id, chargeOf('three quarters', 75n * STAKE))
      await registry.connect(owner).stake(id, 25n * STAKE)
      expect(await registry.sideOf(id)).to.deep.equal([50n * STAKE, 200n * STAKE, 0n, 0n, 0n, 0n])
      await registry.connect(owner).thaw(id, 50n * STAKE)
      const { thawedAt } = await registry.providerOf(id)
      await arriveAt(networkHelpers, market, Number(thawedAt))
      await registry.connect(owner).withdrawStake(id, owner)
      await registry.connect(owner).stake(id, 7n)
      expect(await registry.sideOf(id)).to.deep.equal([7n, 7n, 0n, 0n, 0n, 0n])
    })

    it('begins anew with what is left when that is next to nothing', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { registry, owner, id } = market
      await registry.connect(owner).thaw(id, 40n * STAKE)
      await slash(networkHelpers, market, id, chargeOf('all but dust', 100n * STAKE - 5n))
      expect(await registry.sideOf(id)).to.deep.equal([5n, 5n, 0n, 0n, 0n, 1n])
      await registry.connect(owner).stake(id, 10n * STAKE)
      expect((await registry.providerOf(id)).stake).to.equal(10n * STAKE + 5n)
    })
  })

  describe('slashBond', () => {
    it('takes stake and thawing stake pro rata', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const registry = await asSettlement(networkHelpers, market)
      await registry.slashBond(MEMBER, chargeOf('forged', 50n * STAKE))
      const view = await registry.bondOf(MEMBER)
      expect([view.stake, view.thawing]).to.deep.equal([30n * STAKE, 20n * STAKE])
      expect(await lastCase(market)).to.include({ provider: 0n, signer: MEMBER, own: 50n * STAKE })
      await registry.slashBond(MEMBER, chargeOf('again', 1000n * STAKE))
      const left = await registry.bondOf(MEMBER)
      expect([left.stake, left.thawing]).to.deep.equal([0n, 0n])
    })

    it('lets nothing of the last base unit escape into the thaw', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const registry = await asSettlement(networkHelpers, market)
      await registry.slashBond(MEMBER, chargeOf('one', 1n))
      const view = await registry.bondOf(MEMBER)
      expect([view.stake, view.thawing]).to.deep.equal([60n * STAKE, 40n * STAKE - 1n])
    })

    it('is undone by a court that finds the member discharged, and only a member', async () => {
      const market = await networkHelpers.loadFixture(slashed)
      const registry = await asSettlement(networkHelpers, market)
      await registry.slashBond(MEMBER, chargeOf('silence', 30n * STAKE))
      const facts = await lastCase(market)
      await expect(market.registry.discharge(facts)).to.be.revertedWithCustomError(registry, 'RegistryUnauthorized')
      await expect(registry.discharge(market.facts)).to.be.revertedWithCustomError(registry, 'VaultNoSuchCase')
      await expect(registry.discharge(facts))
        .to.emit(registry, 'CaseReturned')
        .withArgs(facts.subject, 30n * STAKE, 0n)
      expect((await registry.bondOf(MEMBER)).stake).to.equal(72n * STAKE)
      expect(await registry.stands(facts)).to.equal(false)
    })
  })

  describe('payOut', () => {
    it('pays the victim, a tenth to the reporter, and burns the rest, 72 hours later, to the second', async () => {
      const market = await networkHelpers.loadFixture(slashed)
      const { registry, stake, buyer, stranger, relayer, facts } = market
      await arriveAt(networkHelpers, market, dueOf(facts) - 1)
      await expect(registry.connect(relayer).payOut(facts))
        .to.be.revertedWithCustomError(registry, 'VaultTooEarly')
        .withArgs(facts.subject, dueOf(facts) - 1, dueOf(facts))
      await arriveAt(networkHelpers, market, dueOf(facts))
      const paid = registry.connect(relayer).payOut(facts)
      await expect(paid)
        .to.emit(registry, 'CasePaid')
        .withArgs(facts.subject, 20n * STAKE, 5n * STAKE, 25n * STAKE)
      await expect(paid).to.changeTokenBalances(
        ethers,
        stake,
        [registry, buyer, stranger, GRAVE],
        [-50n * STAKE, 20n * STAKE, 5n * STAKE, 25n * STAKE],
      )
      await expect(registry.payOut(facts)).to.be.revertedWithCustomError(registry, 'VaultNoSuchCase')
      expect([await registry.stands(facts), await registry.punishedAt(facts.subject)]).to.deep.equal([
        true,
        facts.slashedAt,
      ])
    })

    it('takes the facts as they are', async () => {
      const market = await networkHelpers.loadFixture(slashed)
      const { registry, rival, facts } = market
      await advance(networkHelpers, market, VAULT_TIME)
      for (const wrong of [
        { reporter: rival.address },
        { victim: rival.address },
        { restitution: facts.restitution + 1n },
        { own: facts.own + 1n },
        { delegated: 1n },
        { provider: 9n },
        { slashedAt: facts.slashedAt - 1n },
        { subject: zeroHash },
      ]) {
        await expect(registry.payOut(plain(facts, wrong))).to.be.revertedWithCustomError(registry, 'VaultNoSuchCase')
      }
    })

    it('goes on in a pause', async () => {
      const market = await networkHelpers.loadFixture(slashed)
      const { registry, guardian, facts } = market
      await advance(networkHelpers, market, VAULT_TIME)
      await registry.connect(guardian).pause(DAY)
      await registry.payOut(facts)
    })

    it('lets no more out than the limiter allows, and the rest as it refills', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { registry, governor, owner, stake, id } = market
      const now = await registry.stakingParameters()
      const [poolCapBps, maxCommissionBps, gasValue] = [now.poolCapBps, now.maxCommissionBps, now.gasValue]
      const rest = { poolCapBps, maxCommissionBps, gasValue }
      const limit = { ...rest, vaultCapacity: 1000n * STAKE, vaultRefill: 10n * BigInt(HOUR) }
      await registry.connect(governor).setStakingParameters(limit)
      await stake.mint(owner, 10_000n * STAKE)
      await stake.connect(owner).approve(registry, 10_000n * STAKE)
      await registry.connect(owner).stake(id, 10_000n * STAKE)
      const first = await slash(networkHelpers, market, id, chargeOf('first', 600n * STAKE))
      const second = await slash(networkHelpers, market, id, chargeOf('second', 500n * STAKE))
      const huge = await slash(networkHelpers, market, id, chargeOf('huge', 5000n * STAKE))
      await advance(networkHelpers, market, VAULT_TIME)
      await registry.payOut(first)
      await expect(registry.payOut(second)).to.be.revertedWithCustomError(registry, 'VaultLimited')
      await advance(networkHelpers, market, 2 * HOUR)
      await registry.payOut(second)
      await expect(registry.payOut(huge)).to.be.revertedWithCustomError(registry, 'VaultLimited')
      await advance(networkHelpers, market, 10 * HOUR)
      await registry.payOut(huge)
      await expect(registry.payOut(second)).to.be.revertedWithCustomError(registry, 'VaultNoSuchCase')
    })
  })

  describe('holdCase', () => {
    it('lets the guardian hold a case once, for two weeks at most, and do nothing else with it', async () => {
      const market = await networkHelpers.loadFixture(slashed)
      const { registry, committee, guardian, stranger, facts } = market
      await expect(registry.connect(guardian).holdCase(facts, 14 * DAY + 1)).to.be.revertedWithCustomError(
        registry,
        'VaultCannotHold',
      )
      await registry.connect(guardian).holdCase(facts, 14 * DAY)
      await expect(registry.connect(guardian).holdCase(facts, 1)).to.be.revertedWithCustomError(
        registry,
        'VaultCannotHold',
      )
      await advance(networkHelpers, market, 13 * DAY)
      await expect(registry.payOut(facts)).to.be.revertedWithCustomError(registry, 'VaultTooEarly')
      for (const attempt of [
        registry.connect(guardian).returnCase(facts),
        registry.connect(stranger).holdCase(facts, 1),
      ])
        await expect(attempt).to.be.revertedWithCustomError(committee, 'AccessManagedUnauthorized')
      await advance(networkHelpers, market, DAY)
      await registry.payOut(facts)
    })
  })

  describe('returnCase', () => {
    it('gives stake back to where it was taken from, so that thawing stake and liens have their part in it', async () => {
      const market = await networkHelpers.loadFixture(slashed)
      const { registry, governor, owner, id, facts } = market
      const settlement = await asSettlement(networkHelpers, market)
      await settlement.reserve(id, 20n * STAKE)
      await registry.connect(owner).thaw(id, 10n * STAKE)
      await expect(registry.connect(governor).returnCase(facts))
        .to.emit(market.tally, 'CoverSet')
        .withArgs(id, 80_000_000n)
      const view = await registry.providerOf(id)
      expect([view.stake, view.thawing, view.liens]).to.deep.equal([80n * STAKE, 20n * STAKE, 40n * STAKE])
      await advance(networkHelpers, market, VAULT_TIME)
      await expect(registry.payOut(facts)).to.be.revertedWithCustomError(registry, 'VaultNoSuchCase')
      const again = settlement.slash(id, chargeOf('lie', 1n), 0, 0)
      await expect(again).to.be.revertedWithCustomError(registry, 'VaultPunished')
    })

    it('gives it back as new stake where the side was emptied since', async () => {
      const market = await networkHelpers.loadFixture(slashed)
      const { registry, governor, id, facts } = market
      await slash(networkHelpers, market, id, chargeOf('all', 100n * STAKE))
      await registry.connect(governor).returnCase(facts)
      expect(await registry.sideOf(id)).to.deep.equal([50n * STAKE, 50n * STAKE, 0n, 0n, 0n, 1n])
    })
  })

  describe('claimPriority', () => {
    it('makes who committed to the evidence before the proof its reporter', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { registry, rival, stranger, id } = market
      await registry.connect(rival).commitEvidence(commitmentOf(rival.address))
      await expect(registry.commitEvidence(commitmentOf(rival.address))).to.be.revertedWithCustomError(
        registry,
        'VaultCommitted',
      )
      const copied = { reporter: stranger.address, evidence: EVIDENCE }
      const facts = await slash(networkHelpers, market, id, chargeOf('copied', 50n * STAKE, copied))
      await expect(registry.connect(rival).claimPriority(facts, SALT))
        .to.emit(registry, 'PriorityClaimed')
        .withArgs(facts.subject, rival, Object.values(plain(facts, { reporter: rival.address })))
      await advance(networkHelpers, market, VAULT_TIME)
      await expect(registry.payOut(facts)).to.be.revertedWithCustomError(registry, 'VaultNoSuchCase')
      await expect(registry.payOut(plain(facts, { reporter: rival.address }))).to.changeTokenBalance(
        ethers,
        market.stake,
        rival,
        5n * STAKE,
      )
    })

    it('belongs to the earliest of several, and to none older than fifty blocks or as young as the proof', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { registry, owner, rival, stranger, relayer, id } = market
      await registry.commitEvidence(commitmentOf(owner.address))
      await networkHelpers.mine(48)
      await registry.commitEvidence(commitmentOf(stranger.address))
      await registry.commitEvidence(commitmentOf(rival.address))
      const facts = await slash(networkHelpers, market, id, chargeOf('x', STAKE, { evidence: EVIDENCE }))
      await registry.commitEvidence(commitmentOf(relayer.address))
      for (const late of [owner, relayer]) {
        await expect(registry.connect(late).claimPriority(facts, SALT)).to.be.revertedWithCustomError(
          registry,
          'VaultNoPriority',
        )
      }
      await registry.connect(rival).claimPriority(facts, SALT)
      const second = plain(facts, { reporter: rival.address })
      await registry.connect(stranger).claimPriority(second, SALT)
      const third = plain(facts, { reporter: stranger.address })
      await expect(registry.connect(rival).claimPriority(third, SALT)).to.be.revertedWithCustomError(
        registry,
        'VaultNoPriority',
      )
    })
  })

  describe('lien', () => {
    it('keeps thawed stake in, as far as the dispute reaches, and covers nothing meanwhile', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { registry, stake, tally, owner, id } = market
      const court = await asSettlement(networkHelpers, market)
      await registry.connect(owner).thaw(id, 90n * STAKE)
      const dispute = await court.lien.staticCall(id, 30n * STAKE)
      await expect(court.lien(id, 30n * STAKE))
        .to.emit(tally, 'CoverSet')
        .withArgs(id, 0n)
      await advance(networkHelpers, market, 7 * DAY)
      const paid = registry.connect(owner).withdrawStake(id, owner)
      await expect(paid).to.changeTokenBalance(ethers, stake, owner, 100n * STAKE - inUnits(30n * STAKE))
      await expect(registry.connect(owner).withdrawStake(id, owner)).to.be.revertedWithCustomError(
        registry,
        'RegistryInsufficientStake',
      )
      await court.unlien(id, dispute)
      await registry.connect(owner).withdrawStake(id, owner)
      expect(await registry.sideOf(id)).to.deep.equal([10n * STAKE, 10n * STAKE, 0n, 0n, 0n, 0n])
    })

    it('never is on what another one is on, and is for courts', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { registry, owner, id } = market
      const court = await asSettlement(networkHelpers, market)
      await court.reserve(id, 80n * STAKE)
      await expect(court.lien(id, 50n * STAKE))
        .to.emit(registry, 'Liened')
        .withArgs(id, ((20n * STAKE) / UNIT) * UNIT, 0n)
      await expect(registry.connect(owner).lien(id, 1n)).to.be.revertedWithCustomError(registry, 'RegistryUnauthorized')
      await expect(registry.connect(owner).unlien(id, 1n)).to.be.revertedWithCustomError(
        registry,
        'RegistryUnauthorized',
      )
    })

    it('ends without harm after the side was emptied', async () => {
      const market = await networkHelpers.loadFixture(staked)
      const { registry, owner, id } = market
      const court = await asSettlement(networkHelpers, market)
      const lien = await court.reserve.staticCall(id, 10n * STAKE)
      await court.reserve(id, 10n * STAKE)
      const dispute = await court.lien.staticCall(id, 30n * STAKE)
      await court.lien(id, 30n * STAKE)
      await slash(networkHelpers, market, id, chargeOf('all', 100n * STAKE))
      await registry.connect(owner).stake(id, 50n * STAKE)
      expect(await registry.lienValue(id, lien)).to.equal(0n)
      await court.unlien(id, dispute)
      await court.release(id, lien)
      expect(await registry.sideOf(id)).to.deep.equal([50n * STAKE, 50n * STAKE, 0n, 0n, 0n, 1n])
      expect(await court.reserve.staticCall(id, 1n)).to.equal((1n << 88n) | 1n)
    })
  })
})
