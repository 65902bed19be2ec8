import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { deriveNetwork } from '../../examples/flight-routes/derive.ts'
import {
  loadTasks,
  program,
  readAirports,
  readResult,
  summarise,
  type Way,
} from '../../examples/flight-routes/workload.ts'
import { expectRebuilt, isDeep, outputOf, run, sha256 } from './support/run-provable.ts'

const folder = fileURLToPath(new URL('../../examples/flight-routes/', import.meta.url))
const none = new Uint8Array()
/** More than any way takes: flights times 2^16 and kilometres. */
const FAR = 2 ** 30

/** Takes the way over an airport that is so far away wherever it is the better one. */
function shorten(row: Uint32Array, reach: number, onwards: Uint32Array): void {
  for (const [to, onward] of onwards.entries()) row[to] = Math.min(row[to] ?? FAR, reach + onward)
}

/** Costs of the best ways between all airports, by Floyd's and Warshall's algorithm. */
function costsByHand(input: Uint8Array): Uint32Array[] {
  const [airports = 0, , , , ...flights] = new Uint16Array(Uint8Array.from(input).buffer)
  const costs = Array.from({ length: airports }, (_, from) =>
    new Uint32Array(airports).fill(FAR).fill(0, from, from + 1),
  )
  for (let at = 0; at < flights.length; at += 3) {
    const [from = 0, to = 0, kilometres = 0] = flights.slice(at, at + 3)
    costs[from]?.fill(0x10000 + kilometres, to, to + 1)
  }
  for (const [middle, onwards] of costs.entries()) {
    for (const row of costs) shorten(row, row[middle] ?? FAR, onwards)
  }
  return costs
}

describe('flight routes', function () {
  this.timeout(300_000)
  const codes = readAirports()
  const { inputs } = loadTasks()
  // ABE to BFL, with Anchorage and Atlanta among them
  const chosen = isDeep ? inputs.length : 2
  let outputs: Uint8Array[]
  let ways: Way[][]
  const number = (code: string): number => codes.indexOf(code)

  before(() => {
    outputs = inputs.slice(0, chosen).map((input) => outputOf(program(), input))
    ways = outputs.flatMap((output) => readResult(output, codes.length))
  })

  it('knows 305 airports and 5,366 routes of the year 2008', () => {
    expect([codes.length, inputs.length]).to.deep.equal([305, 20])
    expect(((inputs[0]?.length ?? 0) - 8) / 6).to.equal(5_366)
  })

  it('finds Alaska’s outposts behind Anchorage', () => {
    const fromAtlanta = ways[number('ATL')] ?? []
    expect(fromAtlanta[number('ADK')]?.flights).to.equal(1 + (fromAtlanta[number('ANC')]?.flights ?? 0))
    const fromAnchorage = ways[number('ANC')] ?? []
    expect(fromAnchorage[number('ADK')]).to.deep.include({ flights: 1 })
    // by the map: Anchorage to Adak is 1,920 km
    expect(fromAnchorage[number('ADK')]?.kilometres).to.be.within(1_900, 1_940)
  })

  it('finds Atlanta, the busiest airport of the world, in the middle of more ways than any other', () => {
    const { event, lines } = summarise(outputs)
    expect(event).to.match(/^ATL is on [0-9.]+ % of best ways/)
    expect(lines[0]).to.contain(`from ${ways.length} airports`)
  })

  it('agrees with another algorithm on every way', () => {
    const costs = costsByHand(inputs[0] ?? none)
    for (const [start, row] of ways.entries()) {
      const found = row.map(({ flights, kilometres }) => (flights === null ? FAR : flights * 0x10000 + kilometres))
      expect(found, codes[start]).to.deep.equal([...(costs[start] ?? [])])
    }
  })

  it('leads as many ways through airports as there are changes on them', () => {
    for (const [start, row] of ways.entries()) {
      const others = row.filter(({ flights }, airport) => airport !== start && flights !== null)
      const changes = others.reduce((sum, { flights }) => sum + (flights ?? 0) - 1, 0)
      expect(
        others.reduce((sum, { beyond }) => sum + beyond, 0),
        codes[start],
      ).to.equal(changes)
    }
  })

  it('traps, and answers nothing, when its input is damaged', () => {
    const good = inputs[0] ?? none
    const broken = (at: number, value: number): Uint8Array => {
      const input = Uint8Array.from(good)
      new DataView(input.buffer).setUint16(at, value, true)
      return input
    }
    const cases: Record<string, Uint8Array> = {
      nothing: none,
      'a flight that is cut off': Uint8Array.from(good.subarray(0, good.length - 1)),
      'more airports than there may be': broken(0, 600),
      'airports asked about that do not exist': broken(4, 300),
      'a flight from nowhere': broken(8, 305),
      'a flight to nowhere': broken(10, 305),
      'flights out of order': broken(8, 200),
    }
    for (const [name, input] of Object.entries(cases)) {
      const { ending, output } = run(program(), input)
      expect([ending, output.length], name).to.deep.equal(['trapped', 0])
    }
  })

  it('has the data its recipe makes, and the program SOURCE.md names', () => {
    const source = readFileSync(join(folder, 'SOURCE.md'), 'utf8')
    const packed = readFileSync(join(folder, 'data/network.bin.br'))
    for (const bytes of [deriveNetwork(), packed, program()]) expect(source).to.contain(sha256(bytes))
  })

  if (isDeep) {
    it('is compiled to the same bytes from its source', async () => {
      await expectRebuilt(folder, ['routes.c'])
    })
  }
})
