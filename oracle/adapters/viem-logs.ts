/**
 * What the contracts told in a range of blocks.
 *
 * @module
 */
import { getAbiItem, type Hex, type PublicClient } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { Mode } from '#protocol/types.ts'
import type { ChainLogs } from '../ports.ts'
import type { Deployment } from './viem-chain.ts'

/** Blocks asked for in one log query; public nodes refuse more. */
export const LOG_RANGE = 5_000n

const FOLLOWED = [
  getAbiItem({ abi: settlementAbi, name: 'DealOpened' }),
  getAbiItem({ abi: settlementAbi, name: 'Settled' }),
  getAbiItem({ abi: registryAbi, name: 'WorkersPacked' }),
] as const

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
  const settled = found
    .filter((log) => log.eventName === 'Settled')
    .map(async ({ args, blockNumber, blockHash, transactionHash: transaction }) => {
      const blobs = await blobsOf(client, args.mode, transaction)
      return { root: args.root, transaction, blobs, blockNumber, blockHash }
    })
  return {
    opened: found
      .filter((log) => log.eventName === 'DealOpened')
      .map(({ args: { id, key, offer }, blockNumber, blockHash }) => {
        return { id, key, program: offer.program, blockNumber, blockHash }
      }),
    settled: await Promise.all(settled),
    packed: found
      .filter((log) => log.eventName === 'WorkersPacked')
      .map(({ args: { firstIndex, indexes: workers }, blockNumber, blockHash }) => {
        return { firstIndex, workers, blockNumber, blockHash }
      }),
  }
}

/** Versioned hashes of the blobs of a settled batch. */
async function blobsOf(client: PublicClient, mode: number, hash: Hex): Promise<readonly Hex[]> {
  if (mode === Mode.Calldata) return []
  const { blobVersionedHashes } = await client.getTransaction({ hash })
  return blobVersionedHashes ?? []
}
