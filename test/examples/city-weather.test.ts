import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { deriveWeather, readCity } from '../../examples/city-weather/derive.ts'
import {
  loadTasks,
  program,
  questions,
  readResult,
  summarise,
  type TaskResult,
} from '../../examples/city-weather/workload.ts'
import { joinTasks, readTasks } from '../../examples/support/tasks.ts'
import { calendarErrors, lineError, type Plan } from './support/forecast-by-hand.ts'
import { expectRebuilt, isDeep, outputOf, run, sha256 } from './support/run-provable.ts'

const folder = fileURLToPath(new URL('../../examples/city-weather/', import.meta.url))
const none = new Uint8Array()

/** The header of an input. */
function planOf(input: Uint8Array): Plan {
  const [, first = 0, count = 0, ahead = 0] = new Uint32Array(input.slice(0, 20).buffer)
  return { first, count, ahead }
}

describe('city weather', function () {
  this.timeout(300_000)
  const { inputs } = loadTasks()
  // of every year of both cities the forecast of the next day, and one year a week ahead
  const quick = questions.flatMap(({ ahead, city, year }, at) =>
    ahead === 1 || (ahead === 7 && city === 'Seattle' && year === 2014) ? [at] : [],
  )
  const chosen = isDeep ? [...inputs.keys()] : quick
  const outputs = new Map<number, Uint8Array>()
  const found = (city: string, year: number, ahead: number): TaskResult => {
    const at = questions.findIndex((one) => one.city === city && one.year === year && one.ahead === ahead)
    return readResult(outputs.get(at) ?? none)
  }

  before(() => {
    for (const at of chosen) outputs.set(at, outputOf(program(), inputs[at] ?? none))
  })

  it('asks about four years of two cities, one to seven days ahead', () => {
    expect(inputs.length).to.equal(40)
    expect(questions[0]).to.deep.equal({ city: 'Seattle', year: 2012, ahead: 1 })
    expect(loadTasks(3).inputs).to.deep.equal(inputs.slice(0, 3))
  })

  it('finds 2015, Seattle’s warmest year on record, warmer than the same days of the other years', () => {
    const warmer = [2012, 2013, 2014, 2015].map((year) => found('Seattle', year, 1).warmer)
    expect(Math.max(...warmer)).to.equal(warmer[3])
    expect(warmer[3]).to.be.within(1_000, 1_600)
  })

  it('finds 2012 warm in New York, too, where it was the warmest on record then', () => {
    const warmer = [2012, 2013, 2014, 2015].map((year) => found('New York', year, 1).warmer)
    expect(Math.max(...warmer)).to.equal(warmer[0])
  })

  it('forecasts the next day better than the calendar and than "as today", surely', () => {
    for (const year of [2012, 2013, 2014, 2015]) {
      const { lines, calendarError, lazyError } = found('Seattle', year, 1)
      const line = lines[2]
      expect(line?.error).to.be.lessThan(Math.min(calendarError, lazyError))
      expect(line?.advantage[0]).to.be.greaterThan(0)
    }
  })

  it('knows less of a day further ahead, and then hardly more than the calendar', () => {
    const [next, week] = [found('Seattle', 2014, 1), found('Seattle', 2014, 7)]
    expect(week.lines[2]?.error).to.be.greaterThan(1.2 * (next.lines[2]?.error ?? 0))
    expect((week.lines[2]?.error ?? 0) / week.calendarError).to.be.within(0.9, 1.1)
    expect(week.lazyError).to.be.greaterThan(week.calendarError)
  })

  it('agrees with a second computation, written in another way, to a thousandth of a degree', () => {
    for (const at of chosen) {
      const days = readCity(questions[at]?.city ?? '')
      const plan = planOf(inputs[at] ?? none)
      const result = readResult(outputs.get(at) ?? none)
      const calendar = calendarErrors(days, plan)
      expect(Math.abs(result.calendarError - 1_000 * calendar.error)).to.be.at.most(1)
      expect(Math.abs(result.warmer - 1_000 * calendar.warmer)).to.be.at.most(1)
      for (const { waves, error, advantage } of result.lines) {
        expect(Math.abs(error - 1_000 * lineError(days, plan, waves))).to.be.at.most(1)
        const rival = Math.min(result.calendarError, result.lazyError)
        expect(rival - error).to.be.within(advantage[0], advantage[1])
      }
    }
  })

  it('says in a sentence which year was warm, and in a table what the forecasts are worth', () => {
    // rows of what was not run are zeros
    const { event, lines } = summarise(inputs.slice(0, 20).map((_, at) => outputs.get(at) ?? new Uint8Array(60)))
    expect(event).to.match(/^Seattle was 1\.31 degrees warmer in 2015/)
    expect(lines[2]).to.equal('Seattle       1      2.08      2.99      2.22      2      4 of 4')
    expect(summarise([]).event).to.equal('Nothing was forecast.')
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
      'days that are missing': Uint8Array.from(good.subarray(0, good.length - 8)),
      'more days than there are': broken(0, 1_462),
      'a year that begins too late': broken(4, 5_000),
      'a year that ends too late': broken(8, 4_000_000_000),
      'no day ahead': broken(12, 0),
      'too many draws': broken(16, 3_000),
    }
    for (const [name, input] of Object.entries(cases)) {
      const { ending, output } = run(program(), input)
      expect([ending, output.length], name).to.deep.equal(['trapped', 0])
    }
  })

  it('has the data its recipe makes, and the program SOURCE.md names', () => {
    const source = readFileSync(join(folder, 'SOURCE.md'), 'utf8')
    const packed = join(folder, 'data/weather.bin.br')
    for (const bytes of [deriveWeather(), readFileSync(packed), program()]) expect(source).to.contain(sha256(bytes))
    expect(sha256(joinTasks(readTasks(packed, 2)))).to.equal(sha256(deriveWeather()))
  })

  if (isDeep) {
    it('is compiled to the same bytes from its source', async () => {
      await expectRebuilt(folder, ['forecast.c'])
    })
  }
})
