/**
 * What an audit hands back.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

/** What kind of rule a discrepancy breaks. */
export type DiscrepancyKind =
  | 'acknowledgement'
  | 'applied'
  | 'attestation'
  | 'authority'
  | 'bond'
  | 'budget'
  | 'claim'
  | 'clock'
  | 'closing'
  | 'coverage'
  | 'deal-opening'
  | 'deposit'
  | 'double-settle'
  | 'duplicate-task'
  | 'exposure'
  | 'fee'
  | 'keys'
  | 'lost-receipt'
  | 'maturity'
  | 'member-bond'
  | 'net-bonds'
  | 'net-deal'
  | 'net-force'
  | 'net-link'
  | 'net-malformed'
  | 'net-order'
  | 'net-queue'
  | 'net-root'
  | 'net-state'
  | 'net-sum'
  | 'net-total'
  | 'net-until'
  | 'order'
  | 'page'
  | 'parameters'
  | 'price'
  | 'rate'
  | 'receipts'
  | 'record'
  | 'recycle'
  | 'registry'
  | 'result'
  | 'root'
  | 'signature'
  | 'solvency'
  | 'stop'
  | 'stream'
  | 'top-up'
  | 'unreadable'
  | 'withdrawal'

/** One thing on chain that the rules do not explain. */
export type Discrepancy = {
  kind: DiscrepancyKind
  /** The transaction that did it; null only where no transaction can be told. */
  tx: Hex | null
  block: number
  /** Group of the batch, where one can be told. */
  group?: number
  /** One sentence with both values. */
  detail: string
}

/** A property that must hold throughout, and how often it was looked at. */
export type Invariant = { name: string; ok: boolean; checked: number }

/** How much of the chain was read and re-derived. */
export type Totals = {
  blocks: number
  transactions: number
  batches: number
  groups: number
  /** Groups that moved their stream. */
  applied: number
  receipts: number
  signatures: number
  units: bigint
  /** Settlement token base units paid for receipts. */
  paid: bigint
  /** Values compared with the chain's own views. */
  compared: number
}

/** Re-execution of receipts whose preimages could be fetched. */
export type ReExecution = {
  /** Receipts run again that gave the same result and units. */
  reExecuted: number
  /** Receipts that could not be run again: an open count, never a pass. */
  notReExecuted: number
}

/** Everything an audit found. */
export type AuditReport = {
  chainId: number
  settlement: Address
  registry: Address
  committee: Address
  token: Address
  from: number
  to: number
  /** Hash of the last block; the report holds for the chain that contains it. */
  pinned: Hex
  totals: Totals
  reExecution: ReExecution
  invariants: readonly Invariant[]
  discrepancies: readonly Discrepancy[]
}
