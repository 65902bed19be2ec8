/**
 * What the chain asks for inclusion now.
 *
 * @module
 */
import { BaseError, type PublicClient } from 'viem'

import { type FeeLevel, type Fees, firstFees, medianFee } from '../domain/fees.ts'

/** Blocks whose median base fee counts as usual. */
const USUAL_BLOCKS = 50
/** Least tip offered, wei per gas: a node that suggests none still wants its transactions included. */
const LEAST_TIP = 1_000_000n

/** Reads base fee, tip and blob base fee, and what base fee is usual. */
export async function readFeeLevel(client: PublicClient): Promise<FeeLevel> {
  const [{ baseFeePerGas }, tip, blobBaseFee] = await Promise.all([
    client.getFeeHistory({ blockCount: USUAL_BLOCKS, rewardPercentiles: [] }),
    readTip(client),
    readBlobBaseFee(client),
  ])
  // the last one is the next block's
  const baseFee = baseFeePerGas.at(-1) ?? 0n
  return { baseFee, usualBaseFee: medianFee(baseFeePerGas.slice(0, -1)), tip, blobBaseFee }
}

/** Fees to offer at first. */
export async function readFirstFees(client: PublicClient, carriesBlobs: boolean): Promise<Fees> {
  const [block, tip, blobBaseFee] = await Promise.all([
    client.getBlock({ blockTag: 'latest' }),
    readTip(client),
    carriesBlobs ? client.getBlobBaseFee() : null,
  ])
  return firstFees(block.baseFeePerGas ?? 0n, tip, blobBaseFee)
}

/** Tip that the node suggests, wei per gas. */
export async function readTip(client: PublicClient): Promise<bigint> {
  try {
    const tip = await client.estimateMaxPriorityFeePerGas()
    return tip > LEAST_TIP ? tip : LEAST_TIP
  } catch (error) {
    if (error instanceof BaseError) return LEAST_TIP
    throw error
  }
}

/** Base fee of blob gas; null from a chain without blobs. */
async function readBlobBaseFee(client: PublicClient): Promise<bigint | null> {
  try {
    return await client.getBlobBaseFee()
  } catch (error) {
    if (error instanceof BaseError && error.walk(isAnswer) !== null) return null
    throw error
  }
}

/** A node's own errors have numbers; a broken connection has a word. */
export function isAnswer(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'number'
}
