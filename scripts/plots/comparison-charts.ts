/**
 * Chart of `docs/comparison.md`: systems that pay a pair's sum at once beside ours.
 *
 * @module
 */
import { Mode } from '#protocol/types.ts'
import type { ClientFigures, GasRecord } from '../bench/figures.ts'
import { pairGas } from '../docs/comparison.ts'
import type { Peers } from '../docs/peers.ts'
import type { Chart, Point, Series } from './line-chart.ts'
import { idleGas, taken, withIdleBlobs } from './model-costs.ts'

const PER_PAIR = [2, 4, 6, 10, 16, 26, 40, 64, 100, 160, 250, 400]
/** Streams of a pair's deal. */
const STREAMS = 2

/** Gas per receipt, payouts included, against receipts of a pair of buyer and provider. */
export function receiptsPerPair({ result }: GasRecord, { pairs, systems }: Peers): Chart {
  const payouts = (pairs / 2) * result.osaka.edr.ops.claimRolling
  const own = (name: string, mode: Mode, color: number): Series => ({
    ...{ name, color },
    points: PER_PAIR.flatMap((each): Point[] => {
      const way = taken({ groups: STREAMS * pairs, receipts: each / STREAMS, steady: true }, mode, 'osaka')
      return way === null ? [] : [[each, (withIdleBlobs(way) + payouts) / (pairs * each)]]
    }),
  })
  const theirs = systems
    .filter(({ cost }) => cost === 'pair')
    .map(
      (one, index): Series => ({
        ...{ name: one.short ?? one.name, color: 2 + index, dashed: true },
        points: PER_PAIR.map((each): Point => [each, pairGas(one, pairs) / (pairs * each)]),
      }),
    )
  return {
    title: 'Gas per receipt, every provider paid out but x402’s, 100 pairs',
    x: { label: 'receipts per pair of buyer and provider', scale: 'log' },
    y: { label: 'gas per receipt', scale: 'log' },
    series: [
      own('Tallystick, calldata', Mode.Calldata, 0),
      own('Tallystick, blobs', Mode.Blob, 1),
      ...netted(result.osaka.edr, payouts, pairs),
      ...theirs,
    ],
  }
}

/** The bench's workloads in net mode. */
function netted({ W, W10 }: ClientFigures, payouts: number, pairs: number): Series[] {
  const dots = [W.net, W10.net].flatMap((figures, index): Point[] => {
    const each = 10 ** (index + 1)
    return figures === null ? [] : [[each, (idleGas(figures) + payouts) / (pairs * each)]]
  })
  return dots.length === 0
    ? []
    : [{ name: 'Tallystick, net, measured', color: 1, dots: true, bare: true, points: dots }]
}
