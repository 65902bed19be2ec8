/**
 * Everything signed that a watcher has seen, and the faults it shows, each found once.
 *
 * @module
 */
import type { Hex } from 'viem'

import { listOf, streamKey } from './book.ts'
import type { Finding, SeenReceipt, SeenTally, WatchedDeal } from './facts.ts'
import { findDoubleSelling, findDuplicate, findEquivocation, findOverclaim, findOverMaximum } from './find-signed.ts'

/** What was seen so far. */
export type Knowledge = {
  /** Takes a tally in; `now` is the newest block's time, unix seconds. */
  tally(tally: SeenTally, deal: WatchedDeal | undefined, now: number): void
  /** Takes in a receipt whose preimage is known. */
  receipt(receipt: SeenReceipt): void
  /** Looks for work one worker did too much of at once; `capacityOf` asks what its provider declared. */
  sold(capacityOf: (dealKey: Hex) => Promise<number>): Promise<void>
  add(finding: Finding | null): void
  /** Takes a finding in whose proof holds for now only, in place of what it was before. */
  renew(finding: Finding | null): void
  /** Found so far, by subject. */
  findings(): ReadonlyMap<Hex, Finding>
}

/** Nothing seen. */
export function createKnowledge(): Knowledge {
  const tallies = new Map<string, Map<Hex, SeenTally>>()
  const tasks = new Map<string, SeenReceipt[]>()
  const shifts = new Map<number, SeenReceipt[]>()
  const changed = new Set<number>()
  const findings = new Map<Hex, Finding>()

  function add(finding: Finding | null): void {
    if (finding !== null && !findings.has(finding.subject)) findings.set(finding.subject, finding)
  }

  return {
    tally(seen, deal, now) {
      const { dealKey, stream } = seen.tally
      const key = streamKey(dealKey, stream)
      const known = tallies.get(key) ?? new Map<Hex, SeenTally>()
      tallies.set(key, known)
      // one with receipts says more than the same without
      if (known.has(seen.hash) && seen.receipts === undefined) return
      known.set(seen.hash, seen)
      add(findEquivocation(seen, known.values()))
      if (deal !== undefined) add(findOverclaim(deal, seen, now))
    },

    receipt(receipt) {
      const same = listOf(tasks, `${receipt.tally.dealKey}/${receipt.work.taskHash}`)
      add(findOverMaximum(receipt))
      add(findDuplicate(receipt, same))
      if (same.some(({ index, tally }) => index === receipt.index && tally.stream === receipt.tally.stream)) return
      same.push(receipt)
      listOf(shifts, receipt.worker).push(receipt)
      changed.add(receipt.worker)
    },

    async sold(capacityOf) {
      for (const worker of changed) {
        const receipts = shifts.get(worker) ?? []
        const [first] = receipts
        changed.delete(worker)
        if (first !== undefined) add(findDoubleSelling(receipts, await capacityOf(first.tally.dealKey)))
      }
    },

    add,
    renew(finding) {
      if (finding !== null) findings.set(finding.subject, finding)
    },
    findings: () => findings,
  }
}
