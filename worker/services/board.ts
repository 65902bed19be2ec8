/**
 * What the worker's parts share while it runs: the newest view of the chain, and what went wrong lately.
 *
 * @module
 */
import type { ChainView } from '../domain/view.ts'

/** One thing that was refused or failed. */
export type Refusal = {
  /** Unix milliseconds. */
  readonly atMs: number
  /** Who refused: a member's URL, `worker` or `chain`. */
  readonly by: string
  /** Dotted code or name of the check. */
  readonly check: string
  readonly detail: string
}

/** Shared by the worker's parts. */
export type Board = {
  /** The newest view; null before the first. */
  view(): ChainView | null
  update(view: ChainView): void
  refuse(by: string, check: string, detail: string): void
  /** Newest first. */
  refusals(): readonly Refusal[]
}

/** Refusals kept; older ones are in the log. */
const KEPT = 32

/** Creates the board of one worker. */
export function createBoard(nowMs: () => number): Board {
  let view: ChainView | null = null
  const refusals: Refusal[] = []
  return {
    view: () => view,
    update: (next) => {
      view = next
    },
    refuse(by, check, detail) {
      // the same refusal again only moves up: a retried request must not push the others out
      const known = refusals.findIndex((old) => old.by === by && old.check === check && old.detail === detail)
      if (known >= 0) refusals.splice(known, 1)
      refusals.unshift({ atMs: nowMs(), by, check, detail })
      refusals.length = Math.min(refusals.length, KEPT)
    },
    refusals: () => [...refusals],
  }
}
