/**
 * People of the demo: a random key each, some ether for gas, and transactions that have happened when they return.
 *
 * @module
 */
import {
  type Abi,
  type Account,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  createWalletClient,
  encodeFunctionData,
  type Hex,
  http,
  type PublicClient,
  parseEther,
  type TransactionReceipt,
  type WalletClient,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import type { Key } from '#runtime/keystore.ts'

/** What every actor needs of the chain. */
export type Chain = { readonly rpcUrl: string; readonly client: PublicClient }

/** A call of a contract's function. */
export type Call<A extends Abi, N extends ContractFunctionName<A, 'nonpayable' | 'payable'>> = {
  readonly address: Address
  readonly abi: A
  readonly functionName: N
  readonly args: ContractFunctionArgs<A, 'nonpayable' | 'payable', N>
}

/** Someone with a key. */
export type Actor = {
  readonly name: string
  readonly address: Address
  readonly privateKey: Hex
  readonly account: Account
  readonly wallet: WalletClient
  /**
   * Sends a call and waits for its block.
   *
   * @throws Error when it reverts, with the contract's own error.
   */
  call<const A extends Abi, N extends ContractFunctionName<A, 'nonpayable' | 'payable'>>(
    call: Call<A, N>,
  ): Promise<TransactionReceipt>
}

const POLL_MS = 150
/** Calls cost more when they come than when they were estimated: days begin, clocks are touched. */
const GAS_MARGIN_PERCENT = 130n

/** Creates an actor of one chain. */
export function createActor(chain: Chain, name: string, key: Key): Actor {
  const account = privateKeyToAccount(key.privateKey)
  const wallet = createWalletClient({ account, transport: http(chain.rpcUrl) })
  return {
    ...{ name, account, wallet, address: key.address, privateKey: key.privateKey },
    async call({ address, abi, functionName, args }) {
      const data = encodeFunctionData({ abi, functionName, args } as Parameters<typeof encodeFunctionData>[0])
      const estimate = await chain.client.estimateGas({ account, to: address, data })
      const gas = (estimate * GAS_MARGIN_PERCENT) / 100n
      const hash = await wallet.sendTransaction({ account, to: address, data, gas, chain: null })
      const receipt = await chain.client.waitForTransactionReceipt({ hash, pollingInterval: POLL_MS })
      if (receipt.status !== 'success') throw new Error(`${name}: ${String(functionName)} reverted in ${hash}`)
      return receipt
    },
  }
}

/** Gives ether of the local chain's own account to everybody named. */
export async function fund(chain: Chain, addresses: readonly Address[]): Promise<void> {
  const wallet = createWalletClient({ transport: http(chain.rpcUrl) })
  const [, treasurer] = await wallet.getAddresses()
  if (treasurer === undefined) throw new Error('the chain has no accounts of its own')
  const hashes: Hex[] = []
  for (const to of addresses) {
    hashes.push(await wallet.sendTransaction({ account: treasurer, to, value: parseEther('10'), chain: null }))
  }
  await Promise.all(hashes.map((hash) => chain.client.waitForTransactionReceipt({ hash, pollingInterval: POLL_MS })))
}
