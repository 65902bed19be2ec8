/**
 * Line charts as SVG files that read well on light and on dark pages.
 *
 * The picture has no background: its colours follow the reader's scheme. Lines are labelled at their ends, where the eye
 * follows them anyway, and told apart by dashes and markers too, not by colour alone.
 *
 * @module
 */
import { createScale, type Scale, type ScaleKind, tickLabel } from './scales.ts'

/** A point of a line, in the axes' values. */
export type Point = readonly [x: number, y: number]

/** One line. */
export type Series = {
  readonly name: string
  readonly points: readonly Point[]
  /** Place in the palette; lines of one colour belong together. */
  readonly color: number
  readonly dashed?: boolean
  /** Points that were measured: drawn as dots; a series may be dots alone. */
  readonly dots?: boolean
  readonly bare?: boolean
}

/** One axis; its domain follows the points unless given. */
export type Axis = {
  readonly label: string
  readonly scale: ScaleKind
  readonly domain?: readonly [number, number]
}

/** A chart. */
export type Chart = {
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
  /** Words at places of the plot, for what lines divide. */
  readonly notes?: readonly { readonly at: Point; readonly text: string }[]
}

const WIDTH = 820
const HEIGHT = 440
const MARGIN = { top: 46, right: 240, bottom: 54, left: 72 } as const
const LABEL_HEIGHT = 16
/** Room a log axis leaves above the highest and below the lowest point, as a factor. */
const LOG_ROOM = 1.15
const PLOT = {
  left: MARGIN.left,
  right: WIDTH - MARGIN.right,
  top: MARGIN.top,
  bottom: HEIGHT - MARGIN.bottom,
} as const

/** Ink and line colours: on white, on dark. Each pair keeps a contrast of 4.5 : 1 or more to its page. */
const INK = { text: ['#1f2328', '#e6edf3'], faint: ['#59636e', '#9198a1'], grid: ['#d1d9e0', '#3d444d'] } as const
const PALETTE = [
  ['#0550ae', '#6cb6ff'],
  ['#bc4c00', '#f0883e'],
  ['#116329', '#57ab5a'],
  ['#8250df', '#b083f0'],
  ['#a40e5b', '#f778ba'],
  ['#57606a', '#adbac7'],
] as const

/** Draws a chart. */
export function lineChart(chart: Chart): string {
  const points = chart.series.flatMap((series) => series.points)
  const x = scaleOf(
    chart.x,
    points.map(([value]) => value),
    [PLOT.left, PLOT.right],
    1,
  )
  const y = scaleOf(
    chart.y,
    points.map(([, value]) => value),
    [PLOT.bottom, PLOT.top],
    LOG_ROOM,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12">`,
    `<title>${escaped(chart.title)}</title>`,
    `<style>${styles()}</style>`,
    text(PLOT.left, 22, chart.title, 'text', 'font-size="15" font-weight="600"'),
    ...axes(chart, x, y),
    `<clipPath id="plot"><rect x="${PLOT.left - 4}" y="${PLOT.top - 4}" width="${PLOT.right - PLOT.left + 8}" height="${PLOT.bottom - PLOT.top + 8}"/></clipPath>`,
    '<g clip-path="url(#plot)">',
    ...chart.series.flatMap((series) => line(series, x, y)),
    '</g>',
    ...(chart.notes ?? []).map(({ at: [px, py], text: note }) =>
      text(x.at(px), y.at(py), note, 'faint', 'text-anchor="middle" font-style="italic"'),
    ),
    ...labels(chart.series, y),
    '</svg>\n',
  ].join('\n')
}

function scaleOf(axis: Axis, values: readonly number[], range: readonly [number, number], room: number): Scale {
  const low = Math.min(...values)
  const high = Math.max(...values)
  const own: readonly [number, number] =
    axis.scale === 'log' ? [low / room, high * room] : [Math.min(0, low), high === low ? high + 1 : high * 1.05]
  return createScale(axis.scale, axis.domain ?? own, range)
}

function styles(): string {
  const rules = (dark: 0 | 1) => [
    ...Object.entries(INK).map(([name, pair]) => `.${name}{${name === 'grid' ? 'stroke' : 'fill'}:${pair[dark]}}`),
    ...PALETTE.map((pair, index) => `.l${index}{stroke:${pair[dark]}}.d${index}{fill:${pair[dark]}}`),
  ]
  return `${rules(0).join('')}@media(prefers-color-scheme:dark){${rules(1).join('')}}`
}

function axes({ x: xAxis, y: yAxis }: Chart, x: Scale, y: Scale): string[] {
  const middleX = (PLOT.left + PLOT.right) / 2
  const middleY = (PLOT.top + PLOT.bottom) / 2
  return [
    ...x.ticks.flatMap((tick) => [
      gridLine(x.at(tick), PLOT.top, x.at(tick), PLOT.bottom),
      text(x.at(tick), PLOT.bottom + 18, tickLabel(tick), 'faint', 'text-anchor="middle"'),
    ]),
    ...y.ticks.flatMap((tick) => [
      gridLine(PLOT.left, y.at(tick), PLOT.right, y.at(tick)),
      text(PLOT.left - 8, y.at(tick) + 4, tickLabel(tick), 'faint', 'text-anchor="end"'),
    ]),
    text(middleX, HEIGHT - 14, xAxis.label, 'text', 'text-anchor="middle"'),
    text(20, middleY, yAxis.label, 'text', `text-anchor="middle" transform="rotate(-90 20 ${round(middleY)})"`),
  ]
}

function gridLine(x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="grid" stroke-width="1" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`
}

function line({ points, color, dashed, dots, bare }: Series, x: Scale, y: Scale): string[] {
  const places = points.map(([px, py]) => [round(x.at(px)), round(y.at(py))] as const)
  const path = `<polyline class="l${color}" fill="none" stroke-width="2"${dash(dashed)} points="${places.map((place) => place.join(',')).join(' ')}"/>`
  const circles = places.map(([cx, cy]) => `<circle class="d${color}" cx="${cx}" cy="${cy}" r="4"/>`)
  return [...(bare === true ? [] : [path]), ...(dots === true ? circles : [])]
}

/** Names beside the lines' ends, moved apart where they would lie on each other. */
function labels(series: readonly Series[], y: Scale): string[] {
  const wanted = series
    .map((one) => ({ one, at: clamp(y.at(one.points.at(-1)?.[1] ?? 1)) }))
    .sort((a, b) => a.at - b.at)
  const places = spread(wanted.map(({ at }) => at))
  return wanted.flatMap(({ one }, index) => {
    const at = places[index] ?? PLOT.top
    return [sample(one, at), text(PLOT.right + 42, at + 4, one.name, 'text')]
  })
}

/** A piece of the line, or one of its dots. */
function sample({ color, dashed, bare }: Series, at: number): string {
  const [from, to] = [PLOT.right + 10, PLOT.right + 36]
  if (bare === true) return `<circle class="d${color}" cx="${(from + to) / 2}" cy="${round(at)}" r="4"/>`
  return `<line class="l${color}" stroke-width="2"${dash(dashed)} x1="${from}" y1="${round(at)}" x2="${to}" y2="${round(at)}"/>`
}

const dash = (dashed: boolean | undefined): string => (dashed === true ? ' stroke-dasharray="6 4"' : '')

const clamp = (value: number): number => Math.min(PLOT.bottom, Math.max(PLOT.top, value))

/** Keeps places in order and a line's height apart, and all of them within the plot. */
function spread(wanted: readonly number[]): number[] {
  const places: number[] = []
  for (const at of wanted) places.push(Math.max(at, (places.at(-1) ?? Number.NEGATIVE_INFINITY) + LABEL_HEIGHT))
  let limit = PLOT.bottom
  for (let index = places.length - 1; index >= 0; index -= 1) {
    const at = Math.min(places[index] ?? limit, limit)
    places[index] = at
    limit = at - LABEL_HEIGHT
  }
  return places
}

function text(x: number, y: number, content: string, kind: 'text' | 'faint', more = ''): string {
  return `<text class="${kind}" x="${round(x)}" y="${round(y)}"${more === '' ? '' : ` ${more}`}>${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
