/**
 * Figures as tables, and whether two clients agree on them.
 *
 * @module
 */
import Table from 'cli-table3'

import type { BenchResult, ClientFigures } from './figures.ts'

const WORKLOADS = ['W', 'W10', 'W1'] as const
const MODES = ['calldata', 'blob', 'net'] as const
const COLUMNS = [
  ...(['gasPerReceipt', 'bytesPerReceipt', 'txs', 'gas', 'blobGas'] as const),
  ...(['calldataFloor', 'firstTime', 'dayFirst', 'sparse'] as const),
]
const PLAIN = { head: [], border: [], compact: true }

/** Tables for people. */
export function tables(result: BenchResult): string {
  const settling = new Table({ head: ['settle', 'mode', 'fork', 'client', ...COLUMNS], style: PLAIN })
  const acts = new Table({ head: ['gas of one act', 'osaka', 'amsterdam'], style: PLAIN })
  for (const workload of WORKLOADS) {
    for (const mode of MODES) {
      for (const [fork, client, figures] of runsOf(result)) {
        const row = figures[workload][mode]
        const cells = row === null ? ['not there yet'] : COLUMNS.map((column) => row[column].toLocaleString('en'))
        settling.push([workload, mode, fork, client, ...cells])
      }
    }
  }
  const [osaka, amsterdam] = [result.osaka.edr.ops, result.amsterdam.edr.ops]
  for (const act of Object.keys(osaka)) {
    acts.push([act, ...[osaka, amsterdam].map((ops) => text(Object.entries(ops).find(([name]) => name === act)?.[1]))])
  }
  return `${settling.toString()}\n${acts.toString()}`
}

function runsOf({ osaka, amsterdam }: BenchResult): (readonly [string, string, ClientFigures])[] {
  return [
    ['osaka', 'edr', osaka.edr],
    ['osaka', 'anvil', osaka.anvil],
    ['amsterdam', 'edr', amsterdam.edr],
  ]
}

function text(value: number | null | undefined): string {
  return value === null || value === undefined ? 'not there yet' : value.toLocaleString('en')
}

/** Names of the figures on which two clients differ. */
export function differences(left: unknown, right: unknown, path = ''): string[] {
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return left === right ? [] : [`${path.slice(1)}: ${String(left)} and ${String(right)}`]
  }
  const others = new Map(Object.entries(right))
  return Object.entries(left).flatMap(([name, value]) => differences(value, others.get(name), `${path}.${name}`))
}
