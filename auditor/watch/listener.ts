/**
 * Takes in what nodes publish, from where it was last asked on.
 *
 * @module
 */
import type { SignedSegment } from '#protocol/wire.ts'
import type { Logger } from '#runtime/log.ts'

import type { Book } from './book.ts'
import type { SeenPromise } from './facts.ts'
import type { Knowledge } from './knowledge.ts'
import { readConflicts, readPromises, receiptsOfSegment, tallyOfSegment } from './wire.ts'

/** Listens to nodes. */
export type Listener = {
  /** Takes in a member's conflicts; `now` is the newest block's time, unix seconds. */
  conflicts(endpoint: string, now: number): Promise<void>
  /** Takes in a worker's promises. */
  promises(endpoint: string): Promise<void>
  /** Promises seen so far. */
  promised(): readonly SeenPromise[]
}

/** Creates the listener; what does not answer is asked again the next time. */
export function createListener(options: {
  readonly book: Book
  readonly knowledge: Knowledge
  readonly log: Logger
  readonly signal: AbortSignal
}): Listener {
  const { book, knowledge, log, signal } = options
  const read = new Map<string, number>()
  const promised: SeenPromise[] = []

  const quietly = async (endpoint: string, work: () => Promise<void>): Promise<void> => {
    await work().catch((error: unknown) => log.debug({ endpoint, err: error }, 'does not answer'))
  }

  function takeIn(segment: SignedSegment | null, now: number): void {
    if (segment === null) return
    knowledge.tally(tallyOfSegment(segment), book.deals.get(segment.dealKey), now)
    for (const receipt of receiptsOfSegment(segment)) knowledge.receipt(receipt)
  }

  return {
    conflicts: (endpoint, now) =>
      quietly(endpoint, async () => {
        for (const { id, left, right } of await readConflicts(endpoint, read.get(endpoint) ?? 0, signal)) {
          for (const segment of [left, right]) takeIn(segment, now)
          read.set(endpoint, id + 1)
        }
      }),

    promises: (endpoint) =>
      quietly(endpoint, async () => {
        for (const { id, dealId, tally, promise } of await readPromises(endpoint, read.get(endpoint) ?? 0, signal)) {
          promised.push({ dealId, tally, promise })
          read.set(endpoint, id + 1)
        }
      }),

    promised: () => promised,
  }
}
