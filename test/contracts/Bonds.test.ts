/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Address, numberToHex, zeroAddress } from 'viem'

import { signerNamed } from '../support/actors.ts'
import { deploy } from '../support/deployment.ts'
import { joinProvider, NO_PERMIT, STAKE, USD } from '../support/market.ts'
import { permitOf } from '../support/permits.ts'
import { arriveAt, lastClock } from '../support/protocol-clock.ts'

const { ethers, networkHelpers } = await network.create()

const WEEK = 7 * 86_400

/** A committee of three without bonds; the owner has stake tokens. */
async function fresh() {
  const deployment = await deploy(ethers)
  const { stake, owner, registry, members } = deployment
  await stake.mint(owner, 10_000n * STAKE)
  await stake.connect(owner).approve(registry, 10_000n * STAKE)
  for (const { address } of members)
    await ethers.provider.send('hardhat_setBalance', [address, numberToHex(10n ** 18n)])
  return deployment
}
type Fresh = Awaited<ReturnType<typeof fresh>>

/** The address of a member. */
function member({ members }: Fresh, index: number): Address {
  return members[index]?.address ?? expect.fail(`no member ${index}`)
}

/** The registry as a member's own key calls it. */
function registryOf({ members, registry }: Fresh, index: number): Fresh['registry'] {
  const { privateKey } = members[index] ?? expect.fail(`no member ${index}`)
  return registry.connect(new ethers.Wallet(privateKey, ethers.provider))
}

/** A bond of the first member, with the owner's tokens. */
async function bonded() {
  const deployment = await fresh()
  await registryOf(deployment, 0).nameBondOwner(member(deployment, 0), deployment.owner)
  await deployment.registry.connect(deployment.owner).bond(member(deployment, 0), 100n * STAKE, NO_PERMIT)
  return deployment
}

describe("Registry: members' bonds", () => {
  describe('nameBondOwner', () => {
    it('is for the key itself once, and then for the owner', async () => {
      const deployment = await networkHelpers.loadFixture(fresh)
      const { registry, owner, rival, stranger } = deployment
      const signer = member(deployment, 0)
      await expect(registry.connect(stranger).nameBondOwner(signer, stranger))
        .to.be.revertedWithCustomError(registry, 'BondsUnauthorized')
        .withArgs(signer, stranger)
      await expect(registryOf(deployment, 0).nameBondOwner(signer, owner))
        .to.emit(registry, 'BondOwnerNamed')
        .withArgs(signer, owner)
      await expect(registryOf(deployment, 0).nameBondOwner(signer, signer))
        .to.be.revertedWithCustomError(registry, 'BondsUnauthorized')
        .withArgs(signer, signer)
      await registry.connect(owner).nameBondOwner(signer, rival)
      expect((await registry.bondOf(signer)).owner).to.equal(rival)
    })

    it('names somebody', async () => {
      const deployment = await networkHelpers.loadFixture(fresh)
      const { registry } = deployment
      await expect(
        registryOf(deployment, 0).nameBondOwner(member(deployment, 0), zeroAddress),
      ).to.be.revertedWithCustomError(registry, 'BondsUnauthorized')
    })
  })

  describe('bond', () => {
    it('takes stake from anybody for a key that has an owner', async () => {
      const deployment = await networkHelpers.loadFixture(fresh)
      const { registry, owner, stake } = deployment
      const signer = member(deployment, 0)
      await expect(registry.connect(owner).bond(signer, STAKE, NO_PERMIT))
        .to.be.revertedWithCustomError(registry, 'BondsUnauthorized')
        .withArgs(signer, owner)
      await registryOf(deployment, 0).nameBondOwner(signer, owner)
      const bond = registry.connect(owner).bond(signer, 7n * STAKE, NO_PERMIT)
      await expect(bond)
        .to.emit(registry, 'Bonded')
        .withArgs(signer, 7n * STAKE)
      await expect(bond).to.changeTokenBalances(ethers, stake, [owner, registry], [-7n * STAKE, 7n * STAKE])
      expect([...(await registry.bondOf(signer))]).to.deep.equal([owner.address, 7n * STAKE, 0n, 0n])
    })

    it('takes a permit, even one that somebody else has used', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { registry, rival, stake, stranger } = deployment
      await stake.mint(rival, STAKE)
      const permit = await permitOf(deployment, rival, STAKE, 'stake')
      const { deadline, v, r, s } = permit
      await stake.connect(stranger).permit(rival, registry, STAKE, deadline, v, r, s)
      await registry.connect(rival).bond(member(deployment, 0), STAKE, permit)
      expect((await registry.bondOf(member(deployment, 0))).stake).to.equal(101n * STAKE)
    })

    it('is new stake like any other: never nothing, and not while that is paused', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { registry, owner, guardian } = deployment
      const signer = member(deployment, 0)
      await expect(registry.connect(owner).bond(signer, 0, NO_PERMIT)).to.be.revertedWithCustomError(
        registry,
        'RegistryZeroAmount',
      )
      await registry.connect(guardian).pause(3600)
      await expect(registry.connect(owner).bond(signer, STAKE, NO_PERMIT)).to.be.revertedWithCustomError(
        registry,
        'RegistryPaused',
      )
    })

    it('covers no earnings and bonds no deal', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { registry, owner, rival, tally } = deployment
      const provider = await joinProvider(deployment, rival, { stake: 5n * STAKE })
      await registry.connect(owner).bond(member(deployment, 0), STAKE, NO_PERMIT)
      expect(await registry.slashable(provider.id)).to.equal(5n * STAKE)
      expect((await tally.earnings(provider.id)).cover).to.equal(5n * USD)
    })
  })

  describe('thawBond and withdrawBond', () => {
    it('let the owner out after seven days, to the second', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { registry, owner, payout, stake } = deployment
      const signer = member(deployment, 0)
      await expect(registry.connect(owner).thawBond(signer, 40n * STAKE)).to.emit(registry, 'BondThawing')
      const readyAt = (await lastClock(deployment)) + WEEK
      expect([...(await registry.bondOf(signer))].slice(1)).to.deep.equal([60n * STAKE, 40n * STAKE, BigInt(readyAt)])
      await arriveAt(networkHelpers, deployment, readyAt - 1)
      await expect(registry.connect(owner).withdrawBond(signer, payout))
        .to.be.revertedWithCustomError(registry, 'BondsTooEarly')
        .withArgs(signer, readyAt - 1, readyAt)
      await arriveAt(networkHelpers, deployment, readyAt)
      const withdraw = registry.connect(owner).withdrawBond(signer, payout)
      await expect(withdraw)
        .to.emit(registry, 'BondWithdrawn')
        .withArgs(signer, payout, 40n * STAKE)
      await expect(withdraw).to.changeTokenBalances(ethers, stake, [registry, payout], [-40n * STAKE, 40n * STAKE])
      await expect(registry.connect(owner).withdrawBond(signer, payout)).to.be.revertedWithCustomError(
        registry,
        'BondsTooEarly',
      )
    })

    it('start over for all that thaws when more follows', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { registry, owner } = deployment
      const signer = member(deployment, 0)
      await registry.connect(owner).thawBond(signer, STAKE)
      await arriveAt(networkHelpers, deployment, (await lastClock(deployment)) + WEEK - 3600)
      await registry.connect(owner).thawBond(signer, STAKE)
      const { thawing, thawedAt } = await registry.bondOf(signer)
      expect([thawing, thawedAt]).to.deep.equal([2n * STAKE, BigInt((await lastClock(deployment)) + WEEK)])
    })

    it('are for the owner, and what there is', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { registry, owner, stranger } = deployment
      const signer = member(deployment, 0)
      for (const contract of [registryOf(deployment, 0), registry.connect(stranger)]) {
        await expect(contract.thawBond(signer, 1)).to.be.revertedWithCustomError(registry, 'BondsUnauthorized')
        await expect(contract.withdrawBond(signer, owner)).to.be.revertedWithCustomError(registry, 'BondsUnauthorized')
      }
      for (const amount of [0n, 100n * STAKE + 1n]) {
        await expect(registry.connect(owner).thawBond(signer, amount))
          .to.be.revertedWithCustomError(registry, 'BondsInsufficient')
          .withArgs(signer, 100n * STAKE, amount)
      }
    })
  })

  describe('what members answer for', () => {
    it('counts whole tokens that do not thaw, as soon as they change', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { registry, tally, owner } = deployment
      const signer = member(deployment, 0)
      const bonds = async () => (await tally.openNets(1, 1)).bonds
      expect(await bonds()).to.equal(100n * USD)
      await registry.connect(owner).bond(signer, STAKE - 1n, NO_PERMIT)
      expect(await bonds()).to.equal(100n * USD)
      await registry.connect(owner).bond(signer, 1n, NO_PERMIT)
      expect(await bonds()).to.equal(101n * USD)
      await registry.connect(owner).thawBond(signer, 1n)
      expect(await bonds()).to.equal(100n * USD)
    })

    it('is that of exactly the members named', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { registry, tally, owner } = deployment
      await registryOf(deployment, 2).nameBondOwner(member(deployment, 2), owner)
      await registry.connect(owner).bond(member(deployment, 2), 7n * STAKE, NO_PERMIT)
      const values = await Promise.all([0, 1, 2, 4, 5, 7].map(async (who) => (await tally.openNets(1, who)).bonds))
      expect(values.map((value) => value / USD)).to.deep.equal([0n, 100n, 0n, 7n, 107n, 107n])
    })

    it('goes with the value of stake', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { tally, governor, parameters } = deployment
      await tally.connect(governor).setParameters({ ...parameters, stakeValue: 1_500_000 })
      expect((await tally.openNets(1, 1)).bonds).to.equal(150n * USD)
    })

    it('of a new committee is nothing until somebody reads it, and that of the last one stays', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { committee, governor, tally, stranger } = deployment
      const seats = [1, 0].map((index) => ({ signer: member(deployment, index), endpoint: '' }))
      await committee.connect(governor).setMembers(seats, 2)
      expect((await tally.openNets(2, 3)).bonds).to.equal(0n)
      await tally.connect(stranger).refreshBonds()
      expect((await tally.openNets(2, 2)).bonds).to.equal(100n * USD)
      expect((await tally.openNets(2, 1)).bonds).to.equal(0n)
      expect((await tally.openNets(1, 1)).bonds).to.equal(100n * USD)
    })

    it('is read for thirty-two members as for three', async () => {
      const deployment = await networkHelpers.loadFixture(bonded)
      const { committee, governor, tally, registry, owner, members } = deployment
      const others = Array.from({ length: 31 }, (_, index) => signerNamed(`seat ${index}`))
      const seats = [...others, ...members.slice(0, 1)].map(({ address }) => ({ signer: address, endpoint: '' }))
      await committee.connect(governor).setMembers(seats, 17)
      await registry.connect(owner).bond(member(deployment, 0), STAKE, NO_PERMIT)
      expect((await tally.openNets(2, 2 ** 31)).bonds).to.equal(101n * USD)
      expect((await tally.openNets(2, 2 ** 31 - 1)).bonds).to.equal(0n)
    })
  })
})
