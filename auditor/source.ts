/**
 * What an audit reads, and nothing else: blocks, logs and view calls of one chain, as of one block, and the blobs it names.
 *
 * Two adapters serve it, an RPC endpoint and a recorded file; the audit cannot tell them apart.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

/** One log of a watched contract or token. */
export type LogRecord = { address: Address; topics: readonly Hex[]; data: Hex; index: number }

/** One mined transaction with the logs that watched contracts wrote in it. */
export type TransactionRecord = {
  hash: Hex
  from: Address
  /** Null for a contract creation. */
  to: Address | null
  input: Hex
  /** Versioned hashes of the blobs it carried. */
  blobs: readonly Hex[]
  succeeded: boolean
  logs: readonly LogRecord[]
}

/** One block with those of its transactions that concern the watched contracts. */
export type BlockRecord = {
  number: number
  hash: Hex
  parentHash: Hex
  /** Unix seconds. */
  timestamp: number
  transactions: readonly TransactionRecord[]
}

/** The block an audit is pinned to. */
export type Head = { number: number; hash: Hex }

/** One successful call inside a transaction, as a tracing node tells it. */
export type InnerCall = { from: Address; to: Address; input: Hex }

/** The state between two transactions of one block: the block's end with what came later taken back. */
export type Overlay = {
  /** The transaction after which it is. */
  after: Hex
  /** Storage that differs from the block's end, by account and slot. */
  storage: Readonly<Record<Address, Readonly<Record<Hex, Hex>>>>
}

/** What makes a transaction worth reading. */
export type Watch = {
  /** Transactions to these and logs of these. */
  contracts: readonly Address[]
  /** Tokens whose transfers out of `contracts` count even where the contracts stay silent. */
  tokens: readonly Address[]
}

/** The chain, read only. Adapters throw AuditError `chain.unreachable` when it does not answer. */
export type Source = {
  chainId: () => Promise<number>
  /** Newest block; asked once, everything else stays at or below it. */
  head: () => Promise<Head>
  /** Hash and time (unix seconds) of a block as the chain has it now. */
  header: (block: number) => Promise<{ hash: Hex; timestamp: number }>
  /** Blocks `from` to `to` with a watched transaction, rising, each with its watched transactions. */
  blocks: (from: number, to: number, watch: Watch) => AsyncIterable<BlockRecord>
  /** Answer of a view call after `block`, or at `overlay` within it; null when it reverts. */
  call: (to: Address, data: Hex, block: number, overlay?: Overlay) => Promise<Hex | null>
  /**
   * A blob by its versioned hash, from archives or the committee members at `members`, proven to be it; null where nobody
   * gives it.
   */
  blob: (versionedHash: Hex, members: readonly string[]) => Promise<Uint8Array | null>
  /** A word of an account's storage after `block`, or at `overlay` within it. */
  storage: (address: Address, slot: Hex, block: number, overlay?: Overlay) => Promise<Hex>
  /** Code of an account after `block`. */
  code: (address: Address, block: number) => Promise<Hex>
  /** Successful calls inside a transaction, in order; null where the node does not trace. */
  trace: (transaction: Hex) => Promise<readonly InnerCall[] | null>
  /** The state after each of these transactions of one block, in order; null where the node does not trace. */
  overlays: (transactions: readonly Hex[]) => Promise<readonly Overlay[] | null>
  /** Transactions of the blocks `from` to `to` that ran code, watched or not. */
  executions: (from: number, to: number) => Promise<readonly { hash: Hex; timestamp: number }[]>
}

/** The same chain, seen between two transactions of a block. */
export function within(source: Source, overlay: Overlay): Source {
  return {
    ...source,
    call: async (to, data, block) => await source.call(to, data, block, overlay),
    storage: async (address, slot, block) => await source.storage(address, slot, block, overlay),
  }
}
