/**
 * What planning needs of each deal, read once in a while: most of it never changes.
 *
 * @module
 */
import { Mode } from '#protocol/types.ts'
import type { DealOutline } from '../domain/batch-shape.ts'
import type { Chain, Clock } from '../ports.ts'

/** Outlines of deals. */
export type DealBook = {
  /** Outlines by deal id. */
  of(ids: readonly number[]): Promise<ReadonlyMap<number, DealOutline>>
}

/** A deal's place may change, and its id may go to another deal, but neither from one moment to the next. */
const BELIEVED_MS = 30_000

/** Creates the book. */
export function createDealBook(deps: { readonly chain: Pick<Chain, 'deal'>; readonly clock: Clock }): DealBook {
  const known = new Map<number, { readonly outline: DealOutline; readonly readAtMs: number }>()

  async function read(id: number): Promise<void> {
    const { provider, price, streams, place, mode } = await deps.chain.deal(id)
    known.set(id, {
      outline: { provider, price, streams, place, netted: mode === Mode.Net },
      readAtMs: deps.clock.now(),
    })
  }

  return {
    async of(ids) {
      const oldest = deps.clock.now() - BELIEVED_MS
      for (const [id, { readAtMs }] of known) if (readAtMs <= oldest) known.delete(id)
      const wanted = new Set(ids)
      await Promise.all([...wanted].filter((id) => !known.has(id)).map(read))
      return new Map(
        [...wanted].flatMap((id) => {
          const entry = known.get(id)
          return entry === undefined ? [] : [[id, entry.outline]]
        }),
      )
    },
  }
}
