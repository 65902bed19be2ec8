/**
 * Reads the settlement's and the registry's events into the book, block range by block range.
 *
 * @module
 */
import {
  type Address,
  decodeFunctionData,
  decodeFunctionResult,
  type Hex,
  type Log,
  type PublicClient,
  parseEventLogs,
  zeroAddress,
  zeroHash,
} from 'viem'

import { demandsAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { faultSubject } from '#protocol/evidence.ts'
import { decodeFacts } from '#protocol/facts.ts'
import { Fault, Mode } from '#protocol/types.ts'

import { type Book, type BookDeal, type BookGroup, intervalOf, listOf } from './book.ts'
import { type AskFacts, enterBatch, type SettledEvent } from './settled-batch.ts'

/** Contracts that a watcher follows. */
export type Watched = {
  readonly settlement: Address
  readonly registry: Address
  readonly demands?: Address | undefined
}

/** Blocks asked for at a time; public nodes refuse wide ranges. */
const LOG_RANGE = 2_000n

type SettlementEvent = ReturnType<typeof parseEventLogs<typeof settlementAbi>>[number]
type RegistryEvent = ReturnType<typeof parseEventLogs<typeof registryAbi>>[number]

/**
 * Enters everything the blocks `from` to `to` tell.
 *
 * @returns Groups settled in them, in order.
 */
export async function readEvents(
  book: Book,
  client: PublicClient,
  contracts: Watched,
  range: { readonly from: bigint; readonly to: bigint },
): Promise<BookGroup[]> {
  const settled: BookGroup[] = []
  for (let at = range.from; at <= range.to; at += LOG_RANGE) {
    const end = at + LOG_RANGE - 1n < range.to ? at + LOG_RANGE - 1n : range.to
    const { settlement, registry, demands } = contracts
    const address = [settlement, registry, ...(demands === undefined ? [] : [demands])]
    const logs = await client.getLogs({ address, fromBlock: at, toBlock: end })
    for (const log of logs) settled.push(...(await enterLog(book, client, contracts, log)))
  }
  return settled
}

async function enterLog(book: Book, client: PublicClient, contracts: Watched, log: Log): Promise<readonly BookGroup[]> {
  if (log.address.toLowerCase() === contracts.registry.toLowerCase()) {
    for (const event of parseEventLogs({ abi: registryAbi, logs: [log] })) enterCase(book, event)
    return []
  }
  if (log.address.toLowerCase() === contracts.demands?.toLowerCase()) {
    for (const event of parseEventLogs({ abi: demandsAbi, logs: [log] })) enterDemand(book, event)
    return []
  }
  const groups: BookGroup[] = []
  for (const event of parseEventLogs({ abi: settlementAbi, logs: [log] })) {
    if (event.eventName === 'Settled') groups.push(...(await enterSettled(book, client, contracts, event)))
    else enterDealEvent(book, event)
  }
  return groups
}

async function enterSettled(
  book: Book,
  client: PublicClient,
  { settlement }: Watched,
  event: Extract<SettlementEvent, { eventName: 'Settled' }>,
): Promise<readonly BookGroup[]> {
  const { args, transactionHash: hash, blockNumber } = event
  const { input, from, blobVersionedHashes } = await client.getTransaction({ hash })
  const call = decodeFunctionData({ abi: settlementAbi, data: input })
  if (call.functionName !== 'settle') return []
  const [bytes, authority] = call.args
  if (args.mode === Mode.Net) {
    await enterNet(book, client, settlement, { event, bytes, authority, versionedHashes: blobVersionedHashes ?? [] })
    return []
  }
  const { root, lane, applied, clock: time } = args
  const askFacts: AskFacts = async () => {
    if (args.mode === Mode.Blob) return null
    // what it did in its own block, unless something before it in the same block changed its course
    const { data } = await client.call({ account: from, to: settlement, data: input, blockNumber: blockNumber - 1n })
    if (data === undefined) return null
    const facts = decodeFunctionResult({ abi: settlementAbi, functionName: 'settle', data })
    return decodeFacts(facts).length > 0 ? facts : null
  }
  const settled: SettledEvent = {
    ...{ bytes, authority, root, lane, applied, time, transaction: hash, block: blockNumber },
    blobs: blobVersionedHashes ?? [],
  }
  return await enterBatch(book, settled, async (one) => await askFacts(one).catch(() => null))
}

/** A net batch, with what stood before it. */
async function enterNet(
  book: Book,
  client: PublicClient,
  address: Address,
  sent: {
    readonly event: Extract<SettlementEvent, { eventName: 'Settled' }>
    readonly bytes: Hex
    readonly authority: Hex
    readonly versionedHashes: readonly Hex[]
  },
): Promise<void> {
  const { event, bytes, authority, versionedHashes } = sent
  const { root, clock: time } = event.args
  const own = { address, abi: settlementAbi, blockNumber: event.blockNumber - 1n } as const
  const [previous, [queueFrom]] = await Promise.all([
    client.readContract({ ...own, functionName: 'netRoot' }),
    client.readContract({ ...own, functionName: 'netQueue' }),
  ])
  listOf(book.intervals, intervalOf(time)).push({ root, factsRoot: zeroHash, time, batch: null })
  const net = { bytes, authority, versionedHashes, previous, queueFrom, root, time }
  book.nets.push(net)
  book.netSteps.push({ kind: 'batch', net })
}

function enterOpening(book: Book, { args }: Extract<SettlementEvent, { eventName: 'DealOpened' }>): void {
  const { id, key, buyer, provider, offer, terms, openedAt } = args
  const orderKey = terms.orderKey === zeroAddress ? buyer : terms.orderKey
  const nonce = book.nonces.get(buyer) ?? 0n
  book.nonces.set(buyer, nonce + 1n)
  book.keys.set(id, key)
  const zeros = <Value>(value: Value): Value[] => Array.from({ length: terms.streams }, () => value)
  const deal: BookDeal = {
    ...{ id, key, buyer, orderKey, taskRoot: terms.taskRoot, provider, offer, nonce, streams: terms.streams, openedAt },
    ...{ end: openedAt + terms.duration, budget: terms.budget, isExcused: false, isClosed: false },
    ...{ units: zeros(0n), cursors: zeros(0), frozen: zeros(false) },
  }
  book.deals.set(key, deal)
}

function enterDealEvent(book: Book, event: SettlementEvent): void {
  if (event.eventName === 'DealOpened') enterOpening(book, event)
  if (event.eventName === 'BuyerNumbered') book.buyers.set(event.args.index, event.args.buyer)
  if (event.eventName === 'FaultProven') enterFault(book, event)
  if (event.eventName === 'ForceExecuted') {
    const { id: dealId, stream, cell, root } = event.args
    book.netSteps.push({ kind: 'executed', dealId, stream, cell: BigInt(cell), root })
  }
  const id = 'id' in event.args ? Number(event.args.id) : null
  const deal = id === null ? undefined : book.deals.get(book.keys.get(id) ?? '0x')
  if (deal !== undefined) changeDeal(deal, event)
}

function changeDeal(deal: BookDeal, event: SettlementEvent): void {
  if (event.eventName === 'DealToppedUp') deal.budget += event.args.amount
  if (event.eventName === 'DealClosed') deal.isClosed = true
  if (event.eventName === 'DealStopped') {
    deal.end = event.args.end
    deal.isExcused = true
  }
  if (event.eventName === 'DealExcused' || event.eventName === 'StoppedForFault') deal.isExcused = true
  if (event.eventName === 'StreamFrozen') deal.frozen[event.args.stream] = true
  if (event.eventName === 'UnitsVoided') deal.units[event.args.stream] = BigInt(event.args.units)
}

function enterFault(book: Book, { args }: Extract<SettlementEvent, { eventName: 'FaultProven' }>): void {
  book.refuted.set(args.subject, { index: args.index, detail: args.detail })
}

type DemandEvent = ReturnType<typeof parseEventLogs<typeof demandsAbi>>[number]

function enterDemand(book: Book, event: DemandEvent): void {
  if (event.eventName === 'Demanded') {
    book.demands.set(event.args.demand, { facts: event.args.facts, isOpen: true })
    return
  }
  if (event.eventName !== 'Answered' && event.eventName !== 'Silenced') return
  const known = book.demands.get(event.args.demand)
  if (known === undefined) return
  known.isOpen = false
  const fault = SILENT_ABOUT[known.facts.ask]
  if (event.eventName === 'Answered' || fault === undefined) return
  const { key, stream, index } = known.facts
  book.refuted.set(faultSubject(key, stream, fault), { index, detail: event.args.demand })
}

/** Faults that silence is, by what was asked for: an order, an output. */
const SILENT_ABOUT: readonly (Fault | undefined)[] = [Fault.Unordered, Fault.Withheld]

function enterCase(book: Book, event: RegistryEvent): void {
  if (event.eventName === 'Slashed') {
    const { subject, fault, facts } = event.args
    book.cases.set(subject, { facts, fault, isOver: false })
    return
  }
  const subject: Hex | null = 'subject' in event.args ? (event.args.subject as Hex) : null
  const known = subject === null ? undefined : book.cases.get(subject)
  if (known === undefined) return
  if (event.eventName === 'PriorityClaimed') known.facts = event.args.facts
  if (event.eventName === 'CasePaid' || event.eventName === 'CaseReturned') known.isOver = true
}
