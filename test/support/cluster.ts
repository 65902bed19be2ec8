/**
 * The whole system as processes: a chain, a committee of three of which two attest, providers with a worker each, and
 * buyers who order from them.
 *
 * Keys follow from names and everything else from a seed, so that two clusters of one seed do the same work.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { Kind } from '#protocol/types.ts'
import { loadElf, programHash } from '#protocol/vm/elf.ts'
import { artifactsIn } from './artifacts.ts'
import { type ChainKind, type ClusterChain, startClusterChain } from './cluster-chain.ts'
import { call, put } from './cluster-client.ts'
import { closeAndClaim } from './cluster-money.ts'
import { lastingPorts } from './cluster-ports.ts'
import { createProcesses, type Processes, type Supervised } from './cluster-processes.ts'
import { actorOf, createScenario, type DealHand, type ProviderHand, type Scenario } from './scenario.ts'

const ROOT = join(import.meta.dirname, '../..')
const MEMBERS = 3
const STAKE = 1_000n * 10n ** 18n
/** What each buyer pays in; half of it is its deal's budget. */
export const DEPOSIT = 1_000_000_000n
/** Longest slot there is: whoever leads when the cluster starts leads until it ends. */
const SLOT_SECONDS = 3_600
const SLOT_MARGIN_SECONDS = 1_500
/** More blocks than any re-organisation of a test takes back. */
const DEEP = 8

/**
 * Base units per unit of work. Fees are hundredths and two-hundredths: at this price none is rounded, so they do not depend
 * on how many buckets the same money came in.
 */
export const PRICE = 10_000n

/** Points at which processes are to die, by role. The leader is the member that proposes while the cluster runs. */
export type Faults = {
  readonly leader?: readonly string[]
  readonly member?: readonly string[]
  readonly worker?: readonly string[]
}

/** What a cluster is made of. */
export type ClusterOptions = {
  readonly chain: ChainKind
  readonly program: Uint8Array
  /** Of the work; repeatable if left out. */
  readonly kind?: Kind
  /** One provider with a worker and one buyer for each deal. */
  readonly deals: number
  readonly streams: number
  readonly faults?: Faults
  /** Without workers, tests play them. */
  readonly workers?: boolean
  /** Stands between members or workers and the chain. */
  readonly beforeChain?: (url: string) => Promise<string>
  /** Stands between a member and everybody who talks to it. */
  readonly beforeMember?: (url: string) => Promise<string>
  readonly memberSettings?: Readonly<Record<string, unknown>>
  readonly workerSettings?: Readonly<Record<string, unknown>>
  /** Workers settle through the forced lane when nobody else does for this long; never if left out. */
  readonly forceAfterMs?: number
}

/** A running cluster. */
export type Cluster = Awaited<ReturnType<typeof startCluster>>

/** Starts everything; nothing is left of it when this throws. */
export async function startCluster(options: ClusterOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'tally-cluster-'))
  const processes = createProcesses(folder)
  const remove = async () => {
    await processes.end()
    if (process.env.TALLY_KEEP === undefined) rmSync(folder, { recursive: true, force: true })
    else console.log(`kept ${folder}`)
  }
  try {
    return { ...(await build(options, folder, processes)), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function build(options: ClusterOptions, folder: string, processes: Processes) {
  const chain = await startClusterChain(options.chain, processes)
  await chain.automine(true)
  const ports = await lastingPorts(MEMBERS)
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  const artifact = artifactsIn(join(ROOT, 'artifacts'))
  const endpoints = await Promise.all(urls.map((url) => options.beforeMember?.(url) ?? url))
  const scenario = await createScenario({ rpc: chain.rpc, artifact, endpoints })
  for (let i = 0; i < MEMBERS; i++) await fundOnce(chain, actorOf(`gas ${i}`).address)

  const { kind = Kind.Repeatable } = options
  const program = kind === Kind.Provable ? programHash(loadElf(options.program)) : dataRoot(options.program)
  const providers: ProviderHand[] = []
  const deals: DealHand[] = []
  for (let i = 0; i < options.deals; i++) {
    const provider = await scenario.join(`provider ${i}`, STAKE, [`worker ${i}`])
    const buyer = actorOf(`buyer ${i}`)
    await scenario.deposit(buyer, DEPOSIT)
    const offer = { program, kind, price: PRICE, rateCap: 4_000_000_000 }
    const terms = { budget: DEPOSIT / 2n, streams: options.streams, exposure: 10n ** 9n }
    const { deal } = await scenario.open(provider, buyer, { offer, terms })
    providers.push(provider)
    deals.push(deal)
  }
  await fundOnce(chain, actorOf('force').address)
  const leader = await beginSlot(chain)
  for (let block = 0; block < DEEP; block++) await chain.mine()

  const site = { scenario, folder, processes, options, rpcUrl: (await options.beforeChain?.(chain.url)) ?? chain.url }
  const members = ports.map((port, i) => startMember(site, i, port, faultsOf(options.faults, i, leader)))
  await allReady(members, processes)
  await Promise.all(urls.map((url) => put(url, options.program, program)))
  const workers = options.workers === false ? [] : providers.map((_, i) => startWorker(site, i))
  await allReady(workers, processes)

  /**
   * Waits until `test` is true. A test that fails is asked again: a node has no answer while its chain re-organises.
   *
   * @throws what a process ended with, or that it took too long, with the last failure.
   */
  async function until(what: string, test: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<void> {
    const end = performance.now() + timeoutMs
    for (let cause: unknown; ; ) {
      try {
        if (await test()) return
      } catch (error) {
        cause = error
      }
      processes.check()
      if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms (${folder})`, { cause })
      await sleep(50)
    }
  }

  /** Does `act` again until it succeeds, as a buyer does whose member is down. */
  async function insist<T>(what: string, act: () => Promise<T>, timeoutMs = 60_000): Promise<T> {
    const end = performance.now() + timeoutMs
    for (;;) {
      try {
        return await act()
      } catch (error) {
        processes.check()
        if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: error })
        await sleep(100)
      }
    }
  }

  /** Receipts and units of one stream on the chain. */
  async function stream(deal: DealHand, number: number): Promise<{ count: number; units: bigint }> {
    const args = [deal.id, number] as const
    const { settlement: address } = scenario.deployment
    const [count, units] = await chain.client.readContract({
      address,
      abi: settlementAbi,
      functionName: 'stream',
      args,
    })
    return { count, units: BigInt(units) }
  }

  /** Ends a worker and starts it again with other options. */
  async function changeWorker(index: number, changes: Pick<ClusterOptions, 'forceAfterMs' | 'workerSettings'>) {
    await workers[index]?.stop()
    const worker = startWorker({ ...site, options: { ...options, ...changes } }, index)
    workers[index] = worker
    await allReady([worker], processes)
  }

  /** Lane of each batch settled so far, in order. */
  async function lanes(): Promise<number[]> {
    const settled = await chain.client.getContractEvents({
      ...{ address: scenario.deployment.settlement, abi: settlementAbi, eventName: 'Settled' },
      ...{ fromBlock: 0n, strict: true },
    })
    return settled.map(({ args }) => args.lane)
  }

  const ask = (member: number, path: string, body?: unknown) => call(urls[member] ?? '', path, body)

  return {
    ...{ folder, chain, scenario, providers, deals, members, workers, urls, leader, processes },
    ...{ until, insist, stream, lanes, ask, changeWorker },
    balances: (lane: 'attested' | 'forced' = 'attested') => closeAndClaim(scenario, chain, { deals, providers, lane }),
  }
}

type Site = {
  readonly scenario: Scenario
  readonly folder: string
  readonly processes: Processes
  readonly options: ClusterOptions
  readonly rpcUrl: string
}

/** @throws Error when one of them ends instead. */
async function allReady(nodes: readonly Supervised[], processes: Processes): Promise<void> {
  let isReady = false
  const ready = Promise.all(nodes.map((node) => node.ready())).then(() => {
    isReady = true
  })
  while (!isReady) {
    await Promise.race([ready, sleep(50)])
    processes.check()
  }
}

/** Ether for somebody who sends transactions on their own. */
async function fundOnce(chain: ClusterChain, address: Hex): Promise<void> {
  await chain.rpc.request({ method: 'hardhat_setBalance', params: [address, '0x3635c9adc5dea00000'] })
}

/** Makes sure that the member whose turn it is keeps it while the test runs; returns its index. */
async function beginSlot(chain: ClusterChain): Promise<number> {
  const { timestamp } = await chain.client.getBlock()
  const past = Number(timestamp % BigInt(SLOT_SECONDS))
  if (past > SLOT_SECONDS - SLOT_MARGIN_SECONDS) {
    await chain.rpc.request({ method: 'evm_increaseTime', params: [SLOT_SECONDS - past + 1] })
    await chain.mine()
  }
  const now = (await chain.client.getBlock()).timestamp
  return Number((now / BigInt(SLOT_SECONDS)) % BigInt(MEMBERS))
}

function faultsOf(faults: Faults | undefined, member: number, leader: number): readonly string[] {
  if (member === leader) return faults?.leader ?? []
  return member === (leader + 1) % MEMBERS ? (faults?.member ?? []) : []
}

function keyFile(folder: string, name: string): string {
  const file = join(folder, `${name.replaceAll(' ', '-')}.key`)
  writeFileSync(file, actorOf(name).key, { mode: 0o600 })
  return file
}

function chainSettings({ scenario, rpcUrl }: Site) {
  const { settlement, registry, committee } = scenario.deployment
  return { rpcUrl, contracts: { settlement, registry, committee }, chainPollMs: 150 }
}

function startMember(site: Site, index: number, port: number, faults: readonly string[]): Supervised {
  const name = `member ${index}`
  const dataDir = join(site.folder, name)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const settings = {
    ...chainSettings(site),
    // EDR takes a transaction with blobs only where it mines it at once
    batch: { maxAgeMs: 150, modes: site.options.chain === 'edr' ? ['calldata'] : ['calldata', 'blob'] },
    turns: { slotSeconds: SLOT_SECONDS, takeoverMs: 8_000, answerMs: 5_000, holdMs: 2_000, retryMs: 300 },
    fees: { rebroadcastMs: 400 },
    upkeep: { enabled: false },
    signerKeyFile: keyFile(site.folder, name),
    gasKeyFile: keyFile(site.folder, `gas ${index}`),
    dataDir,
    http: { port },
    ...site.options.memberSettings,
  }
  const env = { TALLY_ORACLE_CONFIG: JSON.stringify(settings) }
  return site.processes.supervise({
    name,
    command: process.execPath,
    args: [join(ROOT, 'oracle/main.ts')],
    env,
    faults,
  })
}

function startWorker(site: Site, index: number): Supervised {
  const name = `worker ${index}`
  const { forceAfterMs, faults, workerSettings } = site.options
  const force =
    forceAfterMs === undefined ? {} : { force: { keyFile: keyFile(site.folder, 'force'), afterMs: forceAfterMs } }
  const settings = {
    ...chainSettings(site),
    ordersPollMs: 150,
    worker: { keyFile: keyFile(site.folder, name) },
    delivery: { receipts: 4, afterMs: 150, againAfterMs: 2_000 },
    dataDir: join(site.folder, name),
    ...force,
    ...workerSettings,
  }
  return site.processes.supervise({
    ...{ name, command: process.execPath, args: [join(ROOT, 'worker/main.ts')] },
    env: { TALLY_WORKER_CONFIG: JSON.stringify(settings) },
    faults: index === 0 ? (faults?.worker ?? []) : [],
  })
}
