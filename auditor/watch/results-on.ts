/**
 * The watch over results on one chain, with the executor that does the work again.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'

import { type Address, keccak256, type PublicClient, stringToHex } from 'viem'

import { toHex } from '#protocol/words.ts'
import type { Sender } from '#runtime/act-sender.ts'
import type { ActStore } from '#runtime/act-store.ts'
import { createExecutor } from '#runtime/executor.ts'
import { createCourt } from '#runtime/games/court.ts'
import { createPurse } from '#runtime/games/purse.ts'
import type { Logger } from '#runtime/log.ts'
import type { Shutdown } from '#runtime/shutdown.ts'

import type { WatcherConfig } from './config.ts'
import type { ReadInterval } from './places.ts'
import { createResults, type Results } from './wrong-results.ts'

/** Makes watches over results, each beginning anew; null where the watcher was not told of the disputes contract. */
export function resultsOn(options: {
  readonly client: PublicClient
  readonly config: WatcherConfig
  readonly sender: Sender
  readonly token: Address
  readonly readInterval: ReadInterval
  readonly log: Logger
  readonly nowMs: () => number
  readonly store: ActStore
  readonly shutdown: Shutdown
}): (() => Results) | null {
  const { client, config, sender, token, readInterval, log, nowMs, store, shutdown } = options
  const { disputes, settlement } = config.contracts
  if (disputes === undefined || config.checkPerMille === 0) return null
  const executor = createExecutor()
  shutdown.onShutdown(() => executor.close())
  const court = createCourt({ client, address: disputes, settlement, fromBlock: BigInt(config.fromBlock) })
  const purse = createPurse({ client, sender, token, court: disputes })
  const salt = store.salt(keccak256(stringToHex('draw of results')), () => toHex(randomBytes(32)))
  const { checkPerMille: perMille, challengeBudget: budget } = config
  return () =>
    createResults({
      ...{ client, court, settlement, sender, purse, executor, readInterval, perMille, budget, salt, log, nowMs },
      signal: shutdown.signal,
    })
}
