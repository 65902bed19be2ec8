/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Address, type Hex, zeroAddress } from 'viem'

import { pageAddress } from '#protocol/code-pages.ts'
import { packKeys, parseWorkerPage } from '#protocol/worker-pages.ts'

import { signerNamed } from '../support/actors.ts'
import { deploy } from '../support/deployment.ts'
import { createMarket, joinProvider, NO_PERMIT, openDeal, STAKE, USD } from '../support/market.ts'
import { permitOf } from '../support/permits.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { fieldsOf } from '../support/results.ts'
import { chargeOf, slash } from '../support/slashing.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const THAW = 7 * DAY
const UINT32 = 2n ** 32n - 1n
/** Where `_lastPage` is stored: test/snapshots/Registry.json. */
const PAGES_SLOT = 0
const PAGES_SHIFT = 168n
const KEYS = [0, 1, 2].map((index) => signerNamed(`key ${index}`).address)

async function fresh() {
  const deployment = await deploy(ethers)
  await deployment.stake.mint(deployment.owner, 1000n * STAKE)
  return deployment
}

/** A provider without deals. */
async function joined() {
  const deployment = await fresh()
  const { owner, operator, payout } = deployment
  const options = { stake: 100n * STAKE, operator: operator.address, payout: payout.address }
  const provider = await joinProvider(deployment, owner, options)
  return { ...deployment, provider, id: provider.id }
}

async function trading() {
  return await createMarket(await deploy(ethers))
}

describe('Registry', () => {
  describe('join', () => {
    it('stakes with a permit, names accounts and registers workers in one transaction', async () => {
      const deployment = await networkHelpers.loadFixture(fresh)
      const { registry, stake, tally, owner, operator, payout } = deployment
      const permit = await permitOf(deployment, owner, 100n * STAKE, 'stake')
      const tx = registry.connect(owner).join(100n * STAKE, permit, payout, operator, packKeys(KEYS))
      await expect(tx).to.emit(registry, 'Joined').withArgs(1, owner, payout)
      await expect(tx).to.emit(registry, 'OperatorSet').withArgs(1, operator)
      await expect(tx)
        .to.emit(registry, 'Staked')
        .withArgs(1, 100n * STAKE)
      await expect(tx).to.emit(registry, 'WorkersRegistered').withArgs(1, 512, packKeys(KEYS).toLowerCase())
      await expect(tx)
        .to.emit(tally, 'CoverSet')
        .withArgs(1, 100n * USD)
      await expect(tx).to.changeTokenBalances(ethers, stake, [owner, registry], [-100n * STAKE, 100n * STAKE])
      expect(fieldsOf(await registry.providerOf(1))).to.deep.equal({
        owner: owner.address,
        operator: operator.address,
        payout: payout.address,
        stake: 100n * STAKE,
        liens: 0n,
        thawing: 0n,
        thawedAt: 0n,
        nextPayout: zeroAddress,
        payoutFrom: 0n,
      })
      expect([await registry.idOf(owner), await registry.payoutOf(1)]).to.deep.equal([1n, payout.address])
    })

    it('goes through when a stranger played the permit first', async () => {
      const deployment = await networkHelpers.loadFixture(fresh)
      const { registry, stake, owner, stranger } = deployment
      const permit = await permitOf(deployment, owner, 100n * STAKE, 'stake')
      const { deadline, v, r, s } = permit
      await stake.connect(stranger).permit(owner, registry, 100n * STAKE, deadline, v, r, s)
      await registry.connect(owner).join(100n * STAKE, permit, owner, zeroAddress, '0x')
      expect(await registry.slashable(1)).to.equal(100n * STAKE)
    })

    it('takes a provider without stake, operator and workers', async () => {
      const { registry, tally, stranger } = await networkHelpers.loadFixture(fresh)
      const tx = registry.connect(stranger).join(0n, NO_PERMIT, stranger, zeroAddress, '0x')
      await expect(tx).to.emit(registry, 'Joined').withArgs(1, stranger, stranger)
      await expect(tx).to.not.emit(registry, 'OperatorSet')
      expect((await tally.earnings(1)).cover).to.equal(0n)
      expect(await registry.isOperator(1, zeroAddress)).to.equal(false)
    })

    it('refuses a second time, a payout of nobody and stake that is not there', async () => {
      const { registry, stake, owner, stranger } = await networkHelpers.loadFixture(joined)
      await expect(registry.connect(owner).join(0n, NO_PERMIT, owner, zeroAddress, '0x'))
        .to.be.revertedWithCustomError(registry, 'RegistryAlreadyJoined')
        .withArgs(owner)
      await expect(
        registry.connect(stranger).join(0n, NO_PERMIT, zeroAddress, zeroAddress, '0x'),
      ).to.be.revertedWithCustomError(registry, 'RegistryZeroAddress')
      await expect(registry.connect(stranger).join(1n, NO_PERMIT, stranger, zeroAddress, '0x'))
        .to.be.revertedWithCustomError(stake, 'ERC20InsufficientAllowance')
        .withArgs(registry, 0n, 1n)
    })
  })

  describe('stake', () => {
    it('adds stake, paid by anybody', async () => {
      const { registry, stake, stranger, id } = await networkHelpers.loadFixture(joined)
      await stake.mint(stranger, 5n * STAKE)
      await stake.connect(stranger).approve(registry, 5n * STAKE)
      const tx = registry.connect(stranger).stake(id, 5n * STAKE)
      await expect(tx).to.changeTokenBalances(ethers, stake, [stranger, registry], [-5n * STAKE, 5n * STAKE])
      expect(await registry.slashable(id)).to.equal(105n * STAKE)
    })

    it('refuses nothing and a provider that is none', async () => {
      const { registry, id } = await networkHelpers.loadFixture(joined)
      await expect(registry.stake(id, 0n)).to.be.revertedWithCustomError(registry, 'RegistryZeroAmount')
      for (const unknown of [0, id + 1]) {
        await expect(registry.stake(unknown, 1n))
          .to.be.revertedWithCustomError(registry, 'RegistryUnknownProvider')
          .withArgs(unknown)
      }
    })
  })

  describe('thaw and withdrawStake', () => {
    it('give free stake back after seven days, to the second', async () => {
      const market = await networkHelpers.loadFixture(joined)
      const { registry, stake, tally, owner, stranger, id } = market
      const tx = registry.connect(owner).thaw(id, 40n * STAKE)
      await expect(tx).to.emit(registry, 'Thawing')
      await expect(tx)
        .to.emit(tally, 'CoverSet')
        .withArgs(id, 60n * USD)
      const readyAt = (await lastClock(market)) + THAW
      const view = await registry.providerOf(id)
      expect([view.stake, view.thawing, view.thawedAt]).to.deep.equal([60n * STAKE, 40n * STAKE, BigInt(readyAt)])
      await arriveAt(networkHelpers, market, readyAt - 1)
      await expect(registry.connect(owner).withdrawStake(id, owner))
        .to.be.revertedWithCustomError(registry, 'RegistryTooEarly')
        .withArgs(id, readyAt - 1, readyAt)
      await arriveAt(networkHelpers, market, readyAt)
      const paid = registry.connect(owner).withdrawStake(id, stranger)
      await expect(paid)
        .to.emit(registry, 'StakeWithdrawn')
        .withArgs(id, stranger, 40n * STAKE)
      await expect(paid).to.changeTokenBalances(ethers, stake, [registry, stranger], [-40n * STAKE, 40n * STAKE])
      await expect(registry.connect(owner).withdrawStake(id, owner)).to.be.revertedWithCustomError(
        registry,
        'RegistryTooEarly',
      )
    })

    it('start the time anew for all that thaws when more is added', async () => {
      const market = await networkHelpers.loadFixture(joined)
      const { registry, owner, id } = market
      await registry.connect(owner).thaw(id, 40n * STAKE)
      await advance(networkHelpers, market, 6 * DAY)
      await registry.connect(owner).thaw(id, 1n)
      await advance(networkHelpers, market, 2 * DAY)
      await expect(registry.connect(owner).withdrawStake(id, owner)).to.be.revertedWithCustomError(
        registry,
        'RegistryTooEarly',
      )
      await advance(networkHelpers, market, 5 * DAY)
      await registry.connect(owner).withdrawStake(id, owner)
    })

    it('never take what is reserved for deals', async () => {
      const { registry, owner, provider } = await networkHelpers.loadFixture(trading)
      const { id } = provider
      await expect(registry.connect(owner).thaw(id, 9990n * STAKE + 1n))
        .to.be.revertedWithCustomError(registry, 'RegistryInsufficientStake')
        .withArgs(id, 9990n * STAKE, 9990n * STAKE + 1n)
      await registry.connect(owner).thaw(id, 9990n * STAKE)
    })

    it('take no more than what liens leave, of what a slash left', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { registry, owner, provider } = market
      const { id } = provider
      await slash(networkHelpers, market, id, chargeOf('half', 5000n * STAKE))
      await expect(registry.connect(owner).thaw(id, 4995n * STAKE + 1n))
        .to.be.revertedWithCustomError(registry, 'RegistryInsufficientStake')
        .withArgs(id, 4995n * STAKE, 4995n * STAKE + 1n)
      await registry.connect(owner).thaw(id, 4995n * STAKE)
    })

    it('are for the owner, with an amount and an account', async () => {
      const { registry, owner, operator, id } = await networkHelpers.loadFixture(joined)
      for (const attempt of [
        () => registry.connect(operator).thaw(id, 1n),
        () => registry.connect(operator).withdrawStake(id, operator),
      ]) {
        await expect(attempt()).to.be.revertedWithCustomError(registry, 'RegistryUnauthorized').withArgs(id, operator)
      }
      await expect(registry.connect(owner).thaw(id, 0n)).to.be.revertedWithCustomError(registry, 'RegistryZeroAmount')
      await expect(registry.connect(owner).withdrawStake(id, zeroAddress)).to.be.revertedWithCustomError(
        registry,
        'RegistryZeroAddress',
      )
      await expect(registry.connect(owner).withdrawStake(id, owner))
        .to.be.revertedWithCustomError(registry, 'RegistryTooEarly')
        .withArgs(id, (clock: bigint) => clock > 0n, 0)
    })
  })

  describe('registerWorkers', () => {
    it('writes keys as the code of the next page, for owner and operator', async () => {
      const { registry, owner, operator, id } = await networkHelpers.loadFixture(joined)
      const address = (await registry.getAddress()) as Address
      for (const [index, from] of [owner, operator].entries()) {
        const page = index + 2
        const tx = registry.connect(from).registerWorkers(id, packKeys(KEYS))
        await expect(tx)
          .to.emit(registry, 'WorkersRegistered')
          .withArgs(id, page * 512, packKeys(KEYS).toLowerCase())
        const code = (await ethers.provider.getCode(pageAddress(address, page))) as Hex
        expect(parseWorkerPage(code)).to.deep.equal(KEYS.map((key) => ({ provider: id, key })))
        for (const [row, key] of KEYS.entries()) {
          expect(await registry.workerAt(page * 512 + row)).to.deep.equal([BigInt(id), key])
        }
        expect(await registry.workerAt(page * 512 + 3)).to.deep.equal([0n, zeroAddress])
      }
      expect(await registry.workerAt(4 * 512)).to.deep.equal([0n, zeroAddress])
    })

    it('keeps finding pages as their number takes more bytes', async () => {
      const { registry, owner, id } = await networkHelpers.loadFixture(joined)
      for (let page = 2; page <= 130; page += 1)
        await registry.connect(owner).registerWorkers(id, packKeys([KEYS[0] ?? '0x']))
      for (const page of [2, 127, 128, 130]) {
        expect(await registry.workerAt(page * 512), `page ${page}`).to.deep.equal([BigInt(id), KEYS[0]])
      }
    })

    it('ends with the last page that an index can name', async () => {
      const { registry, owner, id } = await networkHelpers.loadFixture(joined)
      const address = await registry.getAddress()
      const before = BigInt(await ethers.provider.getStorage(address, PAGES_SLOT))
      const last = (before & ~(UINT32 << PAGES_SHIFT)) | ((2n ** 31n - 1n) << PAGES_SHIFT)
      await networkHelpers.setStorageAt(address, PAGES_SLOT, last)
      for (const attempt of [
        registry.connect(owner).registerWorkers(id, packKeys(KEYS)),
        registry.connect(owner).packWorkers([512]),
      ]) {
        await expect(attempt).to.be.revertedWithCustomError(registry, 'RegistryPagesExhausted')
      }
    })

    it('takes a full page of 512', async () => {
      const { registry, owner, id } = await networkHelpers.loadFixture(joined)
      const many = Array.from({ length: 512 }, (_, index) => ethers.toBeHex(index + 1, 20) as Address)
      await registry.connect(owner).registerWorkers(id, packKeys(many))
      expect(await registry.workerAt(2 * 512 + 511)).to.deep.equal([BigInt(id), ethers.getAddress(many[511] ?? '')])
    })

    for (const [name, keys, length] of [
      ['nothing', '0x', 0],
      ['half a key', `0x${'11'.repeat(30)}`, 30],
      ['513 keys', `0x${'11'.repeat(20 * 513)}`, 20 * 513],
      ['a key of zeros', `0x${'11'.repeat(20)}${'00'.repeat(20)}`, 40],
    ] as const) {
      it(`refuses ${name}`, async () => {
        const { registry, owner, id } = await networkHelpers.loadFixture(joined)
        await expect(registry.connect(owner).registerWorkers(id, keys))
          .to.be.revertedWithCustomError(registry, 'RegistryBadKeys')
          .withArgs(length)
      })
    }

    it('is refused to others', async () => {
      const { registry, payout, id } = await networkHelpers.loadFixture(joined)
      await expect(registry.connect(payout).registerWorkers(id, packKeys(KEYS)))
        .to.be.revertedWithCustomError(registry, 'RegistryUnauthorized')
        .withArgs(id, payout)
    })
  })

  describe('packWorkers', () => {
    it('copies workers of several providers into one page, for anybody', async () => {
      const market = await networkHelpers.loadFixture(joined)
      const { registry, owner, rival, stranger, id } = market
      const other = await joinProvider(market, rival)
      await registry.connect(owner).registerWorkers(id, packKeys(KEYS))
      const indexes = [3 * 512 + 2, other.firstWorker, 512, 3 * 512, other.firstWorker]
      const rows = await Promise.all(indexes.map((index) => registry.workerAt(index)))
      expect(rows.map(([provider]) => Number(provider))).to.deep.equal([id, other.id, id, id, other.id])

      const tx = registry.connect(stranger).packWorkers(indexes)
      await expect(tx)
        .to.emit(registry, 'WorkersPacked')
        .withArgs(4 * 512, indexes)
      const page = pageAddress((await registry.getAddress()) as Address, 4)
      const packed = parseWorkerPage((await ethers.provider.getCode(page)) as Hex)
      expect(packed.map(({ provider, key }) => [BigInt(provider), key])).to.deep.equal(rows)
      for (const [row, expected] of rows.entries()) {
        expect(await registry.workerAt(4 * 512 + row)).to.deep.equal(expected)
      }
    })

    it('copies copies, and a full page of 512', async () => {
      const { registry, id } = await networkHelpers.loadFixture(joined)
      const key = (await registry.workerAt(512)).key
      await registry.packWorkers(Array.from({ length: 512 }, () => 512))
      await registry.packWorkers([2 * 512 + 511])
      expect(await registry.workerAt(3 * 512)).to.deep.equal([BigInt(id), key])
    })

    it('refuses indexes that nobody has', async () => {
      const { registry } = await networkHelpers.loadFixture(joined)
      for (const unknown of [0, 511, 2 * 512 - 1, 2 * 512, 2 ** 40 - 1]) {
        await expect(registry.packWorkers([512, unknown]))
          .to.be.revertedWithCustomError(registry, 'RegistryUnknownWorker')
          .withArgs(unknown)
      }
    })

    it('refuses no rows and more than a page holds', async () => {
      const { registry } = await networkHelpers.loadFixture(joined)
      for (const count of [0, 513]) {
        await expect(registry.packWorkers(Array.from({ length: count }, () => 512)))
          .to.be.revertedWithCustomError(registry, 'RegistryBadRows')
          .withArgs(count)
      }
    })

    it('does not save a worker from its revocation, nor revoke the others', async () => {
      const market = await networkHelpers.loadFixture(joined)
      const { registry, owner, rival, id } = market
      const other = await joinProvider(market, rival)
      await registry.packWorkers([other.firstWorker, 512, 513])
      const packed = 3 * 512
      await registry.connect(owner).revokeWorker(id, 512, 2 ** 32 - 2)
      await registry.connect(owner).revokeWorker(id, packed + 2, 2 ** 32 - 1)
      const from = [packed, packed + 1, packed + 2, 513].map((index) => registry.revokedFrom(index))
      expect(await Promise.all(from)).to.deep.equal([0n, 2n ** 32n - 2n, 2n ** 32n - 1n, 2n ** 32n - 1n])
      await expect(registry.connect(owner).revokeWorker(id, packed, 2 ** 32 - 1))
        .to.be.revertedWithCustomError(registry, 'RegistryNotAWorker')
        .withArgs(id, packed)
    })
  })

  describe('revokeWorker', () => {
    it('names a second at least a day away, for owner and operator', async () => {
      const market = await networkHelpers.loadFixture(joined)
      const { registry, owner, operator, id } = market
      await market.tally.tick()
      const earliest = (await lastClock(market)) + 1 + DAY
      await arriveAt(networkHelpers, market, earliest - DAY)
      await expect(registry.connect(operator).revokeWorker(id, 512, earliest - 1))
        .to.be.revertedWithCustomError(registry, 'RegistryNoticeTooShort')
        .withArgs(earliest - 1, earliest)
      await arriveAt(networkHelpers, market, earliest - DAY + 5)
      const tx = registry.connect(operator).revokeWorker(id, 512, earliest + 5)
      await expect(tx)
        .to.emit(registry, 'WorkerRevoked')
        .withArgs(id, 512, earliest + 5)
      expect([await registry.revokedFrom(512), await registry.revokedFrom(513)]).to.deep.equal([
        BigInt(earliest + 5),
        0n,
      ])
      await registry.connect(owner).revokeWorker(id, 513, 2 ** 32 - 1)
    })

    it('is for the key, whatever index it has, and may come earlier but not later', async () => {
      const market = await networkHelpers.loadFixture(joined)
      const { registry, owner, id } = market
      const [, key] = await registry.workerAt(512)
      await registry.connect(owner).registerWorkers(id, key)
      await registry.connect(owner).revokeWorker(id, 512, 2 ** 32 - 1)
      expect(await registry.revokedFrom(1024)).to.equal(2n ** 32n - 1n)
      const from = (await lastClock(market)) + DAY + 600
      await registry.connect(owner).revokeWorker(id, 1024, from)
      expect([await registry.revokedFrom(512), await registry.revokedFrom(1024)]).to.deep.equal([
        BigInt(from),
        BigInt(from),
      ])
      await expect(registry.connect(owner).revokeWorker(id, 512, from + 1))
        .to.be.revertedWithCustomError(registry, 'RegistryAlreadyRevoked')
        .withArgs(512)
    })

    it('happens to workers of the provider, by its side', async () => {
      const { registry, owner, rival, stranger, id, ...rest } = await networkHelpers.loadFixture(joined)
      const other = await joinProvider({ registry, owner, rival, stranger, ...rest }, rival)
      const late = 2 ** 32 - 1
      await registry.connect(owner).revokeWorker(id, 512, late)
      await expect(registry.connect(owner).revokeWorker(id, 512, late))
        .to.be.revertedWithCustomError(registry, 'RegistryAlreadyRevoked')
        .withArgs(512)
      for (const index of [other.firstWorker, 515, 0, 512 * 9]) {
        await expect(registry.connect(owner).revokeWorker(id, index, late))
          .to.be.revertedWithCustomError(registry, 'RegistryNotAWorker')
          .withArgs(id, index)
      }
      await expect(registry.connect(stranger).revokeWorker(id, 513, late))
        .to.be.revertedWithCustomError(registry, 'RegistryUnauthorized')
        .withArgs(id, stranger)
    })
  })

  describe('setOperator', () => {
    it('is for the owner; nobody is no operator', async () => {
      const { registry, owner, operator, stranger, id } = await networkHelpers.loadFixture(joined)
      await expect(registry.connect(owner).setOperator(id, stranger))
        .to.emit(registry, 'OperatorSet')
        .withArgs(id, stranger)
      expect(await registry.isOperator(id, stranger)).to.equal(true)
      expect(await registry.isOperator(id, operator)).to.equal(false)
      expect(await registry.isOperator(id, owner)).to.equal(true)
      await registry.connect(owner).setOperator(id, zeroAddress)
      expect(await registry.isOperator(id, zeroAddress)).to.equal(false)
      await expect(registry.connect(stranger).setOperator(id, stranger))
        .to.be.revertedWithCustomError(registry, 'RegistryUnauthorized')
        .withArgs(id, stranger)
    })
  })

  describe('the payout account', () => {
    it('changes by proposal, acceptance and a notice of seven days', async () => {
      const market = await networkHelpers.loadFixture(joined)
      const { registry, owner, payout, nextPayout, stranger, id } = market
      await expect(registry.connect(owner).proposePayout(id, nextPayout))
        .to.emit(registry, 'PayoutProposed')
        .withArgs(id, nextPayout)
      await expect(registry.connect(stranger).applyPayout(id)).to.be.revertedWithCustomError(
        registry,
        'RegistryTooEarly',
      )
      await expect(registry.connect(owner).acceptPayout(id))
        .to.be.revertedWithCustomError(registry, 'RegistryUnauthorized')
        .withArgs(id, owner)
      await registry.connect(nextPayout).acceptPayout(id)
      const from = (await lastClock(market)) + 7 * DAY
      await arriveAt(networkHelpers, market, from - 1)
      await expect(registry.applyPayout(id))
        .to.be.revertedWithCustomError(registry, 'RegistryTooEarly')
        .withArgs(id, from - 1, from)
      expect(await registry.payoutOf(id)).to.equal(payout)
      await arriveAt(networkHelpers, market, from)
      await expect(registry.connect(stranger).applyPayout(id)).to.emit(registry, 'PayoutSet').withArgs(id, nextPayout)
      expect(await registry.payoutOf(id)).to.equal(nextPayout)
      await expect(registry.applyPayout(id)).to.be.revertedWithCustomError(registry, 'RegistryTooEarly')
    })

    it('can withdraw the proposal to replace it, even an accepted one, and nothing else', async () => {
      const market = await networkHelpers.loadFixture(joined)
      const { registry, owner, payout, nextPayout, id } = market
      await registry.connect(owner).proposePayout(id, nextPayout)
      await registry.connect(nextPayout).acceptPayout(id)
      await expect(registry.connect(payout).proposePayout(id, payout))
        .to.be.revertedWithCustomError(registry, 'RegistryUnauthorized')
        .withArgs(id, payout)
      await registry.connect(payout).proposePayout(id, zeroAddress)
      await advance(networkHelpers, market, 8 * DAY)
      await expect(registry.applyPayout(id)).to.be.revertedWithCustomError(registry, 'RegistryTooEarly')
      await expect(registry.connect(nextPayout).acceptPayout(id)).to.be.revertedWithCustomError(
        registry,
        'RegistryUnauthorized',
      )
    })

    it('cannot be swapped after acceptance without a new acceptance', async () => {
      const market = await networkHelpers.loadFixture(joined)
      const { registry, owner, nextPayout, stranger, id } = market
      await registry.connect(owner).proposePayout(id, nextPayout)
      await registry.connect(nextPayout).acceptPayout(id)
      await expect(registry.connect(nextPayout).acceptPayout(id)).to.be.revertedWithCustomError(
        registry,
        'RegistryUnauthorized',
      )
      await registry.connect(owner).proposePayout(id, stranger)
      await advance(networkHelpers, market, 8 * DAY)
      await expect(registry.applyPayout(id)).to.be.revertedWithCustomError(registry, 'RegistryTooEarly')
      await expect(registry.connect(nextPayout).proposePayout(id, zeroAddress)).to.be.revertedWithCustomError(
        registry,
        'RegistryUnauthorized',
      )
    })
  })

  describe('pause', () => {
    it('stops new stake for a time, nothing else, and ends by itself', async () => {
      const market = await networkHelpers.loadFixture(joined)
      const { registry, guardian, owner, stranger, id, buyer } = market
      await registry.connect(guardian).pause(3600)
      await expect(registry.connect(owner).stake(id, 1n)).to.be.revertedWithCustomError(registry, 'RegistryPaused')
      await expect(
        registry.connect(stranger).join(1n, NO_PERMIT, stranger, zeroAddress, '0x'),
      ).to.be.revertedWithCustomError(registry, 'RegistryPaused')
      await registry.connect(stranger).join(0n, NO_PERMIT, stranger, zeroAddress, '0x')
      await registry.connect(owner).thaw(id, 1n)
      await registry.connect(owner).registerWorkers(id, packKeys(KEYS))
      await advance(networkHelpers, market, 3600)
      await joinProvider(market, buyer)
    })

    it('is for the guardian, two weeks at most', async () => {
      const { registry, tally, committee, guardian, governor } = await networkHelpers.loadFixture(joined)
      await expect(registry.connect(guardian).pause(14 * DAY + 1))
        .to.be.revertedWithCustomError(tally, 'LedgerParameterOutOfBounds')
        .withArgs('pause', 14 * DAY + 1)
      await registry.connect(guardian).pause(14 * DAY)
      await expect(registry.connect(guardian).pause(1)).to.be.revertedWithCustomError(tally, 'LedgerPauseTooSoon')
      await registry.connect(guardian).pause(0)
      await expect(registry.connect(governor).pause(1))
        .to.be.revertedWithCustomError(committee, 'AccessManagedUnauthorized')
        .withArgs(governor)
    })
  })

  describe('reserve and release', () => {
    it('are for the settlement', async () => {
      const { registry, owner, id } = await networkHelpers.loadFixture(joined)
      for (const attempt of [registry.connect(owner).reserve(id, 1n), registry.connect(owner).release(id, 1n)]) {
        await expect(attempt).to.be.revertedWithCustomError(registry, 'RegistryUnauthorized').withArgs(id, owner)
      }
    })

    it('tell what was reserved and freed', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { registry, tally, buyer, provider, deal } = market
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await expect(tally.close(deal.id))
        .to.emit(registry, 'Released')
        .withArgs(provider.id, 10n * STAKE)
      const { id } = await openDeal(market, provider)
      const [log] = (await registry.queryFilter(registry.filters.Reserved)).slice(-1)
      expect([log?.args.provider, log?.args.lien]).to.deep.equal([BigInt(provider.id), 10n * STAKE])
      expect(id).to.be.greaterThan(deal.id)
    })

    it('let a deal close whose reserved stake was slashed, in part or whole', async () => {
      for (const [left, liens] of [
        [2n * STAKE, (2n * STAKE) / 1000n],
        [0n, 0n],
      ] as const) {
        const market = await networkHelpers.loadFixture(trading)
        const { registry, tally, buyer, provider, deal } = market
        await slash(networkHelpers, market, provider.id, chargeOf('nearly all', 10_000n * STAKE - left))
        const before = await registry.providerOf(provider.id)
        expect([before.stake, before.liens]).to.deep.equal([left, liens])
        await tally.connect(buyer).stop(deal.id)
        await advance(networkHelpers, market, DAY)
        await expect(tally.close(deal.id))
          .to.emit(registry, 'Released')
          .withArgs(provider.id, 10n * STAKE)
        const after = await registry.providerOf(provider.id)
        expect([after.stake, after.liens]).to.deep.equal([left, 0n])
      }
    })
  })

  describe('bind', () => {
    it('names the settlement once, by the deployer', async () => {
      const { registry, stranger, operator, deployer, pools } = await networkHelpers.loadFixture(fresh)
      await expect(registry.connect(deployer).bind(stranger, []))
        .to.be.revertedWithCustomError(registry, 'RegistryBindRefused')
        .withArgs(deployer)
      const unbound = await ethers.deployContract('Registry', [pools])
      await expect(unbound.connect(stranger).bind(stranger, []))
        .to.be.revertedWithCustomError(unbound, 'RegistryBindRefused')
        .withArgs(stranger)
      await expect(unbound.bind(zeroAddress, [])).to.be.revertedWithCustomError(unbound, 'RegistryBindRefused')
      await unbound.bind(stranger, [operator.address])
      expect(await unbound.settlement()).to.equal(stranger)
      expect([await unbound.isCourt(operator), await unbound.isCourt(stranger)]).to.deep.equal([true, false])
    })
  })
})
