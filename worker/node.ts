/**
 * One worker, wired together: everything it needs is given, so that a test or another program can run it as `main.ts` does.
 *
 * @module
 */
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Address, Hex } from 'viem'

import { tallyDigest } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'
import type { Tally } from '#protocol/types.ts'
import { createChainClient } from '#runtime/chain-client.ts'
import { createDataStore } from '#runtime/data-store.ts'
import type { FaultPoints } from '#runtime/fault-points.ts'
import { listenHttp } from '#runtime/http.ts'
import type { Logger } from '#runtime/log.ts'
import type { ProvableExecutor } from '#runtime/provable-execution.ts'
import type { Shutdown } from '#runtime/shutdown.ts'
import { createTaskDoer, type TaskExecutor } from '#runtime/tasks.ts'

import { createChainWatch, findMembership } from './adapters/chain.ts'
import { seatDefender } from './adapters/defence.ts'
import { createDemands } from './adapters/demands.ts'
import { createGasSender } from './adapters/gas-sender.ts'
import { createWorkerHttp } from './adapters/http-server.ts'
import { createMembers } from './adapters/members.ts'
import type { WorkerConfig } from './config.ts'
import { streamName } from './domain/view.ts'
import { shownPromises } from './promises.ts'
import { createAnswerer } from './services/answerer.ts'
import { createBoard } from './services/board.ts'
import { createDeliverer } from './services/deliverer.ts'
import { createForcer } from './services/forcer.ts'
import { createIntake } from './services/intake.ts'
import { createLibrary } from './services/library.ts'
import { createPromiseKeeper } from './services/promise-keeper.ts'
import { createRunner } from './services/runner.ts'
import { createSigner } from './services/signer.ts'
import { statusOf } from './status.ts'
import { createWorkerStore } from './store.ts'

const DAY_MS = 86_400_000
const PRUNE_EVERY_MS = 3_600_000
/** Demands are open for twelve hours. */
const DEMANDS_EVERY_MS = 10_000
/** A side has eight hours for all its moves of a game. */
const GAMES_EVERY_MS = 2_000

/** A running worker. */
export type WorkerNode = { readonly url: string; readonly worker: number; readonly provider: number }

/** A key in memory. */
type Key = { readonly address: Address; readonly privateKey: Hex }

/**
 * Starts a worker; it runs until `shutdown`.
 *
 * @throws WorkerError `worker.not-registered`, `store.foreign`, or what the chain's client throws.
 */
export async function startWorker(options: {
  readonly config: WorkerConfig
  readonly workerKey: Key
  readonly gasKey: Key | null
  readonly executor: TaskExecutor & ProvableExecutor
  readonly faults: FaultPoints
  readonly log: Logger
  readonly shutdown: Shutdown
}): Promise<WorkerNode> {
  const { config, workerKey, faults, log, shutdown } = options
  const { fleet, delivery } = config
  const { signal } = shutdown
  const nowMs = () => performance.now()
  const client = createChainClient({ url: config.rpcUrl })
  const chainId = await client.getChainId()
  const membership = await findMembership(client, config.contracts.registry, workerKey.address, config.worker.index)
  const domain = { chainId, verifyingContract: config.contracts.settlement }

  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  await chmod(config.dataDir, 0o700)
  const identity = { chainId, settlement: config.contracts.settlement, worker: workerKey.address }
  const store = createWorkerStore({ file: join(config.dataDir, 'worker.sqlite'), identity })
  shutdown.onShutdown(() => store.close())
  const data = await createDataStore({ directory: join(config.dataDir, 'data'), maxBytes: config.maxDataBytes })

  const board = createBoard(() => Date.now())
  const members = createMembers()
  const library = createLibrary({ data, members, board, signal })
  const signTally = (tally: Tally) => signCompact(tallyDigest(tally, domain), workerKey.privateKey)
  const signDigest = (digest: Hex) => signCompact(digest, workerKey.privateKey)

  const shared = { store, board, library, fleet, faults, log, signal, nowMs }
  const runner = createRunner({
    ...{
      ...shared,
      doTask: createTaskDoer(options.executor),
      concurrency: config.concurrency,
      maxBacklog: delivery.maxReceipts,
    },
    nowSeconds: () => Math.floor(Date.now() / 1000),
    onReceipt: () => settleDue(),
  })
  const { maxOpenOrders } = config
  const intake = createIntake({ ...shared, members, domain, maxOpenOrders, onOrders: () => runner.pump() })
  const signer = createSigner({ ...shared, sign: signTally, pace: delivery })
  const committeeDomain = { chainId, verifyingContract: config.contracts.committee }
  const keeper = createPromiseKeeper({ ...shared, domain: committeeDomain })
  const deliverer =
    delivery.to === 'members'
      ? createDeliverer({ ...shared, members, keeper, againAfterMs: delivery.againAfterMs, wish: delivery.wish })
      : null
  const { contracts, rpcUrl } = config
  const forcer =
    options.gasKey === null || config.force === undefined
      ? null
      : createForcer({
          ...{ ...shared, domain, signTally, signDigest, afterMs: config.force.afterMs },
          sender: createGasSender({ client, rpcUrl, contracts, privateKey: options.gasKey.privateKey }),
        })

  const { demands: court } = contracts
  const answerer =
    options.gasKey === null || court === undefined
      ? null
      : createAnswerer({
          ...shared,
          demands: createDemands({
            ...{ client, rpcUrl, address: court, privateKey: options.gasKey.privateKey },
            fromBlock: BigInt(config.fromBlock),
          }),
        })

  const defender =
    options.gasKey === null || contracts.disputes === undefined
      ? null
      : await seatDefender({
          ...{ ...shared, client, chainId, settlement: contracts.settlement, disputes: contracts.disputes },
          ...{ key: options.gasKey, dataDir: config.dataDir, fromBlock: BigInt(config.fromBlock), shutdown },
          ...{ provider: membership.provider, executor: options.executor },
        })

  /** Signs what is due and hands it on. */
  function settleDue(): void {
    if (signal.aborted) return
    const segments = signer.tick()
    deliverer?.offer(segments)
  }

  const watch = createChainWatch({ client, contracts, fromBlock: BigInt(config.fromBlock), membership, fleet })
  async function look(): Promise<void> {
    const view = await watch.poll()
    if (view === null) return
    board.update(view)
    settleDue()
    runner.pump()
  }

  /** Repeats `work`; a failure is logged and tried again, as every step is safe to repeat. */
  function loop(name: string, everyMs: number, work: () => void | Promise<void>): void {
    const run = async () => {
      while (!signal.aborted) {
        try {
          await work()
        } catch (error) {
          if (!signal.aborted) log.warn({ err: error, loop: name }, 'will be tried again')
        }
        await sleep(everyMs, undefined, { signal }).catch(() => {})
      }
    }
    const done = run()
    shutdown.onShutdown(() => done)
  }

  loop('chain', config.chainPollMs, look)
  loop('orders', config.ordersPollMs, () => intake.poll(signal))
  // ages are checked more often than they are long, and retries of failed jobs are looked for
  loop('pace', Math.min(Math.max(Math.floor(delivery.afterMs / 4), 50), 1_000), () => {
    settleDue()
    runner.pump()
  })
  loop('prune', PRUNE_EVERY_MS, async () => void (await data.prune(config.keepDataDays * DAY_MS)))
  if (forcer !== null) loop('force', 1_000, () => forcer.tick())
  if (answerer !== null) loop('demands', DEMANDS_EVERY_MS, () => answerer.tick())
  if (defender !== null) loop('games', Math.max(config.chainPollMs, GAMES_EVERY_MS), () => defender.tick())
  shutdown.onShutdown(() => runner.idle())

  const app = createWorkerHttp({
    ...{ data, acceptOrders: intake.accept, receipts: store.receipts, receiptOf: store.receiptOf, log },
    promises: (from, limit) => shownPromises(store, from, limit),
    tally: (ref) => {
      const cursor = board.view()?.streams.get(streamName(ref))?.count
      return cursor === undefined ? null : store.latestTally(ref, cursor)
    },
    status: () => statusOf({ store, board, fleet, runner, deliverer }),
  })
  shutdown.onShutdown(() => app.close())
  const { url } = await listenHttp(app, config.http)
  log.info({ url, ...membership, worker: workerKey.address, index: membership.worker }, 'worker is up')
  return { url, ...membership }
}
