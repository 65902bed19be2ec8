/** @module */
import { expect } from 'chai'
import { concat, keccak256 } from 'viem'

import { loadElf } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { CODE_BASE, DATA_BYTES, DATA_PAGES, INPUT_BYTES, PROGRAM_DEPTH } from '#protocol/vm/layout.ts'
import { createMachine, type Machine, MachineError } from '#protocol/vm/machine.ts'
import { STATUS, stateHash } from '#protocol/vm/state.ts'

import { createRandom } from '../../fuzz/support/random.ts'
import { asm, elfOfCode, loadValue, wordBytes } from '../../support/vm-assembler.ts'
import { randomProgram } from '../../support/vm-programs.ts'
import { plainRoot } from '../../support/vm-trees.ts'

const HALF_REGION = 19

/** Counts in x5 and writes the count to ever new pages of the heap, for ever. */
const COUNTING = [...loadValue(6, 0x8010_0000), ...loadValue(7, 0x1004), asm.addi(5, 5, 1), asm.sw(5, 0, 6)]
const LOOP = [...COUNTING, asm.add(6, 6, 7), asm.jal(0, -12)]

const hashOf = (machine: Machine) => stateHash(machine.packedState())

function counting(): Machine {
  return createMachine(loadElf(elfOfCode(LOOP)), new Uint8Array(3))
}

describe('A machine', () => {
  it('begins at the entry with nothing but the length of its input in registers', () => {
    const code = [asm.ecall(), asm.ecall()]
    const input = Uint8Array.from({ length: 5_000 }, (_, at) => at)
    const { pc, registers, steps, status, memoryRoot, codeRoot } = createMachine(
      loadElf(elfOfCode(code)),
      input,
    ).commit()
    expect({ pc, steps, status }).to.deep.equal({ pc: CODE_BASE, steps: 0n, status: STATUS.running })
    expect([...registers]).to.deep.equal(Array.from({ length: 32 }, (_, at) => (at === 10 ? 5_000 : 0)))
    const program = plainRoot(wordBytes(code), PROGRAM_DEPTH)
    const rest = keccak256(concat([plainRoot(new Uint8Array(), HALF_REGION), plainRoot(input, HALF_REGION)]))
    expect(memoryRoot).to.equal(keccak256(concat([program, rest])))
    expect(codeRoot).to.equal(plainRoot(wordBytes(code), 17))
  })

  it('takes an input that fills its region, and none that is longer', () => {
    const image = loadElf(elfOfCode([asm.ecall()]))
    expect(createMachine(image, new Uint8Array(INPUT_BYTES)).memory.registers[10]).to.equal(INPUT_BYTES)
    expect(() => createMachine(image, new Uint8Array(INPUT_BYTES + 1)))
      .to.throw(MachineError)
      .that.includes({ code: 'machine.input' })
  })

  it('commits to what was written since, as to all its memory', () => {
    const machine = counting()
    hashOf(machine)
    interpret(machine, 1_000)
    const { memoryRoot } = machine.commit()
    interpret(machine, 2_000)
    const program = plainRoot(machine.memory.bytes.subarray(0, DATA_BYTES / 2), PROGRAM_DEPTH)
    const zeros = plainRoot(new Uint8Array(), HALF_REGION)
    expect(machine.commit().memoryRoot).to.equal(keccak256(concat([program, keccak256(concat([zeros, zeros]))])))
    expect(machine.commit().memoryRoot).to.not.equal(memoryRoot)
  })

  it('runs to any count of instructions, and from there as if it had not stopped', () => {
    const [whole, stopped] = [counting(), counting()]
    interpret(whole, 777)
    for (const until of [1, 1, 2, 50, 51, 400, 777]) {
      interpret(stopped, until)
      expect(stopped.steps).to.equal(until)
    }
    expect(hashOf(stopped)).to.equal(hashOf(whole))
    interpret(stopped, 100)
    expect(stopped.steps).to.equal(777)
  })

  it('stays as it is once it has ended', () => {
    const machine = createMachine(loadElf(elfOfCode([asm.addi(5, 0, 1), asm.ecall()])), new Uint8Array())
    interpret(machine, 100n)
    const ended = hashOf(machine)
    interpret(machine, 200n)
    expect(machine.steps).to.equal(2)
    expect(hashOf(machine)).to.equal(ended)
  })

  it('works in memory that it is given, at any place of a larger one', () => {
    const buffer = new ArrayBuffer(DATA_BYTES + 4096 + DATA_PAGES)
    const given = {
      bytes: new Uint8Array(buffer, 4096, DATA_BYTES),
      dirty: new Uint8Array(buffer, 4096 + DATA_BYTES, DATA_PAGES),
      registers: new Int32Array(buffer, 128, 32),
    }
    const { elf, input } = randomProgram(createRandom('given memory', 1))
    const [own, other] = [createMachine(loadElf(elf), input), createMachine(loadElf(elf), input, given)]
    for (const machine of [own, other]) interpret(machine, 3_000)
    expect(hashOf(other)).to.equal(hashOf(own))
    expect([...given.registers]).to.deep.equal([...own.memory.registers])
  })
})

describe('A snapshot', () => {
  it('brings a machine back, and forward again', () => {
    const machine = counting()
    const moments = [0, 10, 500, 501, 5_000].map((steps) => {
      interpret(machine, steps)
      return { steps, snapshot: machine.snapshot(), hash: hashOf(machine) }
    })
    interpret(machine, 9_000)
    const last = hashOf(machine)
    for (const at of [2, 0, 4, 1, 3, 3]) {
      const moment = moments[at]
      if (moment === undefined) throw new Error(`no moment ${at}`)
      machine.restore(moment.snapshot)
      expect(machine.steps).to.equal(moment.steps)
      expect(hashOf(machine), `step ${moment.steps}`).to.equal(moment.hash)
    }
    interpret(machine, 9_000)
    expect(hashOf(machine)).to.equal(last)
  })

  it('of random programs brings back all that was written, committed or not', () => {
    for (let index = 0; index < 20; index += 1) {
      const { elf, input } = randomProgram(createRandom('snapshots', index))
      const machine = createMachine(loadElf(elf), input)
      interpret(machine, 150)
      const [snapshot, hash] = [machine.snapshot(), index % 2 === 0 ? hashOf(machine) : '']
      interpret(machine, 400)
      const later = hashOf(machine)
      machine.restore(snapshot)
      if (hash !== '') expect(hashOf(machine)).to.equal(hash)
      interpret(machine, 400)
      expect(hashOf(machine)).to.equal(later)
    }
  })

  it('shares the pages that did not change with the one before', () => {
    const machine = counting()
    interpret(machine, 4_000)
    const before = machine.snapshot()
    interpret(machine, 4_010)
    const after = machine.snapshot()
    const copied = [...after.pages].filter(([page, content]) => before.pages.get(page) !== content)
    expect(before.pages.size).to.be.greaterThan(900)
    expect(copied.length).to.be.at.most(4)
  })
})
