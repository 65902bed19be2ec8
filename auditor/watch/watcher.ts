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

import type { Address, Hex, PublicClient } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import type { NetState } from '#protocol/net-state.ts'
import { Mode } from '#protocol/types.ts'
import { createSender } from '#runtime/act-sender.ts'
import { createActStore } from '#runtime/act-store.ts'
import { createChainClient } from '#runtime/chain-client.ts'
import type { Key } from '#runtime/keystore.ts'
import { createKzg } from '#runtime/kzg.ts'
import type { Logger } from '#runtime/log.ts'
import type { Shutdown } from '#runtime/shutdown.ts'
import { createBlobSource } from './blob-source.ts'
import { type BlobWatch, createBlobWatch } from './blob-watch.ts'
import { type Book, type BookGroup, createBook, intervalOf, streamKey, unitsOf } from './book.ts'
import { actsFor } from './case-work.ts'
import { readEvents } from './chain-events.ts'
import { createCommittees } from './committees.ts'
import type { WatcherConfig } from './config.ts'
import { createDoubts, type Doubts } from './doubts.ts'
import { findBrokenPromise } from './find-broken-promise.ts'
import { findConflicts } from './find-conflict.ts'
import { findNetNoShow, findNoShow } from './find-no-show.ts'
import { findWrongNet } from './find-wrong-net.ts'
import { createKnowledge, type Knowledge } from './knowledge.ts'
import { createListener, type Listener } from './listener.ts'
import { createNetFollower, type NetFollower } from './net-follower.ts'
import { lapses } from './order-doubts.ts'
import { report } from './reporting.ts'
import { resultsOn } from './results-on.ts'
import type { Results } from './wrong-results.ts'

/** What is known of the chain, and up to where. */
type Sight = {
  readonly book: Book
  readonly knowledge: Knowledge
  readonly listener: Listener
  readonly doubts: Doubts
  readonly results: Results | null
  readonly blobs: BlobWatch
  readonly nets: NetFollower
  at: Head | null
}
type Head = { readonly number: bigint; readonly hash: Hex; readonly timestamp: bigint }

/** Starts a watcher; it runs until `shutdown`. */
export async function startWatcher(options: {
  readonly config: WatcherConfig
  readonly key: Key
  readonly log: Logger
  readonly shutdown: Shutdown
}): Promise<{ readonly watcher: Address }> {
  const { config, key, log, shutdown } = options
  const { signal } = shutdown
  const { contracts, confirmations, dryRun } = config
  const client = createChainClient({ url: config.rpcUrl })
  const own = { address: contracts.settlement, abi: settlementAbi } as const
  const [chainId, token] = await Promise.all([
    client.getChainId(),
    client.readContract({ ...own, functionName: 'TOKEN' }),
  ])
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  const genesis = (await client.getBlock({ blockNumber: 0n })).hash
  const identity = `${key.address} on ${chainId}:${contracts.settlement}:${genesis}`
  const store = createActStore(join(config.dataDir, 'watcher.sqlite'), identity)
  shutdown.onShutdown(() => store.close())
  const nowMs = () => Date.now()
  const maxGas = BigInt(config.maxGas)
  const sender = createSender({ client, store, key, chainId, maxGas, confirmations, dryRun, log, nowMs })
  const committees = createCommittees(client, contracts.committee)
  const readInterval = async (interval: number) =>
    (await client.readContract({ ...own, functionName: 'intervalChain', args: [interval] }))[0]
  const createResultsOf = resultsOn({ client, config, sender, token, readInterval, log, nowMs, store, shutdown })
  const kzg = createKzg()
  const read = createBlobSource({ kzg, signal })
  let sight = blank()

  function blank(): Sight {
    const knowledge = createKnowledge()
    const book = createBook()
    const domain = { chainId, verifyingContract: contracts.settlement }
    const asking = {
      workers: config.workers,
      demands: contracts.demands,
      budget: config.demandBudget,
      afterMs: config.doubtAfterMs,
    }
    const doubts = createDoubts({ client, sender, knowledge, domain, token, ...asking, nowMs, signal })
    const results = createResultsOf === null ? null : createResultsOf()
    const blobs = createBlobWatch({ kzg, read })
    const nets = createNetFollower(read)
    const listener = createListener({ book, knowledge, log, signal })
    return { book, knowledge, doubts, results, blobs, nets, listener, at: null }
  }

  /** Reads what is new; begins again where a re-organisation took away what was read. */
  async function follow(): Promise<Head | null> {
    const head = await client.getBlock()
    const number = head.number - BigInt(confirmations - 1)
    if (sight.at !== null && (await hashOf(client, sight.at.number)) !== sight.at.hash) {
      log.warn({ block: sight.at.number.toString() }, 're-organisation: everything is read anew')
      sight = blank()
    }
    const from = sight.at === null ? BigInt(config.fromBlock) : sight.at.number + 1n
    if (number < from) return sight.at
    const { hash, timestamp } = await client.getBlock({ blockNumber: number })
    const groups = await readEvents(sight.book, client, contracts, { from, to: number })
    for (const group of groups) await takeIn(group, Number(timestamp))
    takeInReceipts(groups.filter(({ tally }) => tally.receipts !== undefined))
    sight.blobs.add(groups)
    sight.at = { number, hash, timestamp }
    return sight.at
  }

  async function takeIn(group: BookGroup, now: number): Promise<void> {
    const { book, knowledge } = sight
    const { dealKey, stream } = group.tally.tally
    knowledge.tally(group.tally, book.deals.get(dealKey), now)
    const others = book.groups.get(streamKey(dealKey, stream)) ?? []
    const signersOf = await committees.readAll()
    for (const other of others) {
      if (other === group) continue
      for (const finding of findConflicts(group, other, signersOf)) knowledge.add(finding)
    }
  }

  /** What is to be asked about receipts: for their orders, and whether their results are right. */
  function takeInReceipts(groups: readonly BookGroup[]): void {
    sight.doubts.add(groups)
    sight.results?.add(groups, sight.book)
  }

  /** Takes in what blobs hold, once somebody gives them. */
  async function readBlobs(archives: readonly string[], now: number): Promise<void> {
    const { blobs, book, knowledge } = sight
    const signersOf = await committees.readAll()
    const { groups, findings } = await blobs.step(book, { archives, readInterval, signersOf })
    for (const group of groups) await takeIn(group, now)
    takeInReceipts(groups)
    for (const finding of findings) knowledge.add(finding)
  }

  async function capacityOf(dealKey: Hex): Promise<number> {
    const provider = sight.book.deals.get(dealKey)?.provider
    if (provider === undefined) return 0
    const [capacity] = await client.readContract({ ...own, functionName: 'capacityOf', args: [provider] })
    return capacity
  }

  async function look(head: Head): Promise<void> {
    const { knowledge, book, listener, doubts, results } = sight
    const endpoints = [...(await committees.endpoints()), ...config.members]
    for (const endpoint of endpoints) await listener.conflicts(endpoint, Number(head.timestamp))
    for (const worker of config.workers) await listener.promises(worker)
    const archives = [...config.archives, ...endpoints]
    await readBlobs(archives, Number(head.timestamp))
    await doubts.step(book, endpoints, readInterval)
    await results?.step(book, [...config.workers, ...endpoints])
    await knowledge.sold(capacityOf)
    const [clock, { closingPeriod }] = await Promise.all([
      client.readContract({ ...own, functionName: 'clock' }),
      client.readContract({ ...own, functionName: 'parameters' }),
    ])
    findNoShows(clock, closingPeriod, await sight.nets.step(book, archives))
    findLate(await committees.readAll())
    await act(clock)
  }

  /** Deals that ended with too little work; netted ones as far as net mode could be followed. */
  function findNoShows(clock: number, closingPeriod: number, nets: NetState | null): void {
    const { knowledge, book } = sight
    for (const deal of book.deals.values()) {
      const { budget, isExcused } = deal
      if (deal.offer.mode !== Mode.Net)
        knowledge.add(findNoShow(deal, { budget, isExcused, units: unitsOf(deal) }, clock, closingPeriod))
      else if (nets !== null)
        knowledge.renew(findNetNoShow(deal, { budget, isExcused, tree: nets.tree }, clock, closingPeriod))
    }
  }

  /** Faults that time makes. */
  function findLate(signersOf: (epoch: number) => readonly Address[]): void {
    const { knowledge, book, listener } = sight
    const buyerOf = (index: number) => book.buyers.get(index)
    const wrong = book.nets.flatMap((net) => {
      const links = book.intervals.get(intervalOf(net.time)) ?? []
      return findWrongNet(net, links, buyerOf, signersOf)
    })
    const broken = listener.promised().map((promised) => findBrokenPromise(book, promised, signersOf))
    for (const finding of [...wrong, ...broken]) knowledge.add(finding)
  }

  async function act(clock: number): Promise<void> {
    const { knowledge, book } = sight
    for (const finding of knowledge.findings().values()) {
      if (!book.cases.has(finding.subject)) await report(finding, { sender, store, contracts, dryRun })
    }
    const acts = contracts.demands === undefined ? [] : lapses(book, contracts.demands, clock)
    for (const one of book.cases.values()) acts.push(...(await actsFor(book, one, { contracts, clock, readInterval })))
    for (const each of acts) await sender.act(each)
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

async function hashOf(client: PublicClient, blockNumber: bigint): Promise<Hex | null> {
  return await client.getBlock({ blockNumber }).then(
    ({ hash }) => hash,
    () => null,
  )
}
