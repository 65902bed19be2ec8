/**
 * Charts of `docs/growth.md`, from the growth bench's record.
 *
 * @module
 */
import type { GrowthRecord } from '../growth/figures.ts'
import type { Chart, Point, Series } from './line-chart.ts'

const COLOR = { calldata: 0, blob: 1, net: 2, plan: 2, encode: 3 } as const

type ModeName = 'calldata' | 'blob' | 'net'

/** Gas per receipt against receipts. */
export function receiptsGrowth({ sizes }: GrowthRecord): Chart {
  const line = (mode: ModeName): Series => ({
    ...{ name: mode === 'blob' ? 'blobs' : mode, color: COLOR[mode], dots: true },
    points: sizes.map((size): Point => [size.receipts, size[mode].gasPerReceipt]),
  })
  return {
    title: 'Gas per receipt as there are more receipts, Osaka',
    x: { label: 'receipts settled at once', scale: 'log' },
    y: { label: 'gas per receipt', scale: 'log' },
    series: [line('calldata'), line('blob'), line('net')],
  }
}

/** Gas per receipt against deals of others. */
export function ledgerGrowth({ crowds }: GrowthRecord): Chart {
  const line = (mode: ModeName): Series => ({
    ...{ name: mode === 'blob' ? 'blobs' : mode, color: COLOR[mode], dots: true },
    points: crowds.map((crowd): Point => [crowd.deals, crowd[mode]]),
  })
  return {
    title: 'Gas per receipt as the ledger holds more, 100 receipts of ten deals',
    x: { label: 'deals in the ledger', scale: 'log' },
    y: { label: 'gas per receipt', scale: 'linear' },
    series: [line('calldata'), line('blob'), line('net')],
  }
}

/** Time of the batch builder against receipts. */
export function builderGrowth({ building }: GrowthRecord): Chart {
  const line = (name: string, color: number, ms: (one: GrowthRecord['building'][number]) => number): Series => ({
    ...{ name, color, dots: true },
    points: building.map((one): Point => [one.receipts, Math.max(ms(one), 0.1)]),
  })
  return {
    title: 'Time to build every batch, five receipts a stream',
    x: { label: 'receipts waiting', scale: 'log' },
    y: { label: 'milliseconds', scale: 'log' },
    series: [
      line('planning', COLOR.plan, ({ planMs }) => planMs),
      line('encoding', COLOR.encode, ({ encodeMs }) => encodeMs),
    ],
  }
}
