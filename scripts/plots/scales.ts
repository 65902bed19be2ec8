/**
 * From values to places on a chart's axis.
 *
 * @module
 */

/** How an axis spreads its values. */
export type ScaleKind = 'linear' | 'log'

/** One axis. */
export type Scale = {
  /** Place of a value, in the chart's own units. */
  readonly at: (value: number) => number
  /** Values that get a line and a label. */
  readonly ticks: readonly number[]
}

/** Ticks a linear axis aims at. */
const LINEAR_TICKS = 6
/** Decades above which a log axis labels every second one. */
const MANY_DECADES = 8

/**
 * Creates an axis.
 *
 * @param domain - Lowest and highest value; a log axis needs both above 0.
 * @param range - Places of the two.
 */
export function createScale(
  kind: ScaleKind,
  domain: readonly [number, number],
  range: readonly [number, number],
): Scale {
  const [low, high] = domain
  const [from, to] = range
  const measure = kind === 'log' ? Math.log10 : (value: number) => value
  const span = measure(high) - measure(low)
  return {
    at: (value) => from + ((measure(value) - measure(low)) / span) * (to - from),
    ticks: kind === 'log' ? logTicks(low, high) : linearTicks(low, high),
  }
}

function logTicks(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9)
  const last = Math.floor(Math.log10(high) + 1e-9)
  const step = last - first > MANY_DECADES ? 2 : 1
  const decades = Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => 10 ** (first + i * step))
  // an axis of one or two decades would be almost bare
  if (decades.length > 2) return decades
  const finer = [first - 1, ...decades.map((_, i) => first + i)].flatMap((power) =>
    [1, 2, 5].map((n) => n * 10 ** power),
  )
  return finer.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9))
}

function linearTicks(low: number, high: number): number[] {
  const rough = (high - low) / LINEAR_TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((n) => n * power).find((one) => one >= rough) ?? rough
  const first = Math.ceil(low / step)
  const last = Math.floor(high / step + 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
}

const UNITS = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e4, 'k'],
] as const

/** A tick's label: 5,000, 20k, 3M, 0.01. */
export function tickLabel(value: number): string {
  const [divisor, unit] = UNITS.find(([least]) => value >= least) ?? [1, '']
  const scaled = unit === 'k' ? value / 1_000 : value / divisor
  return `${scaled.toLocaleString('en', { maximumSignificantDigits: 4 })}${unit}`
}
