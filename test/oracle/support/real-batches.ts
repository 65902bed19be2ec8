/**
 * Batches on a real chain, with the shapes the cost model sees them in.
 *
 * @module
 */
import { type GroupOutline, shapeOf } from '#oracle/domain/batch-shape.ts'
import type { BatchShape } from '#oracle/domain/cost-model.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Lane } from '#protocol/types.ts'
import { PRICE } from '#scripts/bench/actors.ts'
import { type BenchMode, dealOf, type SignedGroup, settleCall, signRound } from '#scripts/bench/batches.ts'
import { checkSettled } from '#scripts/bench/books.ts'
import { COMMITTEE, type Mined } from '#scripts/bench/chain.ts'
import type { StreamPlan } from '#scripts/bench/workload.ts'
import type { World } from '#scripts/bench/world.ts'

/** One settled batch. */
export type RealBatch = { readonly shape: BatchShape; readonly mined: Mined }

/** Settles what a round brings to some streams in one batch. */
export async function settleBatch(
  world: World,
  round: number,
  streams: readonly StreamPlan[],
  way: { readonly mode: BenchMode; readonly lane: Lane },
): Promise<RealBatch> {
  const { chain, submitter } = world
  const groups = signRound(world, round, way.lane, streams)
  const authority = way.lane === Lane.Attested ? 'committee' : 'none'
  const call = await settleCall(world, groups, { ...way, authority })
  const mined = await chain.send(submitter, chain.deployment.settlement, call.data, call.blobs)
  await checkSettled(world, call, mined)
  const signatures = way.lane === Lane.Attested ? COMMITTEE.threshold : 0
  return {
    shape: shapeOf(
      groups.map((group) => outlineOf(world, group)),
      { ...way, signatures },
    ),
    mined,
  }
}

function outlineOf(world: World, { plan, group, tally }: SignedGroup): GroupOutline {
  const { dealId, stream, worker, first, receipts } = group
  const provider = world.providers[world.workload.deals[plan.deal]?.provider ?? 0] ?? 0
  const { place = 0 } = dealOf(world, plan)
  return {
    ...{ dealId, stream, worker, first, count: tally.count, receiptBytes: encodeReceipts(receipts).length },
    deal: { provider, price: PRICE, streams: world.workload.shape.streamsPerDeal, place },
  }
}
