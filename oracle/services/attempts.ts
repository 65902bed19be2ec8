/**
 * Signs the transactions of one gas key and hands them to the node, again and for more while they wait. Signed bytes are
 * durable before they leave; blobs travel beside them, from this member's archive.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { CommittedBlob } from '#runtime/blob-transaction.ts'
import type { Logger } from '#runtime/log.ts'
import { bumpedFees, cappedFees, type FeeCeilings } from '../domain/fees.ts'
import type { Attempt, Chain, Clock, FaultPoints, GasKey, StoredTransaction, TransactionStore } from '../ports.ts'
import type { Archive } from './archive.ts'

/** A transaction that is not signed yet. */
export type Unsigned = Pick<StoredTransaction, 'nonce' | 'purpose' | 'to' | 'data' | 'gas' | 'blobs'>

/** Signs and sends for one gas key. */
export type Attempts = {
  /** Whether a batch's blobs are at hand; without, it cannot be sent. */
  hasBlobs(versionedHashes: readonly Hex[]): Promise<boolean>
  /** Signs a transaction for the first time, stores it and sends it. */
  first(transaction: Unsigned): Promise<void>
  /** Sends a transaction that waits once more if it is time, and for more if it has waited long. */
  again(transaction: StoredTransaction): Promise<void>
  /** Drops what was kept of a transaction that is done. */
  forget(transaction: StoredTransaction): void
}

/** When to try again and what to pay. */
export type AttemptPolicy = FeeCeilings & {
  /** Time without inclusion after which the fee is raised, milliseconds. */
  readonly bumpAfterMs: number
  /** Time between broadcasts of the same bytes, milliseconds. */
  readonly rebroadcastMs: number
}

/** Creates the attempts. */
export function createAttempts(deps: {
  readonly transactions: Pick<TransactionStore, 'insert' | 'addAttempt'>
  readonly chain: Pick<Chain, 'broadcast' | 'fees'>
  readonly archive: Pick<Archive, 'load'>
  readonly key: GasKey
  readonly clock: Clock
  readonly faults: FaultPoints
  readonly log: Logger
  readonly policy: AttemptPolicy
  readonly onEvent: (event: string) => void
}): Attempts {
  const { transactions, chain, clock, faults, log, policy } = deps
  const broadcastAt = new Map<Hex, number>()
  /** Blobs under way, by the hashes of their batch. */
  const loaded = new Map<string, readonly CommittedBlob[]>()

  async function blobsOf(hashes: readonly Hex[]): Promise<readonly CommittedBlob[] | null> {
    const blobs = hashes.length === 0 ? [] : (loaded.get(hashes.join()) ?? (await deps.archive.load(hashes)))
    if (blobs !== null && blobs.length > 0) loaded.set(hashes.join(), blobs)
    return blobs
  }

  async function broadcast({ nonce, blobs: hashes }: Unsigned, attempt: Attempt) {
    broadcastAt.set(attempt.hash, clock.now())
    const blobs = await blobsOf(hashes)
    if (blobs === null) {
      deps.onEvent('blobs_missing')
      log.error({ nonce, hash: attempt.hash }, 'the blobs of a signed transaction are nowhere to be had')
      return 'refused'
    }
    const answer = await chain.broadcast(attempt.raw, blobs)
    faults.hit('tx.broadcast')
    deps.onEvent(`broadcast_${answer}`)
    log.debug({ nonce, hash: attempt.hash, answer }, 'broadcast')
    if (answer === 'refused') log.warn({ nonce, hash: attempt.hash }, 'the node refuses the transaction')
    return answer
  }

  /** Signs the same calldata at the same nonce for a higher fee. */
  async function bump(transaction: StoredTransaction, last: Attempt): Promise<void> {
    const { nonce, to, data, gas, blobs } = transaction
    const fees = bumpedFees(last, await chain.fees(blobs.length > 0), policy)
    if (fees === null) {
      log.warn({ nonce, ceiling: policy.maxFeePerGas.toString() }, 'fee ceiling reached: waiting')
      return
    }
    const signed = await deps.key.sign({ nonce, to, data, gas, blobs, ...fees })
    const attempt = { ...fees, ...signed, createdAtMs: clock.now() }
    transactions.addAttempt(nonce, attempt)
    deps.onEvent('bumped')
    await broadcast(transaction, attempt)
  }

  return {
    hasBlobs: async (hashes) => (await blobsOf(hashes)) !== null,

    async first(transaction) {
      const { nonce, purpose, to, data, gas, blobs } = transaction
      const fees = cappedFees(await chain.fees(blobs.length > 0), policy)
      const signed = await deps.key.sign({ nonce, to, data, gas, blobs, ...fees })
      faults.hit('tx.signed')
      const attempt = { ...fees, ...signed, createdAtMs: clock.now() }
      transactions.insert({ nonce, purpose, to, data, gas, blobs }, attempt)
      faults.hit('tx.committed')
      log.info({ nonce, ...purpose, blobs: blobs.length, hash: attempt.hash }, 'transaction signed')
      await broadcast(transaction, attempt)
    },

    async again(transaction) {
      const last = transaction.attempts.at(-1)
      const now = clock.now()
      if (last === undefined || now - (broadcastAt.get(last.hash) ?? 0) < policy.rebroadcastMs) return
      const answer = await broadcast(transaction, last)
      if (answer === 'underpriced' || now - last.createdAtMs >= policy.bumpAfterMs) await bump(transaction, last)
    },

    forget({ attempts, blobs }) {
      for (const { hash } of attempts) broadcastAt.delete(hash)
      loaded.delete(blobs.join())
    },
  }
}
