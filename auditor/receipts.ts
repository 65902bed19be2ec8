/**
 * The receipts of a batch: from the transaction's input, or from the blobs it carried.
 *
 * @module
 */
import { groupBytesIn } from './blobs.ts'
import { IN_CALLDATA, type ReadBatch } from './decode.ts'
import type { Replay } from './replay.ts'

/** Receipts' bytes of one group: null where no archive gives the blob, 'void' where the blob does not hold them. */
export type ReceiptBytes = Uint8Array | 'void' | null

/** Endpoints of the present committee, which keeps the blobs. */
export function archivesOf({ state }: Replay): string[] {
  return [...(state.epochs.get(state.currentEpoch)?.endpoints.values() ?? [])]
}

/** Receipts' bytes of every group of a batch, in order. */
export async function receiptsOf(replay: Replay, batch: ReadBatch): Promise<ReceiptBytes[]> {
  if (batch.mode === IN_CALLDATA) return batch.groups.map(({ bytes }) => bytes)
  const { source, transaction } = replay
  const found: ReceiptBytes[] = []
  for (const [position, groups] of batch.blobs.entries()) {
    const hash = transaction.blobs[position]
    const blob = hash === undefined ? null : await source.blob(hash, archivesOf(replay))
    for (let index = 0; index < groups; index++) {
      found.push(blob === null ? null : (groupBytesIn(blob, groups, index) ?? 'void'))
    }
  }
  return found
}
