/**
 * The defender of one worker on its chain: its sender with a store of its own, the court and the purse.
 *
 * @module
 */
import { join } from 'node:path'

import type { Address, PublicClient } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { createSender } from '#runtime/act-sender.ts'
import { createActStore } from '#runtime/act-store.ts'
import { createCourt } from '#runtime/games/court.ts'
import { createPurse } from '#runtime/games/purse.ts'
import type { Key } from '#runtime/keystore.ts'
import type { Logger } from '#runtime/log.ts'
import type { ProvableExecutor } from '#runtime/provable-execution.ts'
import type { Shutdown } from '#runtime/shutdown.ts'

import type { Board } from '../services/board.ts'
import { createDefender, type Defender } from '../services/defender.ts'
import type { Library } from '../services/library.ts'
import type { WorkerStore } from '../store.ts'

const MAX_GAS = 16_000_000n
const RETRY_MS = 10_000

/** Creates the defender; its store is closed at shutdown. @throws ActStoreError. */
export async function seatDefender(options: {
  readonly client: PublicClient
  readonly chainId: number
  readonly settlement: Address
  readonly disputes: Address
  readonly fromBlock: bigint
  readonly key: Key
  readonly dataDir: string
  readonly provider: number
  readonly store: WorkerStore
  readonly library: Library
  readonly executor: ProvableExecutor
  readonly board: Board
  readonly log: Logger
  readonly signal: AbortSignal
  readonly shutdown: Shutdown
}): Promise<Defender> {
  const { client, chainId, settlement, disputes, fromBlock, key, log, shutdown } = options
  const identity = `${key.address} on ${chainId}:${settlement}:${disputes}`
  const acts = createActStore(join(options.dataDir, 'games.sqlite'), identity)
  shutdown.onShutdown(() => acts.close())
  const sender = createSender({
    ...{ client, store: acts, key, chainId, maxGas: MAX_GAS, confirmations: 1, dryRun: false, retryMs: RETRY_MS, log },
    nowMs: () => Date.now(),
  })
  const token = await client.readContract({ address: settlement, abi: settlementAbi, functionName: 'TOKEN' })
  const court = createCourt({ client, address: disputes, settlement, fromBlock })
  const purse = createPurse({ client, sender, token, court: disputes })
  const { provider, store, library, executor, board, signal } = options
  return createDefender({
    ...{ store, library, executor, provider, settlement, court, sender, purse, board, log, signal },
  })
}
