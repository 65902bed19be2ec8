/**
 * Committee members in this process, and a client to talk to them.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Hex } from 'viem'

import { readConfig } from '#oracle/config.ts'
import { startOracle } from '#oracle/node.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { toWire } from '#protocol/wire.ts'
import { createExecutor } from '#runtime/executor.ts'
import { createLog } from '#runtime/log.ts'
import { createShutdown } from '#runtime/shutdown.ts'
import { accountOf, type Deployment, keyOf, type TestChain } from './chain.ts'

/** A running member. */
export type TestMember = Awaited<ReturnType<typeof startMember>>

/** Settings of member `index` for tests: short times everywhere. */
export function settingsOf(chain: Pick<TestChain, 'url'>, deployment: Deployment, dataDir: string, port: number) {
  const { settlement, registry, committee } = deployment
  return {
    rpcUrl: chain.url,
    contracts: { settlement, registry, committee },
    chainPollMs: 100,
    finalDepth: 2,
    batch: { maxAgeMs: 300 },
    turns: { slotSeconds: 2, takeoverMs: 1_000, answerMs: 5_000, holdMs: 4_000, retryMs: 300 },
    fees: { rebroadcastMs: 300 },
    upkeep: { enabled: false },
    signerKeyFile: 'unused',
    gasKeyFile: 'unused',
    dataDir,
    http: { port },
  }
}

/** Starts member `index` on `port`; `dataDir` lets it come back with what it had. */
export async function startMember(
  chain: Pick<TestChain, 'url'>,
  deployment: Deployment,
  options: { index: number; port: number; dataDir?: string; settings?: Record<string, unknown> },
) {
  const { index, port } = options
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tally-oracle-')))
  const shutdown = createShutdown()
  const executor = createExecutor()
  shutdown.onShutdown(() => executor.close())
  const keyFor = (name: string) => ({ address: accountOf(name).address, privateKey: keyOf(name) })
  const { url } = await startOracle({
    config: readConfig(JSON.stringify({ ...settingsOf(chain, deployment, dataDir, port), ...options.settings })),
    signerKey: keyFor(`member ${index}`),
    gasKey: keyFor(`gas ${index}`),
    executor,
    faults: { hit: () => {} },
    log: createLog({ name: `oracle ${index}`, level: process.env.TALLY_TEST_LOG ?? 'silent' }),
    shutdown,
  })
  return {
    url,
    dataDir,
    stop: () => shutdown.shutdown(),
    remove: async () => {
      await shutdown.shutdown()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** An answer with its parsed body. */
export type Answer = { readonly status: number; readonly body: Record<string, unknown> }

/** One connection a request: members are killed and come back at the same address, kept connections lead to the dead. */
const FRESH = { connection: 'close' }

/** Sends JSON (bigints as strings) and reads JSON. */
export async function call(url: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    ...(body === undefined
      ? { headers: FRESH }
      : { headers: { ...FRESH, 'content-type': 'application/json' }, body: JSON.stringify(toWire(body)) }),
  })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

/** Puts bytes and returns their root. */
export async function put(url: string, bytes: Uint8Array): Promise<Hex> {
  const root = dataRoot(bytes)
  const response = await fetch(`${url}/v1/data/${root}`, {
    method: 'PUT',
    headers: { ...FRESH, 'content-type': 'application/octet-stream' },
    body: Buffer.from(bytes),
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return root
}
