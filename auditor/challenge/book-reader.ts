/**
 * Reads the settlement's events into a book and keeps it up to date; after a re-organisation it begins anew.
 *
 * @module
 */
import type { Hex, PublicClient } from 'viem'

import { type Book, createBook } from '../watch/book.ts'
import { readEvents, type Watched } from '../watch/chain-events.ts'

/** Keeps a book. */
export type BookReader = { read(): Promise<Book> }

/** Creates the reader of one settlement, from the block it was deployed at on. */
export function createBookReader(client: PublicClient, contracts: Watched, fromBlock: bigint): BookReader {
  let book = createBook()
  let at: { readonly number: bigint; readonly hash: Hex } | null = null

  const isGone = async () =>
    at !== null && (await client.getBlock({ blockNumber: at.number }).catch(() => null))?.hash !== at.hash

  return {
    async read() {
      const { number, hash } = await client.getBlock()
      if (await isGone()) [book, at] = [createBook(), null]
      const from = at === null ? fromBlock : at.number + 1n
      try {
        if (from <= number) await readEvents(book, client, contracts, { from, to: number })
      } catch (error) {
        // half of a range may be entered: it is read again as a whole
        ;[book, at] = [createBook(), null]
        throw error
      }
      at = { number, hash }
      return book
    },
  }
}
