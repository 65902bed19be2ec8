/**
 * Keeps what members promise about segments they took, once it is sure that they signed it.
 *
 * @module
 */
import type { Hex } from 'viem'

import { type Domain, promiseDigest } from '#protocol/eip712.ts'
import { recoverCompact } from '#protocol/signature.ts'
import type { SignedPromise } from '#protocol/wire.ts'
import type { Logger } from '#runtime/log.ts'

import type { SignedTally } from '../rows.ts'
import type { WorkerStore } from '../store.ts'
import type { Board } from './board.ts'

/** Keeps promises. */
export type PromiseKeeper = {
  /** Keeps a promise about a tally. @returns False when it is not one by a member of the present committee. */
  keep(endpoint: string, tally: SignedTally, promise: SignedPromise): boolean
}

/** Creates the keeper of one worker; `domain` is the committee's. */
export function createPromiseKeeper(options: {
  readonly store: Pick<WorkerStore, 'keepPromise'>
  readonly board: Board
  readonly domain: Domain
  readonly log: Logger
}): PromiseKeeper {
  const { store, board, domain, log } = options

  function isBy(hash: Hex, { epoch, member, before, signature }: SignedPromise): boolean {
    const committee = board.view()?.committee
    if (committee === undefined || committee.epoch !== epoch) return false
    const signer = recoverCompact(promiseDigest({ tally: hash, before }, domain), signature)
    return signer !== null && signer.toLowerCase() === committee.signers[member]?.toLowerCase()
  }

  return {
    keep(endpoint, { dealKey, stream, first, count, hash }, promise) {
      if (!isBy(hash, promise)) {
        board.refuse('worker', 'promise.signature', `${endpoint} promised what no member signed`)
        log.warn({ endpoint, tally: hash }, 'a promise is not by a member of this committee')
        return false
      }
      store.keepPromise({ dealKey, stream, first, count, ...promise })
      return true
    },
  }
}
