/**
 * Committee members and workers as processes, each with its own key files and folder and nothing of the others'.
 *
 * @module
 */
import { join } from 'node:path'

import type { Address } from 'viem'
import { z } from 'zod'

import type { Deployment } from '../deploy.ts'
import type { Chain } from './actor.ts'
import type { Children } from './children.ts'
import type { KeyFile } from './key-ring.ts'
import type { Provider, WorkerSeat } from './providers.ts'
import { DELIVERY, MEMBER_SETTINGS, WORKER_SETTINGS } from './settings.ts'

/** Where nodes are started. */
export type Site = {
  readonly chain: Chain
  readonly deployment: Deployment
  readonly folder: string
  readonly children: Children
}

/** A running committee member. */
export type MemberNode = { readonly name: string; readonly url: string; readonly signer: Address }

/** A running worker. */
export type WorkerNode = {
  readonly name: string
  readonly url: string
  readonly key: Address
  readonly index: number
  readonly provider: number
  /** Folder of its store. */
  readonly store: string
}

const memberReady = z.object({ url: z.string() })
const workerReady = z.object({ url: z.string(), worker: z.number().int(), provider: z.number().int() })

function chainSettings({ chain, deployment }: Site) {
  const { settlement, registry, committee, fromBlock } = deployment
  return { rpcUrl: chain.rpcUrl, contracts: { settlement, registry, committee }, fromBlock: Number(fromBlock) }
}

/** Starts a member at the port its endpoint on chain names. */
export async function startMember(
  site: Site,
  seat: { readonly name: string; readonly port: number; readonly signer: KeyFile; readonly gas: KeyFile },
): Promise<MemberNode> {
  const config = {
    ...{ ...chainSettings(site), ...MEMBER_SETTINGS },
    ...{ signerKeyFile: seat.signer.file, gasKeyFile: seat.gas.file },
    ...{ dataDir: join(site.folder, 'data', seat.name), http: { port: seat.port } },
  }
  const env = { TALLY_ORACLE_CONFIG: JSON.stringify(config) }
  const { url } = memberReady.parse(
    await site.children.startAndWait({ name: seat.name, args: ['oracle/main.ts'], env }),
  )
  return { name: seat.name, url, signer: seat.signer.address }
}

/** Starts a worker of a provider that has joined. */
export async function startWorker(
  site: Site,
  provider: Provider,
  seat: WorkerSeat,
  fleet: { readonly position: number; readonly size: number },
): Promise<WorkerNode> {
  const dataDir = join(site.folder, 'data', seat.name)
  const config = {
    ...{ ...chainSettings(site), ...WORKER_SETTINGS, fleet, dataDir },
    worker: { keyFile: seat.key.file, index: seat.index },
    delivery: { ...DELIVERY, to: seat.delivery },
  }
  const env = { TALLY_WORKER_CONFIG: JSON.stringify(config) }
  const { url, worker } = workerReady.parse(
    await site.children.startAndWait({ name: seat.name, args: ['worker/main.ts'], env }),
  )
  return { name: seat.name, url, key: seat.key.address, index: worker, provider: provider.id, store: dataDir }
}
