/**
 * A fresh local chain in a process of its own: `hardhat node`, one block a second, gone with the network.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { PublicClient } from 'viem'

import { createChainClient } from '#runtime/chain-client.ts'

import type { Children } from './children.ts'
import { freePorts } from './ports.ts'

const START_MS = 60_000
const HARDHAT = 'node_modules/hardhat/dist/src/cli.js'

/**
 * Starts the chain and waits until it answers.
 *
 * @throws Error when it does not within a minute.
 */
export async function startChain(children: Children): Promise<{ rpcUrl: string; client: PublicClient }> {
  const [port] = await freePorts(1)
  const rpcUrl = `http://127.0.0.1:${port}`
  const args = [HARDHAT, 'node', '--network', 'node', '--hostname', '127.0.0.1', '--port', String(port)]
  const child = children.start({ name: 'chain', args: [...args, '--no-typechain'] })
  const client = createChainClient({ url: rpcUrl, timeoutMs: 30_000 })
  const until = performance.now() + START_MS
  while (performance.now() < until && child.exitCode === null) {
    const isUp = await client.getChainId().then(
      () => true,
      () => false,
    )
    if (isUp) return { rpcUrl, client }
    await sleep(100)
  }
  throw new Error('the local chain did not start: see chain.log')
}
