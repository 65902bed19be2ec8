/**
 * Tables of the growth bench's record.
 *
 * @module
 */
import type { GrowthRecord } from '../growth/figures.ts'
import { shown, tableOf } from './pages.ts'

const MEGABYTE = 2 ** 20

const MODES = ['calldata', 'blob', 'net'] as const

/** Gas per receipt by size. */
export function sizesTable({ sizes }: GrowthRecord): string {
  const rows = sizes.map((size) => [
    ...[shown(size.receipts), shown(size.groups)],
    ...MODES.flatMap((mode) => [shown(size[mode].gasPerReceipt), shown(size[mode].txs)]),
    ...[shown(size.blob.blobGasPerReceipt), shown(size.net.blobGasPerReceipt)],
    shown(Math.max(...MODES.map((mode) => size[mode].mostGas))),
  ])
  const modes = ['calldata: gas', 'txs', 'blobs: gas', 'txs', 'net: gas', 'txs', 'blob gas, blobs', 'blob gas, net']
  return tableOf([['receipts', 'groups', ...modes, 'dearest transaction, gas'], ...rows], 0)
}

/** Gas per receipt by what else the ledger holds, and how often what it was among nobody. */
export function crowdsTable({ crowds }: GrowthRecord): string {
  const [alone] = crowds
  const rows = crowds.map((crowd) => [
    ...[shown(crowd.deals), shown(crowd.providers), crowd.by],
    ...MODES.flatMap((mode) => [shown(crowd[mode], 1), `× ${(crowd[mode] / (alone?.[mode] ?? 0)).toFixed(4)}`]),
  ])
  const modes = ['gas, calldata', 'ratio', 'gas, blobs', 'ratio', 'gas, net', 'ratio']
  return tableOf([['deals', 'providers', 'the others came by', ...modes], ...rows], 0)
}

/** Time and memory of the builder by size. */
export function buildingTable({ building }: GrowthRecord): string {
  const rows = building.map(({ receipts, groups, batches, planMs, encodeMs, heapBytes }) => [
    ...[shown(receipts), shown(groups), shown(batches), shown(planMs, 1), shown(encodeMs, 1)],
    shown(heapBytes / MEGABYTE, 1),
  ])
  return tableOf([['receipts', 'groups', 'batches', 'planning, ms', 'encoding, ms', 'heap, MiB'], ...rows], 0)
}
