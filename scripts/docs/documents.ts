/**
 * Everything in `docs/` that follows from records and the cost model: charts, and the figures of pages.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { readGasRecord } from '../bench/figures.ts'
import { receiptsPerPair } from '../plots/comparison-charts.ts'
import { blobPrices, feeLevels, groupsPerBatch, receiptsPerGroup } from '../plots/cost-charts.ts'
import { lineChart } from '../plots/line-chart.ts'
import { ROOT } from '../support/run.ts'
import { checksTable, comparisonTable, pairsTable, partsTable, sourcesTable } from './comparison.ts'
import { actsTable, settlingTable, versionsLine } from './gas-tables.ts'
import { packingTable } from './packing-table.ts'
import { fillPage } from './pages.ts'
import { readPeers } from './peers.ts'

/** Pages with figures. */
export const PAGES = ['docs/comparison.md', 'docs/cost-model.md'] as const

/** Every such file by path, with the text it must have. */
export function documents(): Map<string, string> {
  const gas = readGasRecord()
  const peers = readPeers()
  const blocks = new Map<string, () => string>([
    ['settling', () => settlingTable(gas)],
    ['acts', () => actsTable(gas)],
    ['versions', () => versionsLine(gas)],
    ['comparison', () => comparisonTable(gas, peers)],
    ['parts', () => partsTable(gas)],
    ['pairs', () => pairsTable(gas, peers)],
    ['checks', () => checksTable(peers)],
    ['sources', () => sourcesTable(peers)],
    ['packing', packingTable],
  ])
  const charts = {
    'receipts-per-group': receiptsPerGroup(gas),
    'groups-per-batch': groupsPerBatch(),
    'fee-levels': feeLevels(),
    'blob-prices': blobPrices(),
    'receipts-per-pair': receiptsPerPair(gas, peers),
  }
  return new Map([
    ...Object.entries(charts).map(([name, chart]) => [`docs/plots/${name}.svg`, lineChart(chart)] as const),
    ...PAGES.map((path) => [path, fillPage(readFileSync(join(ROOT, path), 'utf8'), blocks)] as const),
  ])
}
