/** @module */
import { expect } from 'chai'

import { TallyError } from '#protocol/errors.ts'
import { loadElf } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { createMachine, type Machine } from '#protocol/vm/machine.ts'
import { STATUS, stateHash } from '#protocol/vm/state.ts'
import { verifyStep } from '#protocol/vm/verify-step.ts'
import { witnessOf } from '#protocol/vm/witness.ts'

import { createRandom, repetition, runOf } from '../../fuzz/support/random.ts'
import { asm, elfOfCode, loadValue } from '../../support/vm-assembler.ts'
import { type Histogram, histogramText, missingOps, noteStep, randomProgram } from '../../support/vm-programs.ts'
import { conformanceCases } from './conformance-cases.ts'

const isDeep = process.env.TALLY_DEEP === '1'
const STEPS_OF_PROGRAM = 400
const RANDOM_STEPS = isDeep ? 20_000 : 1_500

const hashOf = (machine: Machine) => stateHash(machine.packedState())

/** Takes a machine one step ahead, and sees that the verifier says the same of it. */
function takeStep(machine: Machine, name: string): void {
  const before = hashOf(machine)
  const said = verifyStep(witnessOf(machine))
  interpret(machine, machine.steps + 1)
  expect(said, `${name}, step ${machine.steps}`).to.deep.equal({ pre: before, post: hashOf(machine) })
}

/** A machine in front of a store to a page of which something else is written, too. */
function atStore(): Machine {
  const code = [...loadValue(5, 0x8010_0000), asm.sw(5, 96, 5), asm.sb(5, 3, 5), asm.ecall()]
  const machine = createMachine(loadElf(elfOfCode(code)), new Uint8Array(40).fill(7))
  interpret(machine, 3)
  return machine
}

describe('The verifier of one step', function () {
  this.timeout(isDeep ? 600_000 : 120_000)

  for (const [about, cases] of conformanceCases()) {
    // every step of every case when there is time, else the steps of some
    const chosen = cases.filter((_, index) => isDeep || index % 8 === 0)
    it(`agrees with the interpreter in ${chosen.length} cases of ${about}`, () => {
      for (const { name, elf, input } of chosen) {
        const machine = createMachine(loadElf(elf), input)
        while (machine.status === STATUS.running) takeStep(machine, name)
        takeStep(machine, name)
      }
    })
  }

  it(`agrees with the interpreter in ${RANDOM_STEPS} steps of random programs`, () => {
    const histogram: Histogram = new Map()
    const { seed } = runOf({ normal: 1, deep: 1 })
    for (let index = 0, steps = 0; steps < RANDOM_STEPS; index += 1) {
      const { elf, input } = randomProgram(createRandom(seed, index))
      const machine = createMachine(loadElf(elf), input)
      // the first steps only set registers up
      interpret(machine, 62)
      while (machine.status === STATUS.running && machine.steps < STEPS_OF_PROGRAM && steps < RANDOM_STEPS) {
        noteStep(histogram, machine)
        takeStep(machine, repetition(seed, index))
        steps += 1
      }
    }
    if (isDeep) console.log(histogramText(histogram))
    if (isDeep) expect(missingOps(histogram)).to.deep.equal([])
  })

  it('gives a state that has ended as its own next one', () => {
    const machine = createMachine(loadElf(elfOfCode([asm.ecall()])), new Uint8Array())
    interpret(machine, 5)
    const witness = witnessOf(machine)
    expect(witness).to.have.lengthOf(137 + 32 + 32)
    expect(verifyStep(witness)).to.deep.equal({ pre: hashOf(machine), post: hashOf(machine) })
  })

  it('needs a leaf of code, and one of data where there is an access', () => {
    const machine = atStore()
    // the instruction's leaf has one neighbour over anything but zeros: none; the data's leaf has one beside and the image
    const stores = witnessOf(machine)
    interpret(machine, 4)
    const halts = witnessOf(machine)
    expect(halts).to.have.lengthOf(137 + 35 + 32)
    expect(stores.length).to.be.greaterThan(137 + 35 + 35)
  })

  it('refuses bytes that are no witness, whole and alone', () => {
    const witness = witnessOf(atStore())
    const unknownStatus = witness.slice()
    unknownStatus[136] = 3
    const [codeMask, dataMask] = [137 + 32, 137 + 35 + 32]
    const above = (at: number) => {
      const changed = witness.slice()
      changed[at] = 0x80
      return changed
    }
    const longer = new Uint8Array(witness.length + 1)
    longer.set(witness)
    const bad = [
      new Uint8Array(),
      witness.slice(0, 137),
      witness.slice(0, -1),
      longer,
      above(codeMask),
      above(dataMask),
    ]
    for (const bytes of [...bad, unknownStatus]) expect(() => verifyStep(bytes)).to.throw(TallyError)
  })

  it('says another state for a witness with any byte changed, or refuses it', () => {
    const witness = witnessOf(atStore())
    const { pre } = verifyStep(witness)
    for (let at = 0; at < witness.length; at += 1) {
      const changed = witness.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x04
      let said: string | undefined
      try {
        said = verifyStep(changed).pre
      } catch (error) {
        expect(error, `byte ${at}`).to.be.instanceOf(TallyError)
      }
      expect(said, `byte ${at}`).to.not.equal(pre)
    }
  })
})
