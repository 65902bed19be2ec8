/**
 * Puts the run's numbers and the audit side by side, for people and for programs.
 *
 * @module
 */
import type { AuditReport, Invariant } from '#auditor/report.ts'
import { kindName } from '#protocol/types.ts'

import type { Accounts } from './accounts.ts'
import type { LocalNetwork } from './local-network.ts'
import { DEALS } from './plan.ts'
import type { Finding } from './results.ts'

/** What `npm start -- --json` ends with. Money is decimal strings in base units. */
export type Verdict = {
  readonly ok: boolean
  readonly chainId: number
  readonly addresses: Readonly<Record<string, string>>
  readonly deals: number
  /** Programs that were bought: of which kind, and what they found. */
  readonly work: readonly {
    readonly program: string
    readonly kind: string
    readonly receipts: number
    readonly found: string
  }[]
  readonly receipts: number
  readonly batches: number
  /** Batches that moved a stream, by lane. */
  readonly lanes: { readonly acknowledged: number; readonly attested: number; readonly forced: number }
  readonly gasPerReceipt: number
  readonly paid: string
  readonly earned: Readonly<Record<string, string>>
  readonly fees: string
  readonly invariants: readonly { readonly name: string; readonly ok: boolean }[]
  readonly audit: {
    readonly clean: boolean
    readonly receipts: number
    readonly reExecuted: number
    readonly notReExecuted: number
    readonly discrepancies: readonly {
      readonly kind: string
      readonly tx: string | null
      readonly group: number | null
    }[]
  }
}

/** What the demo promises beyond what every audit checks. */
function promisesOf(accounts: Accounts, report: AuditReport): Invariant[] {
  const { lanes, paid, earned, protocolFee, committeeFee } = accounts
  const income = [...earned.values()].reduce((total, amount) => total + amount, 0n)
  const tasks = DEALS.reduce((sum, deal) => sum + deal.tasks, 0)
  const batches = batchesOf(accounts)
  const promise = (name: string, ok: boolean): Invariant => ({ name, ok, checked: 1 })
  return [
    promise('what buyers paid is what providers and fees received', paid === income + protocolFee + committeeFee),
    promise('what the auditor re-derived is what buyers paid', report.totals.paid === paid),
    promise('every ordered task was paid exactly once', report.totals.receipts === tasks),
    promise(
      'every lane was used',
      Object.values(lanes).every((lane) => lane.batches > 0),
    ),
    promise('at least 300 receipts in at least 6 batches', report.totals.receipts >= 300 && batches >= 6),
    promise('nothing is left in the settlement', accounts.held === 0n),
    promise('no stake is left in the registry', accounts.staked === 0n),
    promise('every paid receipt was run again', report.reExecution.notReExecuted === 0),
  ]
}

function batchesOf({ lanes }: Accounts): number {
  return Object.values(lanes).reduce((sum, lane) => sum + lane.batches, 0)
}

/** Judges a finished run. */
export function judge(
  network: LocalNetwork,
  accounts: Accounts,
  report: AuditReport,
  findings: readonly Finding[],
): Verdict {
  const { chainId, fromBlock: _, ...addresses } = network.deployment
  const invariants = [...report.invariants, ...promisesOf(accounts, report)].map(({ name, ok }) => ({ name, ok }))
  const gas = Object.values(accounts.lanes).reduce((sum, lane) => sum + lane.gas, 0n)
  const { receipts } = report.totals
  const clean = report.discrepancies.length === 0
  return {
    ok: clean && invariants.every(({ ok }) => ok),
    ...{ chainId, addresses, deals: accounts.deals, receipts, batches: batchesOf(accounts) },
    work: findings.map(({ job, tasks, event }) => ({
      ...{ program: job.name, kind: kindName(job.kind), receipts: tasks, found: event },
    })),
    lanes: {
      acknowledged: accounts.lanes.Acknowledged.batches,
      attested: accounts.lanes.Attested.batches,
      forced: accounts.lanes.Forced.batches,
    },
    gasPerReceipt: receipts === 0 ? 0 : Math.round(Number(gas) / receipts),
    paid: accounts.paid.toString(),
    earned: Object.fromEntries([...accounts.earned].map(([id, amount]) => [String(id), amount.toString()])),
    fees: (accounts.protocolFee + accounts.committeeFee).toString(),
    invariants,
    audit: {
      ...{ clean, receipts, ...report.reExecution },
      discrepancies: report.discrepancies.map(({ kind, tx, group }) => ({ kind, tx, group: group ?? null })),
    },
  }
}
