/** @module */
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import { expect } from 'chai'
import { network } from 'hardhat'

import { splitDown } from '#protocol/rules.ts'
import { Lane } from '#protocol/types.ts'

import { type Deployment, deploy } from '../support/deployment.ts'
import { createMarket, joinProvider, NO_PERMIT, STAKE, USD } from '../support/market.ts'
import { permitOf } from '../support/permits.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'
import { asSettlement, chargeOf, slash } from '../support/slashing.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const BPS = 10_000n
/** A fifth of the delegators' part is the provider's. */
const COMMISSION = 2000

/** Whether an amount is `wanted`, or a base unit or two less: what is due is rounded down, at each touch. */
const due = (wanted: bigint) => (amount: bigint) => amount <= wanted && amount >= wanted - 2n

/** Gives somebody stake tokens that the registry may take. */
async function fund({ stake, registry }: Deployment, who: HardhatEthersSigner, amount: bigint): Promise<void> {
  await stake.mint(who, amount)
  await stake.connect(who).approve(registry, ethers.MaxUint256)
}

/** A provider with 100 tokens of its own and an open pool, and three accounts with 1000 tokens each. */
async function opened() {
  const deployment = await deploy(ethers)
  const { registry, owner, payout, rival, stranger, relayer } = deployment
  const { id } = await joinProvider(deployment, owner, { stake: 100n * STAKE, payout: payout.address })
  await registry.connect(owner).openPool(id, COMMISSION)
  for (const who of [rival, stranger, relayer]) await fund(deployment, who, 1000n * STAKE)
  return { ...deployment, id }
}

/** Two delegators with 300 and 100 tokens. */
async function delegated() {
  const pool = await opened()
  await pool.registry.connect(pool.rival).delegate(pool.id, 300n * STAKE, 0, NO_PERMIT)
  await pool.registry.connect(pool.stranger).delegate(pool.id, 100n * STAKE, 0, NO_PERMIT)
  return pool
}

/** A provider that works, with 10,000 tokens of its own and 30,000 delegated by two. */
async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n, duration: 30 * DAY } })
  const { registry, owner, rival, stranger, provider } = market
  await registry.connect(owner).openPool(provider.id, COMMISSION)
  for (const [who, amount] of [
    [rival, 20_000n],
    [stranger, 10_000n],
  ] as const) {
    await fund(market, who, amount * STAKE)
    await registry.connect(who).delegate(provider.id, amount * STAKE, 0, NO_PERMIT)
  }
  await advance(networkHelpers, market, 3600)
  return { ...market, id: provider.id }
}

/** Rewards of one token a second for two positions of 100 tokens in two pools. */
async function rewarded() {
  const first = await opened()
  const { registry, governor, buyer, stake, rival, stranger, owner } = first
  const other = await joinProvider(first, buyer, { stake: 100n * STAKE })
  await registry.connect(buyer).openPool(other.id, 0)
  await fund(first, owner, 1_000_000n * STAKE)
  await registry.connect(governor).setEmission(STAKE, [12_500, 17_500, 25_000])
  await registry.connect(rival).delegate(first.id, 100n * STAKE, 0, NO_PERMIT)
  await registry.connect(stranger).delegate(other.id, 100n * STAKE, 0, NO_PERMIT)
  return { ...first, other: other.id, stake }
}

describe('Pools', () => {
  describe('openPool and setCommission', () => {
    it('are for the owner, once, within the highest commission', async () => {
      const { registry, owner, stranger, id } = await networkHelpers.loadFixture(opened)
      await expect(registry.connect(owner).openPool(id, 0))
        .to.be.revertedWithCustomError(registry, 'PoolsOpen')
        .withArgs(id)
      await expect(registry.connect(owner).setCommission(id, 3001))
        .to.be.revertedWithCustomError(registry, 'PoolsBadCommission')
        .withArgs(3001, 3000)
      for (const attempt of [
        registry.connect(stranger).openPool(id, 0),
        registry.connect(stranger).setCommission(id, 0),
      ])
        await expect(attempt).to.be.revertedWithCustomError(registry, 'RegistryUnauthorized')
    })

    it('lower a commission at once and raise it after seven days, to the second', async () => {
      const market = await networkHelpers.loadFixture(opened)
      const { registry, owner, id } = market
      await registry.connect(owner).setCommission(id, 1000)
      expect((await registry.poolOf(id)).commissionBps).to.equal(1000n)
      await registry.connect(owner).setCommission(id, 3000)
      const from = (await lastClock(market)) + 7 * DAY
      await arriveAt(networkHelpers, market, from - 1)
      await market.tally.tick()
      expect((await registry.poolOf(id)).commissionBps).to.equal(1000n)
      await arriveAt(networkHelpers, market, from)
      await market.tally.tick()
      expect((await registry.poolOf(id)).commissionBps).to.equal(3000n)
      await registry.connect(owner).setCommission(id, 500)
      expect((await registry.poolOf(id)).commissionBps).to.equal(500n)
    })
  })

  describe('delegate', () => {
    it('takes a permit, and counts half of it towards what covers earnings', async () => {
      const market = await networkHelpers.loadFixture(opened)
      const { registry, tally, rival, id } = market
      await market.stake.connect(rival).approve(registry, 0n)
      const permit = await permitOf(market, rival, 60n * STAKE, 'stake')
      const tx = registry.connect(rival).delegate(id, 60n * STAKE, 0, permit)
      await expect(tx)
        .to.emit(registry, 'Delegated')
        .withArgs(id, rival, 60n * STAKE, 60n * STAKE)
      await expect(tx)
        .to.emit(tally, 'CoverSet')
        .withArgs(id, 130n * USD)
      expect(await registry.slashable(id)).to.equal(130n * STAKE)
    })

    it('is refused with nothing, without a pool, in a pause', async () => {
      const market = await networkHelpers.loadFixture(opened)
      const { registry, guardian, buyer, rival, id } = market
      const other = await joinProvider(market, buyer, { stake: 1n })
      await expect(registry.connect(rival).delegate(id, 0n, 0, NO_PERMIT)).to.be.revertedWithCustomError(
        registry,
        'PoolsNothing',
      )
      await expect(registry.connect(rival).delegate(other.id, 1n, 0, NO_PERMIT))
        .to.be.revertedWithCustomError(registry, 'PoolsClosed')
        .withArgs(other.id)
      await registry.connect(guardian).pause(DAY)
      await expect(registry.connect(rival).delegate(id, 1n, 0, NO_PERMIT)).to.be.revertedWithCustomError(
        registry,
        'RegistryPaused',
      )
    })

    it('rests while disputes are about more than a tenth of the pool', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, rival, id } = market
      const court = await asSettlement(networkHelpers, market)
      const small = await court.lien.staticCall(id, 39n * STAKE)
      await court.lien(id, 39n * STAKE)
      await registry.connect(rival).delegate(id, 1n, 0, NO_PERMIT)
      const large = await court.lien.staticCall(id, 2n * STAKE)
      await court.lien(id, 2n * STAKE)
      await expect(registry.connect(rival).delegate(id, 1n, 0, NO_PERMIT))
        .to.be.revertedWithCustomError(registry, 'PoolsInDispute')
        .withArgs(id)
      await court.unlien(id, large)
      await registry.connect(rival).delegate(id, 1n, 0, NO_PERMIT)
      await court.unlien(id, small)
    })
  })

  describe('undelegate and withdrawDelegation', () => {
    it('give it back after seven days, to the second, in a pause too', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, stake, guardian, rival, buyer, id } = market
      await registry.connect(rival).undelegate(id, 200n * STAKE)
      const readyAt = (await lastClock(market)) + 7 * DAY
      expect(await registry.slashable(id)).to.equal(200n * STAKE)
      await registry.connect(guardian).pause(14 * DAY)
      await arriveAt(networkHelpers, market, readyAt - 1)
      await expect(registry.connect(rival).withdrawDelegation(id, rival))
        .to.be.revertedWithCustomError(registry, 'PoolsTooEarly')
        .withArgs(readyAt - 1, readyAt)
      await arriveAt(networkHelpers, market, readyAt)
      const paid = registry.connect(rival).withdrawDelegation(id, buyer)
      await expect(paid).to.changeTokenBalances(ethers, stake, [registry, buyer], [-200n * STAKE, 200n * STAKE])
      const { shares, value } = await registry.positionOf(id, rival)
      expect([shares, value]).to.deep.equal([100n * STAKE, 100n * STAKE])
    })

    it('start the time anew for all that thaws when more is added', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, rival, id } = market
      await registry.connect(rival).undelegate(id, STAKE)
      await advance(networkHelpers, market, 6 * DAY)
      await registry.connect(rival).undelegate(id, STAKE)
      await advance(networkHelpers, market, 2 * DAY)
      await expect(registry.connect(rival).withdrawDelegation(id, rival)).to.be.revertedWithCustomError(
        registry,
        'PoolsTooEarly',
      )
    })

    it('refuse more than there is, and nothing', async () => {
      const { registry, rival, relayer, id } = await networkHelpers.loadFixture(delegated)
      await expect(registry.connect(rival).undelegate(id, 300n * STAKE + 1n))
        .to.be.revertedWithCustomError(registry, 'PoolsInsufficient')
        .withArgs(300n * STAKE, 300n * STAKE + 1n)
      await expect(registry.connect(rival).undelegate(id, 0n)).to.be.revertedWithCustomError(registry, 'PoolsNothing')
      await expect(registry.connect(relayer).withdrawDelegation(id, rival)).to.be.revertedWithCustomError(
        registry,
        'PoolsTooEarly',
      )
    })

    it('leave in the pool what an open dispute is about', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, rival, stranger, id } = market
      const court = await asSettlement(networkHelpers, market)
      await registry.connect(rival).undelegate(id, 300n * STAKE)
      await registry.connect(stranger).undelegate(id, 100n * STAKE)
      const dispute = await court.lien.staticCall(id, 250n * STAKE)
      await court.lien(id, 250n * STAKE)
      await advance(networkHelpers, market, 7 * DAY)
      await expect(registry.connect(rival).withdrawDelegation(id, rival)).to.be.revertedWithCustomError(
        registry,
        'PoolsInsufficient',
      )
      await registry.connect(stranger).withdrawDelegation(id, stranger)
      await court.unlien(id, dispute)
      await registry.connect(rival).withdrawDelegation(id, rival)
      const { tokens, shares, thawing } = await registry.poolOf(id)
      expect([tokens, shares, thawing]).to.deep.equal([0n, 0n, 0n])
    })
  })

  describe('a slash', () => {
    it('takes the own stake first, then at most half of the pool, thawing or not', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, rival, stranger, id } = market
      await registry.connect(rival).undelegate(id, 300n * STAKE)
      const small = await slash(networkHelpers, market, id, chargeOf('own', 60n * STAKE))
      expect([small.own, small.delegated]).to.deep.equal([60n * STAKE, 0n])
      const middle = await slash(networkHelpers, market, id, chargeOf('both', 140n * STAKE))
      expect([middle.own, middle.delegated]).to.deep.equal([40n * STAKE, 100n * STAKE])
      const values = await Promise.all([rival, stranger].map(async (who) => (await registry.positionOf(id, who)).value))
      expect(values).to.deep.equal([225n * STAKE, 75n * STAKE])
      const large = await slash(networkHelpers, market, id, chargeOf('all', 1000n * STAKE))
      expect([large.own, large.delegated]).to.deep.equal([0n, 150n * STAKE])
    })

    it('leaves nobody a part of what delegators lost, so that no provider gains by its own fault', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, owner, rival, relayer, id } = market
      const parts = { victim: rival.address, restitution: 1000n * STAKE, reporter: owner.address }
      const facts = await slash(networkHelpers, market, id, chargeOf('both', 200n * STAKE, parts))
      expect([facts.own, facts.delegated, facts.restitution]).to.deep.equal([100n * STAKE, 100n * STAKE, 90n * STAKE])
      await advance(networkHelpers, market, 3 * DAY)
      await expect(registry.connect(relayer).payOut(facts))
        .to.emit(registry, 'CasePaid')
        .withArgs(facts.subject, 90n * STAKE, 10n * STAKE, 100n * STAKE)
    })

    it('lets later delegators in at the price it left', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, relayer, rival, id } = market
      await slash(networkHelpers, market, id, chargeOf('all', 1000n * STAKE))
      await expect(registry.connect(relayer).delegate(id, 50n * STAKE, 0, NO_PERMIT))
        .to.emit(registry, 'Delegated')
        .withArgs(id, relayer, 50n * STAKE, 100n * STAKE)
      expect((await registry.positionOf(id, relayer)).value).to.equal(50n * STAKE)
      expect((await registry.positionOf(id, rival)).value).to.equal(150n * STAKE)
    })

    it('gives back to the pool what governance returns', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, governor, rival, id } = market
      const facts = await slash(networkHelpers, market, id, chargeOf('all', 1000n * STAKE))
      await registry.connect(governor).returnCase(facts)
      expect((await registry.positionOf(id, rival)).value).to.equal(300n * STAKE)
      expect((await registry.providerOf(id)).stake).to.equal(100n * STAKE)
    })

    it('that empties a pool begins a new one, in which former shares are nothing and former earnings are kept', async () => {
      const market = await networkHelpers.loadFixture(delegated)
      const { registry, dollar, governor, rival, stranger, relayer, id } = market
      const court = await asSettlement(networkHelpers, market)
      await registry.connect(governor).setStakingParameters(await capped(market, BPS))
      await dollar.mint(registry, 500n)
      await court.onClaim(id, 500n)
      await registry.connect(stranger).undelegate(id, 100n * STAKE)
      const facts = await slash(networkHelpers, market, id, chargeOf('all', 500n * STAKE))
      expect(facts.delegated).to.equal(400n * STAKE)
      await registry.connect(relayer).delegate(id, 7n * STAKE, 0, NO_PERMIT)
      await dollar.mint(registry, 700n)
      await court.onClaim(id, 700n)
      const { generation, tokens, shares } = await registry.poolOf(id)
      expect([generation, tokens, shares]).to.deep.equal([1n, 7n * STAKE, 7n * STAKE])
      const view = await registry.positionOf(id, rival)
      expect([view.shares, view.value]).to.deep.equal([0n, 0n])
      expect(view.paid).to.satisfy(due(240n))
      await expect(registry.connect(rival).collect(id, rival)).to.changeTokenBalance(ethers, dollar, rival, due(240n))
      await advance(networkHelpers, market, 7 * DAY)
      await expect(registry.connect(stranger).withdrawDelegation(id, stranger)).to.be.revertedWithCustomError(
        registry,
        'PoolsTooEarly',
      )
    })
  })

  describe('earnings', () => {
    it('are split by stake when they are claimed, by anybody', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, tally, dollar, payout, rival, stranger, deal, id } = market
      await settle(market, Lane.Attested, [deal.stream(0).work(100_000n).group()])
      await advance(networkHelpers, market, 3 * DAY)
      const { net } = splitDown(100n * USD, 100, 50)
      const part = (net * 3n * 8n) / (4n * 10n)
      await expect(tally.connect(stranger).claim(id)).to.emit(registry, 'EarningsSplit').withArgs(id, net, due(part))
      await expect(registry.collectPayout(id)).to.changeTokenBalance(ethers, dollar, payout, (paid: bigint) =>
        due(part)(net - paid),
      )
      await expect(registry.connect(rival).collect(id, rival)).to.changeTokenBalance(
        ethers,
        dollar,
        rival,
        due((part * 2n) / 3n),
      )
      await expect(registry.connect(stranger).collect(id, stranger)).to.changeTokenBalance(
        ethers,
        dollar,
        stranger,
        due(part / 3n),
      )
      for (const again of [registry.collectPayout(id), registry.connect(rival).collect(id, rival)])
        await expect(again).to.be.revertedWithCustomError(registry, 'PoolsNothing')
    })

    it('that were claimable before somebody delegated are not shared with it', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, relayer, deal, id } = market
      await settle(market, Lane.Attested, [deal.stream(0).work(100_000n).group()])
      await advance(networkHelpers, market, 3 * DAY)
      await fund(market, relayer, 100_000n * STAKE)
      await expect(registry.connect(relayer).delegate(id, 100_000n * STAKE, 0, NO_PERMIT)).to.emit(
        registry,
        'EarningsSplit',
      )
      expect((await registry.positionOf(id, relayer)).paid).to.equal(0n)
    })

    it('of before the pool go to the payout account alone, and so does all while the pool is empty', async () => {
      const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n, duration: 30 * DAY } })
      const { registry, dollar, owner, payout, deal, provider } = market
      await settle(market, Lane.Attested, [deal.stream(1).work(1000n).group()])
      await advance(networkHelpers, market, 3 * DAY)
      await expect(registry.connect(owner).openPool(provider.id, 0)).to.changeTokenBalance(ethers, dollar, registry, 0n)
      expect(await dollar.balanceOf(payout)).to.be.greaterThan(0n)
      await settle(market, Lane.Attested, [deal.stream(2).work(1000n).group()])
      await advance(networkHelpers, market, 3 * DAY)
      const { net } = splitDown(USD, 100, 50)
      await expect(registry.collectPayout(provider.id)).to.changeTokenBalance(ethers, dollar, payout, net)
    })

    it('follow the payout account that holds when they are paid out', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, tally, dollar, owner, nextPayout, deal, id } = market
      await registry.connect(owner).proposePayout(id, nextPayout)
      await registry.connect(nextPayout).acceptPayout(id)
      await settle(market, Lane.Attested, [deal.stream(0).work(1000n).group()])
      await advance(networkHelpers, market, 8 * DAY)
      await registry.applyPayout(id)
      await expect(tally.claim(id)).to.changeTokenBalance(ethers, dollar, nextPayout, 0n)
      await registry.collectPayout(id)
      expect(await dollar.balanceOf(nextPayout)).to.be.greaterThan(0n)
    })

    it('are booked for the settlement alone', async () => {
      const { registry, owner, id } = await networkHelpers.loadFixture(opened)
      await expect(registry.connect(owner).onClaim(id, 1n)).to.be.revertedWithCustomError(
        registry,
        'RegistryUnauthorized',
      )
    })
  })

  describe('rewards', () => {
    it('go to all that is delegated, as long as the reserve lasts', async () => {
      const market = await networkHelpers.loadFixture(rewarded)
      const { registry, stake, owner, rival, stranger, id, other } = market
      await expect(registry.connect(owner).fundRewards(100n * STAKE))
        .to.emit(registry, 'RewardsFunded')
        .withArgs(owner, 100n * STAKE)
      await advance(networkHelpers, market, 60)
      const early = (await registry.positionOf(id, rival)).rewards
      expect(early).to.be.within(30n * STAKE - 1n, 34n * STAKE)
      await advance(networkHelpers, market, 3600)
      expect((await registry.positionOf(id, rival)).rewards).to.satisfy(due(50n * STAKE))
      await expect(registry.connect(rival).collect(id, rival)).to.changeTokenBalance(
        ethers,
        stake,
        rival,
        due(50n * STAKE),
      )
      await expect(registry.connect(stranger).collect(other, stranger)).to.changeTokenBalance(
        ethers,
        stake,
        stranger,
        due(50n * STAKE),
      )
      const { reserve, emitted } = await registry.emission()
      expect([reserve, emitted <= 2n]).to.deep.equal([0n, true])
    })

    it('are more for those who lock their stake, who cannot leave before, and only until then', async () => {
      const market = await networkHelpers.loadFixture(rewarded)
      const { registry, tally, owner, rival, stranger, id, other } = market
      await registry.connect(rival).lock(id, 3)
      const until = (await lastClock(market)) + 180 * DAY
      const view = await registry.positionOf(id, rival)
      expect([view.lockedUntil, view.multiplierBps]).to.deep.equal([BigInt(until), 25_000n])
      await registry.connect(owner).fundRewards(70n * STAKE)
      await advance(networkHelpers, market, 7200)
      expect((await registry.positionOf(id, rival)).rewards).to.satisfy(due(50n * STAKE))
      expect((await registry.positionOf(other, stranger)).rewards).to.satisfy(due(20n * STAKE))
      await expect(registry.connect(rival).undelegate(id, 1n))
        .to.be.revertedWithCustomError(registry, 'PoolsLocked')
        .withArgs(until)
      for (const term of [1, 4]) {
        await expect(registry.connect(rival).lock(id, term)).to.be.revertedWithCustomError(registry, 'PoolsBadTerm')
      }
      await expect(registry.connect(rival).delegate(id, 1n, 0, NO_PERMIT)).to.be.revertedWithCustomError(
        registry,
        'PoolsBadTerm',
      )
      await advance(networkHelpers, market, 180 * DAY)
      await registry.connect(stranger).endTerm(id, rival)
      expect((await registry.positionOf(id, rival)).multiplierBps).to.equal(10_000n)
      await registry.connect(owner).fundRewards(40n * STAKE)
      await advance(networkHelpers, market, 7200)
      expect((await registry.positionOf(id, rival)).rewards).to.satisfy(due(70n * STAKE))
      await registry.connect(rival).undelegate(id, 100n * STAKE)
      await tally.tick()
    })

    it('fall for a pool as a slash lowers it, without a look at its delegators', async () => {
      const market = await networkHelpers.loadFixture(rewarded)
      const { registry, owner, rival, stranger, id, other } = market
      await slash(networkHelpers, market, id, chargeOf('half', 1000n * STAKE))
      expect((await registry.emission()).weight).to.equal(150n * STAKE * BPS)
      await registry.connect(owner).fundRewards(90n * STAKE)
      await advance(networkHelpers, market, 7200)
      expect((await registry.positionOf(id, rival)).rewards).to.satisfy(due(30n * STAKE))
      expect((await registry.positionOf(other, stranger)).rewards).to.satisfy(due(60n * STAKE))
    })

    it('end with the thaw', async () => {
      const market = await networkHelpers.loadFixture(rewarded)
      const { registry, owner, rival, stranger, id, other } = market
      await registry.connect(rival).undelegate(id, 100n * STAKE)
      await registry.connect(owner).fundRewards(10n * STAKE)
      await advance(networkHelpers, market, 3600)
      expect((await registry.positionOf(id, rival)).rewards).to.equal(0n)
      expect((await registry.positionOf(other, stranger)).rewards).to.satisfy(due(10n * STAKE))
    })

    it('become delegation for whoever allows it, by anybody', async () => {
      const market = await networkHelpers.loadFixture(rewarded)
      const { registry, owner, rival, relayer, id } = market
      await registry.connect(owner).fundRewards(100n * STAKE)
      await advance(networkHelpers, market, 3600)
      await expect(registry.connect(relayer).compound(id, rival))
        .to.be.revertedWithCustomError(registry, 'PoolsNotCompounding')
        .withArgs(rival)
      await registry.connect(rival).setCompounding(id, true)
      await expect(registry.connect(relayer).compound(id, rival))
        .to.emit(registry, 'Compounded')
        .withArgs(id, rival, due(50n * STAKE), due(50n * STAKE))
      const { value, rewards } = await registry.positionOf(id, rival)
      expect(value).to.satisfy(due(150n * STAKE))
      expect(rewards).to.equal(0n)
      await expect(registry.connect(rival).compound(id, rival)).to.be.revertedWithCustomError(registry, 'PoolsNothing')
    })
  })

  describe('governance', () => {
    it('sets numbers within their bounds, and only governance', async () => {
      const market = await networkHelpers.loadFixture(opened)
      const { registry, tally, committee, governor, stranger } = market
      const now = await capped(market, 5000n)
      for (const [name, value] of [
        ['poolCapBps', 10_001n],
        ['poolCapBps', 99n],
        ['maxCommissionBps', 5001n],
        ['gasValue', 0n],
        ['vaultCapacity', 999n * STAKE],
        ['vaultRefill', 3599n],
      ] as const) {
        await expect(registry.connect(governor).setStakingParameters({ ...now, [name]: value }))
          .to.be.revertedWithCustomError(tally, 'LedgerParameterOutOfBounds')
          .withArgs(name, value)
      }
      for (const [rate, multipliers] of [
        [10n * STAKE + 1n, [10_000, 10_000, 10_000]],
        [0n, [9999, 10_000, 10_000]],
        [0n, [20_000, 19_999, 30_000]],
        [0n, [20_000, 20_000, 40_001]],
      ] as const) {
        await expect(registry.connect(governor).setEmission(rate, [...multipliers])).to.be.revertedWithCustomError(
          tally,
          'LedgerParameterOutOfBounds',
        )
      }
      await registry.connect(governor).setStakingParameters({ ...now, gasValue: 7n })
      expect((await registry.stakingParameters()).gasValue).to.equal(7n)
      for (const attempt of [
        registry.connect(stranger).setEmission(0n, [10_000, 10_000, 10_000]),
        registry.connect(stranger).setStakingParameters(now),
      ])
        await expect(attempt).to.be.revertedWithCustomError(committee, 'AccessManagedUnauthorized')
    })
  })
})

/** The governed numbers with another cap. */
async function capped({ registry }: Deployment, poolCapBps: bigint) {
  const { maxCommissionBps, gasValue, vaultCapacity, vaultRefill } = await registry.stakingParameters()
  return { poolCapBps, maxCommissionBps, gasValue, vaultCapacity, vaultRefill }
}
