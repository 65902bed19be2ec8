/**
 * Programs, inputs and outputs by root: from the own store, else from the first member that has them.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { DataStore } from '#runtime/data-store.ts'

import type { Members } from '../adapters/members.ts'
import { WorkerError } from '../errors.ts'
import type { Board } from './board.ts'

/** Bytes by root. */
export type Library = {
  /** @throws WorkerError `data.unavailable` when nobody who answers has them. */
  fetch(root: Hex): Promise<Uint8Array>
  put(bytes: Uint8Array): Promise<Hex>
}

/** Creates the library of one worker. */
export function createLibrary(options: {
  readonly data: DataStore
  readonly members: Members
  readonly board: Board
  readonly signal: AbortSignal
}): Library {
  const { data, members, board, signal } = options
  return {
    async fetch(root) {
      const own = await data.get(root)
      if (own !== null) return own
      for (const endpoint of board.view()?.endpoints ?? []) {
        const bytes = await members.getData(endpoint, root, signal).catch(() => null)
        if (bytes === null) continue
        await data.put(bytes, root)
        return bytes
      }
      throw new WorkerError('data.unavailable', `nobody has the data ${root}`)
    },
    put: (bytes) => data.put(bytes),
  }
}
