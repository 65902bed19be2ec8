import { expect } from 'chai'

import { faultShown } from '#oracle/domain/conflicts.ts'
import type { SegmentFacts } from '#oracle/domain/facts.ts'
import { factsOf, goodSegment, place } from '../support/facts.ts'
import { receiptOf, segmentOf } from '../support/work.ts'

const good = goodSegment()
const known = { ...good, tallyHash: `0x${'11'.repeat(32)}` as const }
const settled = (count: number, units: bigint): Pick<SegmentFacts, 'stream'> => ({
  stream: { count, units, acknowledged: 0n },
})
const other = segmentOf(place, 0, [receiptOf(place, 6, { units: 4n })])

const cases: readonly (readonly [string, string, SegmentFacts, unknown])[] = [
  [
    'a segment beside the one it contradicts',
    'equivocation',
    factsOf(other, { known: [known] }),
    { check: 'equivocation', left: known.tallyHash },
  ],
  ['a task billed twice', 'task.duplicate', factsOf(good), { check: 'task.duplicate', left: null }],
  ["more units than an order's", 'units.maximum', factsOf(good), { check: 'units.maximum', left: null }],
  ['more units than the cap by far', 'rate.cap', factsOf(good), { check: 'rate.cap', left: null }],
  [
    'other units than are settled',
    'tally.continuity',
    factsOf(good, settled(2, 5n)),
    { check: 'equivocation', left: null },
  ],
  [
    'fewer receipts with more units than are settled',
    'tally.stale',
    factsOf(good, settled(4, 2n)),
    { check: 'equivocation', left: null },
  ],
  ['what is settled already', 'tally.stale', factsOf(good, settled(3, 3n)), null],
  ['a stream nobody has settled anything of', 'tally.continuity', factsOf(good, settled(0, 0n)), null],
  [
    'a segment that starts too late',
    'tally.continuity',
    factsOf({ ...good, first: 9, count: 12 }, settled(2, 9n)),
    null,
  ],
  ['an input that is not there', 'input.available', factsOf(good), null],
]

describe('what a refused segment shows', () => {
  for (const [what, check, facts, expected] of cases) {
    it(`${expected === null ? 'is nothing for' : 'is a fault for'} ${what}`, () => {
      expect(faultShown(check, facts)).to.deep.equal(expected)
    })
  }
})
