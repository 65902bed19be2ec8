/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { encodeAbiParameters, keccak256, stringToHex, zeroHash } from 'viem'

import { fieldOf } from '#scripts/bench/layout.ts'

import { signerNamed } from '../support/actors.ts'
import { type Deployment, deploy } from '../support/deployment.ts'
import { expectGasAbout as expectGas } from '../support/gas.ts'
import { joinProvider, NO_PERMIT, STAKE } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { asSettlement, chargeOf, lastCase } from '../support/slashing.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const EVIDENCE = keccak256(stringToHex('two tallies'))
const MEMBER = signerNamed('member 0').address
/** Delegators of the large pool: in depth as many as the rule names. */
const MANY = process.env.TALLY_DEEP === '1' ? 100_000 : 1000
const POSITION_WORDS = 4n

async function pooled() {
  const deployment = await deploy(ethers)
  const { registry, stake, owner, rival, stranger, governor } = deployment
  const { id } = await joinProvider(deployment, owner, { stake: 100n * STAKE })
  await registry.connect(owner).openPool(id, 1000)
  for (const who of [owner, rival, stranger]) {
    await stake.mint(who, 10n ** 7n * STAKE)
    await stake.connect(who).approve(registry, ethers.MaxUint256)
  }
  await registry.connect(governor).setEmission(STAKE, [12_500, 17_500, 25_000])
  await registry.connect(owner).fundRewards(1_000_000n * STAKE)
  await registry.connect(rival).delegate(id, 100n * STAKE, 0, NO_PERMIT)
  return { ...deployment, id, asCourt: await asSettlement(networkHelpers, deployment) }
}

/** Writes positions as delegating leaves them; what they hold together is delegated by one who delegates for all. */
async function crowd({ registry, rival, id }: Deployment & { id: number }, count: number): Promise<void> {
  const address = await registry.getAddress()
  const word = async (slot: bigint) => await ethers.provider.getStorage(address, slot)
  const { slot } = fieldOf('Registry', '_positions')
  const ofProvider = keccak256(encodeAbiParameters([{ type: 'uint256' }, { type: 'uint256' }], [BigInt(id), slot]))
  const wordsOf = (who: string) =>
    BigInt(keccak256(encodeAbiParameters([{ type: 'address' }, { type: 'bytes32' }], [who as never, ofProvider])))
  const first = wordsOf(rival.address)
  const words = await Promise.all([0n, 1n, 2n, 3n].map((index) => word(first + index)))
  for (let i = 0; i < count; i += 1) {
    const at = wordsOf(ethers.toBeHex(i + 1, 20))
    for (let index = 0n; index < POSITION_WORDS; index += 1n) {
      const value = words[Number(index)] ?? zeroHash
      if (BigInt(value) !== 0n) await networkHelpers.setStorageAt(address, at + index, value)
    }
  }
  expect((await registry.positionOf(id, ethers.toBeHex(count, 20))).shares).to.equal(100n * STAKE)
}

describe('the gas of staking', () => {
  it('of a slash: the first one, later ones, and into the pool', async () => {
    const market = await networkHelpers.loadFixture(pooled)
    const { asCourt, id, tally } = market
    await advance(networkHelpers, market, DAY)
    const now = await tally.clock()
    await expectGas('slash a provider for the first time', asCourt.slash(id, chargeOf('first', STAKE), 0, now))
    await expectGas('slash a provider again', asCourt.slash(id, chargeOf('second', STAKE), 0, now))
    await expectGas('slash a provider and its pool', asCourt.slash(id, chargeOf('both', 120n * STAKE), 0, now))
  })

  it(`of a slash with ${MANY} delegators is that of one with a single one, within 2 %`, async function () {
    this.timeout(1_200_000)
    const rest = BigInt(MANY) * 100n * STAKE
    const spent = async (market: Awaited<ReturnType<typeof pooled>>) => {
      await market.stake.mint(market.rival, rest)
      await market.registry.connect(market.rival).delegate(market.id, rest, 0, NO_PERMIT)
      const sent = await market.asCourt.slash(market.id, chargeOf('both', 120n * STAKE), 0, await market.tally.clock())
      return Number((await sent.wait())?.gasUsed)
    }
    const single = await spent(await networkHelpers.loadFixture(pooled))
    const many = await networkHelpers.loadFixture(pooled)
    await crowd(many, MANY)
    const large = await spent(many)
    expect(large).to.be.within(single * 0.98, single * 1.02)
  })

  it('of a bond’s slash, evidence and the vault', async () => {
    const market = await networkHelpers.loadFixture(pooled)
    const { asCourt, registry, owner, rival, stranger, buyer, id } = market
    await networkHelpers.impersonateAccount(MEMBER)
    await networkHelpers.setBalance(MEMBER, 10n ** 20n)
    await registry.connect(await ethers.getSigner(MEMBER)).nameBondOwner(MEMBER, owner)
    await registry.connect(owner).bond(MEMBER, 100n * STAKE, NO_PERMIT)
    const types = [{ type: 'bytes32' }, { type: 'address' }, { type: 'bytes32' }] as const
    const commitment = keccak256(encodeAbiParameters(types, [EVIDENCE, rival.address as never, zeroHash]))
    await expectGas('commit to evidence', registry.connect(rival).commitEvidence(commitment))
    await expectGas('slash a bond', asCourt.slashBond(MEMBER, chargeOf('bond', STAKE)))
    const parts = { victim: buyer.address, restitution: STAKE, reporter: stranger.address, evidence: EVIDENCE }
    await (await asCourt.slash(id, chargeOf('lie', 10n * STAKE, parts), 0, await market.tally.clock())).wait()
    const facts = await lastCase(market)
    await expectGas('claim priority', registry.connect(rival).claimPriority(facts, zeroHash))
    await advance(networkHelpers, market, 3 * DAY)
    await expectGas('pay a case out', registry.payOut({ ...facts, reporter: rival.address }))
  })

  it('of delegating', async () => {
    const market = await networkHelpers.loadFixture(pooled)
    const { registry, stranger, id } = market
    const me = registry.connect(stranger)
    await expectGas('delegate for the first time', me.delegate(id, STAKE, 0, NO_PERMIT))
    await expectGas('delegate again', me.delegate(id, STAKE, 0, NO_PERMIT))
    await expectGas('undelegate', me.undelegate(id, STAKE))
    await advance(networkHelpers, market, 7 * DAY)
    await expectGas('withdraw delegation', me.withdrawDelegation(id, stranger))
    await expectGas('compound rewards', me.compound(id, stranger))
  })
})
