/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { zeroAddress } from 'viem'

import { type Deployment, deploy, type PARAMETERS, Role } from '../support/deployment.ts'
import { createMarket, NO_PERMIT, USD } from '../support/market.ts'
import { arriveAt, lastClock, writtenClock } from '../support/protocol-clock.ts'
import { fieldsOf } from '../support/results.ts'
import { layoutOf } from '../support/storage.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const UINT32 = 2 ** 32 - 1

async function deployed() {
  return await deploy(ethers)
}

async function trading() {
  return await createMarket(await deploy(ethers))
}

/** Touches the clock `seconds` after the latest block. */
async function touchAfter({ tally }: Deployment, seconds: number): Promise<void> {
  await networkHelpers.time.setNextBlockTimestamp((await networkHelpers.time.latest()) + seconds)
  await tally.tick()
}

type Change = Partial<typeof PARAMETERS>

/** Just inside and just outside of every bound. */
const BOUNDS: [name: keyof Change, inside: Change[], outside: Change[]][] = [
  [
    'forcedWindow',
    [{ forcedWindow: 3 * DAY }, { forcedWindow: 3601, attestedWindow: 3600 }],
    [{ forcedWindow: 3599, attestedWindow: 3600 }, { forcedWindow: 3 * DAY + 1 }, { forcedWindow: UINT32 }],
  ],
  [
    'attestedWindow',
    [{ attestedWindow: 3600 }, { attestedWindow: 3 * DAY - 1 }],
    [{ attestedWindow: 3599 }, { attestedWindow: 3 * DAY }, { attestedWindow: UINT32 }],
  ],
  [
    'closingPeriod',
    [{ closingPeriod: 7200 }, { closingPeriod: 7 * DAY }],
    [{ closingPeriod: 7199 }, { closingPeriod: 7 * DAY + 1 }],
  ],
  [
    'retention',
    [{ retention: 5 * DAY }, { retention: 60 * DAY }],
    [{ retention: 5 * DAY - 1 }, { retention: 60 * DAY + 1 }],
  ],
  ['keyNotice', [{ keyNotice: 3600 }, { keyNotice: 7 * DAY }], [{ keyNotice: 3599 }, { keyNotice: 7 * DAY + 1 }]],
  ['coverageBps', [{ coverageBps: 1 }, { coverageBps: 10_000 }], [{ coverageBps: 0 }, { coverageBps: 10_001 }]],
  ['bondBps', [{ bondBps: 0 }, { bondBps: 10_000 }], [{ bondBps: 10_001 }]],
  ['protocolFeeBps', [{ protocolFeeBps: 0 }, { protocolFeeBps: 500 }], [{ protocolFeeBps: 501 }]],
  ['committeeFeeBps', [{ committeeFeeBps: 0 }, { committeeFeeBps: 500 }], [{ committeeFeeBps: 501 }]],
  [
    'stakeValue',
    [{ stakeValue: 500_000 }, { stakeValue: 2_000_000 }],
    [{ stakeValue: 499_999 }, { stakeValue: 2_000_001 }, { stakeValue: 0 }],
  ],
]

describe('Ledger', () => {
  describe('the protocol clock', () => {
    it('starts with the chain and runs with it', async () => {
      const deployment = await networkHelpers.loadFixture(deployed)
      const { tally } = deployment
      await networkHelpers.time.increase(1800)
      await tally.tick()
      expect(await lastClock(deployment)).to.equal(await networkHelpers.time.latest())
    })

    it('goes on by an hour at most at each touch', async () => {
      const deployment = await networkHelpers.loadFixture(deployed)
      const { tally } = deployment
      await touchAfter(deployment, 600)
      for (const [pause, step] of [
        [3599, 3599],
        [3600, 3600],
        [3601, 3600],
        [90 * DAY, 3600],
        [601, 601],
      ] as const) {
        const before = await lastClock(deployment)
        await touchAfter(deployment, pause)
        expect((await lastClock(deployment)) - before, `after ${pause} s`).to.equal(step)
        expect(await tally.clock(), `after ${pause} s`).to.equal(BigInt(await lastClock(deployment)))
      }
    })

    it('is written when the last time is ten minutes ago, and told right all the same', async () => {
      const deployment = await networkHelpers.loadFixture(deployed)
      const { tally } = deployment
      await touchAfter(deployment, 700)
      const written = await writtenClock(deployment)
      for (const [pause, since] of [
        [1, 1],
        [300, 301],
        [298, 599],
      ] as const) {
        await touchAfter(deployment, pause)
        expect(await writtenClock(deployment)).to.equal(written)
        expect(await tally.clock()).to.equal(BigInt(written + since))
      }
      await touchAfter(deployment, 1)
      expect(await writtenClock(deployment)).to.equal(written + 600)
    })

    it('is never ahead of one that every touch writes, and equal to it where none waits for 50 minutes', async () => {
      for (const pauses of [
        [1, 599, 3000, 2, 600, 2999, 10, 10, 3000, 1],
        [599, 3600, 1, 3600, 599, 90 * DAY, 300, 3599, 7],
      ]) {
        const deployment = await networkHelpers.loadFixture(deployed)
        await touchAfter(deployment, 600)
        let eager = await lastClock(deployment)
        for (const pause of pauses) {
          eager += Math.min(pause, 3600)
          await touchAfter(deployment, pause)
          const behind = eager - (await lastClock(deployment))
          expect(behind, `${pause} of ${pauses.join()}`).to.be.at.least(0)
          if (Math.max(...pauses) <= 3000) expect(behind, `${pause}`).to.equal(0)
        }
      }
    })

    it('counts a halt from when it was written last: a touch just before it adds nothing', async () => {
      const deployment = await networkHelpers.loadFixture(deployed)
      await touchAfter(deployment, 600)
      const written = await writtenClock(deployment)
      await touchAfter(deployment, 599)
      await touchAfter(deployment, DAY)
      expect(await lastClock(deployment)).to.equal(written + 3600)
    })

    it('shows in the view what a touch would make of it', async () => {
      const deployment = await networkHelpers.loadFixture(deployed)
      const { tally } = deployment
      await touchAfter(deployment, 600)
      const before = await lastClock(deployment)
      await networkHelpers.time.increase(2 * DAY) // mines a block without touching
      expect(await tally.clock()).to.equal(BigInt(before + 3600))
      await tally.tick()
      expect(await writtenClock(deployment)).to.equal(before + 3600)
    })

    it('is touched by whatever changes state', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, buyer, governor, parameters, deal, registry, owner, provider } = market
      const touches: Record<string, () => Promise<unknown>> = {
        tick: () => tally.tick(),
        withdraw: () => tally.connect(buyer).withdraw(buyer, 1n),
        setParameters: () => tally.connect(governor).setParameters(parameters),
        topUp: () => tally.connect(buyer).topUp(deal.id, deal.offer, deal.nonce, 1n),
        refreshCover: () => tally.refreshCover(provider.id),
        claimFees: () => tally.claimFees(),
        packDeals: () => tally.packDeals([deal.id]),
        thaw: () => registry.connect(owner).thaw(provider.id, 1n),
        stop: () => tally.connect(buyer).stop(deal.id),
      }
      for (const [name, touch] of Object.entries(touches)) {
        await networkHelpers.time.increase(600)
        const before = await writtenClock(market)
        await touch()
        expect(await writtenClock(market), name).to.be.greaterThan(before + 599)
      }
    })
  })

  describe('setParameters', () => {
    it('puts them in force', async () => {
      const { tally, governor, parameters } = await networkHelpers.loadFixture(deployed)
      const next = { ...parameters, closingPeriod: 7200, protocolFeeBps: 0, stakeValue: 1_100_000 }
      await expect(tally.connect(governor).setParameters(next))
        .to.emit(tally, 'ParametersSet')
        .withArgs(Object.values(next).map(BigInt))
      const expected = Object.fromEntries(Object.entries(next).map(([name, value]) => [name, BigInt(value)]))
      expect(fieldsOf(await tally.parameters())).to.deep.equal(expected)
    })

    for (const [name, inside, outside] of BOUNDS) {
      it(`keeps ${name} within its bounds`, async () => {
        const { tally, governor, parameters } = await networkHelpers.loadFixture(deployed)
        for (const change of outside) {
          await expect(tally.connect(governor).setParameters({ ...parameters, ...change }))
            .to.be.revertedWithCustomError(tally, 'LedgerParameterOutOfBounds')
            .withArgs(name, BigInt(change[name] ?? -1))
        }
        for (const change of inside) {
          const { tally: fresh } = await networkHelpers.loadFixture(deployed)
          await fresh.connect(governor).setParameters({ ...parameters, ...change })
        }
      })
    }

    it('moves the value of stake once a day', async () => {
      const deployment = await networkHelpers.loadFixture(deployed)
      const { tally, governor, parameters } = deployment
      const value = (stakeValue: number) => tally.connect(governor).setParameters({ ...parameters, stakeValue })
      await value(2_000_000)
      const from = (await lastClock(deployment)) + DAY
      await expect(value(4_000_000)).to.be.revertedWithCustomError(tally, 'LedgerValueTooSoon').withArgs(from)
      await value(2_000_000)
      await arriveAt(networkHelpers, deployment, from)
      await value(4_000_000)
      expect((await tally.parameters()).stakeValue).to.equal(4_000_000n)
    })

    it('is for governance', async () => {
      const { tally, settlement, guardian, parameters } = await networkHelpers.loadFixture(deployed)
      await expect(tally.connect(guardian).setParameters(parameters))
        .to.be.revertedWithCustomError(settlement, 'AccessManagedUnauthorized')
        .withArgs(guardian)
    })
  })

  describe('a delayed governor', () => {
    it('schedules first, and only then changes what it scheduled, once', async () => {
      const { tally, settlement, manager, deployer, stranger, parameters } = await networkHelpers.loadFixture(deployed)
      const grant = manager.connect(deployer).getFunction('grantRole')
      await grant(Role.Governor, stranger, DAY)
      const next = { ...parameters, closingPeriod: 7200 }
      const change = () => tally.connect(stranger).setParameters(next)
      await expect(change()).to.be.revertedWithCustomError(manager, 'AccessManagerNotScheduled')
      const data = tally.interface.encodeFunctionData('setParameters', [next])
      await manager.connect(stranger).getFunction('schedule')(settlement, data, 0)
      await expect(change()).to.be.revertedWithCustomError(manager, 'AccessManagerNotReady')
      await networkHelpers.time.increase(DAY)
      await change()
      expect((await tally.parameters()).closingPeriod).to.equal(7200n)
      await expect(change()).to.be.revertedWithCustomError(manager, 'AccessManagerNotScheduled')
    })

    it('cannot move the authority: only the manager can', async () => {
      const { settlement, governor } = await networkHelpers.loadFixture(deployed)
      await expect(settlement.connect(governor).setAuthority(governor))
        .to.be.revertedWithCustomError(settlement, 'AccessManagedUnauthorized')
        .withArgs(governor)
    })
  })

  describe('setTreasuries', () => {
    it('is for governance and names two accounts', async () => {
      const { tally, settlement, governor, stranger, buyer, ...rest } = await networkHelpers.loadFixture(deployed)
      const { treasury, committeeTreasury } = rest
      expect(await tally.treasuries()).to.deep.equal([treasury.address, committeeTreasury.address])
      await expect(tally.connect(governor).setTreasuries(stranger, buyer))
        .to.emit(tally, 'TreasuriesSet')
        .withArgs(stranger, buyer)
      expect(await tally.treasuries()).to.deep.equal([stranger.address, buyer.address])
      for (const [first, second] of [
        [zeroAddress, buyer.address],
        [buyer.address, zeroAddress],
      ] as const) {
        await expect(tally.connect(governor).setTreasuries(first, second)).to.be.revertedWithCustomError(
          tally,
          'LedgerZeroAddress',
        )
      }
      await expect(tally.connect(stranger).setTreasuries(stranger, stranger))
        .to.be.revertedWithCustomError(settlement, 'AccessManagedUnauthorized')
        .withArgs(stranger)
    })
  })

  describe('pause', () => {
    it('is for the guardian, two weeks at most, and can be lifted', async () => {
      const deployment = await networkHelpers.loadFixture(deployed)
      const { tally, settlement, guardian, governor } = deployment
      await expect(tally.connect(guardian).pause(14 * DAY + 1))
        .to.be.revertedWithCustomError(tally, 'LedgerParameterOutOfBounds')
        .withArgs('pause', 14 * DAY + 1)
      await tally.connect(guardian).pause(14 * DAY)
      expect(await tally.pausedUntil()).to.equal(BigInt((await lastClock(deployment)) + 14 * DAY))
      await expect(tally.connect(guardian).pause(1)).to.be.revertedWithCustomError(tally, 'LedgerPauseTooSoon')
      await tally.connect(guardian).pause(0)
      expect(await tally.pausedUntil()).to.equal(BigInt(await lastClock(deployment)))
      await expect(tally.connect(governor).pause(1))
        .to.be.revertedWithCustomError(settlement, 'AccessManagedUnauthorized')
        .withArgs(governor)
    })
  })

  describe('the parts', () => {
    it('know each other', async () => {
      const { tally, dollar, registry, committee, desk, permit2, manager, settlement } =
        await networkHelpers.loadFixture(deployed)
      const named = await Promise.all([
        tally.TOKEN(),
        tally.REGISTRY(),
        tally.COMMITTEE(),
        tally.DESK(),
        tally.PERMIT2(),
        tally.authority(),
        registry.settlement(),
        committee.settlement(),
      ])
      const parts = [dollar, registry, committee, desk, permit2, manager, settlement, settlement]
      expect(named).to.deep.equal(await Promise.all(parts.map((part) => part.getAddress())))
    })

    it('take a token of eight decimals at most', async () => {
      const { manager, stake, registry, permit2, faults } = await networkHelpers.loadFixture(deployed)
      const { interface: errors } = await ethers.getContractFactory('Desk')
      await expect(ethers.deployContract('Desk', [manager, stake, registry, permit2, faults]))
        .to.be.revertedWithCustomError({ interface: errors }, 'LedgerTokenDecimals')
        .withArgs(18)
    })

    it('refuse bad parameters and treasuries from the start', async () => {
      const { desk, committee, parameters, treasury, settlement } = await networkHelpers.loadFixture(deployed)
      const make = (change: Change, first: string = treasury.address) =>
        ethers.deployContract('Settlement', [desk, committee, { ...parameters, ...change }, first, treasury])
      await expect(make({ stakeValue: 0 }))
        .to.be.revertedWithCustomError(settlement, 'LedgerParameterOutOfBounds')
        .withArgs('stakeValue', 0)
      await expect(make({}, zeroAddress)).to.be.revertedWithCustomError(settlement, 'LedgerZeroAddress')
      await make({ stakeValue: UINT32 })
    })
  })

  describe('the desk at its own address', () => {
    it('moves nothing for anybody', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { desk, deal, buyer, dollar, governor, parameters, guardian, owner, provider, tally } = market
      await dollar.mint(buyer, 10n * USD)
      await dollar.connect(buyer).approve(desk, 10n * USD)
      const { offer, signature, terms } = deal
      const { r, s } = NO_PERMIT
      const direct = desk.connect(buyer)
      const attempts: Record<string, () => Promise<unknown>> = {
        tick: () => direct.tick(),
        depositWithAuthorization: () => direct.depositWithAuthorization(buyer, buyer, 1n, 0, 0, r, { ...NO_PERMIT, s }),
        depositWithPermit2: () => direct.depositWithPermit2(buyer, buyer, 1n, 0n, 0n, '0x'),
        withdraw: () => direct.withdraw(buyer, 1n),
        openDeal: () => direct.openDeal(offer, signature, terms),
        openDealWithPermit: () => direct.openDealWithPermit(offer, signature, terms, 1n, NO_PERMIT),
        topUp: () => direct.topUp(deal.id, offer, deal.nonce, 1n),
        stop: () => direct.stop(deal.id),
        close: () => direct.close(deal.id),
        recycle: () => direct.recycle(deal.id),
        announceDealKeys: () => direct.announceDealKeys(deal.id, zeroAddress, zeroAddress),
        applyDealKeys: () => direct.applyDealKeys(deal.id),
        acknowledge: () => direct.acknowledge(deal.id, 0, 1, 1, r, '0x'),
        claimFees: () => direct.claimFees(),
        refreshCover: () => direct.refreshCover(provider.id),
      }
      for (const [name, attempt] of Object.entries(attempts)) {
        await expect(attempt(), name).to.be.revertedWithCustomError(desk, 'LedgerNotTheSettlement')
      }
      for (const attempt of [
        () => desk.connect(governor).setParameters(parameters),
        () => desk.connect(governor).setTreasuries(owner, owner),
        () => desk.connect(guardian).pause(1),
      ]) {
        await expect(attempt()).to.be.revertedWithCustomError(desk, 'AccessManagedUnauthorized')
      }
      expect(await dollar.balanceOf(desk)).to.equal(0n)
      expect(await dollar.balanceOf(tally)).to.equal(5000n * USD)
    })
  })

  describe('storage', () => {
    for (const code of ['Desk', 'Faults', 'Nets']) {
      it(`means the same to ${code.toLowerCase()} and to the settlement: its slots are the settlement's first`, () => {
        const [settlement, other] = [layoutOf('Settlement'), layoutOf(code)]
        expect(other.storage.length).to.be.greaterThan(10)
        expect(settlement.storage.slice(0, other.storage.length)).to.deep.equal(other.storage)
        for (const [name, members] of Object.entries(other.structs)) {
          expect(settlement.structs[name], name).to.deep.equal(members)
        }
      })
    }
  })
})
