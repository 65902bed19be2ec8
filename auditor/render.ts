/**
 * A report for people.
 *
 * @module
 */
import type { AuditReport, Discrepancy } from './report.ts'

function renderDiscrepancy({ kind, tx, block, group, detail }: Discrepancy): string {
  const where = tx === null ? `block ${block}` : `transaction ${tx} (block ${block})`
  const which = group === undefined ? '' : `, group ${group}`
  return `  ${kind}: ${where}${which}\n    ${detail}`
}

/** The report as lines of text. */
export function renderReport(report: AuditReport): string {
  const { totals, reExecution, discrepancies, invariants } = report
  const lines = [
    `settlement ${report.settlement} on chain ${report.chainId}, blocks ${report.from} to ${report.to}`,
    `pinned to block ${report.to} ${report.pinned}`,
    '',
    `read        ${totals.transactions} transactions, ${totals.batches} batches, ${totals.groups} groups`,
    `re-derived  ${totals.receipts} paid receipts, ${totals.units} units, ${totals.paid} base units paid`,
    `checked     ${totals.signatures} signatures, ${totals.compared} values on chain`,
    `re-executed ${reExecution.reExecuted} receipts; ${reExecution.notReExecuted} could not be run again`,
    '',
    ...invariants.map(({ name, ok, checked }) => `${ok ? 'holds ' : 'BROKEN'}  ${name} (looked at ${checked} times)`),
    '',
    discrepancies.length === 0 ? 'no discrepancy' : `${discrepancies.length} discrepancies:`,
    ...discrepancies.map(renderDiscrepancy),
  ]
  return lines.join('\n')
}
