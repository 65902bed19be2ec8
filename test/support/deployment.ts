/**
 * Every contract on a fresh chain, wired and governed as in production: a real AccessManager, real Permit2, demo tokens.
 *
 * @module
 */
import type { HardhatEthers } from '@nomicfoundation/hardhat-ethers/types'
import type { Address } from 'viem'

import type { Domain } from '#protocol/types.ts'

import { readVectors } from '../protocol/support/vectors.ts'
import { actors, signerNamed } from './actors.ts'
import { deployCourts } from './courts.ts'

/** Production's parameters; stake is valued at one dollar a token. */
export const PARAMETERS = {
  attestedWindow: 86_400,
  forcedWindow: 259_200,
  closingPeriod: 86_400,
  retention: 604_800,
  keyNotice: 86_400,
  coverageBps: 10_000,
  bondBps: 1000,
  protocolFeeBps: 100,
  committeeFeeBps: 50,
  stakeValue: 1_000_000,
}

/** Roles of the AccessManager. */
export const Role = { Governor: 1n, Guardian: 2n } as const

/** Seconds the last committee's attestations stay valid. */
export const GRACE = 3600

/** What a deployment may differ in. */
export type DeployOptions = { parameters?: Partial<typeof PARAMETERS>; members?: number; threshold?: number }

/**
 * Deploys everything.
 *
 * The account `court` is a court too, so that tests can ask for remedies by themselves.
 *
 * @returns Contracts, the accounts that play a part, and the committee's keys. `tally` and `registry` are
 * everything that the settlement's and the registry's address answer to.
 */
export async function deploy(ethers: HardhatEthers, options: DeployOptions = {}) {
  const accounts = await actors(
    ethers,
    ...(['deployer', 'governor', 'guardian', 'treasury', 'committeeTreasury', 'owner', 'operator'] as const),
    ...(['payout', 'buyer', 'relayer', 'stranger', 'rival', 'nextPayout', 'otherBuyer', 'court'] as const),
  )
  const parameters = { ...PARAMETERS, ...options.parameters }
  const members = Array.from({ length: options.members ?? 3 }, (_, index) => signerNamed(`member ${index}`))
  const manager = await ethers.deployContract('AccessManager', [accounts.deployer.address])
  const dollar = await ethers.deployContract('DemoDollar')
  const stake = await ethers.deployContract('DemoStake')
  const permit2 = await deployPermit2(ethers)
  const pools = await ethers.deployContract('Pools', [manager, stake])
  const books = await ethers.deployContract('Registry', [pools])
  const registry = await ethers.getContractAt('IStaking', await books.getAddress())
  const seats = members.map(({ address }, index) => ({ signer: address, endpoint: `http://127.0.0.1:${9000 + index}` }))
  const committee = await ethers.deployContract('Committee', [manager, GRACE, seats, options.threshold ?? 2])
  const nets = await ethers.deployContract('Nets', [manager, dollar, registry, committee])
  const faults = await ethers.deployContract('Faults', [manager, dollar, registry, nets])
  const desk = await ethers.deployContract('Desk', [manager, dollar, registry, permit2, faults])
  const settlement = await ethers.deployContract('Settlement', [
    desk,
    committee,
    parameters,
    accounts.treasury,
    accounts.committeeTreasury,
  ])
  const courts = await deployCourts(ethers, manager, settlement)
  const bound = [courts.oversight, courts.demands, courts.disputes, courts.panels, accounts.court]
  await registry.bind(settlement, bound)
  await committee.bind(settlement)
  const tally = await ethers.getContractAt('ITallystick', await settlement.getAddress())

  const governed = [
    { target: settlement, roles: Role.Governor, names: ['setParameters', 'setTreasuries'], abi: tally.interface },
    { target: committee, roles: Role.Governor, names: ['setMembers'], abi: committee.interface },
    { target: settlement, roles: Role.Guardian, names: ['pause'], abi: tally.interface },
    { target: registry, roles: Role.Guardian, names: ['pause', 'holdCase'], abi: registry.interface },
    {
      target: registry,
      roles: Role.Governor,
      names: ['returnCase', 'setEmission', 'setStakingParameters'],
      abi: registry.interface,
    },
  ]
  for (const { target, roles, names, abi } of governed) {
    const selectors = names.map((name) => abi.getFunction(name as never)?.selector ?? '')
    await manager.getFunction('setTargetFunctionRole')(target, selectors, roles)
  }
  await manager.getFunction('grantRole')(Role.Governor, accounts.governor, 0)
  await manager.getFunction('grantRole')(Role.Guardian, accounts.guardian, 0)

  const { chainId } = await ethers.provider.getNetwork()
  const domainAt = async (contract: { getAddress: () => Promise<string> }): Promise<Domain> => ({
    chainId: Number(chainId),
    verifyingContract: (await contract.getAddress()) as Address,
  })
  const [domain, committeeDomain] = [await domainAt(settlement), await domainAt(committee)]
  const tokens = { dollar, stake, permit2 }
  const contracts = { manager, pools, registry, nets, faults, desk, committee, settlement, tally }
  return {
    ethers,
    ...tokens,
    ...contracts,
    ...courts,
    ...accounts,
    accounts,
    members,
    parameters,
    domain,
    committeeDomain,
  }
}

/** What {@link deploy} gives. */
export type Deployment = Awaited<ReturnType<typeof deploy>>

/** Uniswap's own code at an address of ours. */
async function deployPermit2(ethers: HardhatEthers) {
  const { bytecode } = readVectors<{ bytecode: string }>('permit2')
  const abi = [
    'function DOMAIN_SEPARATOR() view returns (bytes32)',
    'function nonceBitmap(address, uint256) view returns (uint256)',
    'error InvalidNonce()',
    'error InvalidSigner()',
    'error SignatureExpired(uint256)',
    'error InvalidAmount(uint256)',
  ]
  const [deployer] = await ethers.getSigners()
  const contract = await new ethers.ContractFactory(abi, bytecode, deployer).deploy()
  return await contract.waitForDeployment()
}
