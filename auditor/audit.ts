/**
 * Re-derives every receipt ever paid from the chain alone, given one address.
 *
 * Everything is replayed in order from the contracts' first block: what the rules of docs/protocol.md make of each
 * transaction is held against its events at once and against the chain's own views after its block. It reads no oracle's
 * database; whatever it cannot read is a discrepancy.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { startedClock, touchClock } from './clock.ts'
import { compareAll, compareBlock } from './compare.ts'
import { discover, type Start } from './discover.ts'
import { AuditError } from './errors.ts'
import { readEvents } from './events.ts'
import { createFindings, type Findings, type PaidWork } from './findings.ts'
import { type Call, createOpen, type Replay } from './replay.ts'
import type { AuditReport, ReExecution } from './report.ts'
import { readStoredClock } from './slots.ts'
import { type BlockRecord, type Head, type Source, type TransactionRecord, type Watch, within } from './source.ts'
import { addressKey, type State } from './state.ts'
import { sumOfParts } from './sums.ts'
import { isTick, replayTransaction } from './transaction.ts'

/** What an audit is given. */
export type AuditOptions = {
  source: Source
  /** The Settlement's. */
  address: Address
  /** Runs receipts again where their preimages can be had; without it every receipt counts as not run. */
  reExecute?: ReExecute
  /** Called after each replayed block. */
  onProgress?: (block: number, head: number) => void
  signal?: AbortSignal
}

/** Runs paid receipts again; reports those that come out differently. */
export type ReExecute = (state: State, findings: Findings, paid: readonly PaidWork[]) => Promise<ReExecution>

type Audit = Start & {
  source: Source
  findings: Findings
  head: Head
  watch: Watch
  exact: ReadonlySet<number>
  /** Last replayed block. */
  last: number
}

const ATTEMPTS = 3

/** Calls to the settlement in a transaction: its own, or those a tracing node tells of. */
async function callsOf(audit: Audit, transaction: TransactionRecord): Promise<readonly Call[] | null> {
  const { settlement } = audit.contracts
  if (transaction.to === settlement) return [{ from: transaction.from, input: transaction.input }]
  if (!transaction.logs.some(({ address }) => address === settlement)) return []
  const inner = await audit.source.trace(transaction.hash)
  return inner === null ? null : inner.filter(({ to }) => to === settlement)
}

async function replayOne(audit: Audit, block: BlockRecord, transaction: TransactionRecord): Promise<void> {
  const { state, findings, contracts, source } = audit
  const calls = await callsOf(audit, transaction)
  const replay: Replay = { state, findings, contracts, source, block, transaction, calls, open: createOpen() }
  await replayTransaction(replay, readEvents(transaction.logs, contracts))
}

/** Ticks made through other contracts leave no trace but the clock; looked for when the clock says there were some. */
async function findUnseenTicks(audit: Audit, before: number): Promise<void> {
  const { source, state, contracts } = audit
  const { settlement } = contracts
  const { touchedAt } = await readStoredClock(source, settlement, before)
  if (touchedAt === state.clock.touchedAt) return
  for (const execution of await source.executions(audit.last, before)) {
    const calls = await source.trace(execution.hash)
    const hasTouched = calls?.some(({ to, input }) => to === settlement && isTick(input))
    if (hasTouched === true) touchClock(state, execution.timestamp)
  }
}

async function replayBlock(audit: Audit, block: BlockRecord): Promise<void> {
  const { state, findings, contracts, source } = audit
  if (block.number === audit.deployedAt) state.clock = startedClock(block.timestamp, block.timestamp)
  else if (block.number > audit.deployedAt) await findUnseenTicks(audit, block.number - 1)
  const transactions = block.transactions.filter(({ succeeded }) => succeeded)
  const hashes = transactions.map(({ hash }) => hash)
  const overlays = audit.exact.has(block.number) ? await source.overlays(hashes) : null
  const scope = { state, contracts, source, block: block.number, timestamp: block.timestamp }
  for (const [index, transaction] of transactions.entries()) {
    await replayOne(audit, block, transaction)
    const overlay = overlays?.[index]
    if (overlay === undefined) continue
    const between = { ...scope, source: within(source, overlay) }
    await compareBlock({ scope: between, findings, transactions: [transaction.hash] })
  }
  audit.last = block.number
  if (block.number < audit.deployedAt || transactions.length === 0 || overlays !== null) return
  await compareBlock({ scope, findings, transactions: hashes })
}

/** The last look: everything ever touched, the sum of all parts, and that the chain is still the one we began with. */
async function finish(audit: Audit): Promise<void> {
  const { source, state, findings, contracts, head, watch } = audit
  const transactionsOf = async (number: number): Promise<readonly Hex[]> => {
    for await (const block of source.blocks(number, number, watch)) return block.transactions.map(({ hash }) => hash)
    return []
  }
  await findUnseenTicks(audit, head.number)
  const { hash, timestamp } = await source.header(head.number)
  const scope = { state, contracts, source, block: head.number, timestamp }
  await compareAll({ scope, findings, transactions: [] }, transactionsOf)
  const parts = sumOfParts(state)
  findings.watch('solvency', parts === state.held)
  if (parts !== state.held) {
    const detail = `${state.held} came in and did not leave, for debts of ${parts}`
    findings.add({ kind: 'solvency', tx: null, block: head.number, detail })
  }
  if (hash !== head.hash)
    throw new AuditError('chain.reorganised', `block ${head.number} was replaced during the audit`)
}

/** A receipt paid twice by one deal: its task was billed twice, whatever stream it stood in. */
function reportDuplicates(findings: Findings, paid: readonly PaidWork[]): void {
  const seen = new Set<string>()
  for (const { dealKey, dealId, workHash, tx, block, group } of paid) {
    const key = `${dealKey} ${workHash}`
    if (seen.has(key)) {
      findings.add({
        kind: 'duplicate-task',
        tx,
        block,
        group,
        detail: `deal ${dealId} paid receipt ${workHash} twice`,
      })
    }
    seen.add(key)
  }
}

/**
 * One pass over the chain.
 *
 * @param exact - Blocks to be compared after each of their transactions, not only at their end.
 */
async function auditOnce(options: AuditOptions, exact: ReadonlySet<number> = new Set()): Promise<AuditReport> {
  const { source, address, signal } = options
  const [chainId, head] = await Promise.all([source.chainId(), source.head()])
  const start = await discover(source, address, chainId, head)
  const { settlement, registry, committee, token, stakeToken } = start.contracts
  const tokens = [token, ...(stakeToken === null || stakeToken === token ? [] : [stakeToken])]
  const watch = { contracts: [settlement, registry, committee], tokens }
  const findings = createFindings()
  const audit: Audit = { ...start, source, findings, head, watch, exact, last: start.from }
  for await (const block of source.blocks(start.from, head.number, watch)) {
    signal?.throwIfAborted()
    await replayBlock(audit, block)
    options.onProgress?.(block.number, head.number)
  }
  await finish(audit)
  // several transactions of one block may have done it: look again between them
  if (exact.size === 0 && findings.doubtful().size > 0) return await auditOnce(options, findings.doubtful())
  const paid = findings.paid()
  reportDuplicates(findings, paid)
  const untried: ReExecution = { reExecuted: 0, notReExecuted: paid.length }
  const reExecution = (await options.reExecute?.(audit.state, findings, paid)) ?? untried
  findings.totals.blocks = head.number - start.from + 1
  return {
    chainId,
    settlement: addressKey(settlement),
    registry,
    committee,
    token,
    from: start.from,
    to: head.number,
    pinned: head.hash,
    totals: findings.totals,
    reExecution,
    invariants: findings.invariants(),
    discrepancies: findings.discrepancies(),
  }
}

/**
 * Audits a settlement as of the newest block; begins again when the chain is reorganised meanwhile.
 *
 * @throws AuditError `audit.not-a-settlement`, `chain.unreachable`, `chain.reorganised` and the like when it cannot be done.
 */
export async function audit(options: AuditOptions): Promise<AuditReport> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await auditOnce(options)
    } catch (error) {
      const isLast = attempt === ATTEMPTS
      if (isLast || !(error instanceof AuditError) || error.code !== 'chain.reorganised') throw error
    }
  }
}
