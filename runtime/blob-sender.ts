/**
 * Hands signed blob transactions to a node in the form that it takes.
 *
 * @module
 */
import type { Hex } from 'viem'

import { type BlobWrapper, type CommittedBlob, wrapBlobTransaction } from './blob-transaction.ts'
import type { Kzg } from './kzg.ts'

/** Hands over blob transactions of one node. */
export type BlobSender = {
  /**
   * Hands over a signed transaction with its blobs; doing it again is harmless.
   *
   * @returns Its hash.
   * @throws Whatever the node refuses it with; BlobTransactionError when these are not its blobs.
   */
  send(serialized: Hex, blobs: readonly CommittedBlob[]): Promise<Hex>
  /** Form the node takes, as told or found out; undefined before the first transaction. */
  wrapper(): BlobWrapper | undefined
}

/** What a sender needs. */
export type BlobSenderOptions = {
  readonly kzg: Kzg
  /** JSON-RPC of the node. */
  readonly request: (call: { readonly method: 'eth_sendRawTransaction'; readonly params: [Hex] }) => Promise<unknown>
  /**
   * Form the node takes. Without it the first transaction finds out: EIP-7594's form goes first, and the older one
   * after it if the node cannot decode that. Both are one transaction with one hash, so trying costs nothing.
   */
  readonly wrapper?: BlobWrapper
}

/** JSON-RPC: invalid parameters, which is how a node says that it does not know the form. */
const INVALID_PARAMS = -32602
const MAX_CAUSES = 8

/** Creates a sender. */
export function createBlobSender({ kzg, request, wrapper }: BlobSenderOptions): BlobSender {
  let known = wrapper

  async function hand(serialized: Hex, blobs: readonly CommittedBlob[], form: BlobWrapper): Promise<Hex> {
    const wrapped = await wrapBlobTransaction(kzg, serialized, blobs, form)
    return (await request({ method: 'eth_sendRawTransaction', params: [wrapped] })) as Hex
  }

  return {
    wrapper: () => known,
    async send(serialized, blobs) {
      if (known !== undefined) return await hand(serialized, blobs, known)
      try {
        const hash = await hand(serialized, blobs, 'cells')
        known = 'cells'
        return hash
      } catch (error) {
        if (!isUndecoded(error)) throw error
      }
      const hash = await hand(serialized, blobs, 'proofs')
      known = 'proofs'
      return hash
    },
  }
}

/** Clients wrap what the node said in errors of their own. */
function isUndecoded(error: unknown): boolean {
  let cause = error
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth += 1) {
    if ('code' in cause && cause.code === INVALID_PARAMS) return true
    cause = cause.cause
  }
  return false
}
