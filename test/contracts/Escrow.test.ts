/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { zeroAddress } from 'viem'

import { deploy } from '../support/deployment.ts'
import { createMarket, NO_PERMIT, USD } from '../support/market.ts'
import { authorizationOf, LATE, permit2Of, permitOf } from '../support/permits.ts'
import { workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const MAX_HELD = 2n ** 55n - 1n
const SALT = workHashOf('authorization')

async function rich() {
  const deployment = await deploy(ethers)
  const { dollar, buyer } = deployment
  await dollar.mint(buyer, 1000n * USD)
  return deployment
}

async function approved() {
  const deployment = await rich()
  await deployment.dollar.connect(deployment.buyer).approve(deployment.tally, ethers.MaxUint256)
  return deployment
}

async function paidIn() {
  const deployment = await approved()
  await deployment.tally.connect(deployment.buyer).deposit(deployment.buyer, 100n * USD)
  return deployment
}

async function withPermit2() {
  const deployment = await rich()
  await deployment.dollar.connect(deployment.buyer).approve(deployment.permit2, ethers.MaxUint256)
  return deployment
}

async function trading() {
  return await createMarket(await deploy(ethers))
}

describe('Escrow', () => {
  describe('deposit', () => {
    it('takes the tokens and credits the named buyer, who may be another', async () => {
      const { tally, dollar, buyer, stranger } = await networkHelpers.loadFixture(approved)
      const tx = tally.connect(buyer).deposit(stranger, 40n * USD)
      await expect(tx)
        .to.emit(tally, 'Deposited')
        .withArgs(stranger, buyer, 40n * USD)
      await expect(tx).to.changeTokenBalances(ethers, dollar, [buyer, tally], [-40n * USD, 40n * USD])
      expect(await tally.account(stranger)).to.deep.equal([40n * USD, 0n, 0n])
      expect(await tally.account(buyer)).to.deep.equal([0n, 0n, 0n])
    })

    it('refuses nothing, nobody and what the payer has not', async () => {
      const { tally, dollar, buyer, stranger } = await networkHelpers.loadFixture(approved)
      await expect(tally.connect(buyer).deposit(buyer, 0n)).to.be.revertedWithCustomError(tally, 'EscrowZeroAmount')
      await expect(tally.connect(buyer).deposit(zeroAddress, 1n)).to.be.revertedWithCustomError(
        tally,
        'LedgerZeroAddress',
      )
      await expect(tally.connect(stranger).deposit(stranger, 1n))
        .to.be.revertedWithCustomError(dollar, 'ERC20InsufficientAllowance')
        .withArgs(tally, 0n, 1n)
      await expect(tally.connect(buyer).deposit(buyer, 1000n * USD + 1n))
        .to.be.revertedWithCustomError(dollar, 'ERC20InsufficientBalance')
        .withArgs(buyer, 1000n * USD, 1000n * USD + 1n)
    })

    it('holds up to 2^55 - 1 base units and not one more', async () => {
      const { tally, dollar, buyer } = await networkHelpers.loadFixture(paidIn)
      await dollar.mint(buyer, MAX_HELD)
      await expect(tally.connect(buyer).deposit(buyer, MAX_HELD - 100n * USD + 1n))
        .to.be.revertedWithCustomError(tally, 'EscrowFull')
        .withArgs(MAX_HELD + 1n, MAX_HELD)
      await tally.connect(buyer).deposit(buyer, MAX_HELD - 100n * USD)
      expect(await dollar.balanceOf(tally)).to.equal(MAX_HELD)
      await tally.connect(buyer).withdraw(buyer, 1n)
      await tally.connect(buyer).deposit(buyer, 1n)
    })

    it('credits nobody with what was simply sent, which only takes room', async () => {
      const { tally, dollar, buyer, stranger } = await networkHelpers.loadFixture(paidIn)
      await dollar.mint(stranger, MAX_HELD)
      await dollar.connect(stranger).transfer(tally, MAX_HELD - 100n * USD)
      expect(await tally.account(stranger)).to.deep.equal([0n, 0n, 0n])
      await expect(tally.connect(buyer).deposit(buyer, 1n))
        .to.be.revertedWithCustomError(tally, 'EscrowFull')
        .withArgs(MAX_HELD + 1n, MAX_HELD)
      await tally.connect(buyer).withdraw(buyer, 100n * USD)
    })
  })

  describe('depositWithPermit', () => {
    it('pays in with one signature', async () => {
      const deployment = await networkHelpers.loadFixture(rich)
      const { tally, dollar, buyer, stranger } = deployment
      const permit = await permitOf(deployment, buyer, 30n * USD)
      const tx = tally.connect(buyer).depositWithPermit(stranger, 30n * USD, permit)
      await expect(tx)
        .to.emit(tally, 'Deposited')
        .withArgs(stranger, buyer, 30n * USD)
      expect(await dollar.allowance(buyer, tally)).to.equal(0n)
    })

    it('goes through when a stranger played the permit first', async () => {
      const deployment = await networkHelpers.loadFixture(rich)
      const { tally, dollar, buyer, stranger } = deployment
      const permit = await permitOf(deployment, buyer, 30n * USD)
      const { deadline, v, r, s } = permit
      await dollar.connect(stranger).permit(buyer, tally, 30n * USD, deadline, v, r, s)
      await tally.connect(buyer).depositWithPermit(buyer, 30n * USD, permit)
      expect((await tally.account(buyer)).free).to.equal(30n * USD)
    })

    for (const [name, change] of [
      ['of another amount', { value: 29n * USD }],
      ['that is too old', { deadline: 1n }],
    ] as const) {
      it(`fails with a permit ${name}`, async () => {
        const deployment = await networkHelpers.loadFixture(rich)
        const { tally, dollar, buyer } = deployment
        const { value = 30n * USD, deadline = LATE } = change as { value?: bigint; deadline?: bigint }
        const permit = await permitOf(deployment, buyer, value, 'dollar', deadline)
        await expect(tally.connect(buyer).depositWithPermit(buyer, 30n * USD, permit)).to.be.revertedWithCustomError(
          dollar,
          'ERC20InsufficientAllowance',
        )
      })
    }

    it("does not spend a stranger's permit", async () => {
      const deployment = await networkHelpers.loadFixture(rich)
      const { tally, dollar, buyer, stranger } = deployment
      const permit = await permitOf(deployment, buyer, 30n * USD)
      await expect(tally.connect(stranger).depositWithPermit(stranger, 30n * USD, permit))
        .to.be.revertedWithCustomError(dollar, 'ERC20InsufficientAllowance')
        .withArgs(tally, 0n, 30n * USD)
    })
  })

  describe('depositWithAuthorization', () => {
    const order = (buyer: string) => ({ value: 25n * USD, buyer, salt: SALT })

    it('lets anyone bring the signature and credits whom the signer chose', async () => {
      const deployment = await networkHelpers.loadFixture(rich)
      const { tally, dollar, buyer, otherBuyer, relayer } = deployment
      const signed = await authorizationOf(deployment, buyer, order(otherBuyer.address))
      const tx = tally.connect(relayer).depositWithAuthorization(buyer, otherBuyer, 25n * USD, 0, LATE, SALT, signed)
      await expect(tx)
        .to.emit(tally, 'Deposited')
        .withArgs(otherBuyer, buyer, 25n * USD)
      await expect(tx).to.changeTokenBalances(ethers, dollar, [buyer, tally], [-25n * USD, 25n * USD])
    })

    it('cannot be redirected, changed or used again', async () => {
      const deployment = await networkHelpers.loadFixture(rich)
      const { tally, dollar, buyer, stranger } = deployment
      const signed = await authorizationOf(deployment, buyer, order(buyer.address))
      const bring = (credited: string, amount: bigint, salt = SALT) =>
        tally.connect(stranger).depositWithAuthorization(buyer, credited, amount, 0, LATE, salt, signed)
      for (const attempt of [
        () => bring(stranger.address, 25n * USD),
        () => bring(buyer.address, 26n * USD),
        () => bring(buyer.address, 25n * USD, workHashOf('other salt')),
      ]) {
        await expect(attempt()).to.be.revertedWithCustomError(dollar, 'DemoDollarBadAuthorization')
      }
      await bring(buyer.address, 25n * USD)
      await expect(bring(buyer.address, 25n * USD)).to.be.revertedWithCustomError(dollar, 'DemoDollarBadAuthorization')
      expect(await dollar.balanceOf(tally)).to.equal(25n * USD)
    })

    it('refuses nothing and an authorization that is too old', async () => {
      const deployment = await networkHelpers.loadFixture(rich)
      const { tally, dollar, buyer } = deployment
      const old = await authorizationOf(deployment, buyer, { ...order(buyer.address), validBefore: 5n })
      await expect(
        tally.depositWithAuthorization(buyer, buyer, 25n * USD, 0, 5n, SALT, old),
      ).to.be.revertedWithCustomError(dollar, 'DemoDollarBadAuthorization')
      await expect(tally.depositWithAuthorization(buyer, buyer, 0n, 0, 5n, SALT, old)).to.be.revertedWithCustomError(
        tally,
        'EscrowZeroAmount',
      )
    })
  })

  describe('a token that swallows calls it does not know', () => {
    it('credits nobody for an authorization that moved nothing', async () => {
      const { manager, registry, faults, permit2, committee, parameters, treasury, buyer } =
        await networkHelpers.loadFixture(rich)
      const silent = await ethers.deployContract('MockSilentToken')
      const desk = await ethers.deployContract('Desk', [manager, silent, registry, permit2, faults])
      const made = await ethers.deployContract('Settlement', [desk, committee, parameters, treasury, treasury])
      const tally = await ethers.getContractAt('ITallystick', await made.getAddress())
      await expect(tally.depositWithAuthorization(buyer, buyer, 5n, 0, LATE, SALT, NO_PERMIT))
        .to.be.revertedWithCustomError(tally, 'EscrowUnpaid')
        .withArgs(5n)
    })
  })

  describe('depositWithPermit2', () => {
    const order = (buyer: string) => ({ amount: 15n * USD, buyer, nonce: 3n })

    it('lets anyone bring the signature and credits whom the signer chose', async () => {
      const deployment = await networkHelpers.loadFixture(withPermit2)
      const { tally, dollar, buyer, otherBuyer, relayer } = deployment
      const signature = await permit2Of(deployment, buyer, order(otherBuyer.address))
      const tx = tally.connect(relayer).depositWithPermit2(buyer, otherBuyer, 15n * USD, 3n, LATE, signature)
      await expect(tx)
        .to.emit(tally, 'Deposited')
        .withArgs(otherBuyer, buyer, 15n * USD)
      await expect(tx).to.changeTokenBalances(ethers, dollar, [buyer, tally], [-15n * USD, 15n * USD])
    })

    it('cannot be redirected, changed or used again', async () => {
      const deployment = await networkHelpers.loadFixture(withPermit2)
      const { tally, permit2, buyer, stranger } = deployment
      const signature = await permit2Of(deployment, buyer, order(buyer.address))
      const bring = (credited: string, amount: bigint, nonce = 3n) =>
        tally.connect(stranger).depositWithPermit2(buyer, credited, amount, nonce, LATE, signature)
      for (const attempt of [
        () => bring(stranger.address, 15n * USD),
        () => bring(buyer.address, 16n * USD),
        () => bring(buyer.address, 15n * USD, 4n),
      ]) {
        await expect(attempt()).to.be.revertedWithCustomError(permit2, 'InvalidSigner')
      }
      await bring(buyer.address, 15n * USD)
      await expect(bring(buyer.address, 15n * USD)).to.be.revertedWithCustomError(permit2, 'InvalidNonce')
    })

    it('refuses nothing and a permit that is too old', async () => {
      const deployment = await networkHelpers.loadFixture(withPermit2)
      const { tally, permit2, buyer } = deployment
      const signature = await permit2Of(deployment, buyer, { ...order(buyer.address), deadline: 5n })
      await expect(tally.depositWithPermit2(buyer, buyer, 15n * USD, 3n, 5n, signature))
        .to.be.revertedWithCustomError(permit2, 'SignatureExpired')
        .withArgs(5n)
      await expect(tally.depositWithPermit2(buyer, buyer, 0n, 3n, LATE, signature)).to.be.revertedWithCustomError(
        tally,
        'EscrowZeroAmount',
      )
    })
  })

  describe('openDealWithPermit', () => {
    it('pays in and opens a deal in one transaction', async () => {
      const market = await networkHelpers.loadFixture(trading)
      const { tally, dollar, deal, otherBuyer } = market
      await dollar.mint(otherBuyer, 100n * USD)
      const permit = await permitOf(market, otherBuyer, 100n * USD)
      const { offer, signature, terms } = deal
      await tally.connect(otherBuyer).openDealWithPermit(offer, signature, terms, 100n * USD, permit)
      expect(await tally.account(otherBuyer)).to.deep.equal([0n, 100n * USD, 1n])
    })

    it('refuses to pay in nothing', async () => {
      const { tally, deal, otherBuyer } = await networkHelpers.loadFixture(trading)
      const { offer, signature, terms } = deal
      await expect(
        tally.connect(otherBuyer).openDealWithPermit(offer, signature, terms, 0n, NO_PERMIT),
      ).to.be.revertedWithCustomError(tally, 'EscrowZeroAmount')
    })
  })

  describe('withdraw', () => {
    it('pays free money to whom the buyer names', async () => {
      const { tally, dollar, buyer, stranger } = await networkHelpers.loadFixture(paidIn)
      const tx = tally.connect(buyer).withdraw(stranger, 60n * USD)
      await expect(tx)
        .to.emit(tally, 'Withdrawn')
        .withArgs(buyer, stranger, 60n * USD)
      await expect(tx).to.changeTokenBalances(ethers, dollar, [tally, stranger], [-60n * USD, 60n * USD])
      expect(await tally.account(buyer)).to.deep.equal([40n * USD, 0n, 0n])
    })

    it('never pays what a deal has locked', async () => {
      const { tally, buyer } = await networkHelpers.loadFixture(trading)
      expect(await tally.account(buyer)).to.deep.equal([4900n * USD, 100n * USD, 1n])
      await expect(tally.connect(buyer).withdraw(buyer, 4900n * USD + 1n))
        .to.be.revertedWithCustomError(tally, 'EscrowInsufficientFree')
        .withArgs(buyer, 4900n * USD, 4900n * USD + 1n)
      await tally.connect(buyer).withdraw(buyer, 4900n * USD)
    })

    it('refuses nothing, nobody and a stranger', async () => {
      const { tally, buyer, stranger } = await networkHelpers.loadFixture(paidIn)
      await expect(tally.connect(buyer).withdraw(buyer, 0n)).to.be.revertedWithCustomError(tally, 'EscrowZeroAmount')
      await expect(tally.connect(buyer).withdraw(zeroAddress, 1n)).to.be.revertedWithCustomError(
        tally,
        'LedgerZeroAddress',
      )
      await expect(tally.connect(stranger).withdraw(stranger, 1n))
        .to.be.revertedWithCustomError(tally, 'EscrowInsufficientFree')
        .withArgs(stranger, 0n, 1n)
    })
  })
})
