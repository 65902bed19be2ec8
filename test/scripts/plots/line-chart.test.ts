import { expect } from 'chai'

import { type Chart, lineChart, type Series } from '#scripts/plots/line-chart.ts'
import { createScale, tickLabel } from '#scripts/plots/scales.ts'

const series = (name: string, ...values: number[]): Series => ({
  ...{ name, color: 0, points: values.map((value, index) => [10 ** index, value] as const) },
})
const chart = (...list: Series[]): Chart => ({
  title: 'Gas & more',
  x: { label: 'receipts', scale: 'log' },
  y: { label: 'gas', scale: 'log' },
  series: list,
})
/** Heights of the lines' names, by rising place in the file. */
const heights = (svg: string, names: readonly string[]) =>
  names.map((name) => Number(new RegExp(`y="([0-9.]+)">${name}<`).exec(svg)?.[1]))

describe('an axis', () => {
  it('spreads values linearly or by their logarithm', () => {
    const linear = createScale('linear', [0, 10], [100, 200])
    expect([0, 5, 10].map(linear.at)).to.deep.equal([100, 150, 200])
    const log = createScale('log', [1, 100], [100, 200])
    expect([1, 10, 100].map(log.at)).to.deep.equal([100, 150, 200])
  })
  it('has ticks at round values within it', () => {
    expect(createScale('linear', [0, 10], [0, 1]).ticks).to.deep.equal([0, 2, 4, 6, 8, 10])
    expect(createScale('log', [1, 1_000], [0, 1]).ticks).to.deep.equal([1, 10, 100, 1_000])
    expect(createScale('log', [3, 30], [0, 1]).ticks).to.deep.equal([5, 10, 20])
  })
  it('labels them shortly', () => {
    expect([0.01, 5_000, 20_000, 3e6, 2e9].map(tickLabel)).to.deep.equal(['0.01', '5,000', '20k', '3M', '2G'])
  })
})

describe('a line chart', () => {
  it('draws every line with its name, and nothing that is no number', () => {
    const svg = lineChart(chart(series('one', 1, 10, 100), { ...series('two', 5, 6, 7), dashed: true, dots: true }))
    expect(svg.match(/<polyline/g)).to.have.length(2)
    expect(svg.match(/<circle/g)).to.have.length(3)
    for (const name of ['one', 'two', 'receipts', 'gas', 'Gas &amp; more']) expect(svg).to.contain(`>${name}<`)
    expect(svg).to.not.match(/NaN|Infinity|undefined/)
  })
  it('keeps names of lines that end alike apart, in their order', () => {
    const names = ['one', 'two', 'three']
    const [one = 0, two = 0, three = 0] = heights(
      lineChart(chart(series('one', 1, 103), series('two', 1, 102), series('three', 1, 101))),
      names,
    )
    expect(two - one).to.be.at.least(16)
    expect(three - two).to.be.at.least(16)
  })
  it('has colours for light and for dark pages and no background', () => {
    const svg = lineChart(chart(series('one', 1, 2)))
    expect(svg).to.contain('prefers-color-scheme:dark')
    expect(svg).to.not.contain('background')
  })
})
