/**
 * The one way nodes reach an Ethereum RPC: bounded waiting, few retries, no global state.
 *
 * @module
 */
import { createPublicClient, http, type PublicClient } from 'viem'

/** Where and how patiently to reach a chain. */
export type ChainClientOptions = {
  /** HTTP endpoint of an Ethereum JSON-RPC. */
  readonly url: string
  /** Longest time one request may take, default 10,000 ms. */
  readonly timeoutMs?: number
  /** Further tries of a request that could not be delivered, default 1. */
  readonly retries?: number
}

/**
 * Creates a client that reads the chain and broadcasts signed transactions.
 *
 * Requests made in one turn travel as one JSON-RPC batch.
 */
export function createChainClient(options: ChainClientOptions): PublicClient {
  return createPublicClient({
    cacheTime: 0,
    transport: http(options.url, {
      batch: { batchSize: 50, wait: 0 },
      timeout: options.timeoutMs ?? 10_000,
      retryCount: options.retries ?? 1,
      retryDelay: 100,
    }),
  })
}
