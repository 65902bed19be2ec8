import { expect } from 'chai'

import type { DealFacts } from '#oracle/domain/facts.ts'
import type { WorkerUse } from '#oracle/domain/packing.ts'
import type { Upkeep } from '#oracle/ports.ts'
import { createPacker } from '#oracle/services/packer.ts'
import { accountOf } from '../support/chain.ts'
import { factsOf, goodSegment } from '../support/facts.ts'

const { deal } = factsOf(goodSegment())

/** What one member packs; `member` 0 leads. */
function world(member: number, batches: number, workers: readonly WorkerUse[] = []) {
  const done: Upkeep[] = []
  const half: DealFacts = { ...deal, openedAt: 0, end: 2_000, budget: 1_000n, remaining: 500n }
  const packer = createPacker({
    chain: {
      deal: async (id) => ({ ...half, place: id === 9 ? 300 : 0 }),
      clock: async () => 1_000,
      upkeepCall(what) {
        done.push(what)
        return { to: deal.buyer, data: '0x' }
      },
    },
    segments: { usedDeals: () => new Map([[deal.key, batches]]), usedWorkers: () => [...workers] },
    blocks: { dealIds: () => [4, 5, 6, 7, 8, 9], packedWorker: (index) => (index === 512 ? 5_120 : null) },
    committee: async () => ({
      ...{ epoch: 1, threshold: 2 },
      members: [0, 1, 2].map((index) => ({ signer: accountOf(`member ${index}`).address, endpoint: '' })),
    }),
    signer: { address: accountOf(`member ${member}`).address },
    submitter: { enqueue: () => {} },
    clock: { now: () => 0 },
    ...{ headTime: () => 0, slotSeconds: 12, fork: 'osaka', marginPercent: 100 },
  })
  return { done, step: packer.step }
}

describe('packing for the committee', () => {
  it('writes deals that settle often to a page, and none that stands in one', async () => {
    const { done, step } = world(0, 100)
    await step()
    expect(done).to.deep.equal([{ packDeals: [4, 5, 6, 7, 8] }])
  })
  it('is left to the leader of the slot, and where it would not pay back', async () => {
    const [other, idle] = [world(1, 100), world(0, 2)]
    await other.step()
    await idle.step()
    expect([other.done, idle.done]).to.deep.equal([[], []])
  })
  it('names workers by the index they have now, each once', async () => {
    const workers = [512, 1_024, 5_120, 5_632].map((index) => ({ index, batches: 1_000 }))
    const { done, step } = world(0, 0, workers)
    await step()
    expect(done).to.deep.equal([{ packWorkers: [5_120, 1_024, 5_632] }])
  })
})
