/**
 * Writes down the receipts that a settled group paid, and whether they are what its tally says.
 *
 * @module
 */
import { keccak256 } from 'viem'

import { type ReadReceipt, readReceipts } from './decode.ts'
import type { Judged } from './groups.ts'
import type { ReceiptBytes } from './receipts.ts'
import { type Replay, report } from './replay.ts'

/** Receipts in the bytes; reports why they cannot be had. */
function receiptsIn(replay: Replay, { group }: Judged, index: number, bytes: ReceiptBytes): ReadReceipt[] | null {
  const what = `the receipts of group ${index} (stream ${group.stream} of deal ${group.dealId})`
  if (bytes === null) {
    report(replay, 'unreadable', `${what} stand in a blob that nobody gives`, index)
    return null
  }
  const receipts = bytes === 'void' ? null : readReceipts(bytes, group.count - group.first)
  if (bytes !== 'void' && keccak256(bytes) === group.segment && receipts !== null) return receipts
  report(replay, 'receipts', `${what} do not stand in its blob as its worker signed them`, index)
  return null
}

/** Counts what an applied group paid; `bytes` are its receipts'. */
export function payReceipts(replay: Replay, judged: Judged, index: number, bytes: ReceiptBytes): void {
  const { transaction, block, findings } = replay
  const { group, tally, before, suffixUnits, amount } = judged
  const paidCount = group.count - Math.max(before.count, group.first)
  findings.totals.applied++
  findings.totals.receipts += Math.max(0, paidCount)
  findings.totals.units += suffixUnits
  findings.totals.paid += amount
  const receipts = receiptsIn(replay, judged, index, bytes)
  if (receipts === null || paidCount <= 0) return

  const paid = receipts.slice(-paidCount)
  const units = paid.reduce((sum, receipt) => sum + receipt.units, 0n)
  if (units !== suffixUnits) {
    const detail = `group ${index} was paid ${suffixUnits} units for receipts of ${units}`
    report(replay, 'receipts', detail, index)
  }
  const place = {
    dealId: group.dealId,
    dealKey: tally.dealKey,
    tx: transaction.hash,
    block: block.number,
    group: index,
  }
  findings.pay(paid.map((one) => ({ ...place, ...one })))
}
