/**
 * The network cheats are played on: a fresh chain, the real contracts, a committee of three real members, and a real
 * watcher with a key of its own. Whoever cheats is played by the script itself.
 *
 * @module
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { PublicClient } from 'viem'

import type { Key } from '#runtime/keystore.ts'

import type { Deployment } from '../deploy.ts'
import { type Actor, createActor, fund } from '../network/actor.ts'
import { startChain } from '../network/chain-node.ts'
import { type Children, createChildren } from '../network/children.ts'
import { build, deployOn } from '../network/contracts.ts'
import { createKeyRing, type KeyFile, type KeyRing } from '../network/key-ring.ts'
import { type MemberNode, startMember } from '../network/nodes.ts'
import { demoTokenAbi } from '../network/permit.ts'
import { freePorts } from '../network/ports.ts'
import { MEMBERS } from '../network/settings.ts'
import { bondMembers } from './bonds.ts'
import { type Noticeboard, openNoticeboard } from './noticeboard.ts'

/** Whole stake tokens of a member's bond. */
export const MEMBER_BOND = 500n

/** What the watcher may have bound in challenges, settlement token base units. */
const CHALLENGES = 20_000_000n
/** What it may lay out for demands. */
const WATCHER_BUDGET = 50_000_000n

/** A committee member: its process, and its key for those cheats in which it takes part. */
export type Member = MemberNode & {
  readonly key: Key
  /** Ends its process, and starts it again where it stopped. */
  stop(): Promise<void>
  start(): Promise<void>
}

/** Where cheats are played. */
export type World = {
  readonly rpcUrl: string
  readonly client: PublicClient
  readonly deployment: Deployment
  readonly members: readonly Member[]
  readonly ring: KeyRing
  readonly folder: string
  readonly children: Children
  /** The watcher's address: it reports, and receives what reporters get. */
  readonly watcher: Actor
  /** Someone with gas and no role. */
  readonly anyone: Actor
  /** Where workers publish what they were promised. */
  readonly noticeboard: Noticeboard
  readonly say: (line: string) => void
  /** Name of a process that ended by itself, with its log; null while all run. */
  failure(): string | null
}

/** Starts the world; everything ends with `children`. */
export async function startWorld(options: {
  readonly folder: string
  readonly deploymentId: string
  readonly say: (line: string) => void
}): Promise<World> {
  const { folder, say } = options
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
    const ring = createKeyRing(join(folder, 'keys'))
    const [chain] = await Promise.all([startChain(children), build(say)])
    const seats = await makeSeats(ring)
    const keys = await Promise.all(
      ['guardian', 'governor', 'treasury', 'committee', 'anyone', 'watcher'].map((name) => ring.make(name, 'owner')),
    )
    const [guardian, governor, treasury, committeeTreasury, anyone, watcher] = keys.map((key, index) =>
      createActor(chain, ['guardian', 'governor', 'treasury', 'committee', 'anyone', 'watcher'][index] ?? '', key),
    ) as [Actor, Actor, Actor, Actor, Actor, Actor]

    say('deploying the settlement layer')
    const deployment = await deployOn(chain.rpcUrl, {
      deploymentId: options.deploymentId,
      members: seats.map(({ signer, port }) => ({ signer: signer.address, endpoint: `http://127.0.0.1:${port}` })),
      ...{ guardian: guardian.address, governor: governor.address },
      ...{ treasury: treasury.address, committeeTreasury: committeeTreasury.address },
    })
    await fund(chain, [anyone.address, watcher.address, ...seats.map(({ gas }) => gas.address)])
    const signers = seats.map(({ name, signer }) => createActor(chain, name, signer))
    await fund(
      chain,
      signers.map(({ address }) => address),
    )
    await bondMembers({ chain, deployment, members: signers, amount: MEMBER_BOND * 10n ** 18n })

    say('starting three committee members and a watcher')
    const site = { chain, deployment, folder, children }
    const members = await Promise.all(
      seats.map(async (seat) => {
        const start = async (): Promise<void> => {
          await startMember(site, seat)
        }
        return { ...(await startMember(site, seat)), key: seat.signer, stop: () => children.stop(seat.name), start }
      }),
    )
    const noticeboard = await openNoticeboard()
    const budget = [watcher.address, WATCHER_BUDGET + CHALLENGES] as const
    await anyone.call({ address: deployment.token, abi: demoTokenAbi, functionName: 'mint', args: budget })
    const keyFile = ring.fileOf('watcher', 'owner')
    await startWatcher({ ...chain, deployment, folder, children, keyFile, workers: [noticeboard.url] })
    const parts = { ...chain, deployment, members, ring, folder, children, watcher, anyone, noticeboard }
    return { ...parts, say, failure: () => failure }
  } catch (error) {
    await children.stopAll()
    throw error
  }
}

async function makeSeats(ring: KeyRing) {
  const ports = await freePorts(MEMBERS.length)
  const seats: { name: string; port: number; signer: KeyFile; gas: KeyFile }[] = []
  for (const [index, name] of MEMBERS.entries()) {
    const [signer, gas] = [await ring.make(name, 'signer'), await ring.make(name, 'gas')]
    seats.push({ name, port: ports[index] ?? 0, signer, gas })
  }
  return seats
}

async function startWatcher(options: {
  readonly rpcUrl: string
  readonly deployment: Deployment
  readonly folder: string
  readonly children: Children
  readonly keyFile: string
  readonly workers: readonly string[]
}): Promise<void> {
  const { deployment, folder, children, keyFile, rpcUrl, workers } = options
  const { settlement, registry, committee, fromBlock } = deployment
  const config = {
    ...{ rpcUrl, keyFile, fromBlock: Number(fromBlock), dataDir: join(folder, 'data', 'watcher') },
    contracts: {
      ...{ settlement, registry, committee, oversight: deployment.oversight },
      ...{ demands: deployment.demands, disputes: deployment.disputes },
    },
    challengeBudget: CHALLENGES.toString(),
    ...{ pollMs: 500, confirmations: 1, workers, demandBudget: WATCHER_BUDGET.toString(), doubtAfterMs: 1_000 },
    ...{ logLevel: 'debug' },
  }
  const env = { TALLY_WATCHER_CONFIG: JSON.stringify(config) }
  await children.startAndWait({ name: 'watcher', args: ['auditor/watcher-main.ts'], env })
}
