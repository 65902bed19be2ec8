/**
 * Transactions that carry blobs (EIP-4844, type 3): what is signed and kept, and the longer form in which it travels to
 * a node's pool, with blobs, commitments and proofs around it.
 *
 * @module
 */
import { type Address, bytesToHex, concatHex, fromRlp, type Hex, keccak256, type LocalAccount, toRlp } from 'viem'

import { TallyError } from '#protocol/errors.ts'
import { versionedHash } from '#protocol/kzg.ts'

import type { Kzg } from './kzg.ts'

/**
 * Proofs that travel with blobs: `cells` is EIP-7594's form with 128 proofs a blob, which every chain since Osaka
 * demands; `proofs` is the older one with one proof a blob, which Hardhat's chain still wants.
 */
export type BlobWrapper = 'cells' | 'proofs'

/** A blob and what names it. */
export type CommittedBlob = {
  readonly blob: Uint8Array
  readonly commitment: Uint8Array
  readonly versionedHash: Hex
}

/** Fields of a transaction with blobs; fees in wei. */
export type BlobTransactionFields = {
  readonly chainId: number
  readonly nonce: number
  readonly to: Address
  readonly data: Hex
  readonly gas: bigint
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly maxFeePerBlobGas: bigint
}

/** A signed transaction as it stands in a block, without its blobs. */
export type SignedBlobTransaction = { readonly serialized: Hex; readonly hash: Hex }

/** Thrown when bytes are no signed blob transaction or name other blobs: `blob-transaction.invalid`. */
export class BlobTransactionError extends TallyError {
  override readonly name = 'BlobTransactionError'
}

type Rlp = Hex | readonly Rlp[]

/** Gas of one blob on its own market, EIP-4844. */
export const GAS_PER_BLOB = 131_072n
const CELLS_VERSION = '0x01'
const HASHES_FIELD = 10

/**
 * Commits to blobs.
 *
 * @throws KzgError when one is no blob.
 */
export async function commitBlobs(kzg: Pick<Kzg, 'commit'>, blobs: readonly Uint8Array[]): Promise<CommittedBlob[]> {
  const commitments = await Promise.all(blobs.map((blob) => kzg.commit(blob)))
  return blobs.map((blob, index) => {
    const commitment = commitments[index] ?? new Uint8Array()
    return { blob, commitment, versionedHash: versionedHash(commitment) }
  })
}

/**
 * Signs a transaction that names these blobs, in order. Its hash does not depend on how it travels.
 *
 * @throws {@link BlobTransactionError} when there is no blob.
 */
export async function signBlobTransaction(
  account: LocalAccount,
  fields: BlobTransactionFields,
  blobs: readonly Pick<CommittedBlob, 'versionedHash'>[],
): Promise<SignedBlobTransaction> {
  if (blobs.length === 0) throw invalid('a blob transaction names at least one blob')
  const blobVersionedHashes = blobs.map((blob) => blob.versionedHash)
  const serialized = await account.signTransaction({ ...fields, type: 'eip4844', blobVersionedHashes })
  return { serialized, hash: keccak256(serialized) }
}

/**
 * The form in which a signed transaction is handed to a node.
 *
 * @throws {@link BlobTransactionError} when it does not name exactly these blobs.
 */
export async function wrapBlobTransaction(
  kzg: Kzg,
  serialized: Hex,
  blobs: readonly CommittedBlob[],
  wrapper: BlobWrapper,
): Promise<Hex> {
  const fields = fieldsOf(serialized)
  const named = fields[HASHES_FIELD]
  if (!Array.isArray(named) || named.join() !== blobs.map((blob) => blob.versionedHash).join())
    throw invalid('the transaction names other blobs')
  const proofs = await Promise.all(
    blobs.map(async ({ blob, commitment }) =>
      wrapper === 'cells' ? await kzg.cellProofs(blob) : [await kzg.blobProof(blob, commitment)],
    ),
  )
  const sidecars = [
    blobs.map(({ blob }) => bytesToHex(blob)),
    blobs.map(({ commitment }) => bytesToHex(commitment)),
    proofs.flat().map((proof) => bytesToHex(proof)),
  ]
  const version: Hex[] = wrapper === 'cells' ? [CELLS_VERSION] : []
  return concatHex(['0x03', toRlp([fields, ...version, ...sidecars])])
}

function fieldsOf(serialized: Hex): readonly Rlp[] {
  if (!serialized.startsWith('0x03')) throw invalid('the transaction carries no blobs')
  try {
    const fields = fromRlp(`0x${serialized.slice(4)}`, 'hex')
    if (typeof fields !== 'string') return fields
  } catch (error) {
    throw invalid('the transaction does not decode', { cause: error })
  }
  throw invalid('the transaction does not decode')
}

function invalid(problem: string, options?: ErrorOptions): BlobTransactionError {
  return new BlobTransactionError('blob-transaction.invalid', problem, options)
}
