/**
 * Charts of `docs/cost-model.md`: lines from the cost model, dots from the gas bench's record.
 *
 * @module
 */
import { BLOB_BASE_COST, BLOB_GAS, type Fork } from '#oracle/domain/forks.ts'
import { Lane, Mode } from '#protocol/types.ts'
import type { GasRecord, Modes } from '../bench/figures.ts'
import type { Chart, Point, Series } from './line-chart.ts'
import { breakEven, idleGas, type Taken, taken, takenNetted, withIdleBlobs } from './model-costs.ts'

/** Places in the palette. */
const COLOR = { calldata: 0, blob: 1, net: 2, acknowledged: 3, reserve: 5 } as const
type ModeName = 'calldata' | 'blob' | 'net'
const GROUPS = 200
const RECEIPTS_PER_GROUP = [1, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 320, 500, 1_000]
const GROUPS_PER_BATCH = [1, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 320, 500, 1_000]
const W_RECEIPTS = 5

function points(values: readonly number[], at: (value: number) => number | null): Point[] {
  return values.flatMap((value): Point[] => {
    const found = at(value)
    return found === null ? [] : [[value, found]]
  })
}

/** Cost per receipt against receipts per group. */
export function receiptsPerGroup(record: GasRecord): Chart {
  const line = (name: string, mode: Mode, fork: Fork, dashed = false): Series => ({
    ...{ name, dashed, color: mode === Mode.Calldata ? COLOR.calldata : COLOR.blob },
    points: points(RECEIPTS_PER_GROUP, (receipts) => {
      const way = taken({ groups: GROUPS, receipts, steady: true }, mode, fork)
      return way === null ? null : withIdleBlobs(way) / (GROUPS * receipts)
    }),
  })
  return {
    title: 'Gas per receipt, 200 groups a batch',
    x: { label: 'receipts per group', scale: 'log' },
    y: { label: 'gas per receipt, blobs at their reserve price', scale: 'log' },
    series: [
      line('calldata, Amsterdam', Mode.Calldata, 'amsterdam', true),
      line('calldata, Osaka', Mode.Calldata, 'osaka'),
      line('blobs, both forks', Mode.Blob, 'osaka'),
      {
        ...{ name: 'net, both forks', color: COLOR.net },
        points: points(RECEIPTS_PER_GROUP, (receipts) => {
          const way = takenNetted({ groups: GROUPS, receipts }, netGas(record))
          return way === null ? null : withIdleBlobs(way) / (GROUPS * receipts)
        }),
      },
      ...measured(record),
    ],
  }
}

/** Gas of one net batch of 200 groups; the forks agree on it. */
function netGas({ result }: GasRecord): number {
  return result.osaka.edr.W.net?.gas ?? 0
}

/** The bench's workloads as dots. */
function measured({ result }: GasRecord): Series[] {
  const { W, W10 } = result.osaka.edr
  const dots = (mode: keyof Modes): Point[] =>
    [[5, 1_000, W[mode]] as const, [50, 10_000, W10[mode]] as const].flatMap(([x, receipts, figures]): Point[] =>
      figures === null ? [] : [[x, idleGas(figures) / receipts]],
    )
  const series = (['calldata', 'blob', 'net'] as const).map(
    (mode): Series => ({
      ...{ name: `${mode}, measured`, color: COLOR[mode], dots: true, bare: true, points: dots(mode) },
    }),
  )
  return series.filter(({ points: found }) => found.length > 0)
}

/** Cost per receipt against groups per batch: what is paid once is spread. */
export function groupsPerBatch(): Chart {
  const line = (name: string, mode: Mode, fork: Fork, lane: Lane, color: number, dashed = false): Series => ({
    ...{ name, color, dashed },
    points: points(GROUPS_PER_BATCH, (groups) => {
      const way = taken({ groups, receipts: W_RECEIPTS, steady: true }, mode, fork, lane)
      return way === null ? null : withIdleBlobs(way) / (groups * W_RECEIPTS)
    }),
  })
  const { Attested, Acknowledged } = Lane
  return {
    title: 'Gas per receipt, five receipts a group',
    x: { label: 'groups per batch', scale: 'log' },
    y: { label: 'gas per receipt, blobs at their reserve price', scale: 'log' },
    series: [
      line('acknowledged, calldata', Mode.Calldata, 'osaka', Acknowledged, COLOR.acknowledged),
      line('attested, Amsterdam', Mode.Calldata, 'amsterdam', Attested, COLOR.calldata, true),
      line('attested, calldata', Mode.Calldata, 'osaka', Attested, COLOR.calldata),
      line('attested, blobs', Mode.Blob, 'osaka', Attested, COLOR.blob),
    ],
  }
}

const BASE_FEES = [0.1, 1, 10, 100]
const LOADS = [
  { name: '100 in 100 groups', groups: 100, receipts: 1 },
  { name: '1,000 in 200 groups', groups: 200, receipts: 5 },
  { name: '10,000 in 200 groups', groups: 200, receipts: 50 },
] as const

/** Fee levels at which blobs and calldata cost the same. */
export function feeLevels(): Chart {
  const lines = LOADS.flatMap(({ name, groups, receipts }, index) =>
    (['osaka', 'amsterdam'] as const).flatMap((fork): Series[] => {
      const load = { groups, receipts, steady: true }
      const [plain, blob] = [taken(load, Mode.Calldata, fork), taken(load, Mode.Blob, fork)]
      const ratio = plain === null || blob === null ? null : breakEven(plain, blob)
      if (ratio === null || ratio <= 0) return []
      const dashed = fork === 'amsterdam'
      const title = dashed ? `${name.split(' ')[0]}, Amsterdam` : name
      return [{ name: title, color: index, dashed, points: BASE_FEES.map((fee): Point => [fee, fee * ratio]) }]
    }),
  )
  const reserve = BASE_FEES.map((fee): Point => [fee, (fee * BLOB_BASE_COST) / BLOB_GAS])
  return {
    title: 'Where a blob is cheaper than calldata',
    x: { label: 'base fee, gwei', scale: 'log' },
    y: { label: 'blob base fee, gwei', scale: 'log', domain: [0.001, 10_000] },
    series: [...lines, { name: 'reserve (EIP-7918)', color: COLOR.reserve, points: reserve }],
    notes: [
      { at: [0.4, 1_000], text: 'above a line: calldata' },
      { at: [8, 0.04], text: 'below a line: blobs' },
    ],
  }
}

const RATIOS = Array.from({ length: 33 }, (_, index) => 2 ** (-4 + index / 4))

/** Cost per receipt against the price of blob gas. */
export function blobPrices(record: GasRecord): Chart {
  const line = (load: (typeof LOADS)[number], mode: ModeName, fork: Fork = 'osaka'): Series => {
    const way = wayOf(record, load, mode, fork)
    const [size] = load.name.split(' ')
    return {
      name: `${size}, ${NAMES[mode]}${fork === 'osaka' ? '' : ', Amsterdam'}`,
      ...{ color: fork === 'osaka' ? COLOR[mode] : COLOR.reserve, dashed: load.receipts === W_RECEIPTS },
      points: points(RATIOS, (ratio) => {
        return way === null ? null : (way.gas + way.blobs * BLOB_GAS * ratio) / (load.groups * load.receipts)
      }),
    }
  }
  return {
    title: 'Cost per receipt as blobs get dearer',
    x: { label: 'blob base fee / base fee; the reserve is 1/16', scale: 'log' },
    y: { label: 'gas per receipt, blobs at that price', scale: 'log' },
    series: LOADS.slice(1).flatMap((load) => [
      line(load, 'calldata', 'amsterdam'),
      ...(['calldata', 'blob', 'net'] as const).map((mode) => line(load, mode)),
    ]),
  }
}

const NAMES = { calldata: 'calldata', blob: 'blobs', net: 'net' } as const

/** What a load takes; blobs and nets take the same on both forks. */
function wayOf(record: GasRecord, load: (typeof LOADS)[number], mode: ModeName, fork: Fork): Taken | null {
  if (mode === 'net') return takenNetted(load, netGas(record))
  return taken({ ...load, steady: true }, mode === 'blob' ? Mode.Blob : Mode.Calldata, fork)
}
