/**
 * A chain behind a JSON-RPC endpoint.
 *
 * Every block is read with its full transactions, because a batch's bytes stand in the transaction's input and a tick of
 * the clock leaves no log. View calls of past blocks need a node that keeps its history.
 *
 * @module
 */
import {
  type Address,
  type Hex,
  hexToNumber,
  numberToHex,
  type PublicClient,
  pad,
  RpcRequestError,
  type RpcTransaction,
} from 'viem'

import type { ReadBlob } from './blobs.ts'
import { AuditError } from './errors.ts'
import { overlaysOf, type StorageDiff } from './overlays.ts'
import type { BlockRecord, InnerCall, LogRecord, Overlay, Source, TransactionRecord, Watch } from './source.ts'
import { addressKey } from './state.ts'

/** How a chain is read. */
export type ChainSourceOptions = {
  client: PublicClient
  /** What errors call the chain, e.g. its URL. */
  name: string
  /** Blocks read at the same time, default 16. */
  parallel?: number
  /** Where blobs are read, without which every blob is unreadable: no JSON-RPC gives them. */
  readBlob?: ReadBlob
}

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const LOG_SPAN = 2000
const DEFAULT_PARALLEL = 16
const REVERT_CODES: ReadonlySet<number> = new Set([3, -32_000, -32_015])

type Fetched = { number: number; hash: Hex; parentHash: Hex; timestamp: number; transactions: RpcTransaction[] }

function unreachable(name: string, error: unknown): AuditError {
  const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  return new AuditError('chain.unreachable', `the chain at ${name} does not answer: ${reason}`, { cause: error })
}

function isRevert(error: unknown): boolean {
  if (!(error instanceof RpcRequestError)) return false
  return REVERT_CODES.has(error.code) && /revert/i.test(error.message)
}

async function* inChunks<item>(from: number, to: number, size: number, get: (at: number) => Promise<item>) {
  for (let start = from; start <= to; start += size) {
    const length = Math.min(size, to - start + 1)
    yield* await Promise.all(Array.from({ length }, async (_, i) => await get(start + i)))
  }
}

/** Hashes of the transactions with a watched log, block by block. */
async function loggedIn(client: PublicClient, from: number, to: number, watch: Watch): Promise<Set<Hex>> {
  const range = { fromBlock: numberToHex(from), toBlock: numberToHex(to) }
  const senders = watch.contracts.map((contract) => pad(contract, { size: 32 }))
  const filters = [
    { ...range, address: [...watch.contracts] },
    ...(watch.tokens.length === 0 ? [] : [{ ...range, address: [...watch.tokens], topics: [TRANSFER, senders] }]),
  ]
  const found = await Promise.all(
    filters.map(async (filter) => await client.request({ method: 'eth_getLogs', params: [filter] })),
  )
  return new Set(found.flat().flatMap(({ transactionHash }) => transactionHash ?? []))
}

async function fetchBlock(client: PublicClient, number: number): Promise<Fetched> {
  const block = await client.request({ method: 'eth_getBlockByNumber', params: [numberToHex(number), true] })
  if (block?.hash == null) throw new AuditError('chain.no-block', `the chain has no block ${number}`)
  const transactions = block.transactions.filter((one) => typeof one !== 'string')
  return {
    number,
    hash: block.hash,
    parentHash: block.parentHash,
    timestamp: hexToNumber(block.timestamp),
    transactions,
  }
}

async function withReceipt(
  client: PublicClient,
  transaction: RpcTransaction,
  watch: Watch,
): Promise<TransactionRecord> {
  const { hash } = transaction
  const receipt = await client.request({ method: 'eth_getTransactionReceipt', params: [hash] })
  if (receipt === null) throw new AuditError('chain.no-receipt', `the chain has no receipt of transaction ${hash}`)
  const ours = new Set([...watch.contracts, ...watch.tokens].map(addressKey))
  const logs: LogRecord[] = receipt.logs
    .filter((log) => ours.has(addressKey(log.address)))
    .map((log) => ({
      address: addressKey(log.address),
      topics: log.topics,
      data: log.data,
      index: hexToNumber(log.logIndex ?? '0x0'),
    }))
  return {
    hash,
    from: addressKey(transaction.from),
    to: transaction.to === null ? null : addressKey(transaction.to),
    input: transaction.input,
    blobs: transaction.blobVersionedHashes ?? [],
    succeeded: receipt.status === '0x1',
    logs,
  }
}

async function readRecord(client: PublicClient, block: Fetched, logged: Set<Hex>, watch: Watch): Promise<BlockRecord> {
  const targets = new Set(watch.contracts.map(addressKey))
  const wanted = block.transactions.filter(
    ({ hash, to }) => logged.has(hash) || (to !== null && targets.has(addressKey(to))),
  )
  const transactions = await Promise.all(wanted.map(async (one) => await withReceipt(client, one, watch)))
  const { number, hash, parentHash, timestamp } = block
  return { number, hash, parentHash, timestamp, transactions }
}

type Traced = { storage?: Record<Hex, Hex> }

const overrideOf = ({ storage }: Overlay): Record<Address, { stateDiff: Record<Hex, Hex> }> =>
  Object.fromEntries(Object.entries(storage).map(([account, slots]) => [account, { stateDiff: { ...slots } }]))

type Frame = { from?: Address; to?: Address; input?: Hex; error?: string; calls?: Frame[] }

function flatten(frame: Frame): InnerCall[] {
  if (frame.error !== undefined) return []
  const { from, to, input } = frame
  const own = from === undefined || to === undefined ? [] : [{ from, to: addressKey(to), input: input ?? '0x' }]
  return [...own, ...(frame.calls ?? []).flatMap(flatten)]
}

async function traceCalls(client: PublicClient, transaction: Hex): Promise<InnerCall[] | null> {
  type Method = { Method: 'debug_traceTransaction'; Parameters: [Hex, { tracer: 'callTracer' }]; ReturnType: Frame }
  try {
    const frame = await client.request<Method>({
      method: 'debug_traceTransaction',
      params: [transaction, { tracer: 'callTracer' }],
    })
    return frame.to === undefined ? null : flatten(frame)
  } catch {
    // many endpoints do not trace; the audit says what it could not read
    return null
  }
}

const storageOf = (accounts: Record<Address, Traced> | undefined): StorageDiff['before'] =>
  Object.fromEntries(
    Object.entries(accounts ?? {}).flatMap(([account, { storage }]) =>
      storage === undefined ? [] : [[addressKey(account as Address), storage]],
    ),
  )

async function traceStorage(client: PublicClient, hash: Hex): Promise<StorageDiff> {
  type Options = { tracer: 'prestateTracer'; tracerConfig: { diffMode: true } }
  type Changes = { pre?: Record<Address, Traced>; post?: Record<Address, Traced> }
  type Method = { Method: 'debug_traceTransaction'; Parameters: [Hex, Options]; ReturnType: Changes }
  const { pre, post } = await client.request<Method>({
    method: 'debug_traceTransaction',
    params: [hash, { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }],
  })
  return { hash, before: storageOf(pre), after: storageOf(post) }
}

async function traceOverlays(client: PublicClient, hashes: readonly Hex[]): Promise<Overlay[] | null> {
  try {
    return overlaysOf(await Promise.all(hashes.map(async (hash) => await traceStorage(client, hash))))
  } catch {
    // many endpoints do not trace; the audit then names the block's first suspect and says so
    return null
  }
}

/** Reads the chain behind `client`. */
export function createChainSource({ client, name, parallel, readBlob }: ChainSourceOptions): Source {
  const width = parallel ?? DEFAULT_PARALLEL

  const guarded = async <result>(work: () => Promise<result>): Promise<result> => {
    try {
      return await work()
    } catch (error) {
      throw error instanceof AuditError ? error : unreachable(name, error)
    }
  }

  async function* blocks(from: number, to: number, watch: Watch): AsyncGenerator<BlockRecord> {
    for (let start = from; start <= to; start += LOG_SPAN) {
      const end = Math.min(to, start + LOG_SPAN - 1)
      const logged = await guarded(async () => await loggedIn(client, start, end, watch))
      const fetched = inChunks(start, end, width, async (at) => await guarded(async () => await fetchBlock(client, at)))
      for await (const block of fetched) {
        const record = await guarded(async () => await readRecord(client, block, logged, watch))
        if (record.transactions.length > 0) yield record
      }
    }
  }

  const call = async (to: Address, data: Hex, block: number, overlay?: Overlay): Promise<Hex | null> => {
    const at = numberToHex(block)
    try {
      if (overlay === undefined) return await client.request({ method: 'eth_call', params: [{ to, data }, at] })
      return await client.request({ method: 'eth_call', params: [{ to, data }, at, overrideOf(overlay)] })
    } catch (error) {
      if (isRevert(error)) return null
      throw unreachable(name, error)
    }
  }

  return {
    chainId: async () => await guarded(async () => await client.getChainId()),
    head: async () =>
      await guarded(async () => {
        const block = await client.request({ method: 'eth_getBlockByNumber', params: ['latest', false] })
        if (block?.hash == null || block.number === null)
          throw new AuditError('chain.no-block', 'the chain has no block')
        return { number: hexToNumber(block.number), hash: block.hash }
      }),
    header: async (number) => await guarded(async () => await fetchBlock(client, number)),
    blocks,
    call,
    blob: async (versionedHash, members) => (await readBlob?.(versionedHash, members)) ?? null,
    storage: async (address, slot, block, overlay) =>
      overlay?.storage[addressKey(address)]?.[slot] ??
      (await guarded(
        async () => await client.request({ method: 'eth_getStorageAt', params: [address, slot, numberToHex(block)] }),
      )),
    code: async (address, block) =>
      await guarded(async () => await client.request({ method: 'eth_getCode', params: [address, numberToHex(block)] })),
    overlays: async (transactions) => await traceOverlays(client, transactions),
    trace: async (transaction) => await traceCalls(client, transaction),
    executions: async (from, to) =>
      await guarded(async () => {
        const found: { hash: Hex; timestamp: number }[] = []
        for await (const block of inChunks(from, to, width, async (at) => await fetchBlock(client, at))) {
          const ran = block.transactions.filter(({ input }) => input !== '0x')
          found.push(...ran.map(({ hash }) => ({ hash, timestamp: block.timestamp })))
        }
        return found
      }),
  }
}
