/**
 * Folds what is ready into groups, one per stream, within a transaction's bounds.
 *
 * @module
 */
import { createShape, type GroupOutline, type Route } from './batch-shape.ts'
import { type BatchShape, estimate, mostGas } from './cost-model.ts'
import type { Fork } from './forks.ts'
import type { Wish } from './wishes.ts'

/** A stored segment that could settle now. */
export type Candidate = Omit<GroupOutline, 'deal'> & {
  readonly tallyHash: `0x${string}`
  /** Units of its receipts. */
  readonly units: bigint
  /** Unix milliseconds at which its oldest unsettled receipt was taken in. */
  readonly receivedAtMs: number
  /** Whether the buyer's side acknowledged exactly this tally. */
  readonly acknowledged: boolean
  /** What kept it from settling when it was last judged. */
  readonly check: string | null
  /** What this member can vouch for, see docs/protocol.md. */
  readonly claims: number
  readonly wish: Wish
}

/** A candidate with its deal, and the time it has to settle by. */
export type Waiting = Candidate &
  GroupOutline & {
    /** Unix milliseconds. */
    readonly dueMs: number
  }

/** Bounds of one transaction. */
export type Bounds = {
  readonly fork: Fork
  /** Longest input; public mempools take 128 KiB. */
  readonly maxBytes: number
  /** Most gas, at most 2²⁴ (EIP-7825). */
  readonly maxGas: number
}

/** Groups of one batch in chain order. */
export type Selection<C extends Waiting = Waiting> = {
  readonly groups: readonly C[]
  readonly shape: BatchShape
  /** Whether something ready did not fit. */
  readonly more: boolean
}

/** Position of a stream on the wire. */
export function streamNumber(group: { readonly dealId: number; readonly stream: number }): number {
  return group.dealId * 64 + group.stream
}

/**
 * One candidate per stream: of several the longest, as a longer tally contains what a shorter one pays. It has to settle
 * by the time the first of them has to.
 */
export function longestPerStream<C extends Waiting>(candidates: readonly C[]): C[] {
  const best = new Map<number, C>()
  for (const candidate of candidates) {
    const number = streamNumber(candidate)
    const other = best.get(number)
    if (other === undefined) {
      best.set(number, candidate)
      continue
    }
    const longer = candidate.count > other.count ? candidate : other
    best.set(number, { ...longer, dueMs: Math.min(candidate.dueMs, other.dueMs) })
  }
  return [...best.values()]
}

/** Takes candidates of different streams, those due first, until a bound is reached, and puts them in chain order. */
export function selectGroups<C extends Waiting>(candidates: readonly C[], route: Route, bounds: Bounds): Selection<C> {
  const growing = createShape(route)
  const groups: C[] = []
  for (const candidate of candidates.toSorted((a, b) => a.dueMs - b.dueMs)) {
    const next = growing.after(candidate)
    if (next === null || !isWithin(next, bounds)) continue
    growing.add(candidate)
    groups.push(candidate)
  }
  return {
    groups: groups.sort((a, b) => streamNumber(a) - streamNumber(b)),
    shape: growing.shape(),
    more: groups.length < candidates.length,
  }
}

function isWithin(shape: BatchShape, { fork, maxBytes, maxGas }: Bounds): boolean {
  return estimate(shape, fork).bytes <= maxBytes && mostGas(shape, fork) <= maxGas
}
