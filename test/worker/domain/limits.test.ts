/**
 * What a worker starts, and what it lets wait because the chain might not pay for it.
 *
 * @module
 */
import { expect } from 'chai'

import { DealState } from '#protocol/types.ts'
import { holdReason, type Load } from '#worker/domain/limits.ts'
import type { ChainView, DealFacts } from '#worker/domain/view.ts'

import { dealOf, viewOf } from '../support/fixtures.ts'

const idle: Load = {
  streamUnits: 0n,
  streamReceipts: 0,
  streamBacklog: 0,
  dealUnits: 0n,
  dealPending: 0n,
  acknowledged: 0n,
  streamsServed: 4,
  pendingAmount: 0n,
}

type Case = {
  readonly deal?: Partial<DealFacts>
  readonly view?: Partial<ChainView>
  readonly load?: Partial<Load>
  readonly maxUnits?: bigint
  readonly fleetSize?: number
}

function hold({ deal, view, load, maxUnits, fleetSize }: Case): string | null {
  const facts = dealOf(deal)
  const settings = { fleet: { position: 0, size: fleetSize ?? 1 }, maxBacklog: 8 }
  return holdReason(facts, viewOf(facts, view), { ...idle, ...load }, maxUnits ?? 10n, settings)
}

describe('what a worker starts', () => {
  it('is work the chain is sure to pay', () => expect(hold({})).to.equal(null))

  const openedAt = dealOf().openedAt
  /** A deal whose rate and budget never bind. */
  const endless = {
    ...{ offer: { ...dealOf().offer, price: 0n, rateCap: 2 ** 32 - 1 } },
    ...{ end: openedAt + 3_600 * 2_000, allowance: 0n, budget: 0n },
  }
  const late = { clock: openedAt + 3_600 * 1_000 }
  const waits: readonly [string, string, Case, Case][] = [
    ['the deal ends', 'deal-ended', { view: { clock: dealOf().end } }, { view: { clock: dealOf().end - 1 } }],
    ['the deal is closing', 'deal-ended', { deal: { state: DealState.Closing } }, {}],
    ['its key is revoked', 'revoked', { view: { revokedFrom: 1 } }, { view: { revokedFrom: 2_000_000_000 } }],
    [
      'its stream can take no more receipts',
      'stream-full',
      { load: { streamReceipts: 2 ** 24 - 1 } },
      { load: { streamReceipts: 2 ** 24 - 2 } },
    ],
    [
      'its stream may pass the units it can count',
      'stream-full',
      { deal: endless, view: late, load: { streamUnits: 2n ** 40n - 10n } },
      { deal: endless, view: late, load: { streamUnits: 2n ** 40n - 11n } },
    ],
    ['too much is unsettled', 'backlog', { load: { streamBacklog: 8 } }, { load: { streamBacklog: 7 } }],
    [
      'the rate cap would skip it now, though not at the deal’s end',
      'rate',
      { view: { clock: openedAt + 1 }, load: { streamUnits: 991n } },
      { view: { clock: openedAt + 1 }, load: { streamUnits: 990n } },
    ],
    ['the budget may run out', 'budget', { deal: { remaining: 99n } }, { deal: { remaining: 100n } }],
    [
      'what is unsettled may use the budget up',
      'budget',
      { load: { dealPending: 991n, dealUnits: 0n } },
      { load: { dealPending: 990n, dealUnits: 0n } },
    ],
    [
      'its share of the budget is used up',
      'budget',
      { load: { streamsServed: 2, dealUnits: 491n } },
      { load: { streamsServed: 2, dealUnits: 490n } },
    ],
    ['the buyer’s exposure is reached', 'exposure', { deal: { allowance: 9n } }, { deal: { allowance: 10n } }],
    [
      'what was paid uses the exposure up',
      'exposure',
      { deal: { allowance: 19n, remaining: 9_900n } },
      { deal: { allowance: 20n, remaining: 9_900n } },
    ],
    [
      'its share of the exposure is reached',
      'exposure',
      { deal: { allowance: 999n, terms: { ...dealOf().terms, exposure: 100n } }, load: { dealUnits: 91n } },
      {
        deal: { allowance: 999n, terms: { ...dealOf().terms, exposure: 100n } },
        load: { dealUnits: 91n, acknowledged: 1n },
      },
    ],
    ['the stake covers no more', 'coverage', { view: { cover: 99n } }, { view: { cover: 100n } }],
    [
      'unmatured earnings use the cover up',
      'coverage',
      { view: { cover: 200n, unmatured: 101n } },
      { view: { cover: 200n, unmatured: 100n } },
    ],
    [
      'its fleet must share the cover',
      'coverage',
      { view: { cover: 299n }, fleetSize: 3 },
      { view: { cover: 300n }, fleetSize: 3 },
    ],
  ]
  for (const [title, reason, over, within] of waits) {
    it(`waits when ${title}`, () => {
      expect(hold(over)).to.equal(reason)
      expect(hold(within)).to.equal(null)
    })
  }

  it('is not held by an exposure that cannot bind any more', () => {
    const terms = { ...dealOf().terms, exposure: 0n }
    expect(hold({ deal: { allowance: 1_000n, terms } })).to.equal(null)
    expect(hold({ deal: { allowance: 2_000n, terms } })).to.equal(null)
  })
})
