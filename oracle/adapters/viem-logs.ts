/**
 * What the contracts told in a range of blocks.
 *
 * @module
 */
import { decodeFunctionData, type GetLogsReturnType, getAbiItem, type Hex, type PublicClient } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { Mode } from '#protocol/types.ts'
import { OracleError } from '../errors.ts'
import type { ChainLogs, NetEvent, NetFact, ProgramFacts } from '../ports.ts'
import type { Deployment } from './viem-chain.ts'

/** Blocks asked for in one log query; public nodes refuse more. */
export const LOG_RANGE = 5_000n

const FOLLOWED = [
  getAbiItem({ abi: settlementAbi, name: 'DealOpened' }),
  getAbiItem({ abi: settlementAbi, name: 'Settled' }),
  getAbiItem({ abi: registryAbi, name: 'WorkersPacked' }),
  getAbiItem({ abi: settlementAbi, name: 'BuyerNumbered' }),
  getAbiItem({ abi: settlementAbi, name: 'ForceAnnounced' }),
  getAbiItem({ abi: settlementAbi, name: 'ForceExecuted' }),
] as const

type Log = GetLogsReturnType<undefined, typeof FOLLOWED, true>[number]

/** What a batch or an announced group came with: its bytes and the hashes of its transaction's blobs. */
type Carried = { readonly bytes: Hex; readonly blobs: readonly Hex[] }

/** Reads the logs of blocks `from` to `to`. */
export async function readLogs(
  client: PublicClient,
  deployment: Deployment,
  from: bigint,
  to: bigint,
): Promise<ChainLogs> {
  const parts: ChainLogs[] = []
  for (let first = from; first <= to; first += LOG_RANGE) {
    const last = first + LOG_RANGE - 1n < to ? first + LOG_RANGE - 1n : to
    parts.push(await logsIn(client, deployment, first, last))
  }
  return {
    opened: parts.flatMap(({ opened }) => opened),
    settled: parts.flatMap(({ settled }) => settled),
    packed: parts.flatMap(({ packed }) => packed),
    nets: parts.flatMap(({ nets }) => nets),
  }
}

async function logsIn(
  client: PublicClient,
  { settlement, registry }: Deployment,
  fromBlock: bigint,
  toBlock: bigint,
): Promise<ChainLogs> {
  const address = [settlement, registry]
  const found = await client.getLogs({ address, events: FOLLOWED, fromBlock, toBlock, strict: true })
  const carried = new Map<Hex, Carried>()
  for (const log of found) {
    const isCarried = log.eventName === 'Settled' && log.args.mode !== Mode.Calldata
    if (!isCarried && log.eventName !== 'ForceAnnounced') continue
    carried.set(log.transactionHash, await carriedBy(client, log.transactionHash))
  }
  return {
    opened: found
      .filter((log) => log.eventName === 'DealOpened')
      .map(({ args: { id, key, offer }, blockNumber, blockHash }) => {
        return { id, key, program: programOf(offer), blockNumber, blockHash }
      }),
    settled: found
      .filter((log) => log.eventName === 'Settled')
      .map(({ args: { root }, blockNumber, blockHash, transactionHash: transaction }) => {
        return { root, transaction, blobs: carried.get(transaction)?.blobs ?? [], blockNumber, blockHash }
      }),
    packed: found
      .filter((log) => log.eventName === 'WorkersPacked')
      .map(({ args: { firstIndex, indexes: workers }, blockNumber, blockHash }) => {
        return { firstIndex, workers, blockNumber, blockHash }
      }),
    nets: found.flatMap((log) => netEventOf(log, carried)),
  }
}

function netEventOf(log: Log, carried: ReadonlyMap<Hex, Carried>): NetEvent[] {
  const fact = netFactOf(log, carried)
  const { blockNumber, blockHash, logIndex } = log
  return fact === null ? [] : [{ blockNumber, blockHash, logIndex, fact }]
}

function netFactOf(log: Log, carried: ReadonlyMap<Hex, Carried>): NetFact | null {
  const by = carried.get(log.transactionHash)
  switch (log.eventName) {
    case 'BuyerNumbered':
      return { kind: 'numbered', buyer: log.args.buyer, index: log.args.index }
    case 'DealOpened':
      return netDealOf(log)
    case 'Settled':
      if (log.args.mode !== Mode.Net || by === undefined) return null
      return { kind: 'batch', batch: by.bytes, blobs: by.blobs }
    case 'ForceAnnounced':
      return by === undefined ? null : { kind: 'announced', index: log.args.index, group: by.bytes }
    case 'ForceExecuted': {
      const { id: dealId, stream, cell, root } = log.args
      return { kind: 'executed', dealId, stream, cell, root }
    }
    default:
      return null
  }
}

function netDealOf({ args }: Extract<Log, { eventName: 'DealOpened' }>): NetFact | null {
  const { id: dealId, key, buyer, provider, offer, terms } = args
  if (offer.mode !== Mode.Net) return null
  const deal = { key, provider, price: offer.price, budget: terms.budget, streams: terms.streams }
  return { kind: 'opened', dealId, buyer, deal }
}

/** Batches and announcements are transactions of their own, so the input says what came. */
/** What a deal's work is made with, of the offer in its opening. */
export function programOf({ program, kind }: { readonly program: Hex; readonly kind: number }): ProgramFacts {
  return { root: program, kind }
}

async function carriedBy(client: PublicClient, hash: Hex): Promise<Carried> {
  const { input, blobVersionedHashes } = await client.getTransaction({ hash })
  const { functionName, args } = decodeFunctionData({ abi: settlementAbi, data: input })
  if (functionName !== 'settle' && functionName !== 'announceForce')
    throw new OracleError('chain.unexpected', `${hash} settles by ${functionName}`)
  return { bytes: args[0], blobs: blobVersionedHashes ?? [] }
}
