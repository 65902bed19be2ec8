/**
 * Batches as the vectors write them: every bigint a decimal string.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { Batch, BlobBatch, BlobGroup, CalldataBatch, Group } from '#protocol/batch.ts'

type GroupJson = Omit<Group, 'units' | 'receipts'> & { units: string; receipts: { units: string; workHash: Hex }[] }
type BlobGroupJson = Omit<BlobGroup, 'units'> & { units: string }

export type BatchJson =
  | (Omit<CalldataBatch, 'groups'> & { groups: GroupJson[] })
  | (Omit<BlobBatch, 'groups'> & { groups: BlobGroupJson[] })

/** The batch a vector describes. */
export function revived(batch: BatchJson): Batch {
  if (batch.mode === 1) {
    return { ...batch, groups: batch.groups.map((group) => ({ ...group, units: BigInt(group.units) })) }
  }
  const groups = batch.groups.map((group) => ({
    ...group,
    units: BigInt(group.units),
    receipts: group.receipts.map(({ units, workHash }) => ({ units: BigInt(units), workHash })),
  }))
  return { ...batch, groups }
}
