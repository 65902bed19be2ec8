import { expect } from 'chai'

import { checkNames, executionChecks, firstFailure, intakeChecks, readyChecks } from '#oracle/domain/checks.ts'
import type { DealFacts, SegmentFacts } from '#oracle/domain/facts.ts'
import type { Segment } from '#oracle/domain/segment.ts'
import { accountOf, keyOf } from '../support/chain.ts'
import { factsOf, goodSegment, place } from '../support/facts.ts'
import { orderOf, outputOf, receiptOf, segmentOf } from '../support/work.ts'

const good = goodSegment()
const withDeal = (changes: Partial<DealFacts>, segment = good): SegmentFacts => {
  const facts = factsOf(segment)
  return { ...facts, deal: { ...facts.deal, ...changes } }
}
const replaced = (receipt: Segment['receipts'][number]): Segment =>
  segmentOf(place, 0, [receipt, ...good.receipts.slice(1)])
const range = (segment: Segment) => ({ ...segment, tallyHash: `0x${'11'.repeat(32)}` as const })

const refusals: readonly (readonly [string, string, SegmentFacts])[] = [
  ['a deal that is not open', 'deal.open', withDeal({ state: 3 })],
  ['another deal under the same id', 'deal.open', withDeal({ key: `0x${'ab'.repeat(32)}` })],
  ['a deal past its closing period', 'deal.open', withDeal({ end: 1_500, openedAt: 0, state: 2 }, good)],
  ['a deal of an unknown mode', 'deal.mode', withDeal({ mode: 3 })],
  ['a stream the deal does not have', 'stream.range', withDeal({ streams: 0 })],
  [
    'a stream that a fault froze',
    'stream.frozen',
    factsOf(good, { stream: { count: 2 ** 24 - 1, units: 3n, acknowledged: 0n } }),
  ],
  ['an unknown worker', 'worker.member', factsOf(good, { worker: null })],
  [
    "another provider's worker",
    'worker.member',
    factsOf(good, { worker: { provider: 2, key: accountOf('worker').address, revokedFrom: 0 } }),
  ],
  [
    'a revoked worker',
    'worker.member',
    factsOf(good, { worker: { provider: 1, key: accountOf('worker').address, revokedFrom: 2_000 } }),
  ],
  [
    "a stranger's signature",
    'tally.signature',
    factsOf(segmentOf(place, 0, good.receipts, { key: keyOf('stranger') })),
  ],
  ['no signature at all', 'tally.signature', factsOf({ ...good, signature: `0x${'00'.repeat(64)}` })],
  [
    'the same receipts with another hash',
    'equivocation',
    factsOf(replaced(receiptOf(place, 0, { output: outputOf(9) })), { known: [range(good)] }),
  ],
  [
    'more receipts with fewer units',
    'equivocation',
    factsOf(good, { known: [range(segmentOf(place, 0, [receiptOf(place, 6, { units: 4n })]))] }),
  ],
  ['what is settled already', 'tally.stale', factsOf(good, { stream: { count: 3, units: 3n, acknowledged: 0n } })],
  ['a total that does not add up', 'tally.continuity', factsOf(segmentOf(place, 0, good.receipts, { units: 4n }))],
  [
    'a start this member knows nothing before',
    'tally.continuity',
    factsOf(segmentOf(place, 0, good.receipts, { first: 5, before: 5n })),
  ],
  ['work nobody ordered', 'order.exists', factsOf(replaced(receiptOf(place, 0, { order: { signature: '0x' } })))],
  ["an order by another key than the deal's", 'order.signature', withDeal({ orderKey: accountOf('stranger').address })],
  [
    'an order for more than was signed',
    'order.signature',
    factsOf(replaced(receiptOf(place, 0, { order: { maxUnits: 6n } }))),
  ],
  ['a task of another stream', 'order.stream', factsOf(replaced(receiptOf(place, 1)))],
  ['one task twice in a segment', 'task.duplicate', factsOf(replaced(receiptOf(place, 2)))],
  ['a task billed before', 'task.duplicate', factsOf(good, { billed: new Set([2n]) })],
  ['more units than the order allows', 'units.maximum', factsOf(replaced(receiptOf(place, 0, { units: 6n })))],
  ['an end before its start', 'time.plausible', factsOf(replaced(receiptOf(place, 0, { startedAt: 9, endedAt: 8 })))],
  [
    'an end in the future',
    'time.plausible',
    factsOf(replaced(receiptOf(place, 0, { endedAt: Math.floor(Date.now() / 1000) + 600 }))),
  ],
  [
    'a work hash of something else',
    'output.commitment',
    factsOf(replaced({ ...receiptOf(place, 0), workHash: `0x${'77'.repeat(32)}` })),
  ],
  ['an input nobody has', 'input.available', factsOf(good, { held: new Set(good.receipts.map((r) => r.outputRoot)) })],
  [
    'an output that was not delivered',
    'output.available',
    factsOf(good, { held: new Set(good.receipts.map((r) => r.order.inputRoot)) }),
  ],
  ['units far beyond the rate', 'rate.cap', withDeal({ rateCap: 1 })],
  ['an empty budget', 'budget', withDeal({ remaining: 0n })],
]

describe('checks of a segment', () => {
  it('let good work pass', () => {
    expect(firstFailure(intakeChecks, factsOf(good))).to.equal(null)
    expect(firstFailure(readyChecks, factsOf(good))).to.equal(null)
  })

  for (const [what, check, facts] of refusals) {
    it(`refuse ${what} as ${check}`, () => {
      const spoiled = what.includes('closing period') ? { ...facts, closingPeriod: 100 } : facts
      expect(firstFailure(intakeChecks, spoiled)?.name).to.equal(check)
    })
  }

  it('take a buyer for the order key where the deal names none', () => {
    const zero = '0x0000000000000000000000000000000000000000'
    const facts = withDeal({ orderKey: zero, buyer: accountOf('order').address })
    expect(firstFailure(intakeChecks, facts)).to.equal(null)
  })

  it('trust an order this member took in before, whatever key signs now', () => {
    const facts = withDeal({ orderKey: accountOf('next').address })
    expect(firstFailure(intakeChecks, { ...facts, vouched: new Set([0, 1, 2]) })).to.equal(null)
  })

  it('judge only receipts that no accepted segment covers', () => {
    const longer = segmentOf(place, 0, [...good.receipts, receiptOf(place, 6)])
    const facts = factsOf(longer, { known: [range(good)], fresh: [3], billed: new Set([0n, 2n, 4n]) })
    expect(firstFailure(intakeChecks, facts)).to.equal(null)
  })

  it('take what follows an accepted segment the chain does not have yet', () => {
    const next = segmentOf(place, 0, [receiptOf(place, 6)], { first: 3, before: 3n })
    expect(firstFailure(intakeChecks, factsOf(next, { known: [range(good)] }))).to.equal(null)
    expect(firstFailure(readyChecks, factsOf(next, { known: [range(good)] }))?.name).to.equal('tally.continuity')
  })
})

describe('checks of a group that is to settle now', () => {
  it('hold what is above the rate, without refusing it at intake', () => {
    const facts = withDeal({ rateCap: 7 })
    expect(firstFailure(intakeChecks, facts)).to.equal(null)
    expect(firstFailure(readyChecks, facts)?.name).to.equal('rate.cap')
  })

  it('hold what is above the exposure until the buyer acknowledges it', () => {
    const facts = withDeal({ allowance: 1n })
    expect(firstFailure(readyChecks, facts)?.name).to.equal('exposure')
    expect(firstFailure(readyChecks, { ...facts, acknowledged: true })).to.equal(null)
  })

  it("hold what is above the provider's cover, unless acknowledged", () => {
    expect(firstFailure(readyChecks, factsOf(good, { room: 29n }))?.name).to.equal('coverage')
    expect(firstFailure(readyChecks, factsOf(good, { room: 29n, acknowledged: true }))).to.equal(null)
  })

  it('let the suffix past the cursor settle', () => {
    expect(firstFailure(readyChecks, factsOf(good, { stream: { count: 2, units: 2n, acknowledged: 0n } }))).to.equal(
      null,
    )
  })

  it('refuse a suffix whose units do not continue the chain', () => {
    const facts = factsOf(good, { stream: { count: 2, units: 5n, acknowledged: 0n } })
    expect(firstFailure(readyChecks, facts)?.name).to.equal('tally.continuity')
  })
})

describe('checks of a re-execution', () => {
  const [receipt] = good.receipts
  if (receipt === undefined) throw new Error('there is no receipt')
  const execution = { outputRoot: receipt.outputRoot, plainHash: receipt.plainHash, units: receipt.units }

  it('let the same result and units pass', () => {
    expect(firstFailure(executionChecks, { receipt, execution })).to.equal(null)
  })

  it('name another output', () => {
    const other = { ...execution, plainHash: `0x${'00'.repeat(32)}` as const }
    expect(firstFailure(executionChecks, { receipt, execution: other })?.name).to.equal('reexecution.output')
  })

  it('name another number of units', () => {
    const other = { ...execution, units: 2n }
    expect(firstFailure(executionChecks, { receipt, execution: other })?.name).to.equal('reexecution.units')
  })
})

it('every check is named once, and orders of other deals do not fit', () => {
  expect(new Set(checkNames).size).to.equal(checkNames.length)
  const other = orderOf({ ...place, dealKey: `0x${'ee'.repeat(32)}` }, 0)
  const facts = factsOf(replaced(receiptOf(place, 0, { order: { signature: other.signature } })))
  expect(firstFailure(intakeChecks, facts)?.name).to.equal('order.signature')
})
