/**
 * Packs deals' facts and workers' keys into code pages where that pays back, see {@link dealsToPack}. Anyone may; the
 * member that leads the slot does, out of the gas it saves on its own batches.
 *
 * @module
 */
import { Mode } from '#protocol/types.ts'
import { sameAddress } from '../domain/checks.ts'
import { DealState } from '../domain/facts.ts'
import type { Fork } from '../domain/forks.ts'
import { type DealUse, dealsToPack, type WorkerUse, workersToPack } from '../domain/packing.ts'
import { leaderAt } from '../domain/quorum.ts'
import type { BlockStore, Chain, Clock, Committee, SegmentStore, Signer } from '../ports.ts'
import type { Submitter } from './submitter.ts'

/** What workers did for this long is expected again, milliseconds. */
const WORKERS_SEEN_MS = 7 * 86_400_000

/** Packs for one member. */
export type Packer = {
  /** Looks once whether a page would pay back, and queues it. */
  step(): Promise<void>
}

/** Creates the packer. */
export function createPacker(deps: {
  readonly chain: Pick<Chain, 'deal' | 'clock' | 'upkeepCall'>
  readonly segments: Pick<SegmentStore, 'usedDeals' | 'usedWorkers'>
  readonly blocks: Pick<BlockStore, 'dealIds' | 'packedWorker'>
  readonly committee: () => Promise<Committee>
  readonly signer: Pick<Signer, 'address'>
  readonly submitter: Pick<Submitter, 'enqueue'>
  readonly clock: Clock
  readonly headTime: () => number
  readonly slotSeconds: number
  readonly fork: Fork
  /** What a page has to save, in percent of what it costs. */
  readonly marginPercent: number
}): Packer {
  const { chain, segments, blocks, submitter, fork, marginPercent } = deps

  async function isLeader(): Promise<boolean> {
    const { members } = await deps.committee()
    const leader = leaderAt(BigInt(deps.headTime()), deps.slotSeconds, members.length)
    const signer = members[leader]?.signer
    return signer !== undefined && sameAddress(signer, deps.signer.address)
  }

  async function dealUses(): Promise<DealUse[]> {
    const used = segments.usedDeals()
    const clock = await chain.clock()
    const uses = await Promise.all(
      blocks.dealIds().map(async (id): Promise<DealUse[]> => {
        const deal = await chain.deal(id)
        const batches = used.get(deal.key) ?? 0
        if (deal.state !== DealState.Open || deal.mode === Mode.Net || batches === 0) return []
        const { place, openedAt, end, remaining, budget } = deal
        const [age, left] = [clock - openedAt, Math.max(0, end - clock)]
        return [{ id, place, batches, age, left, paid: budget - remaining, remaining }]
      }),
    )
    return uses.flat()
  }

  /** Each worker by the index it is named by now, whatever indexes its segments name. */
  function workerUses(): WorkerUse[] {
    const used = segments.usedWorkers(deps.clock.now() - WORKERS_SEEN_MS)
    const byIndex = Map.groupBy(used, ({ index }) => blocks.packedWorker(index) ?? index)
    return [...byIndex].map(([index, uses]) => ({ index, batches: Math.max(...uses.map(({ batches }) => batches)) }))
  }

  return {
    async step() {
      if (!(await isLeader())) return
      const deals = dealsToPack(await dealUses(), fork, marginPercent)
      if (deals.length > 0) submitter.enqueue({ ...chain.upkeepCall({ packDeals: deals }), label: 'pack deals' })
      const workers = workersToPack(workerUses(), fork, marginPercent)
      if (workers.length > 0)
        submitter.enqueue({ ...chain.upkeepCall({ packWorkers: workers }), label: 'pack workers' })
    },
  }
}
