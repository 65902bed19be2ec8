import { expect } from 'chai'

import { type DealFacts, DealState } from '#oracle/domain/facts.ts'
import { createUpkeep } from '#oracle/services/upkeep.ts'
import { createNetState } from '#protocol/net-state.ts'
import { Mode } from '#protocol/types.ts'
import { accountOf } from '../support/chain.ts'
import { factsOf, goodSegment } from '../support/facts.ts'

const { deal } = factsOf(goodSegment())

/** Chores one member does; `member` 0 leads at time 0, 1 at 12 and so on. */
function world(member: number) {
  const state = { time: 0, clock: 0, touchedAt: null as number | null, deals: new Map<number, DealFacts>() }
  const done: string[] = []
  const asked: unknown[] = []
  const upkeep = createUpkeep({
    chain: {
      deal: async (id) => state.deals.get(id) ?? { ...deal, state: DealState.None },
      clock: async () => state.clock,
      periods: async () => ({ closing: 100, retention: 1_000 }),
      upkeepCall: (what) => {
        if (what !== 'tick') asked.push(what)
        return { to: deal.buyer, data: '0x' }
      },
    },
    blocks: {
      window: () => [],
      apply: () => {},
      program: () => null,
      dealId: () => null,
      packedWorker: () => null,
      rememberProgram: () => {},
      dealIds: () => [...state.deals.keys()],
      forgetDeal: (id) => void done.push(`forget ${id}`),
    },
    committee: async () => ({
      epoch: 1,
      threshold: 2,
      members: [0, 1, 2].map((index) => ({ signer: accountOf(`member ${index}`).address, endpoint: '' })),
    }),
    signer: { address: accountOf(`member ${member}`).address, sign: () => '0x' },
    submitter: { enqueue: ({ label }) => void done.push(label) },
    book: { state: createNetState },
    slotSeconds: 12,
    headTime: () => state.time,
    touchedAt: () => state.touchedAt,
  })
  return { state, done, asked, step: upkeep.step }
}

describe('chores of the committee', () => {
  it('touch the protocol clock before an hour has passed, the leader first', async () => {
    const [leader, second, outsider] = [world(0), world(1), world(9)]
    for (const { state, step } of [leader, second, outsider]) {
      state.time = 36_000
      state.touchedAt = 36_000 - 39 * 60
      await step()
      state.touchedAt = 36_000 - 40 * 60 - 30
      await step()
    }
    expect([leader.done, second.done, outsider.done]).to.deep.equal([['tick'], [], []])
    second.state.touchedAt = 36_000 - 42 * 60
    await second.step()
    expect(second.done).to.deep.equal(['tick'])
  })

  it('touch it once, not at every look', async () => {
    const { state, done, step } = world(0)
    state.time = 36_000
    await step()
    await step()
    expect(done).to.deep.equal(['tick'])
  })

  it('close and recycle deals when their time has come, and forget those that are gone', async () => {
    const { state, done, step } = world(0)
    state.touchedAt = 0
    state.deals = new Map([
      [1, { ...deal, state: DealState.Closing, end: 500 }],
      [2, { ...deal, state: DealState.Closed, closedAt: 100 }],
      [3, { ...deal, state: DealState.None }],
    ])
    state.clock = 599
    await step()
    expect(done).to.deep.equal(['forget 3'])
    state.clock = 1_100
    await step()
    expect(done).to.deep.equal(['forget 3', 'close 1', 'recycle 2', 'forget 3'])
  })

  it('leave a netted deal three hours more for what was announced, and close it by its leaf', async () => {
    const { state, done, asked, step } = world(0)
    state.touchedAt = 0
    state.deals = new Map([[1, { ...deal, mode: Mode.Net, state: DealState.Closing, end: 500 }]])
    state.clock = 600 + 3 * 3_600 - 1
    await step()
    expect(done).to.deep.equal([])
    state.clock += 1
    await step()
    expect(done).to.deep.equal(['close 1'])
    expect(asked).to.deep.equal([{ closeNet: 1, proof: { leaf: '0x', path: { mask: 0, siblings: [] } } }])
  })
})
