/**
 * The deployment that `npm start`, `npm run up` and the benches share: who may do what once it is made.
 *
 * @module
 */
import { expect } from 'chai'
import { network } from 'hardhat'
import { encodeFunctionData, type Hex, zeroHash } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { type DeployError, type DeployOptions, deployTallystick } from '#scripts/deploy.ts'
import { defaultParameters, TIMELOCK_SECONDS } from '#scripts/parameters/local.ts'

import { actors } from '../support/actors.ts'

const PUBLIC_CHAIN = 424_242
const DELAY = 2_592_000

async function deployed(chainId?: number, options: Partial<DeployOptions> = {}) {
  const override = chainId === undefined ? {} : { override: { chainId } }
  const connection = await network.create({ network: 'osaka', ...override })
  const { ethers } = connection
  const accounts = await actors(ethers, 'deployer', 'guardian', 'governor', 'treasury', 'stranger', 'member')
  const deployment = await deployTallystick(connection, {
    members: [{ signer: accounts.member.address as Hex, endpoint: 'http://127.0.0.1:9000' }],
    threshold: 1,
    guardian: accounts.guardian.address as Hex,
    governor: accounts.governor.address as Hex,
    treasury: accounts.treasury.address as Hex,
    committeeTreasury: accounts.treasury.address as Hex,
    ...options,
  })
  return {
    connection,
    accounts,
    deployment,
    tally: await ethers.getContractAt('ITallystick', deployment.settlement),
    registry: await ethers.getContractAt('Registry', deployment.registry),
    committee: await ethers.getContractAt('Committee', deployment.committee),
    manager: await ethers.getContractAt('AccessManager', deployment.accessManager),
    timelock: await ethers.getContractAt('TimelockController', deployment.timelock),
  }
}

describe('deployTallystick', () => {
  it('leaves the deployer without any power', async () => {
    const { accounts, manager, tally, committee } = await deployed()
    const [isAdmin] = await manager.hasRole(0n, accounts.deployer)

    expect(isAdmin).to.equal(false)
    await expect(tally.pause(60)).to.be.revertedWithCustomError(committee, 'AccessManagedUnauthorized')
    await expect(tally.setParameters({ ...defaultParameters })).to.be.revertedWithCustomError(
      committee,
      'AccessManagedUnauthorized',
    )
    await expect(committee.setMembers([], 1)).to.be.revertedWithCustomError(committee, 'AccessManagedUnauthorized')
  })

  it('opens what its own settlement keeps', async () => {
    const { connection, deployment } = await deployed()
    const openings = await connection.ethers.getContractAt('Openings', deployment.openings)

    expect(await openings.SETTLEMENT()).to.equal(deployment.settlement)
  })

  it('lets the guardian pause new deals and new stake and do nothing else', async () => {
    const { accounts, committee, registry, tally } = await deployed()

    await expect(tally.connect(accounts.guardian).pause(60)).to.emit(tally, 'Paused')
    await expect(registry.connect(accounts.guardian).pause(60)).to.emit(registry, 'Paused')
    const set = tally.connect(accounts.guardian).setParameters({ ...defaultParameters })
    await expect(set).to.be.revertedWithCustomError(committee, 'AccessManagedUnauthorized')
  })

  it('lets the governor change parameters, but only after the timelock', async () => {
    const { accounts, connection, deployment, tally, timelock } = await deployed()
    const next = { ...defaultParameters, bondBps: 2_000 }
    const data = encodeFunctionData({ abi: settlementAbi, functionName: 'setParameters', args: [next] })
    const act = [deployment.settlement, 0n, data, zeroHash, zeroHash] as const
    const governed = timelock.connect(accounts.governor)

    await governed.schedule(...act, BigInt(TIMELOCK_SECONDS))
    await expect(governed.execute(...act)).to.be.revertedWithCustomError(timelock, 'TimelockUnexpectedOperationState')
    await connection.networkHelpers.time.increase(TIMELOCK_SECONDS)
    await governed.execute(...act)

    expect((await tally.parameters()).bondBps).to.equal(2_000n)
  })

  it('makes the timelock the only administrator', async () => {
    const { manager, timelock } = await deployed()
    const [isAdmin] = await manager.hasRole(0n, timelock)

    expect(isAdmin).to.equal(true)
  })

  it('refuses demo tokens on a chain that is not local', async () => {
    const failure = await deployed(PUBLIC_CHAIN).catch((error: DeployError) => error)

    expect(failure).to.have.property('code', 'deploy.missing')
  })

  it('takes the tokens it is given on any chain', async () => {
    const connection = await network.create({ network: 'osaka' })
    const token = (await (await connection.ethers.deployContract('DemoDollar')).getAddress()) as Hex
    const stakeToken = (await (await connection.ethers.deployContract('DemoStake')).getAddress()) as Hex
    const [account] = await connection.ethers.getSigners()
    const signer = (account?.address ?? '') as Hex
    const members = [{ signer, endpoint: 'http://127.0.0.1:9000' }]
    const deployment = await deployTallystick(connection, {
      members,
      threshold: 1,
      token,
      stakeToken,
      timelockSeconds: DELAY,
    })
    const timelock = await connection.ethers.getContractAt('TimelockController', deployment.timelock)

    expect([deployment.token, deployment.stakeToken]).to.deep.equal([token, stakeToken])
    expect(await timelock.getMinDelay()).to.equal(BigInt(DELAY))
  })
})
