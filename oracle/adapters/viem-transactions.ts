/**
 * Trying out and sending transactions through a viem client.
 *
 * @module
 */
import { type Address, BaseError, concatHex, type Hex, type PublicClient } from 'viem'

import { createBlobSender } from '#runtime/blob-sender.ts'
import type { Kzg } from '#runtime/kzg.ts'
import { OracleError } from '../errors.ts'
import type { Chain } from '../ports.ts'
import { isAnswer } from './viem-fees.ts'

/** Creation code that returns the hash of the first blob: PUSH0 BLOBHASH PUSH0 MSTORE, PUSH1 32 PUSH0 RETURN. */
const BLOB_PROBE = '0x5f495f5260205ff3'
const PROBED_HASH = concatHex(['0x01', `0x${'5a'.repeat(31)}`])

type TriedCall = {
  readonly from?: Address
  readonly to?: Address
  readonly data: Hex
  readonly blobVersionedHashes?: readonly Hex[]
}

/** Creates this part of the chain port. */
export function createTransactions(
  client: PublicClient,
  kzg: Kzg,
): Pick<Chain, 'simulate' | 'simulatesBlobs' | 'broadcast' | 'inclusion'> {
  const request = async ({ params: [raw] }: { params: [Hex] }) =>
    await client.sendRawTransaction({ serializedTransaction: raw })
  // viem's own actions take hashes only together with the blobs
  const ask = async (method: 'eth_call' | 'eth_estimateGas', call: TriedCall) =>
    await client.request<{ Parameters: unknown; ReturnType: Hex }>({ method, params: [call, 'latest'] })
  const sender = createBlobSender({ kzg: remembering(kzg), request })
  let showsBlobs: boolean | undefined

  return {
    async simulate({ from, to, data, blobs = [] }) {
      const call = { from, to, data, ...(blobs.length === 0 ? {} : { blobVersionedHashes: blobs }) }
      try {
        const [answer, gas] = await Promise.all([ask('eth_call', call), ask('eth_estimateGas', call)])
        return { success: true, answer, gas: BigInt(gas) }
      } catch (error) {
        if (error instanceof BaseError && isExecutionReverted(error))
          return { success: false, reason: revertReason(error) }
        throw error
      }
    },

    async simulatesBlobs() {
      if (showsBlobs !== undefined) return showsBlobs
      try {
        const answer = await ask('eth_call', { data: BLOB_PROBE, blobVersionedHashes: [PROBED_HASH] })
        showsBlobs = answer === PROBED_HASH
      } catch (error) {
        if (!(error instanceof BaseError) || error.walk(isAnswer) === null) throw error
        showsBlobs = false
      }
      return showsBlobs
    },

    async broadcast(raw, blobs) {
      try {
        if (blobs.length === 0) await client.sendRawTransaction({ serializedTransaction: raw })
        else await sender.send(raw, blobs)
        return 'sent'
      } catch (error) {
        return understand(error)
      }
    },

    async inclusion(hash) {
      try {
        const { status, blockNumber, blockHash } = await client.getTransactionReceipt({ hash })
        return { success: status === 'success', blockNumber, blockHash }
      } catch (error) {
        if (error instanceof Error && error.name === 'TransactionReceiptNotFoundError') return null
        throw error
      }
    },
  }
}

/** Makes a blob's proofs once for as long as the blob is held: the same bytes are sent again and again. */
function remembering(kzg: Kzg): Kzg {
  const cells = new WeakMap<Uint8Array, Promise<Uint8Array[]>>()
  const proofs = new WeakMap<Uint8Array, Promise<Uint8Array>>()
  function once<T>(made: WeakMap<Uint8Array, Promise<T>>, blob: Uint8Array, make: () => Promise<T>): Promise<T> {
    const known = made.get(blob) ?? make()
    made.set(blob, known)
    return known
  }
  return {
    ...kzg,
    cellProofs: (blob) => once(cells, blob, () => kzg.cellProofs(blob)),
    blobProof: (blob, commitment) => once(proofs, blob, () => kzg.blobProof(blob, commitment)),
  }
}

/** Selector or text of a revert, short enough for a log line. */
function revertReason(error: BaseError): string {
  const data = error.walk((cause) => cause instanceof Error && 'data' in cause)
  const bytes = data !== null && 'data' in data ? data.data : undefined
  const selector = typeof bytes === 'string' && bytes.startsWith('0x') ? ` ${bytes.slice(0, 74)}` : ''
  return `${error.shortMessage.split('\n')[0] ?? ''}${selector}`
}

/** Each client has its own words for the same answers. */
const answers = [
  ['known', /already (known|imported)|known transaction/i],
  ['nonce-low', /nonce too low|nonce.*(lower|already been used)|invalid nonce/i],
  [
    'underpriced',
    /underpriced|fee cap less than|less than block|max fee per (blob )?gas less|too low for the next block/i,
  ],
] as const

function understand(error: unknown): Awaited<ReturnType<Chain['broadcast']>> {
  const text = error instanceof BaseError ? `${error.details} ${error.message}` : String(error)
  const known = answers.find(([, pattern]) => pattern.test(text))
  if (known !== undefined) return known[0]
  if (error instanceof BaseError && error.walk(isAnswer) !== null) return 'refused'
  throw new OracleError('chain.unreachable', 'the node did not take the transaction', { retryable: true, cause: error })
}

/** Whether a call was answered with a revert, as opposed to not being answered. */
function isExecutionReverted(error: BaseError): boolean {
  return /revert/i.test(`${error.details} ${error.message}`)
}
