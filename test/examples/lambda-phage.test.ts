import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { deriveGenome, deriveReads, packageFolder } from '../../examples/lambda-phage/derive.ts'
import {
  digestInput,
  digestProgram,
  loadTasks,
  type Placement,
  program,
  readResult,
  summarise,
} from '../../examples/lambda-phage/workload.ts'
import { bestPlaces, otherStrand, parseTask } from './support/exhaustive-places.ts'
import { expectRebuilt, isDeep, outputOf, run, sha256 } from './support/run-provable.ts'

const folder = fileURLToPath(new URL('../../examples/lambda-phage/', import.meta.url))
const enzymes = [
  'EcoRI GAATTC 1',
  'HindIII AAGCTT 1',
  'BamHI GGATCC 1',
  'KpnI GGTACC 5',
  'XhoI CTCGAG 1',
  'NotI GCGGCCGC 2',
]

describe('phage lambda', function () {
  this.timeout(300_000)
  const { inputs } = loadTasks()
  const tasks = isDeep ? 10 : 4
  let outputs: Uint8Array[]

  before(() => {
    outputs = inputs.slice(0, tasks).map((input) => outputOf(program(), input))
  })

  it('is 4,000 reads of a genome of 48,502 letters', () => {
    expect(inputs.length).to.equal(40)
    const { genome, reads } = parseTask(inputs[0] ?? new Uint8Array())
    expect([genome.length, reads.length]).to.deep.equal([48_502, 100])
    // the twelve letters by which lambda closes to a circle, known since 1971
    expect([...genome.slice(0, 12)].map((letter) => 'ACGT'[letter]).join('')).to.equal('GGGCGGCGACCT')
  })

  it('places nearly all reads, although some are mostly noise', () => {
    const { reads, placed, lines } = summarise(outputs)
    expect(placed / reads).to.be.within(0.94, 0.99)
    expect(lines[0]).to.contain(`${placed} placed`)
  })

  it('finds the reads of a pair face to face, which nothing told it', () => {
    const { reads, facing } = summarise(outputs)
    expect(facing / (reads / 2)).to.be.at.least(0.9)
  })

  it('finds the best place of all wherever it finds one, and misses few', () => {
    const { genome, reads } = parseTask(inputs[1] ?? new Uint8Array())
    const placements = readResult(outputs[1] ?? new Uint8Array())
    const compared = reads.slice(0, isDeep ? 40 : 20)
    const missed = compared.filter((read, index) => isMissed(genome, read, placements[index] ?? null))
    expect(missed.length).to.be.at.most(Math.ceil(compared.length / 50))
  })

  /** Whether a read has a place and was not found; what was found must be its best place. */
  function isMissed(genome: Uint8Array, read: Uint8Array, found: Placement | null): boolean {
    const best = { '+': bestPlaces(genome, read), '-': bestPlaces(genome, otherStrand(read)) }
    const fewest = Math.min(best['+'].differences, best['-'].differences)
    if (found === null) return fewest <= Math.floor(read.length / 5)
    expect(found.differences).to.equal(fewest)
    expect([...best[found.strand].places]).to.contain(found.place)
    return false
  }

  it('cuts the mutant that size markers are made of into the marker’s very bands', () => {
    // its makers say: C to T at 37,589, counted from 1, makes a site for HindIII at 37,584
    const input = digestInput('HindIII AAGCTT 1')
    const [place, cytosine, thymine] = [37_588, 1, 3]
    const at = 4 + Math.floor(place / 4)
    const shift = 2 * (place % 4)
    expect(((input[at] ?? 0) >> shift) & 3).to.equal(cytosine)
    input[at] = (input[at] ?? 0) ^ ((cytosine ^ thymine) << shift)
    const text = Buffer.from(outputOf(digestProgram(), input)).toString()
    expect(text).to.equal('HindIII 7 23130 9416 6557 4361 2322 2027 564 125\n')
  })

  it('cuts the genome into the fragments that catalogues list', () => {
    const text = Buffer.from(outputOf(digestProgram(), digestInput(enzymes.join('\n')))).toString()
    expect(text.trimEnd().split('\n')).to.deep.equal([
      'EcoRI 5 21226 7421 5804 5643 4878 3530',
      'HindIII 6 23130 9416 6682 4361 2322 2027 564',
      'BamHI 5 16841 7233 6770 6527 5626 5505',
      'KpnI 2 29942 17057 1503',
      'XhoI 1 33498 15004',
      'NotI 0 48502',
    ])
  })

  it('traps, and answers nothing, when its input is damaged', () => {
    const good = inputs[0] ?? new Uint8Array()
    const cases: [string, Uint8Array][] = [
      ['nothing', new Uint8Array()],
      ['a genome longer than the input', Uint8Array.from(good.subarray(0, 1_000))],
      ['reads that end early', Uint8Array.from(good.subarray(0, good.length - 1))],
      ['a letter that does not exist', Uint8Array.from(good, (byte, at) => (at === good.length - 1 ? 0xff : byte))],
      ['a read that is too long', Uint8Array.from(good, (byte, at) => (at === 8 + 12_126 + 1 ? 0xff : byte))],
    ]
    for (const [name, input] of cases) {
      const { ending, output } = run(program(), input)
      expect([ending, output.length], name).to.deep.equal(['trapped', 0])
    }
    expect(run(digestProgram(), digestInput('nonsense')).ending).to.equal('trapped')
  })

  it('has the programs and data that SOURCE.md names', () => {
    const source = readFileSync(join(folder, 'SOURCE.md'), 'utf8')
    for (const name of ['map-reads.elf', 'digest.elf', 'data/genome.bin', 'data/reads.bin.br']) {
      expect(source, name).to.contain(sha256(readFileSync(join(folder, name))))
    }
  })

  if (isDeep) {
    it('is compiled to the same bytes from its sources', async () => {
      await expectRebuilt(folder, ['map-reads.c', 'digest.c'])
    })

    it('has the data its recipe makes', () => {
      if (!existsSync(packageFolder)) {
        console.log('      not derived again: bowtie2-examples is not installed')
        return
      }
      expect(sha256(deriveGenome())).to.equal(sha256(readFileSync(join(folder, 'data/genome.bin'))))
      const source = readFileSync(join(folder, 'SOURCE.md'), 'utf8')
      expect(source).to.contain(sha256(deriveReads()))
    })
  }
})
