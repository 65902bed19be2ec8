import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { deriveWeeks } from '../../examples/grid-battery/derive.ts'
import {
  battery,
  loadTasks,
  program,
  readResult,
  summarise,
  type TaskResult,
} from '../../examples/grid-battery/workload.ts'
import { expectRebuilt, isDeep, outputOf, run, sha256 } from './support/run-provable.ts'

const folder = fileURLToPath(new URL('../../examples/grid-battery/', import.meta.url))
const none = new Uint8Array()

/** What is drawn in an hour by the model that SOURCE.md describes, in whole steps of 2 kW. */
function drawByHand(temperature: number, wind: number): number {
  const heating = Math.floor(12 * Math.max(0, 18 - temperature) + 1e-9)
  const turbines = Math.min(500, Math.floor(wind ** 3 + 1e-9))
  return Math.trunc((100 + heating - turbines) / 2)
}

/** Charge before each hour and after the last one. */
function chargesOf({ hours }: TaskResult): number[] {
  const charges: number[] = [battery.capacity / 2]
  for (const [, charge] of hours) charges.push((charges.at(-1) ?? 0) + charge)
  return charges
}

/** Whether a step more of charging in hour `to` and a step less in hour `from` is possible and draws more evenly. */
function improves({ hours }: TaskResult, charges: readonly number[], from: number, to: number): boolean {
  const [drawFrom = 0, chargeFrom = 0] = hours[from] ?? []
  const [drawTo = 0, chargeTo = 0] = hours[to] ?? []
  if (chargeFrom === -battery.power || chargeTo === battery.power) return false
  const between = charges.slice(Math.min(from, to) + 1, Math.max(from, to) + 1)
  const hasRoom = from < to ? Math.min(...between) > 0 : Math.max(...between) < battery.capacity
  return hasRoom && drawTo + chargeTo + 1 < drawFrom + chargeFrom
}

describe('grid battery', function () {
  this.timeout(300_000)
  const { inputs } = loadTasks()
  // a week of each season
  const chosen = [...inputs.keys()].filter((week) => isDeep || week % 13 === 0)
  const outputs = new Map<number, Uint8Array>()
  let plans: Map<number, TaskResult>

  before(() => {
    for (const week of chosen) outputs.set(week, outputOf(program(), inputs[week] ?? none))
    plans = new Map([...outputs].map(([week, output]) => [week, readResult(output)]))
  })

  it('plans 52 weeks of 168 hours', () => {
    expect(inputs.length).to.equal(52)
    for (const { hours } of plans.values()) expect(hours.length).to.equal(168)
  })

  it('takes the draws from the weather as SOURCE.md says', () => {
    for (const [week, { hours }] of plans) {
      const weather = new Int16Array((inputs[week] ?? none).slice(12).buffer)
      const expected = hours.map((_, hour) =>
        drawByHand((weather[2 * hour] ?? 0) / 10, (weather[2 * hour + 1] ?? 0) / 10),
      )
      expect(hours.map(([draw]) => draw)).to.deep.equal(expected)
    }
  })

  it('asks nothing of the battery that it cannot do, and leaves it as full as it was', () => {
    for (const plan of plans.values()) {
      const charges = chargesOf(plan)
      expect(Math.min(...charges)).to.be.at.least(0)
      expect(Math.max(...charges)).to.be.at.most(battery.capacity)
      expect(Math.max(...plan.hours.map(([, charge]) => Math.abs(charge)))).to.be.at.most(battery.power)
      expect(charges.at(-1)).to.equal(charges[0])
    }
  })

  it('finds plans that no exchange between two hours makes more even, so there are no better ones', () => {
    // the sum is convex and the hours form a chain: a plan that is not the best has such an exchange
    for (const [week, plan] of plans) {
      const charges = chargesOf(plan)
      for (const from of plan.hours.keys()) {
        const better = [...plan.hours.keys()].find((to) => improves(plan, charges, from, to))
        expect(better, `week ${week}, hour ${from}`).to.equal(undefined)
      }
    }
  })

  it('adds up what it says', () => {
    for (const { hours, squares, highest } of plans.values()) {
      const draws = hours.map(([draw]) => draw)
      const evened = hours.map(([draw, charge]) => draw + charge)
      const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value ** 2, 0)
      expect(squares).to.deep.equal([sum(draws), sum(evened)])
      expect(highest).to.deep.equal([Math.max(...draws), Math.max(...evened)])
      expect(highest[1]).to.be.lessThan(highest[0])
    }
  })

  it('charges in the warm afternoon and gives before dawn', () => {
    const { lines } = summarise([...outputs.values()])
    expect(lines[1]).to.match(/^it charges most at 1[3-6]:00 and gives most at [4-7]:00$/)
    expect(summarise([]).event).to.equal('Nothing was planned.')
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
      'an hour that is cut off': Uint8Array.from(good.subarray(0, good.length - 1)),
      'no hours': broken(0, 0),
      'a battery that is too large': broken(4, 256),
      'more power than capacity': broken(8, 101),
      'weather of another planet': broken(12, 0x7fff),
    }
    for (const [name, input] of Object.entries(cases)) {
      const { ending, output } = run(program(), input)
      expect([ending, output.length], name).to.deep.equal(['trapped', 0])
    }
  })

  it('has the data its recipe makes, and the program SOURCE.md names', () => {
    const source = readFileSync(join(folder, 'SOURCE.md'), 'utf8')
    const packed = readFileSync(join(folder, 'data/hours.bin.br'))
    for (const bytes of [deriveWeeks(), packed, program()]) expect(source).to.contain(sha256(bytes))
  })

  if (isDeep) {
    it('is compiled to the same bytes from its source', async () => {
      await expectRebuilt(folder, ['balance.c'])
    })
  }
})
