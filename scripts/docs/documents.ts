/**
 * Everything in the documentation that follows from records and the cost model: charts, and the figures of pages, the first one's too.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { readGasRecord } from '../bench/figures.ts'
import { readVmRecord } from '../bench/vm/figures.ts'
import { readGrowthRecord } from '../growth/figures.ts'
import { receiptsPerPair } from '../plots/comparison-charts.ts'
import { blobPrices, feeLevels, groupsPerBatch, receiptsPerGroup } from '../plots/cost-charts.ts'
import { profitByDetection } from '../plots/economics-charts.ts'
import { builderGrowth, ledgerGrowth, receiptsGrowth } from '../plots/growth-charts.ts'
import { lineChart } from '../plots/line-chart.ts'
import { readEconomicsRecord } from '../sim/figures.ts'
import { ROOT } from '../support/run.ts'
import { checksTable, comparisonTable, pairsTable, partsTable, sourcesTable } from './comparison.ts'
import { decodersLine, decodersTable, readDecoders } from './decoders.ts'
import { strategiesTable, variationsTable } from './economics-tables.ts'
import { actsTable, settlingTable, versionsLine } from './gas-tables.ts'
import { buildingTable, crowdsTable, sizesTable } from './growth-tables.ts'
import { modelErrorsTable } from './model-errors-table.ts'
import { packingTable } from './packing-table.ts'
import { fillPage } from './pages.ts'
import { readPeers } from './peers.ts'
import { netGas, readmeActs, readmeSettling } from './readme-figures.ts'
import { vmCommitLine, vmGasTable, vmSpeedTable } from './vm-tables.ts'

/** Pages with figures. */
export const PAGES = [
  'README.md',
  'docs/comparison.md',
  'docs/cost-model.md',
  'docs/economics.md',
  'docs/growth.md',
  'docs/machine.md',
  'docs/testing.md',
] as const

/** Every such file by path, with the text it must have. */
export function documents(): Map<string, string> {
  const gas = readGasRecord()
  const growth = readGrowthRecord()
  const economics = readEconomicsRecord()
  const peers = readPeers()
  const decoders = readDecoders()
  const vm = readVmRecord()
  const blocks = new Map<string, () => string>([
    ['settling', () => settlingTable(gas)],
    ['acts', () => actsTable(gas)],
    ['versions', () => versionsLine(gas)],
    ['readme-settling', () => readmeSettling(gas)],
    ['readme-acts', () => readmeActs(gas)],
    ['net-gas', () => netGas(gas)],
    ['comparison', () => comparisonTable(gas, peers)],
    ['parts', () => partsTable(gas)],
    ['pairs', () => pairsTable(gas, peers)],
    ['checks', () => checksTable(peers)],
    ['sources', () => sourcesTable(peers)],
    ['packing', packingTable],
    ['model-errors', () => modelErrorsTable(gas)],
    ['growth-sizes', () => sizesTable(growth)],
    ['growth-crowds', () => crowdsTable(growth)],
    ['growth-building', () => buildingTable(growth)],
    ['growth-versions', () => versionsLine(growth)],
    ['economics-strategies', () => strategiesTable(economics)],
    ['economics-variations', () => variationsTable(economics)],
    ['economics-versions', () => versionsLine(economics)],
    ['vm-speed', () => vmSpeedTable(vm)],
    ['vm-commit', () => vmCommitLine(vm)],
    ['vm-gas', () => vmGasTable(vm)],
    ['vm-versions', () => versionsLine(vm)],
    ['decoders', () => decodersTable(decoders)],
    ['decoders-run', () => decodersLine(decoders)],
  ])
  const charts = {
    'receipts-per-group': receiptsPerGroup(gas),
    'groups-per-batch': groupsPerBatch(),
    'fee-levels': feeLevels(),
    'blob-prices': blobPrices(gas),
    'receipts-per-pair': receiptsPerPair(gas, peers),
    'receipts-growth': receiptsGrowth(growth),
    'ledger-growth': ledgerGrowth(growth),
    'builder-growth': builderGrowth(growth),
    'profit-by-detection': profitByDetection(economics),
  }
  return new Map([
    ...Object.entries(charts).map(([name, chart]) => [`docs/plots/${name}.svg`, lineChart(chart)] as const),
    ...PAGES.map((path) => [path, fillPage(readFileSync(join(ROOT, path), 'utf8'), blocks)] as const),
  ])
}
