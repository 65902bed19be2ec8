/** @module */
import { expect } from 'chai'

import { loadElf } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { DATA_BASE } from '#protocol/vm/layout.ts'
import { createMachine, type Machine } from '#protocol/vm/machine.ts'
import { STATUS, stateHash, statusName } from '#protocol/vm/state.ts'
import { CASES_AT, SLOTS_AT } from '#runtime/vm/memory-plan.ts'
import {
  createTranslatedMachine,
  createTranslatedSpace,
  type TranslatedMachine,
} from '#runtime/vm/translated-machine.ts'

import { createRandom, repetition, runOf } from '../../fuzz/support/random.ts'
import type { ConformanceCase, Expected } from '../../protocol/vm/cases/case.ts'
import { conformanceCases, MOST_STEPS } from '../../protocol/vm/conformance-cases.ts'
import { wipe } from '../../support/vm-memory.ts'
import { type Histogram, histogramText, missingOps, noteStep, randomProgram } from '../../support/vm-programs.ts'

/** Everything is hot: nothing is interpreted that can be translated. */
const EAGER = { warmUp: 0, hot: 1 } as const
/** One for all cases: 70 MiB are not for every one. */
const space = createTranslatedSpace()

/** Makes the space as new; nothing of it was committed. */
function wipeSpace({ machine }: TranslatedMachine): void {
  wipe(machine.memory)
  const { codeLength } = machine.image
  new Uint8Array(space.memory.buffer, SLOTS_AT, codeLength).fill(0)
  new Uint8Array(space.memory.buffer, CASES_AT, codeLength / 2).fill(0)
}

function seen({ status, pc, steps, memory }: Machine, { registers, memory: expected }: Expected): Expected {
  const named = Object.keys(registers).map((register) => [register, (memory.registers[Number(register)] ?? 0) >>> 0])
  const stand = { status: statusName(status), pc, steps, registers: Object.fromEntries(named) }
  if (expected === undefined) return stand
  const at = expected.address - DATA_BASE
  return {
    ...stand,
    memory: { address: expected.address, bytes: [...memory.bytes.subarray(at, at + expected.bytes.length)] },
  }
}

function judge({ name, elf, input, expected }: ConformanceCase): number {
  const translated = createTranslatedMachine(loadElf(elf), input, { ...EAGER, space })
  translated.run(MOST_STEPS)
  expect(seen(translated.machine, expected), name).to.deep.equal(expected)
  wipeSpace(translated)
  return translated.translatedSteps
}

const isDeep = process.env.TALLY_DEEP === '1'

describe('The translator', function () {
  this.timeout(600_000)

  for (const [about, cases] of conformanceCases()) {
    it(`conforms in ${cases.length} cases of ${about}`, () => {
      let translated = 0
      for (const one of cases) translated += judge(one)
      expect(translated > 0, 'translated anything').to.equal(true)
    })
  }

  describe('on random programs', () => {
    const { seed, cases, first } = runOf({ normal: 25, deep: 300 })
    const histogram: Histogram = new Map()
    let steps = 0
    let translated = 0

    it("has the interpreter's state wherever both stop", () => {
      for (let index = first; index < first + cases; index += 1) compare(seed, index)
    })

    it('does most of it in translated code', () => {
      expect(translated / steps > 0.5).to.equal(true)
    })

    it('met every instruction but those that end runs', () => {
      if (isDeep) console.log(`        ${histogramText(histogram).replaceAll('\n', '\n        ')}`)
      expect(missingOps(histogram).filter((name) => name !== 'ECALL' && name !== 'ILLEGAL')).to.deep.equal([])
    })

    it('executed enough of them: a million in the deep run', () => {
      if (!isDeep) expect(steps > 10_000).to.equal(true)
      else expect(steps > 1_000_000).to.equal(true)
    })

    function stepTo(machine: Machine, until: number): void {
      while (machine.status === STATUS.running && machine.steps < until) {
        noteStep(histogram, machine)
        interpret(machine, machine.steps + 1)
      }
    }

    function compare(runSeed: string, index: number): void {
      const random = createRandom(runSeed, index)
      const { elf, input } = randomProgram(random, { wildPerThousand: random.pick([0, 0, 2, 10]) })
      const image = loadElf(elf)
      const one = createTranslatedMachine(image, input, random.chance(50) ? EAGER : { warmUp: 0 })
      const other = createMachine(image, input)
      for (let stop = 0; stop < 8 && other.status === STATUS.running; stop += 1) {
        const until = other.steps + 1 + random.below(stop < 5 ? 100 : 5_000)
        stepTo(other, until)
        one.run(until)
        expectSame(one, other, repetition(runSeed, index))
      }
      steps += other.steps
      translated += one.translatedSteps
    }
  })
})

function expectSame({ machine }: TranslatedMachine, other: Machine, where: string): void {
  expect(stateHash(machine.packedState()), where).to.equal(stateHash(other.packedState()))
}
