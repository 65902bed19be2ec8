/**
 * A chain of its own for a cluster, run by `hardhat node` or by anvil, whose blocks and re-organisations the test decides.
 *
 * @module
 */
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { type Address, type Hex, numberToHex, type PublicClient } from 'viem'

import { lastingPorts } from './cluster-ports.ts'
import type { Processes } from './cluster-processes.ts'
import { clientOf, type Rpc } from './rpc.ts'

const ROOT = join(import.meta.dirname, '../..')
const START_MS = 60_000
/** Blocks with watched transactions that are left alone after a re-organisation. */
const CALM_BLOCKS = 3

/** Program that runs the chain. */
export type ChainKind = 'edr' | 'anvil'

/** A re-organisation that was made. */
export type Reorganisation = {
  readonly depth: number
  /** Transactions to the watched contract that it took away. */
  readonly dropped: readonly Hex[]
}

/** Blocks made by the clock. */
export type Mining = {
  /** Re-organisations made so far. */
  readonly made: readonly Reorganisation[]
  /** Ends it; @throws what a block or a re-organisation failed with. */
  stop(): Promise<void>
}

/** A running chain. */
export type ClusterChain = {
  readonly kind: ChainKind
  readonly url: string
  readonly rpc: Rpc
  readonly client: PublicClient
  /** Mines one block now. */
  mine(): Promise<void>
  /** Whether each transaction gets its block at once; off once {@link ClusterChain.mining} begins. */
  automine(on: boolean): Promise<void>
  /**
   * Makes a block every so often. Each of `depths` makes one re-organisation: of that many blocks, the lowest of them
   * being one that held a transaction to `watched`. Some such blocks stay between one and the next.
   */
  mining(plan: { everyMs: number; watched?: Address; depths?: readonly number[] }): Promise<Mining>
}

/** Starts a chain and waits until it answers. */
export async function startClusterChain(kind: ChainKind, processes: Processes): Promise<ClusterChain> {
  const [port = 0] = await lastingPorts(1)
  const url = `http://127.0.0.1:${port}`
  processes.supervise({ name: 'chain', env: { HARDHAT_DISABLE_TELEMETRY: 'true' }, ...programOf(kind, port) })
  const rpc = rpcOf(url)
  const until = performance.now() + START_MS
  for (;;) {
    processes.check()
    const answer = await rpc.request({ method: 'eth_chainId' }).catch(() => null)
    if (answer !== null) break
    if (performance.now() > until) throw new Error('the chain did not start')
    await sleep(50)
  }
  if (kind === 'edr') {
    await rpc.request({ method: 'evm_setIntervalMining', params: [0] })
    await rpc.request({ method: 'evm_setAutomine', params: [false] })
  }
  const client = clientOf(rpc)
  const mine = async () => void (await rpc.request({ method: 'evm_mine', params: [] }))
  const automine = async (on: boolean) => void (await rpc.request({ method: 'evm_setAutomine', params: [on] }))

  return {
    ...{ kind, url, rpc, client, mine, automine },
    async mining({ everyMs, watched, depths = [] }) {
      await automine(false)
      const fork = kind === 'edr' ? createEdrFork(rpc, mine) : createAnvilFork(rpc, mine)
      return startMining({ client, fork, everyMs, watched, depths })
    },
  }
}

function programOf(kind: ChainKind, port: number): { command: string; args: string[] } {
  if (kind === 'edr') {
    const cli = join(ROOT, 'node_modules/hardhat/dist/src/cli.js')
    const args = ['node', '--network', 'node', '--hostname', '127.0.0.1', '--port', `${port}`, '--no-typechain']
    return { command: process.execPath, args: [cli, '--config', join(ROOT, 'hardhat.config.ts'), ...args] }
  }
  // the platform's binary itself: the package's own script is a wrapper
  const [binary] = globSync('node_modules/@foundry-rs/anvil-*/bin/anvil{,.exe}', { cwd: ROOT })
  if (binary === undefined || !existsSync(join(ROOT, binary))) throw new Error('anvil is not installed here')
  return {
    command: join(ROOT, binary),
    args: [
      ...['--host', '127.0.0.1', '--port', `${port}`, '--silent', '--no-mining', '--enable-tx-gas-limit'],
      ...['--accounts', '20'],
    ],
  }
}

/** JSON-RPC over HTTP; @throws what the node answers as an error. */
export function rpcOf(url: string): Rpc {
  let id = 0
  return {
    async request({ method, params = [] }) {
      id += 1
      const body = JSON.stringify({ jsonrpc: '2.0', id, method, params })
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const answer: { result?: unknown; error?: { message?: string } } = JSON.parse(await response.text())
      if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message ?? 'failed'}`)
      return answer.result
    },
  }
}

/** How a client takes blocks back. */
type Fork = {
  /** Mines one block that {@link Fork.replace} may take back. */
  grow(): Promise<void>
  /** Puts more than `depth` other blocks, without the dropped transactions, in the place of the newest `depth`. */
  replace(depth: number, dropped: readonly Hex[]): Promise<void>
}

function createAnvilFork(rpc: Rpc, mine: () => Promise<void>): Fork {
  return {
    grow: mine,
    async replace(depth) {
      await rpc.request({ method: 'anvil_reorg', params: [depth, []] })
      await mine()
    },
  }
}

/** EDR knows no re-organisation, but goes back to a snapshot and mines other blocks from there. */
function createEdrFork(rpc: Rpc, mine: () => Promise<void>): Fork {
  let snapshots: unknown[] = []
  return {
    async grow() {
      snapshots.push(await rpc.request({ method: 'evm_snapshot', params: [] }))
      await mine()
    },
    async replace(depth, dropped) {
      const before = snapshots.at(-depth)
      if (before === undefined) throw new Error(`there are no ${depth} blocks to take back`)
      snapshots = snapshots.slice(0, -depth)
      await rpc.request({ method: 'evm_revert', params: [before] })
      // a snapshot holds what was waiting then: without this the same transactions would only move
      for (const hash of dropped) await rpc.request({ method: 'hardhat_dropTransaction', params: [hash] })
      // another time makes other blocks even where both are empty
      await rpc.request({ method: 'evm_increaseTime', params: [numberToHex(3)] })
      for (let block = 0; block <= depth; block++) await mine()
    },
  }
}

function startMining(options: {
  client: PublicClient
  fork: Fork
  everyMs: number
  watched: Address | undefined
  depths: readonly number[]
}): Mining {
  const { client, fork, everyMs } = options
  const ending = new AbortController()
  const depths = [...options.depths]
  const made: Reorganisation[] = []
  let calm = 0

  /** Transactions to the watched contract in the newest block. */
  async function watchedInHead(): Promise<Hex[]> {
    const { transactions } = await client.getBlock({ includeTransactions: true })
    const target = options.watched?.toLowerCase()
    return transactions.flatMap(({ to, hash }) => (to !== null && to.toLowerCase() === target ? [hash] : []))
  }

  async function grow(): Promise<Hex[]> {
    await fork.grow()
    const hashes = await watchedInHead()
    await sleep(everyMs, undefined, { signal: ending.signal }).catch(() => {})
    return hashes
  }

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      const dropped = await grow()
      const [depth] = depths
      if (dropped.length === 0 || depth === undefined || calm-- > 0) continue
      calm = CALM_BLOCKS
      for (let above = 1; above < depth; above++) dropped.push(...(await grow()))
      await fork.replace(depth, dropped)
      depths.shift()
      made.push({ depth, dropped })
    }
  }

  const done = run()
  done.catch(() => {}) // reported by stop
  return {
    made,
    async stop() {
      ending.abort()
      await done
    },
  }
}
