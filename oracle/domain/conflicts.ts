/**
 * Which refusals prove something against the worker that signed, so that the segment is kept and shown.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { SegmentFacts } from './facts.ts'
import { contradict, unitsAt } from './segment.ts'

/** What a refused segment shows, and the accepted one it contradicts. */
export type ShownFault = { readonly check: string; readonly left: Hex | null }

/** Checks whose failure the signed receipts show by themselves, or with the deal's terms. */
const FAULTS: ReadonlySet<string> = new Set(['task.duplicate', 'units.maximum', 'rate.cap'])
/** Checks that fail for honest segments too, and for those that contradict what is settled. */
const PLACES: ReadonlySet<string> = new Set(['tally.stale', 'tally.continuity'])

/**
 * What the refusal of a segment shows against its worker, whose signature over it holds.
 *
 * @param check - Intake check that failed.
 */
export function faultShown(check: string, facts: SegmentFacts): ShownFault | null {
  if (check === 'equivocation') {
    const other = facts.signed.find((range) => contradict(range, facts.segment))
    return other === undefined ? null : { check, left: other.tallyHash }
  }
  if (FAULTS.has(check)) return { check, left: null }
  return PLACES.has(check) && contradictsChain(facts) ? { check: 'equivocation', left: null } : null
}

/** Whether the segment counts other units than the stream has where both of them stand. */
function contradictsChain({ segment, stream }: SegmentFacts): boolean {
  if (segment.count < stream.count) return segment.units > stream.units
  const there = unitsAt(segment, stream.count)
  return stream.count > 0 && there !== null && there !== stream.units
}
