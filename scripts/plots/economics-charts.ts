/**
 * The chart of `docs/economics.md`, from the simulation's record.
 *
 * @module
 */
import type { EconomicsRecord } from '../sim/figures.ts'
import type { Chart, Point } from './line-chart.ts'

const DOLLAR = 1_000_000
const COLORS = 6
const PERCENT = 100

/** Expected profit of each strategy against the probability of being seen. */
export function profitByDetection({ strategies }: EconomicsRecord): Chart {
  return {
    title: 'Expected profit of cheating by the probability of being seen',
    x: { label: 'probability that an honest watcher sees it, %', scale: 'log' },
    y: { label: 'expected profit, dollars', scale: 'linear' },
    series: strategies.map(({ name, expected }, index) => ({
      name,
      color: index % COLORS,
      dashed: index >= COLORS,
      points: expected.map(({ p, mean }): Point => [p * PERCENT, mean / DOLLAR]),
    })),
  }
}
