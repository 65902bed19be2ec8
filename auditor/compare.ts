/**
 * Holds the ledger against the chain's own views, and lays each difference at a transaction's door.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { Comparison, Scope } from './comparison.ts'
import type { Findings, Touch } from './findings.ts'
import { inspect } from './inspect.ts'
import { thing as things } from './replay.ts'
import type { DiscrepancyKind } from './report.ts'

/** Transactions of a block that have been replayed: where to look and whom to blame. */
export type Checkpoint = { scope: Scope; findings: Findings; transactions: readonly Hex[] }

const PARALLEL = 24

type Blame = { tx: Hex | null; kind: DiscrepancyKind | null; group?: number; note: string }

/** The transaction that caused a wrong value: the one that touched it, or the only one there was. */
function blame(touches: readonly Touch[], transactions: readonly Hex[]): Blame {
  const suspects = touches.length > 0 ? [...new Set(touches.map(({ tx }) => tx))] : transactions
  const note = suspects.length > 1 ? ` (the first of ${suspects.length} transactions of this block that may have)` : ''
  const last = touches.findLast(({ tx }) => tx === suspects[0])
  const groups = new Set(touches.map(({ group }) => group))
  const [group] = groups
  const where = groups.size === 1 && group !== undefined ? { group } : {}
  return { tx: suspects[0] ?? null, kind: last?.kind ?? null, ...where, note }
}

/** Touches of a thing in the block by the transactions that are under comparison. */
function touchesOf({ scope, findings, transactions }: Checkpoint, thing: string): readonly Touch[] {
  const touches = findings.touchesOf(thing, scope.block)
  return transactions.length === 0 ? touches : touches.filter(({ tx }) => transactions.includes(tx))
}

function reportDifference(checkpoint: Checkpoint, thing: string, difference: Comparison): void {
  const { scope, findings, transactions } = checkpoint
  const { note, kind, ...where } = blame(touchesOf(checkpoint, thing), transactions)
  if (note !== '') findings.doubt(scope.block)
  const { what, ours, theirs } = difference
  findings.add({
    kind: difference.kind ?? kind ?? 'solvency',
    block: scope.block,
    ...where,
    detail: `${what} is ${theirs} on chain, the rules give ${ours}${note}`,
  })
}

/** Compares `wanted` things as of the checkpoint's block; takes the chain's value where it differs. */
async function compareThings(checkpoint: Checkpoint, wanted: readonly string[]): Promise<void> {
  const { scope, findings } = checkpoint
  for (let start = 0; start < wanted.length; start += PARALLEL) {
    const chunk = wanted.slice(start, start + PARALLEL)
    const inspected = await Promise.all(chunk.map(async (thing) => ({ thing, pairs: await inspect(scope, thing) })))
    for (const { thing, pairs } of inspected) {
      findings.totals.compared += pairs.length
      for (const difference of pairs.filter(({ ours, theirs }) => ours !== theirs)) {
        reportDifference(checkpoint, thing, difference)
        difference.adopt()
      }
    }
  }
}

/** Compares everything the block's transactions touched, and the head. */
export async function compareBlock(checkpoint: Checkpoint): Promise<void> {
  const { findings, scope } = checkpoint
  const touched = findings.touchedIn(scope.block)
  await compareThings(checkpoint, [...touched, things.head()])
  for (const invariant of ['solvency', 'clock'] as const) findings.watch(invariant, true)
}

async function isWrongAt(
  checkpoint: Checkpoint,
  thing: string,
  difference: Comparison,
  block: number,
): Promise<boolean> {
  const pairs = await inspect({ ...checkpoint.scope, block }, thing)
  return pairs.some(({ what, theirs }) => what === difference.what && theirs !== difference.ours)
}

/** First block after `from` in which a value nobody was seen to touch is wrong. */
async function huntBlock(checkpoint: Checkpoint, thing: string, difference: Comparison, from: number): Promise<number> {
  let good = from
  let bad = checkpoint.scope.block
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (await isWrongAt(checkpoint, thing, difference, middle)) bad = middle
    else good = middle
  }
  return bad
}

/** A value's time of change cannot be searched for where it changes by itself as days go by. */
const isSteady = (thing: string): boolean => !thing.startsWith('earnings')

/**
 * Compares everything that was ever touched with the last block; a value that went wrong without being touched is traced
 * back to the block, and there to the transaction, in which it changed.
 *
 * @param transactionsOf - Watched transactions of a block.
 */
export async function compareAll(
  checkpoint: Checkpoint,
  transactionsOf: (block: number) => Promise<readonly Hex[]>,
): Promise<void> {
  const { scope, findings } = checkpoint
  for (const [thing, touch] of findings.everything()) {
    const pairs = await inspect(scope, thing)
    findings.totals.compared += pairs.length
    for (const difference of pairs.filter(({ ours, theirs }) => ours !== theirs)) {
      const block = isSteady(thing) ? await huntBlock(checkpoint, thing, difference, touch.block) : touch.block
      const transactions = block === touch.block ? [touch.tx] : await transactionsOf(block)
      const at = { ...checkpoint, scope: { ...scope, block }, transactions }
      reportDifference(at, thing, difference)
      difference.adopt()
    }
  }
}
