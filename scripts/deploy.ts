/**
 * Deploys the settlement layer, for `npm start`, `npm run up`, the benches and the tests alike.
 *
 * On chains of its own (in process) a deployment leaves no record. On others Ignition keeps one in
 * `deployments/<deploymentId>/`, and a second run finds everything in place. A local chain that was started afresh under
 * an old record is deployed to anew.
 *
 * @module
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import type { NetworkConnection } from 'hardhat/types/network'
import { type Address, getAddress, type Hex, isAddress } from 'viem'
import { z } from 'zod'

import { demoTokens } from './modules/demo-tokens.ts'
import { tallystick } from './modules/tallystick.ts'
import {
  ANSWER_PRICE,
  defaultParameters,
  GRACE_SECONDS,
  type LedgerParameters,
  MOVE_PRICE,
  PERMIT2,
  TIMELOCK_SECONDS,
} from './parameters/local.ts'
import { ROOT } from './support/run.ts'

/** Chains that end with the process that runs them. */
const LOCAL_CHAINS: readonly number[] = [1337, 31337]
const LOCAL_POLLING_MS = 50

/** One committee member. */
export type CommitteeMember = { readonly signer: Address; readonly endpoint: string }

/** What is deployed; what is left out has a default on local chains and is required elsewhere unless it says so. */
export type DeployOptions = {
  readonly members: readonly CommitteeMember[]
  readonly threshold: number
  /** Parameters that differ from the defaults; optional everywhere. */
  readonly parameters?: Partial<LedgerParameters>
  readonly token?: Address
  readonly stakeToken?: Address
  /** May pause new deals and new stake, nothing else. */
  readonly guardian?: Address
  /** May schedule acts of governance. */
  readonly governor?: Address
  readonly treasury?: Address
  readonly committeeTreasury?: Address
  /** Seconds between scheduling and executing an act of governance; optional everywhere. */
  readonly timelockSeconds?: number
  /** Seconds a replaced committee's attestations stay valid; optional everywhere. */
  readonly graceSeconds?: number
  /** Optional everywhere. */
  readonly permit2?: Address
  /** Folder of the record in `deployments/`; the network's name if left out. */
  readonly deploymentId?: string
  /** Whether Ignition shows its progress. */
  readonly displayUi?: boolean
}

/** Where everything stands. */
export type Deployment = {
  readonly chainId: number
  /** A block no later than the first one with an event of the deployment. */
  readonly fromBlock: bigint
  readonly accessManager: Address
  readonly timelock: Address
  readonly token: Address
  readonly stakeToken: Address
  readonly registry: Address
  readonly desk: Address
  readonly nets: Address
  readonly faults: Address
  readonly committee: Address
  readonly settlement: Address
  readonly openings: Address
  readonly netProofs: Address
  readonly oversight: Address
  readonly demands: Address
  readonly disputes: Address
  readonly arbiterReferee: Address
  readonly bisectionReferee: Address
  readonly panels: Address
  readonly permit2: Address
}

/** Thrown when a deployment cannot be made as asked. */
export class DeployError extends Error {
  override readonly name = 'DeployError'
  readonly code: 'deploy.missing' | 'deploy.no-code'

  constructor(code: 'deploy.missing' | 'deploy.no-code', message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Deploys, or finds deployed, the settlement layer.
 *
 * @param connection - Hardhat network connection; its first account deploys.
 * @returns Addresses of everything.
 * @throws {@link DeployError} `deploy.missing` when a public chain is given less than it needs, `deploy.no-code` when the
 * record of a public chain names an address without code.
 */
export async function deployTallystick(
  connection: NetworkConnection<string>,
  options: DeployOptions,
): Promise<Deployment> {
  const { provider, ethers, ignition } = connection
  const chainId = Number((await ethers.provider.getNetwork()).chainId)
  const isLocal = LOCAL_CHAINS.includes(chainId)
  const startedAt = BigInt(await ethers.provider.getBlockNumber())
  const deploymentId = options.deploymentId ?? connection.networkName
  const record = join(ROOT, 'deployments', deploymentId)
  await judgeRecord(record, isLocal, async (address) => (await ethers.provider.getCode(address)) !== '0x')

  const accounts = z.array(z.string()).parse(await provider.request({ method: 'eth_accounts' }))
  const orDeployer = (name: keyof DeployOptions): Address => {
    const given = options[name]
    if (typeof given === 'string' && isAddress(given)) return given
    const deployer = accounts[0]
    if (isLocal && deployer !== undefined) return getAddress(deployer)
    throw new DeployError('deploy.missing', `chain ${chainId} needs ${name}`)
  }
  const settings = {
    deploymentId,
    displayUi: options.displayUi ?? false,
    config: isLocal ? { requiredConfirmations: 1, blockPollingInterval: LOCAL_POLLING_MS } : {},
  }

  let { token, stakeToken } = options
  if (token === undefined || stakeToken === undefined) {
    if (!isLocal)
      throw new DeployError('deploy.missing', `chain ${chainId} needs token and stakeToken: no demo tokens there`)
    const demo = await ignition.deploy(demoTokens, settings)
    token ??= await addressOf(demo.token)
    stakeToken ??= await addressOf(demo.stakeToken)
  }
  const governor = orDeployer('governor')
  const permit2 = options.permit2 ?? PERMIT2
  const contracts = await ignition.deploy(tallystick, {
    ...settings,
    parameters: {
      Tallystick: {
        token,
        stakeToken,
        permit2,
        guardian: orDeployer('guardian'),
        treasury: orDeployer('treasury'),
        committeeTreasury: orDeployer('committeeTreasury'),
        proposers: [governor],
        executors: [governor],
        timelockDelay: options.timelockSeconds ?? TIMELOCK_SECONDS,
        grace: options.graceSeconds ?? GRACE_SECONDS,
        members: options.members.map(({ signer, endpoint }) => ({ signer, endpoint })),
        threshold: options.threshold,
        parameters: { ...defaultParameters, ...options.parameters },
        answerPrice: ANSWER_PRICE,
        movePrice: MOVE_PRICE,
      },
    },
  })
  return {
    chainId,
    fromBlock: firstBlockOf(record) ?? startedAt,
    accessManager: await addressOf(contracts.accessManager),
    timelock: await addressOf(contracts.timelock),
    token,
    stakeToken,
    registry: await addressOf(contracts.registry),
    desk: await addressOf(contracts.desk),
    nets: await addressOf(contracts.nets),
    faults: await addressOf(contracts.faults),
    committee: await addressOf(contracts.committee),
    settlement: await addressOf(contracts.settlement),
    openings: await addressOf(contracts.openings),
    netProofs: await addressOf(contracts.netProofs),
    oversight: await addressOf(contracts.oversight),
    demands: await addressOf(contracts.demands),
    disputes: await addressOf(contracts.disputes),
    arbiterReferee: await addressOf(contracts.arbiterReferee),
    bisectionReferee: await addressOf(contracts.bisectionReferee),
    panels: await addressOf(contracts.panels),
    permit2,
  }
}

async function addressOf(contract: { getAddress(): Promise<string> }): Promise<Address> {
  return getAddress(await contract.getAddress())
}

/** Removes the record of a local chain that is gone; refuses to touch any other. */
async function judgeRecord(
  record: string,
  isLocal: boolean,
  hasCode: (address: Hex) => Promise<boolean>,
): Promise<void> {
  if (!existsSync(record)) return
  const addresses = join(record, 'deployed_addresses.json')
  const recorded = existsSync(addresses)
    ? Object.values(z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(addresses, 'utf8'))))
    : []
  const checks = await Promise.all(recorded.map((address) => hasCode(getAddress(address))))
  const isAlive = checks.length > 0 && checks.every((holds) => holds)
  if (isAlive) return
  if (isLocal) rmSync(record, { recursive: true })
  else if (checks.length > 0) throw new DeployError('deploy.no-code', `${addresses} names addresses without code`)
}

const journalEntry = z.looseObject({ receipt: z.looseObject({ blockNumber: z.int() }).optional() })

/** Block of a record's earliest transaction; undefined where there is no record. */
function firstBlockOf(record: string): bigint | undefined {
  const journal = join(record, 'journal.jsonl')
  if (!existsSync(journal)) return undefined
  const blocks = readFileSync(journal, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => journalEntry.parse(JSON.parse(line)).receipt?.blockNumber ?? [])
  return blocks.length === 0 ? undefined : BigInt(Math.min(...blocks))
}
