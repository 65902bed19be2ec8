/**
 * The demo's last page: one row a cheat.
 *
 * @module
 */
import Table from 'cli-table3'

import type { Outcome } from './cheat.ts'

/** Base units of six decimals as dollars, with a sign. */
export function dollars(amount: bigint): string {
  const text = (amount < 0n ? -amount : amount).toString().padStart(7, '0')
  return `${amount < 0n ? '−' : ''}$${text.slice(0, -6)}.${text.slice(-6, -4)}`
}

/** All cheats with what everybody had before and after. */
export function renderOutcomes(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ['cheat', 'cheater before', 'after', 'profit', 'buyer before', 'after', 'loss', 'gas of the proof'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  })
  for (const { cheat, before, after, cheaterProfit, buyerLoss, proofGas } of outcomes) {
    table.push([
      ...[cheat.name, dollars(before.cheater), dollars(after.cheater), dollars(cheaterProfit)],
      ...[dollars(before.buyer), dollars(after.buyer), dollars(buyerLoss), proofGas.toLocaleString('en')],
    ])
  }
  return table.toString()
}

/** The one line for machines. */
export function toJson(outcomes: readonly Outcome[]): string {
  const cheats = outcomes.map(({ cheat, cheaterProfit, buyerLoss, proofGas }) => [
    cheat.name,
    { cheaterProfit: cheaterProfit.toString(), buyerLoss: buyerLoss.toString(), proofGas },
  ])
  return JSON.stringify({ cheats: Object.fromEntries(cheats) })
}
