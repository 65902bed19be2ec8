/**
 * The local network: a fresh chain, the settlement layer on it, a committee, two providers with their workers, and buyers
 * with money. Everything random is made anew for each run; everything started ends with it.
 *
 * @module
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Address, PublicClient } from 'viem'

import type { Deployment } from '../deploy.ts'
import { type Actor, createActor, fund } from './actor.ts'
import { startChain } from './chain-node.ts'
import { type Children, createChildren } from './children.ts'
import { build, deployOn } from './contracts.ts'
import { untilAborted } from './interruption.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import { type MemberNode, startMember, startWorker, type WorkerNode } from './nodes.ts'
import { demoTokenAbi } from './permit.ts'
import { freePorts } from './ports.ts'
import { joinProvider, type Provider } from './providers.ts'
import { BUYERS, MEMBERS, PROVIDERS } from './settings.ts'

/** A running local network. */
export type LocalNetwork = {
  readonly rpcUrl: string
  readonly client: PublicClient
  readonly deployment: Deployment
  readonly members: readonly MemberNode[]
  readonly providers: readonly Provider[]
  readonly workers: readonly WorkerNode[]
  readonly buyers: readonly Actor[]
  /** Receives the protocol's fees. */
  readonly treasury: Address
  readonly committeeTreasury: Address
  /** Someone with gas and no role: whatever it can do, anyone can. */
  readonly anyone: Actor
  /** Name of a process that ended by itself, with its log; null while all run. */
  failure(): string | null
  /** Ends every process. */
  stop(): Promise<void>
}

/** Where and under which name a network runs. */
export type NetworkOptions = {
  /** Folder of keys, stores and logs; emptied first. */
  readonly folder: string
  /** Name of Ignition's record under `deployments/`. */
  readonly deploymentId: string
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * Starts the network.
 *
 * @throws Error naming the step that failed; whatever was started is ended before.
 */
export async function startLocalNetwork(options: NetworkOptions): Promise<LocalNetwork> {
  const { folder } = options
  await rm(folder, { recursive: true, force: true })
  const logDir = join(folder, 'logs')
  await mkdir(logDir, { recursive: true, mode: 0o700 })
  let failure: string | null = null
  const children = createChildren({
    logDir,
    onEnd: (name, log) => {
      failure ??= `${name} ended by itself: see ${log}`
    },
  })
  try {
    const parts = await untilAborted(startParts(options, children), options.signal)
    return { ...parts, failure: () => failure, stop: () => children.stopAll() }
  } catch (error) {
    await children.stopAll()
    throw error
  }
}

async function startParts(options: NetworkOptions, children: Children) {
  const { folder, say } = options
  const ring = createKeyRing(join(folder, 'keys'))
  const [chain] = await Promise.all([startChain(children), build(say)])
  const ports = await freePorts(MEMBERS.length)
  const seats = await Promise.all(
    MEMBERS.map(async (name, index) => ({
      ...{ name, port: ports[index] ?? 0 },
      signer: await ring.make(name, 'signer'),
      gas: await ring.make(name, 'gas'),
    })),
  )
  const people = await makePeople(ring, chain)
  const { guardian, governor, treasury, committeeTreasury, anyone, owners, buyers } = people

  say('deploying the settlement layer')
  const deployment = await deployOn(chain.rpcUrl, {
    deploymentId: options.deploymentId,
    members: seats.map(({ signer, port }) => ({ signer: signer.address, endpoint: `http://127.0.0.1:${port}` })),
    ...{ guardian: guardian.address, governor: governor.address, treasury, committeeTreasury },
  })
  await fund(
    chain,
    [anyone, ...owners, ...buyers, ...seats.map(({ gas }) => gas)].map(({ address }) => address),
  )
  await Promise.all([mintDollars(anyone, deployment, buyers), mintStake(owners, deployment)])

  say('starting three committee members, two providers join')
  const at = { chain, deployment, folder, children }
  const [members, providers] = await Promise.all([
    Promise.all(seats.map((seat) => startMember(at, seat))),
    Promise.all(PROVIDERS.map((plan, index) => joinProvider(at, plan, ownerAt(owners, index), ring))),
  ])
  say('starting three workers')
  const workers = await Promise.all(
    providers.flatMap((provider) =>
      provider.workers.map((seat, position) =>
        startWorker(at, provider, seat, { position, size: provider.workers.length }),
      ),
    ),
  )
  return { ...chain, deployment, members, providers, workers, buyers, treasury, committeeTreasury, anyone }
}

function ownerAt(owners: readonly Actor[], index: number): Actor {
  const owner = owners[index]
  if (owner === undefined) throw new Error(`provider ${index} has no owner`)
  return owner
}

async function makePeople(ring: KeyRing, chain: { rpcUrl: string; client: PublicClient }) {
  const actor = async (owner: string, name: string) => createActor(chain, name, await ring.make(owner, 'owner'))
  const [guardian, governor, treasury, committeeTreasury, anyone] = await Promise.all([
    ring.make('guardian', 'owner'),
    ring.make('governor', 'owner'),
    ring.make('treasury', 'owner'),
    ring.make('committee-treasury', 'owner'),
    actor('anyone', 'anyone'),
  ])
  return {
    ...{ guardian, governor, anyone, treasury: treasury.address, committeeTreasury: committeeTreasury.address },
    owners: await Promise.all(PROVIDERS.map(({ name }) => actor(name.toLowerCase(), name))),
    buyers: await Promise.all(BUYERS.map(({ name }) => actor(name.toLowerCase(), name))),
  }
}

async function mintDollars(minter: Actor, deployment: Deployment, buyers: readonly Actor[]): Promise<void> {
  for (const [index, { dollars }] of BUYERS.entries()) {
    const buyer = buyers[index]
    if (buyer === undefined) continue
    const args = [buyer.address, dollars * 1_000_000n] as const
    await minter.call({ address: deployment.token, abi: demoTokenAbi, functionName: 'mint', args })
  }
}

async function mintStake(owners: readonly Actor[], deployment: Deployment): Promise<void> {
  await Promise.all(
    owners.map((owner, index) => {
      const args = [owner.address, (PROVIDERS[index]?.stake ?? 0n) * 10n ** 18n] as const
      return owner.call({ address: deployment.stakeToken, abi: demoTokenAbi, functionName: 'mint', args })
    }),
  )
}

/** Writes what tools need to find a running network; keys stay in their own files. */
export async function writeNetworkFile(file: string, network: LocalNetwork, folder: string): Promise<void> {
  const { rpcUrl, deployment, members, providers, workers, buyers } = network
  const { fromBlock, chainId, ...contracts } = deployment
  const description = {
    ...{ pid: process.pid, rpcUrl, chainId, fromBlock: Number(fromBlock), contracts, folder },
    members: members.map(({ name, url, signer }) => ({ name, url, signer })),
    providers: providers.map(({ name, id, owner, ownerKeyFile, payout }) => ({
      ...{ name, id, payout, owner: owner.address, keyFile: ownerKeyFile },
    })),
    workers: workers.map(({ name, url, index, provider, store }) => ({ name, url, index, provider, store })),
    buyers: buyers.map(({ name, address }) => ({
      ...{ name, address, keyFile: join(folder, 'keys', name.toLowerCase(), 'owner.key') },
    })),
  }
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, `${JSON.stringify(description, null, 2)}\n`, { mode: 0o600 })
}
