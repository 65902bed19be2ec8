/**
 * A chain as scenarios need it: requests in, answers out, whatever node stands behind.
 *
 * @module
 */
import { createPublicClient, custom, type Hex, numberToHex, type PublicClient } from 'viem'

/** EIP-1193, as EDR in process, `hardhat node` and anvil all offer it. */
export type Rpc = { request: (call: { method: string; params?: unknown[] }) => Promise<unknown> }

/** A viem client on an in-process chain. */
export function clientOf(rpc: Rpc): PublicClient {
  const request = async ({ method, params }: { method: string; params?: unknown }): Promise<unknown> =>
    await rpc.request({ method, params: Array.isArray(params) ? params : [] })
  return createPublicClient({ cacheTime: 0, transport: custom({ request }, { retryCount: 0 }) })
}

/** Moves block time forward and mines. */
export async function pass(rpc: Rpc, seconds: number): Promise<void> {
  await rpc.request({ method: 'evm_increaseTime', params: [numberToHex(seconds)] })
  await rpc.request({ method: 'evm_mine', params: [] })
}

/** Gives an account ether for gas. */
export async function fund(rpc: Rpc, address: Hex): Promise<void> {
  await rpc.request({ method: 'hardhat_setBalance', params: [address, numberToHex(10n ** 24n)] })
}
