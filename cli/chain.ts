/**
 * The chain a command works on: a client that has answered once, and the deployment behind one address.
 *
 * @module
 */
import { type Address, BaseError, type PublicClient, parseAbi } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { createChainClient } from '#runtime/chain-client.ts'

import { CliError } from './errors.ts'

/** A deployment as the commands see it. */
export type Deployment = {
  client: PublicClient
  chainId: number
  settlement: Address
  registry: Address
  committee: Address
  token: { address: Address; symbol: string; decimals: number }
}

const tokenAbi = parseAbi(['function symbol() view returns (string)', 'function decimals() view returns (uint8)'])
const TIMEOUT_MS = 20_000

/** A client for `url`. */
export function connect(url: string): PublicClient {
  return createChainClient({ url, timeoutMs: TIMEOUT_MS, retries: 2 })
}

/** First line of what went wrong, without the library's report around it. */
export function reasonOf(error: unknown): string {
  if (error instanceof BaseError) return error.shortMessage.split('\n')[0] ?? error.name
  return error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error)
}

/**
 * Looks up the deployment behind a settlement's address.
 *
 * @throws CliError `cli.chain-unreachable` or `cli.not-a-settlement`.
 */
export async function openDeployment(url: string, settlement: Address): Promise<Deployment> {
  const client = connect(url)
  let chainId: number
  try {
    chainId = await client.getChainId()
  } catch (error) {
    throw new CliError('cli.chain-unreachable', `the chain at ${url} does not answer: ${reasonOf(error)}`, {
      cause: error,
    })
  }
  const own = { abi: settlementAbi, address: settlement } as const
  try {
    const [registry, committee, address] = await Promise.all([
      client.readContract({ ...own, functionName: 'REGISTRY' }),
      client.readContract({ ...own, functionName: 'COMMITTEE' }),
      client.readContract({ ...own, functionName: 'TOKEN' }),
    ])
    const [symbol, decimals] = await Promise.all([
      client.readContract({ abi: tokenAbi, address, functionName: 'symbol' }),
      client.readContract({ abi: tokenAbi, address, functionName: 'decimals' }),
    ])
    return { client, chainId, settlement, registry, committee, token: { address, symbol, decimals } }
  } catch (error) {
    throw new CliError('cli.not-a-settlement', `there is no settlement at ${settlement} on chain ${chainId}`, {
      cause: error,
    })
  }
}
