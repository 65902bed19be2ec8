import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { deriveMonths, monthAt, readMonths } from '../../examples/co2-curve/derive.ts'
import {
  loadTasks,
  program,
  readResult,
  summarise,
  type TaskResult,
  windows,
} from '../../examples/co2-curve/workload.ts'
import { leastSquares } from './support/forecast-by-hand.ts'
import { expectRebuilt, isDeep, outputOf, run, sha256 } from './support/run-provable.ts'

const folder = fileURLToPath(new URL('../../examples/co2-curve/', import.meta.url))
const none = new Uint8Array()

/** The same curve by another method, and its season day by day instead of month by month. */
function curveByHand(months: readonly number[], year: number): Omit<TaskResult, 'forecast'> {
  const [first, end] = [monthAt(year, 1), monthAt(year + 10, 1)]
  const seasonOf = (month: number): number[] =>
    [1, 2].flatMap((wave) => {
      const angle = (2 * Math.PI * wave * (month + 2.5)) / 12
      return [Math.sin(angle), Math.cos(angle)]
    })
  const termsOf = (month: number): number[] => {
    const years = (month - (first + end) / 2) / 12
    return [1, years, years ** 2, ...seasonOf(month)]
  }
  const told = Array.from({ length: end - first }, (_, at) => first + at).filter((month) => months[month] !== 0)
  const weights = leastSquares(
    told.map(termsOf),
    told.map((month) => (months[month] ?? 0) / 100),
  )
  const [level = 0, rise = 0, bend = 0, ...waves] = weights
  const season = Array.from({ length: 3_650 }, (_, day) =>
    seasonOf((12 * day) / 3_650 - 2.5).reduce((sum, term, at) => sum + term * (waves[at] ?? 0), 0),
  )
  const [most, least] = [Math.max(...season), Math.min(...season)]
  const monthOf = (value: number): string =>
    new Date(Date.UTC(2001, Math.floor((12 * season.indexOf(value)) / 3_650))).toLocaleString('en', { month: 'short' })
  return { level, rise, faster: 2 * bend, swing: most - least, highest: monthOf(most), lowest: monthOf(least) }
}

describe('carbon dioxide over Mauna Loa', function () {
  this.timeout(300_000)
  const { inputs } = loadTasks()
  const months = readMonths()
  // one window of each decade
  const chosen = [...inputs.keys()].filter((at) => isDeep || at % 10 === 0)
  const outputs = new Map<number, Uint8Array>()
  const found = (year: number): TaskResult => readResult(outputs.get(windows.indexOf(year)) ?? none)

  before(() => {
    for (const at of chosen) outputs.set(at, outputOf(program(), inputs[at] ?? none))
  })

  it('holds 62 years, in which the mean first passed 400 ppm in April 2014', () => {
    expect(months.length).to.equal(monthAt(2020, 5))
    expect(months.findIndex((mean) => mean > 40_000)).to.equal(monthAt(2014, 4))
  })

  it('rises three times as fast in the 2010s as in the 1960s', () => {
    expect(found(1959).rise).to.be.within(0.7, 0.9)
    expect(found(2009).rise).to.be.within(2.2, 2.6)
    const rises = [1959, 1969, 1979, 1989, 1999, 2009].map((year) => found(year).rise)
    // the early nineties rose more slowly than the eighties, after Pinatubo
    expect(rises.filter((rise, at) => at > 0 && rise < (rises[at - 1] ?? 0))).to.deep.equal([found(1989).rise])
  })

  it('is highest in May, when the north’s plants begin to grow, and lowest at summer’s end', () => {
    for (const at of chosen) {
      const { highest, lowest, swing } = readResult(outputs.get(at) ?? none)
      expect(highest).to.equal('May')
      expect(lowest).to.be.oneOf(['Sep', 'Oct'])
      expect(swing).to.be.within(5.5, 7.5)
    }
  })

  it('agrees with a second computation, written in another way', () => {
    for (const at of chosen) {
      const result = readResult(outputs.get(at) ?? none)
      const expected = curveByHand(months, windows[at] ?? 0)
      expect(Math.abs(result.level - expected.level)).to.be.at.most(0.001)
      expect(Math.abs(result.rise - expected.rise)).to.be.at.most(0.001)
      expect(Math.abs(result.faster - expected.faster)).to.be.at.most(0.0002)
      // the program looks at twenty points a month
      expect(Math.abs(result.swing - expected.swing)).to.be.at.most(0.01)
      expect([result.highest, result.lowest]).to.deep.equal([expected.highest, expected.lowest])
    }
  })

  it('says in a sentence how the rise has grown', () => {
    const ends = [
      outputs.get(0) ?? none,
      ...Array.from({ length: 49 }, () => outputs.get(0) ?? none),
      outputs.get(50) ?? none,
    ]
    const { event, lines } = summarise(ends)
    expect(event).to.equal(
      'Carbon dioxide rose by 0.76 ppm a year from 1959 to 1968, by 2.39 ppm a year from 2009 to 2018.',
    )
    expect(lines.length).to.equal(7)
    expect(summarise([]).event).to.equal('Nothing was measured.')
  })

  it('traps, and answers nothing, when its input is damaged', () => {
    const good = inputs[0] ?? none
    const broken = (at: number, value: number): Uint8Array => {
      const input = Uint8Array.from(good)
      new DataView(input.buffer).setUint32(at, value, true)
      return input
    }
    const cases: Record<string, Uint8Array> = {
      nothing: none,
      'a month that is missing': Uint8Array.from(good.subarray(0, good.length - 2)),
      'more months than there are': broken(0, 4_000_000_000),
      'a window that ends before it begins': broken(4, 500),
      'a window behind the data': broken(8, 100_000),
    }
    for (const [name, input] of Object.entries(cases)) {
      const { ending, output } = run(program(), input)
      expect([ending, output.length], name).to.deep.equal(['trapped', 0])
    }
  })

  it('has the data its recipe makes, and the program SOURCE.md names', () => {
    const source = readFileSync(join(folder, 'SOURCE.md'), 'utf8')
    const packed = readFileSync(join(folder, 'data/months.bin.br'))
    for (const bytes of [deriveMonths(), packed, program()]) expect(source).to.contain(sha256(bytes))
  })

  if (isDeep) {
    it('is compiled to the same bytes from its source', async () => {
      await expectRebuilt(folder, ['keeling.c'])
    })
  }
})
