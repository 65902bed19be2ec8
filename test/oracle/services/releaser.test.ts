import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { createSqliteStore } from '#oracle/adapters/sqlite-store.ts'
import { type DealFacts, DealState } from '#oracle/domain/facts.ts'
import { type Segment, tallyOf } from '#oracle/domain/segment.ts'
import type { Store } from '#oracle/ports.ts'
import { createReleaser } from '#oracle/services/releaser.ts'
import { tallyHash } from '#protocol/eip712.ts'
import { accountOf } from '../support/chain.ts'
import { factsOf, goodSegment, place } from '../support/facts.ts'
import { acknowledgementOf, receiptOf, segmentOf } from '../support/work.ts'

const facts = factsOf(goodSegment())
/** Two receipts of stream 0 that are settled, three of stream 1 that wait. */
const settled = segmentOf(place, 0, [receiptOf(place, 0), receiptOf(place, 2)])
const waiting = segmentOf(place, 1, [receiptOf(place, 1), receiptOf(place, 3), receiptOf(place, 5)])

describe('late acknowledgements', () => {
  let folder: string
  let store: Store
  let now: number
  let deal: DealFacts
  let queued: string[]
  let streams: { count: number; units: bigint; acknowledged: bigint }[]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-release-'))
    store = createSqliteStore({ file: join(folder, 'oracle.sqlite'), deployment: 'one' })
    ;[now, queued] = [1_000_000, []]
    // two units are paid: three more are one too many for the allowance
    deal = { ...facts.deal, state: DealState.Open, price: 10n, budget: 120n, remaining: 100n, allowance: 4n }
    streams = [
      { count: 2, units: 2n, acknowledged: 0n },
      { count: 0, units: 0n, acknowledged: 0n },
    ]
    store.messages.putAcknowledgement(acknowledgementOf(place, settled))
    hold(waiting)
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function hold(segment: Segment, check: string | null = 'exposure'): void {
    const tally = tallyOf(segment)
    const stored = { segment, tallyHash: tallyHash(tally), segmentHash: tally.segment, status: 'accepted' } as const
    const rest = { verification: 'done', claims: 11, transaction: null, receivedAtMs: 1 } as const
    store.segments.insert({ ...stored, ...rest, check }, [])
  }

  function releaserOf(member: number) {
    const stream = (index: number) => streams[index] ?? { count: 0, units: 0n, acknowledged: 0n }
    return createReleaser({
      store,
      chain: {
        facts: async (group) => ({ ...facts, deal, stream: stream(group.stream) }),
        stream: async (_id, index) => stream(index),
        acknowledgeCall: () => ({ to: deal.buyer, data: '0x' }),
      },
      committee: async () => ({
        epoch: 1,
        threshold: 2,
        members: [0, 1, 2].map((index) => ({ signer: accountOf(`member ${index}`).address, endpoint: '' })),
      }),
      signer: accountOf(`member ${member}`),
      submitter: { enqueue: ({ label }) => void queued.push(label) },
      clock: { now: () => now },
      slotSeconds: 12,
    })
  }

  function change(part: Partial<DealFacts>): void {
    deal = { ...deal, ...part }
  }

  const label = `acknowledge ${place.dealId}/0 2`
  const preferred = Number(BigInt(acknowledgementOf(place, settled).segment) % 3n)

  it('are brought to the chain when work waits for what they free', async () => {
    const { step } = releaserOf(preferred)
    await step()
    await step()
    expect(queued).to.deep.equal([label])
    now += 60_000
    await step()
    expect(queued, 'again when nothing came of it').to.deep.equal([label, label])
  })

  it('are brought by one member after the other, not by all at once', async () => {
    const { step } = releaserOf((preferred + 1) % 3)
    await step()
    now += 23_999
    await step()
    expect(queued).to.deep.equal([])
    now += 1
    await step()
    expect(queued).to.deep.equal([label])
  })

  const idle: readonly (readonly [string, () => void])[] = [
    ['nothing waits', () => store.segments.note(tallyHash(tallyOf(waiting)), 'coverage')],
    ['the exposure lets the work through by now', () => change({ allowance: 5n })],
    ['they free too little', () => change({ allowance: 2n })],
    ['the chain knows as much', () => void streams.splice(0, 1, { count: 2, units: 2n, acknowledged: 2n })],
    ['their receipts are not settled yet', () => void streams.splice(0, 1, { count: 1, units: 1n, acknowledged: 0n })],
    ['the deal is over', () => change({ state: DealState.Closed })],
  ]
  for (const [when, arrange] of idle) {
    it(`cost no gas when ${when}`, async () => {
      arrange()
      await releaserOf(preferred).step()
      expect(queued).to.deep.equal([])
    })
  }

  it('are not brought by an outsider', async () => {
    await releaserOf(9).step()
    expect(queued).to.deep.equal([])
  })
})
