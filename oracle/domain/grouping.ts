/**
 * Folds what is ready into groups, one per stream, within a transaction's bounds.
 *
 * @module
 */
import { type BatchPolicy, type BatchShape, estimateBytes, estimateGas } from './cost-model.ts'

/** A stored segment that could settle now. */
export type Candidate = {
  readonly tallyHash: `0x${string}`
  readonly dealId: number
  readonly stream: number
  readonly first: number
  readonly count: number
  /** Bytes of its receipts. */
  readonly receiptBytes: number
  /** Unix milliseconds at which its oldest unsettled receipt was taken in. */
  readonly receivedAtMs: number
  /** Whether it goes through the acknowledged lane. */
  readonly acknowledged: boolean
  /** What this member can vouch for, see docs/protocol.md. */
  readonly claims: number
}

/** Groups of one batch in chain order. */
export type Selection<C extends Candidate = Candidate> = {
  readonly groups: readonly C[]
  readonly shape: BatchShape
  readonly oldestMs: number
  /** Whether something ready did not fit. */
  readonly more: boolean
}

/** Position of a stream on the wire. */
export function streamNumber(group: { readonly dealId: number; readonly stream: number }): number {
  return group.dealId * 64 + group.stream
}

/**
 * One candidate per stream: of several the longest, as a longer tally contains what a shorter one pays. It inherits the
 * age of the oldest, whose deadline it has to keep.
 */
export function longestPerStream<C extends Candidate>(candidates: readonly C[]): C[] {
  const best = new Map<number, C>()
  for (const candidate of candidates) {
    const number = streamNumber(candidate)
    const other = best.get(number)
    if (other === undefined) {
      best.set(number, candidate)
      continue
    }
    const longer = candidate.count > other.count ? candidate : other
    best.set(number, { ...longer, receivedAtMs: Math.min(candidate.receivedAtMs, other.receivedAtMs) })
  }
  return [...best.values()]
}

/**
 * Takes candidates, oldest first, until a bound is reached, and puts them in chain order.
 *
 * @param signatures - Committee signatures the batch will carry.
 */
export function selectGroups<C extends Candidate>(
  candidates: readonly C[],
  signatures: number,
  bounds: Pick<BatchPolicy, 'maxBytes' | 'maxGas'> & { readonly nowMs: number },
): Selection<C> {
  const byAge = longestPerStream(candidates).sort((a, b) => a.receivedAtMs - b.receivedAtMs)
  const groups: C[] = []
  let shape: BatchShape = { groups: 0, receipts: 0, receiptBytes: 0, memberSignatures: signatures, acknowledgements: 0 }
  let more = false
  for (const candidate of byAge) {
    const next: BatchShape = {
      ...shape,
      groups: shape.groups + 1,
      receipts: shape.receipts + candidate.count - candidate.first,
      receiptBytes: shape.receiptBytes + candidate.receiptBytes,
      acknowledgements: shape.acknowledgements + (candidate.acknowledged ? 1 : 0),
    }
    if (estimateBytes(next) > bounds.maxBytes || estimateGas(next) > bounds.maxGas) {
      more = true
      continue
    }
    shape = next
    groups.push(candidate)
  }
  const oldest = Math.min(bounds.nowMs, ...groups.map(({ receivedAtMs }) => receivedAtMs))
  return {
    groups: groups.sort((a, b) => streamNumber(a) - streamNumber(b)),
    shape,
    oldestMs: bounds.nowMs - oldest,
    more,
  }
}
