/**
 * A watcher: follows the chain and what nodes publish, finds faults, and proves them with its own key.
 *
 * It trusts nobody: what it proves is signed by whom it accuses, and the chain judges it. What it knows is made anew from
 * the chain after a restart or a re-organisation; what it did stands in its store.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Hex, PublicClient } from 'viem'

import { committeeAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { createChainClient } from '#runtime/chain-client.ts'
import type { Key } from '#runtime/keystore.ts'
import type { Logger } from '#runtime/log.ts'
import type { Shutdown } from '#runtime/shutdown.ts'

import { type Book, createBook, unitsOf } from './book.ts'
import { actsFor } from './case-work.ts'
import { readEvents } from './chain-events.ts'
import type { WatcherConfig } from './config.ts'
import { findNoShow } from './find-no-show.ts'
import { createKnowledge, type Knowledge } from './knowledge.ts'
import { report } from './reporting.ts'
import { createSender } from './sender.ts'
import { createWatchStore } from './store.ts'
import { readConflicts, receiptsOfSegment, tallyOfSegment } from './wire.ts'

/** What is known of the chain, and up to where. */
type Sight = { readonly book: Book; readonly knowledge: Knowledge; readonly read: Map<string, number>; at: Head | null }
type Head = { readonly number: bigint; readonly hash: Hex; readonly timestamp: bigint }

/** Starts a watcher; it runs until `shutdown`. */
export async function startWatcher(options: {
  readonly config: WatcherConfig
  readonly key: Key
  readonly log: Logger
  readonly shutdown: Shutdown
}): Promise<{ readonly watcher: Hex }> {
  const { config, key, log, shutdown } = options
  const { signal } = shutdown
  const { contracts } = config
  const client = createChainClient({ url: config.rpcUrl })
  const chainId = await client.getChainId()
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  const genesis = (await client.getBlock({ blockNumber: 0n })).hash
  const identity = `${key.address} on ${chainId}:${contracts.settlement}:${genesis}`
  const store = createWatchStore(join(config.dataDir, 'watcher.sqlite'), identity)
  shutdown.onShutdown(() => store.close())
  const { confirmations, dryRun } = config
  const sender = createSender({
    ...{ client, store, key, chainId, confirmations, dryRun, log },
    maxGas: BigInt(config.maxGas),
    nowMs: () => Date.now(),
  })
  let sight = blank()

  async function follow(): Promise<Head | null> {
    const head = await client.getBlock()
    const number = head.number - BigInt(confirmations - 1)
    if (number < 0n) return null
    const known = sight.at
    if (known !== null && (await hashOf(client, known.number)) !== known.hash) {
      log.warn({ block: known.number.toString() }, 're-organisation: everything is read anew')
      sight = blank()
    }
    const from = sight.at === null ? BigInt(config.fromBlock) : sight.at.number + 1n
    if (number < from) return sight.at
    const { hash, timestamp } = await client.getBlock({ blockNumber: number })
    const groups = await readEvents(sight.book, client, contracts, { from, to: number })
    for (const { tally } of groups) {
      sight.knowledge.tally(tally, sight.book.deals.get(tally.tally.dealKey), Number(timestamp))
    }
    sight.at = { number, hash, timestamp }
    return sight.at
  }

  async function endpoints(): Promise<readonly string[]> {
    const own = { address: contracts.committee, abi: committeeAbi } as const
    const epoch = await client.readContract({ ...own, functionName: 'currentEpoch' })
    const [, members] = await client.readContract({ ...own, functionName: 'committee', args: [epoch] })
    return members.map(({ endpoint }) => endpoint.replace(/\/+$/, '')).filter((endpoint) => URL.canParse(endpoint))
  }

  /** Takes in what one member published since it was last asked. */
  async function listen(endpoint: string, now: number): Promise<void> {
    const { read, knowledge, book } = sight
    const conflicts = await readConflicts(endpoint, read.get(endpoint) ?? 0, signal)
    for (const { id, left, right } of conflicts) {
      for (const segment of [left, right].filter((side) => side !== null)) {
        knowledge.tally(tallyOfSegment(segment), book.deals.get(segment.dealKey), now)
        for (const receipt of receiptsOfSegment(segment)) knowledge.receipt(receipt)
      }
      read.set(endpoint, id + 1)
    }
  }

  async function capacityOf(dealKey: Hex): Promise<number> {
    const provider = sight.book.deals.get(dealKey)?.provider
    if (provider === undefined) return 0
    const own = { address: contracts.settlement, abi: settlementAbi } as const
    const [capacity] = await client.readContract({ ...own, functionName: 'capacityOf', args: [provider] })
    return capacity
  }

  async function look(head: Head): Promise<void> {
    const { knowledge, book } = sight
    for (const endpoint of [...(await endpoints()), ...config.members]) {
      await listen(endpoint, Number(head.timestamp)).catch((error: unknown) => {
        log.debug({ endpoint, err: error }, 'does not answer')
      })
    }
    await knowledge.sold(capacityOf)
    const own = { address: contracts.settlement, abi: settlementAbi } as const
    const [clock, { closingPeriod }] = await Promise.all([
      client.readContract({ ...own, functionName: 'clock' }),
      client.readContract({ ...own, functionName: 'parameters' }),
    ])
    for (const deal of book.deals.values()) {
      const end = { units: unitsOf(deal), budget: deal.budget, isExcused: deal.isExcused || deal.offer.mode !== 0 }
      const finding = findNoShow(deal, end, clock, closingPeriod)
      if (finding !== null) knowledge.add(finding)
    }
    await act(clock)
  }

  async function act(clock: number): Promise<void> {
    const { knowledge, book } = sight
    for (const finding of knowledge.findings().values()) {
      if (book.cases.has(finding.subject)) continue
      await report(finding, { sender, store, contracts, dryRun })
    }
    const own = { address: contracts.settlement, abi: settlementAbi } as const
    const readInterval = async (interval: number) =>
      (await client.readContract({ ...own, functionName: 'intervalChain', args: [interval] }))[0]
    for (const one of book.cases.values()) {
      const acts = await actsFor(book, one, { contracts, clock, readInterval })
      for (const each of acts) await sender.act(each)
    }
  }

  async function step(): Promise<void> {
    const head = await follow()
    await sender.step()
    if (head !== null) await look(head)
    await sender.step()
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await step().catch((error: unknown) => {
        if (!signal.aborted) log.warn({ err: error }, 'will look again')
      })
      await sleep(config.pollMs, undefined, { signal }).catch(() => {})
    }
  }
  const done = run()
  shutdown.onShutdown(() => done)
  log.info({ watcher: key.address, chainId }, 'watching')
  return { watcher: key.address }
}

function blank(): Sight {
  return { book: createBook(), knowledge: createKnowledge(), read: new Map(), at: null }
}

async function hashOf(client: PublicClient, blockNumber: bigint): Promise<Hex | null> {
  return await client.getBlock({ blockNumber }).then(
    ({ hash }) => hash,
    () => null,
  )
}
