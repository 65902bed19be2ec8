/**
 * Sends transactions with blobs to a chain in this process.
 *
 * @module
 */
import type { Hex, PublicClient } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import { createBlobSender } from '#runtime/blob-sender.ts'
import { commitBlobs, signBlobTransaction } from '#runtime/blob-transaction.ts'
import type { Kzg } from '#runtime/kzg.ts'

import { signerNamed } from './actors.ts'
import { fund, type Rpc } from './rpc.ts'

const MAX_FEE = 10n ** 12n

/** Sends from an account of its own. */
export type BlobRelay = {
  /** Hash of the mined transaction. */
  send(to: Hex, data: Hex, blobs: readonly Uint8Array[]): Promise<Hex>
}

/** Creates a relay. */
export function createBlobRelay(rpc: Rpc, client: PublicClient, kzg: Kzg): BlobRelay {
  const account = privateKeyToAccount(signerNamed('blob relay').privateKey)
  const request = async ({ method, params }: { method: string; params: [Hex] }) => await rpc.request({ method, params })
  const sender = createBlobSender({ kzg, request, wrapper: 'proofs' })
  return {
    async send(to, data, blobs) {
      await fund(rpc, account.address)
      const fields = {
        chainId: await client.getChainId(),
        nonce: await client.getTransactionCount({ address: account.address }),
        gas: 16_000_000n,
        maxFeePerGas: MAX_FEE,
        maxPriorityFeePerGas: 0n,
        maxFeePerBlobGas: MAX_FEE,
      }
      const committed = await commitBlobs(kzg, blobs)
      const { serialized } = await signBlobTransaction(account, { ...fields, to, data }, committed)
      return await sender.send(serialized, committed)
    },
  }
}
