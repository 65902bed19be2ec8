/**
 * The chain through a viem client.
 *
 * @module
 */
import {
  type Address,
  BaseError,
  ContractFunctionExecutionError,
  ContractFunctionRevertedError,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
  type PublicClient,
  parseAbi,
  zeroAddress,
} from 'viem'

import { committeeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { decodeFacts } from '#protocol/facts.ts'
import type { Kzg } from '#runtime/kzg.ts'
import type { DealFacts, WorkerFacts } from '../domain/facts.ts'
import type { Call, Chain, Upkeep } from '../ports.ts'
import { readFeeLevel, readFirstFees } from './viem-fees.ts'
import { LOG_RANGE, programOf, readLogs } from './viem-logs.ts'
import { createTransactions } from './viem-transactions.ts'

/** Where the contracts stand. */
export type Deployment = { readonly settlement: Address; readonly registry: Address; readonly committee: Address }

/**
 * Creates the chain port.
 *
 * @param options - `startBlock`: first block that can hold a deal's opening, normally the deployment's; `kzg`: proofs of
 * the blobs that are sent.
 */
export function createViemChain(options: {
  readonly client: PublicClient
  readonly deployment: Deployment
  readonly startBlock: bigint
  readonly kzg: Kzg
}): Chain {
  const { client, deployment, startBlock, kzg } = options
  const shared = createShared()
  const settlement = { address: deployment.settlement, abi: settlementAbi } as const
  const registry = { address: deployment.registry, abi: registryAbi } as const
  const committee = { address: deployment.committee, abi: committeeAbi } as const

  const deal = async (id: number, at?: bigint): Promise<DealFacts> =>
    client.readContract({ ...settlement, functionName: 'deal', args: [id], ...atBlock(at) })

  async function periods() {
    const { closingPeriod, retention } = await client.readContract({ ...settlement, functionName: 'parameters' })
    return { closing: closingPeriod, retention }
  }

  const stream: Chain['stream'] = async (id, index, at) => {
    const [count, units, acknowledged] = await client.readContract({
      ...settlement,
      functionName: 'stream',
      args: [id, index],
      ...atBlock(at),
    })
    return { count, units: BigInt(units), acknowledged: BigInt(acknowledged) }
  }

  async function worker(index: number): Promise<WorkerFacts | null> {
    try {
      const [[provider, key], revokedFrom] = await Promise.all([
        client.readContract({ ...registry, functionName: 'workerAt', args: [index] }),
        client.readContract({ ...registry, functionName: 'revokedFrom', args: [index] }),
      ])
      return provider === 0 || key === zeroAddress ? null : { provider, key, revokedFrom }
    } catch (error) {
      if (isRevert(error)) return null
      throw error
    }
  }

  async function room(provider: number): Promise<bigint> {
    const { cover, unmatured } = await client.readContract({
      ...settlement,
      functionName: 'earnings',
      args: [provider],
    })
    return cover > unmatured ? cover - unmatured : 0n
  }

  const clock = () => client.readContract({ ...settlement, functionName: 'clock' })

  return {
    ...createTransactions(client, kzg),
    deal,
    stream,
    clock,
    logs: (from, to) => readLogs(client, deployment, from, to),
    periods,

    async nets() {
      const blockNumber = await client.getBlockNumber()
      const at = { ...settlement, blockNumber }
      const [root, [queueFrom, queueTo], now] = await Promise.all([
        client.readContract({ ...at, functionName: 'netRoot' }),
        client.readContract({ ...at, functionName: 'netQueue' }),
        client.readContract({ ...at, functionName: 'clock' }),
      ])
      return { root, queueFrom, queueTo, clock: now }
    },

    async facts(group) {
      const [dealNow, workerNow, clockNow, { closing }] = await Promise.all([
        shared(`deal ${group.dealId}`, () => deal(group.dealId)),
        shared(`worker ${group.worker}`, () => worker(group.worker)),
        shared('clock', clock),
        shared('periods', periods),
      ])
      const inRange = group.stream < dealNow.streams
      const [streamNow, roomNow] = await Promise.all([
        inRange ? stream(group.dealId, group.stream) : { count: 0, units: 0n, acknowledged: 0n },
        dealNow.provider === 0 ? 0n : shared(`room ${dealNow.provider}`, () => room(dealNow.provider)),
      ])
      return {
        deal: dealNow,
        stream: streamNow,
        worker: workerNow,
        clock: clockNow,
        closingPeriod: closing,
        room: roomNow,
      }
    },

    async committee() {
      const epoch = await client.readContract({ ...committee, functionName: 'currentEpoch' })
      const [threshold, members] = await client.readContract({
        ...committee,
        functionName: 'committee',
        args: [epoch],
      })
      return { epoch, threshold, members }
    },

    async program(id, key) {
      const head = await client.getBlockNumber()
      for (let last = head; last >= startBlock; last -= LOG_RANGE) {
        const first = last - LOG_RANGE + 1n > startBlock ? last - LOG_RANGE + 1n : startBlock
        const [found] = await client.getContractEvents({
          address: deployment.settlement,
          abi: settlementAbi,
          eventName: 'DealOpened',
          args: { id, key },
          fromBlock: first,
          toBlock: last,
          strict: true,
        })
        if (found !== undefined) return programOf(found.args.offer)
      }
      return null
    },

    async block(number) {
      try {
        const { hash, timestamp } = await client.getBlock({ blockNumber: number })
        return { hash, timestamp }
      } catch (error) {
        if (error instanceof Error && error.name === 'BlockNotFoundError') return null
        throw error
      }
    },

    fees: (carriesBlobs) => readFirstFees(client, carriesBlobs),
    feeLevel: () => readFeeLevel(client),

    transactionCount: (address) => client.getTransactionCount({ address, blockTag: 'latest' }),
    balance: (address) => client.getBalance({ address }),

    settleCall: (batch, authority) => ({
      to: deployment.settlement,
      data: encodeFunctionData({ abi: settlementAbi, functionName: 'settle', args: [batch, authority] }),
    }),

    outcomes: (answer) => {
      const facts = decodeFunctionResult({ abi: settlementAbi, functionName: 'settle', data: answer })
      return facts === '0x' ? [] : decodeFacts(facts).map(({ outcome }) => outcome)
    },

    acknowledgeCall: (dealId, { stream: index, count, units, segment, signature }) => ({
      to: deployment.settlement,
      data: encodeFunctionData({
        abi: settlementAbi,
        functionName: 'acknowledge',
        args: [dealId, index, count, Number(units), segment, signature],
      }),
    }),

    upkeepCall: (what) => upkeepCall(deployment, what),

    async acceptsSignature(account, digest, signature) {
      try {
        const magic = await client.readContract({
          address: account,
          abi: walletAbi,
          functionName: 'isValidSignature',
          args: [digest, signature],
        })
        return magic === ERC1271_MAGIC
      } catch (error) {
        if (error instanceof ContractFunctionExecutionError) return false
        throw error
      }
    },
  }
}

/** How long groups judged together share what was read for one of them, milliseconds. */
const SHARED_MS = 150

/** Reads once for all who ask for the same within a moment: the groups of a batch share deals, workers and clock. */
function createShared(): <T>(key: string, read: () => Promise<T>) => Promise<T> {
  const reads = new Map<string, Promise<unknown>>()
  let since = 0
  return <T>(key: string, read: () => Promise<T>) => {
    const now = performance.now()
    if (now - since > SHARED_MS) {
      reads.clear()
      since = now
    }
    const known = reads.get(key)
    if (known !== undefined) return known as Promise<T>
    const begun = read()
    reads.set(key, begun)
    return begun
  }
}

const atBlock = (at: bigint | undefined) => (at === undefined ? {} : { blockNumber: at })

const walletAbi = parseAbi(['function isValidSignature(bytes32 digest, bytes signature) view returns (bytes4)'])

/** Selector of `isValidSignature`, which is the answer for yes. Source: ERC-1271. */
const ERC1271_MAGIC = '0x1626ba7e'

function upkeepCall({ settlement: to, registry }: Deployment, what: Upkeep): Call {
  const abi = settlementAbi
  if (what === 'tick') return { to, data: encodeFunctionData({ abi, functionName: 'tick' }) }
  if ('close' in what) return { to, data: encodeFunctionData({ abi, functionName: 'close', args: [what.close] }) }
  if ('recycle' in what) return { to, data: encodeFunctionData({ abi, functionName: 'recycle', args: [what.recycle] }) }
  if ('closeNet' in what) {
    const { leaf, path } = what.proof
    return { to, data: encodeFunctionData({ abi, functionName: 'closeNet', args: [what.closeNet, leaf, path] }) }
  }
  if ('packDeals' in what)
    return { to, data: encodeFunctionData({ abi, functionName: 'packDeals', args: [what.packDeals] }) }
  const args = [what.packWorkers] as const
  return { to: registry, data: encodeFunctionData({ abi: registryAbi, functionName: 'packWorkers', args }) }
}

function isRevert(error: unknown): boolean {
  return error instanceof BaseError && error.walk((cause) => cause instanceof ContractFunctionRevertedError) !== null
}

/** Hex of a hash, for identifying a chain: two local chains may share id and addresses but not their first block. */
export async function genesisOf(client: PublicClient): Promise<Hex> {
  const block = await client.getBlock({ blockNumber: 0n })
  return block.hash
}
