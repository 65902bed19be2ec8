import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { createExecutor, type Execution } from '#runtime/executor.ts'

import { deriveDepartures } from '../../examples/quiet-skies/derive.ts'
import { loadTasks, program, readResult, summarise } from '../../examples/quiet-skies/workload.ts'
import { type AirportMonth, drawByHand, findInMonth, readMonths } from './support/silences-by-hand.ts'

const folder = fileURLToPath(new URL('../../examples/quiet-skies/', import.meta.url))
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const dateOf = (day: number) => new Date(Date.UTC(2001, 0, 1 + day)).toISOString().slice(0, 10)

describe('quiet skies', function () {
  this.timeout(120_000)
  const { inputs } = loadTasks()
  let executions: Execution[]
  let months: AirportMonth[]

  before(async () => {
    const executor = createExecutor()
    try {
      const bytes = program()
      executions = await Promise.all(inputs.map((input) => executor.execute({ program: bytes, input, maxUnits: 100n })))
    } finally {
      await executor.close()
    }
    months = await readMonths(60)
  })

  it('is at least 300 tasks over millions of real departures, none longer than 64 KiB', () => {
    expect(inputs.length).to.equal(360)
    expect(Math.max(...inputs.map((input) => input.length))).to.be.at.most(65_536)
    expect(summarise(executions.map(({ output }) => output)).departures).to.equal(2_601_641)
    expect(loadTasks(7).inputs).to.deep.equal(inputs.slice(0, 7))
  })

  it('finishes every task, at prices that differ', () => {
    expect(new Set(executions.map(({ status }) => status))).to.deep.equal(new Set([0]))
    const units = executions.map((execution) => Number(execution.units))
    expect(Math.min(...units)).to.equal(5)
    expect(Math.max(...units)).to.equal(25)
    expect(new Set(units).size).to.be.greaterThan(12)
  })

  it('finds the Nisqually earthquake in the departures of Seattle', () => {
    const { event, silences, lines } = summarise(executions.map(({ output }) => output))
    expect(event).to.match(/^SEA, 2001-02-28: no departure between 10:52 and 13:01, where 38\.3 were usual/)
    expect(silences[0]?.asStrong).to.equal(0)
    expect(lines.join('\n')).to.contain(event.slice(0, 3)).and.to.contain('earthquake')
  })

  it('finds the flood of Houston and the blizzards of Denver and the Northeast among the quietest days', () => {
    const { quietDays } = summarise(executions.map(({ output }) => output))
    const quietest = quietDays.slice(0, 6).map(({ airport, date }) => `${airport} ${date}`)
    expect(quietest).to.deep.equal([
      'IAH 2001-06-09',
      'DEN 2001-04-11',
      'JFK 2001-03-05',
      'BOS 2001-03-06',
      'LGA 2001-03-05',
      'BDL 2001-03-06',
    ])
  })

  it('says the same whatever order the outputs come in, and finds its events in the first third', () => {
    const outputs = executions.map(({ output }) => output)
    const { event, lines } = summarise(outputs)
    expect(summarise(outputs.toReversed())).to.deep.include({ event, lines })
    expect(summarise(outputs.slice(0, 120)).event).to.equal(event)
    expect(summarise([]).event).to.equal('No airport fell silent.')
  })

  it('agrees with a second program, written in another way, on every day and every silence', () => {
    expect(months.length).to.equal(executions.length)
    for (const [index, month] of months.entries()) {
      const result = readResult(executions[index]?.output ?? new Uint8Array())
      const expected = findInMonth(month)
      const named = expected.days.map((day, at) => ({
        airport: month.airport,
        date: dateOf(month.firstDay + at),
        ...day,
      }))
      expect(result.days).to.deep.equal(named)
      const { silence } = expected
      const found = result.silence === null ? null : { ...result.silence, draws: 0, asStrong: 0 }
      expect(found).to.deep.equal(
        silence === null
          ? null
          : {
              airport: month.airport,
              date: dateOf(month.firstDay + silence.day),
              from: silence.from,
              until: silence.until,
              missedThousandths: silence.missed,
              draws: 0,
              asStrong: 0,
            },
      )
    }
  })

  it('agrees with it on the days drawn at random, too', () => {
    for (let index = 0; index < months.length; index += 23) {
      const month = months[index]
      const input = inputs[index]
      const silence = readResult(executions[index]?.output ?? new Uint8Array()).silence
      if (month === undefined || input === undefined || silence === null) throw new Error(`nothing at ${index}`)
      const monthly = Math.ceil((silence.missedThousandths * month.days.length) / 1_000)
      expect(drawByHand(month, input, monthly)).to.deep.equal({ draws: silence.draws, asStrong: silence.asStrong })
    }
  })

  it('has the data and the program its recipes make, as SOURCE.md says', async () => {
    const derived = await deriveDepartures()
    const source = readFileSync(join(folder, 'SOURCE.md'), 'utf8')
    const packed = readFileSync(join(folder, 'data/departures.bin.br'))
    for (const bytes of [derived, packed, program()]) expect(source).to.contain(sha256(bytes))
    const loaded = inputs.map((input) => Buffer.concat([Buffer.from(Uint32Array.of(input.length).buffer), input]))
    expect(sha256(Buffer.concat(loaded))).to.equal(sha256(derived))
  })

  it('is compiled to the same bytes from its source', () => {
    const temporary = mkdtempSync(join(tmpdir(), 'tally-example-'))
    try {
      const built = join(temporary, 'built.wasm')
      execFileSync(process.execPath, [join(folder, 'build.ts'), built])
      expect(sha256(readFileSync(built))).to.equal(sha256(program()))
    } finally {
      rmSync(temporary, { recursive: true })
    }
  })

  it('ends in a trap, and harms nobody, when its input is damaged', async () => {
    const executor = createExecutor()
    try {
      const good = inputs[0] ?? new Uint8Array()
      const changes: [number, number][] = [
        [5, 0],
        [5, 255],
        [9, 255],
        [10, 255],
      ]
      for (const [at, value] of changes) {
        const input = Uint8Array.from(good)
        input[at] = value
        const { status } = await executor.execute({ program: program(), input, maxUnits: 1_000n })
        expect(status, `byte ${at}`).to.be.oneOf([0, 1])
      }
      const none = await executor.execute({ program: program(), input: new Uint8Array(), maxUnits: 1n })
      expect(none.status).to.equal(1)
    } finally {
      await executor.close()
    }
  })
})
