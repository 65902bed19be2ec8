/**
 * Collects discrepancies, counts what was looked at, and remembers which transactions touched what, so that a wrong
 * value can be laid at the right door.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { Discrepancy, DiscrepancyKind, Invariant, Totals } from './report.ts'

/** One transaction's touch of one thing; `kind` is what a wrong value means if this touch caused it. */
export type Touch = { tx: Hex; block: number; kind: DiscrepancyKind; group?: number }

/** Properties an audit watches, by the name the report gives them. */
export const INVARIANTS = {
  solvency: 'tokens held cover every free balance, open budget, unmatured and claimable amount and fee',
  monotone: 'streams only move forward',
  once: 'no receipt settles twice',
  signatures: 'every settled receipt is signed by a worker of the provider',
  authority: 'every batch has its lane’s authority',
  budget: 'no deal pays more than its budget',
  rate: 'no stream is paid faster than its rate',
  exposure: 'no deal pays beyond its exposure',
  coverage: 'no provider has more unmatured than its cover',
  window: 'no money leaves before its window is over',
  fees: 'fees are exact and taken when money matures',
  clock: 'the clock moves at most an hour at a touch',
  netted: 'no net takes more from a buyer than its netted deals have',
  nets: 'every net is what the records of its batch make, and what buyers pay is what providers receive',
  states: 'every net root is what its batch makes of the one before',
  bonds: 'nets that have not matured are worth no more than the bonds of those who signed',
  roots: 'every batch’s root is that of its own bytes',
  pages: 'every row of a page states what it stands for',
} as const

/** Short name of an invariant. */
export type InvariantName = keyof typeof INVARIANTS

/** One paid receipt and where it was paid. */
export type PaidWork = {
  dealId: number
  dealKey: Hex
  workHash: Hex
  units: bigint
  tx: Hex
  block: number
  group: number
}

/** Where an audit writes down what it sees. */
export type Findings = {
  add: (discrepancy: Discrepancy) => void
  /** Counts one look at an invariant; `holds` false breaks it. */
  watch: (invariant: InvariantName, holds: boolean) => void
  /** Remembers that a transaction touched `thing`; the last one stands for all earlier ones of other blocks. */
  touch: (thing: string, touch: Touch) => void
  /** Touches of `thing` in `block`, in order. */
  touchesOf: (thing: string, block: number) => readonly Touch[]
  /** Everything touched in `block`. */
  touchedIn: (block: number) => readonly string[]
  /** Everything ever touched, with its last touch. */
  everything: () => ReadonlyMap<string, Touch>
  /** Remembers a block in which more than one transaction may have done what was found. */
  doubt: (block: number) => void
  doubtful: () => ReadonlySet<number>
  /** Remembers receipts that were paid. */
  pay: (work: readonly PaidWork[]) => void
  paid: () => readonly PaidWork[]
  totals: Totals
  discrepancies: () => readonly Discrepancy[]
  invariants: () => readonly Invariant[]
}

/** Which invariant a kind of discrepancy breaks by itself. */
const BROKEN_BY: Partial<Record<DiscrepancyKind, InvariantName>> = {
  attestation: 'authority',
  authority: 'authority',
  budget: 'budget',
  claim: 'window',
  clock: 'clock',
  coverage: 'coverage',
  'double-settle': 'once',
  'net-bonds': 'bonds',
  'net-root': 'states',
  'net-state': 'once',
  'net-sum': 'nets',
  exposure: 'exposure',
  fee: 'fees',
  maturity: 'window',
  page: 'pages',
  rate: 'rate',
  root: 'roots',
  signature: 'signatures',
  solvency: 'solvency',
}

/** Empty findings. */
export function createFindings(): Findings {
  const found = new Map<string, Discrepancy>()
  const watched = new Map<InvariantName, { ok: boolean; checked: number }>()
  const last = new Map<string, Touch>()
  const paid: PaidWork[] = []
  const doubtful = new Set<number>()
  let current: { block: number; touches: Map<string, Touch[]> } = { block: -1, touches: new Map() }
  const totals: Totals = {
    blocks: 0,
    transactions: 0,
    batches: 0,
    groups: 0,
    applied: 0,
    receipts: 0,
    signatures: 0,
    units: 0n,
    paid: 0n,
    compared: 0,
  }

  const watch = (invariant: InvariantName, holds: boolean): void => {
    const entry = watched.get(invariant) ?? { ok: true, checked: 0 }
    watched.set(invariant, { ok: entry.ok && holds, checked: entry.checked + 1 })
  }
  const add = (discrepancy: Discrepancy): void => {
    const broken = BROKEN_BY[discrepancy.kind]
    if (broken !== undefined) watch(broken, false)
    found.set(`${discrepancy.kind} ${discrepancy.tx} ${discrepancy.group} ${discrepancy.detail}`, discrepancy)
  }
  const touch = (thing: string, entry: Touch): void => {
    if (current.block !== entry.block) current = { block: entry.block, touches: new Map() }
    current.touches.set(thing, [...(current.touches.get(thing) ?? []), entry])
    last.set(thing, entry)
  }

  return {
    add,
    watch,
    touch,
    touchesOf: (thing, block) => (current.block === block ? (current.touches.get(thing) ?? []) : []),
    touchedIn: (block) => (current.block === block ? [...current.touches.keys()] : []),
    everything: () => last,
    doubt: (block) => {
      doubtful.add(block)
    },
    doubtful: () => doubtful,
    pay: (work) => {
      for (const one of work) paid.push(one)
    },
    paid: () => paid,
    totals,
    discrepancies: () => [...found.values()],
    invariants: () =>
      (Object.keys(INVARIANTS) as InvariantName[]).map((name) => ({
        name: INVARIANTS[name],
        ok: watched.get(name)?.ok ?? true,
        checked: watched.get(name)?.checked ?? 0,
      })),
  }
}
