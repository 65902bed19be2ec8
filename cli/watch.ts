/**
 * `tally watch`: finds faults on the chain and in what nodes publish, and proves them with one's own key.
 *
 * @module
 */
import type { Address } from 'viem'

import { watchChain } from '#auditor/watch-chain.ts'
import { createLog } from '#runtime/log.ts'
import { createShutdown } from '#runtime/shutdown.ts'

import { openDeployment } from './chain.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { type KeyFlags, keyFrom } from './key.ts'
import { needKey } from './transact.ts'

/** Flags of `tally watch`. */
export type WatchFlags = KeyFlags & {
  rpc: string
  address: Address
  data: string
  oversight?: Address
  demands?: Address
  disputes?: Address
  worker?: readonly string[]
  member?: readonly string[]
  archive?: readonly string[]
  fromBlock?: number
  confirmations?: number
  demandBudget?: bigint | 'all'
  challengeBudget?: bigint | 'all'
  check?: number
  dryRun?: boolean
}

/** Settings of the watcher from the flags; what is left out has the watcher's own default. @throws CliError `cli.bad-argument`. */
export async function settingsFrom(flags: WatchFlags): Promise<Readonly<Record<string, unknown>>> {
  if (flags.demandBudget === 'all') throw new CliError('cli.bad-argument', '--demand-budget takes an amount')
  if (flags.challengeBudget === 'all') throw new CliError('cli.bad-argument', '--challenge-budget takes an amount')
  const { settlement, registry, committee } = await openDeployment(flags.rpc, flags.address)
  const { oversight, demands, disputes, fromBlock, confirmations, demandBudget, challengeBudget, dryRun } = flags
  return {
    ...{ rpcUrl: flags.rpc, contracts: { settlement, registry, committee, oversight, demands, disputes } },
    ...{ dataDir: flags.data, keyFile: flags.keyFile ?? 'given', fromBlock, confirmations, dryRun },
    ...{ workers: flags.worker, members: flags.member, archives: flags.archive },
    ...{ demandBudget: demandBudget?.toString(), challengeBudget: challengeBudget?.toString() },
    ...{ checkPerMille: flags.check },
  }
}

/** Runs `tally watch` until it is interrupted. */
export async function watchCommand(io: Io, flags: WatchFlags): Promise<void> {
  const key = needKey(await keyFrom(io, flags))
  const settings = await settingsFrom(flags)
  const shutdown = createShutdown()
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => void shutdown.shutdown(signal).finally(resolve))
    }
  })
  const log = createLog({ name: 'watcher', level: 'info' })
  const watcher = await watchChain(settings, { key, log, shutdown })
  io.out(`watching as ${watcher}; end with Ctrl-C`)
  await ended
}
