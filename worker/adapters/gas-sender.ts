/**
 * Sends forced batches with the worker's own gas key, after asking the chain what they would do.
 *
 * @module
 */
import { createWalletClient, type Hex, http, type PublicClient } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { decodeFacts } from '#protocol/facts.ts'
import type { Outcome } from '#protocol/types.ts'

import type { ForceBatch } from '../force.ts'
import type { Contracts } from './chain.ts'

/** Sends forced batches. */
export type GasSender = {
  readonly address: Hex
  /** Outcome of each group if the batch came now. */
  outcomes(batch: ForceBatch): Promise<readonly Outcome[]>
  /** Sends the batch and waits for its block. @returns The transaction's hash. */
  send(batch: ForceBatch): Promise<Hex>
}

/** Creates the sender of one gas key. */
export function createGasSender(options: {
  readonly client: PublicClient
  readonly rpcUrl: string
  readonly contracts: Contracts
  readonly privateKey: Hex
}): GasSender {
  const { client, contracts } = options
  const account = privateKeyToAccount(options.privateKey)
  const wallet = createWalletClient({ account, transport: http(options.rpcUrl) })
  const settle = { address: contracts.settlement, abi: settlementAbi, functionName: 'settle', account } as const

  return {
    address: account.address,
    async outcomes(batch) {
      const { result } = await client.simulateContract({ ...settle, args: [batch.batch, batch.authority] })
      return decodeFacts(result).map(({ outcome }) => outcome)
    },
    async send(batch) {
      const hash = await wallet.writeContract({ ...settle, args: [batch.batch, batch.authority], chain: null })
      await client.waitForTransactionReceipt({ hash })
      return hash
    },
  }
}
