/**
 * What stood in storage between the transactions of one block, from what a tracing node says each of them changed.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import type { Overlay } from './source.ts'

/** Storage by account and slot. */
type Storage = Record<Address, Record<Hex, Hex>>

/** What one transaction changed: values before and after; a slot missing after was cleared. */
export type StorageDiff = { hash: Hex; before: Storage; after: Storage }

const CLEARED: Hex = `0x${'00'.repeat(32)}`

function copy(storage: Storage): Storage {
  return Object.fromEntries(Object.entries(storage).map(([account, slots]) => [account, { ...slots }]))
}

/** Every slot any of the transactions changed, as it was before the first. */
function startOf(diffs: readonly StorageDiff[]): Storage {
  const start: Storage = {}
  // from the last to the first, so that the earliest value stands; a slot that was created began cleared
  for (const { before, after } of diffs.toReversed()) {
    for (const [account, slots] of Object.entries(after) as [Address, Record<Hex, Hex>][]) {
      const cleared = Object.fromEntries(Object.keys(slots).map((slot) => [slot, CLEARED]))
      start[account] = { ...start[account], ...cleared }
    }
    for (const [account, slots] of Object.entries(before) as [Address, Record<Hex, Hex>][]) {
      start[account] = { ...start[account], ...slots }
    }
  }
  return start
}

function applyDiff(storage: Storage, { before, after }: StorageDiff): void {
  for (const [account, slots] of Object.entries(storage) as [Address, Record<Hex, Hex>][]) {
    for (const slot of Object.keys(before[account] ?? {}) as Hex[]) slots[slot] = CLEARED
    for (const [slot, value] of Object.entries(after[account] ?? {}) as [Hex, Hex][]) slots[slot] = value
  }
}

/** The state after each of a block's transactions, given in their order. */
export function overlaysOf(diffs: readonly StorageDiff[]): Overlay[] {
  const storage = startOf(diffs)
  return diffs.map((diff) => {
    applyDiff(storage, diff)
    return { after: diff.hash, storage: copy(storage) }
  })
}
