/** @module */
import { expect } from 'chai'
import { concat, encodeAbiParameters, keccak256 } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import { loadElf } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { createMachine, type Machine } from '#protocol/vm/machine.ts'
import { instructionLimit, ResultError, resultOf } from '#protocol/vm/result.ts'
import { parseState } from '#protocol/vm/state.ts'
import { unitsOfFuel } from '#protocol/work.ts'

import { asm, elfOfCode, loadValue } from '../../support/vm-assembler.ts'

const OUTPUT = 0x8200_0000
const MAX_UNITS = 3n

/** A machine that has run the code to its end, or for three units. */
function ran(code: readonly number[]): Machine {
  const machine = createMachine(loadElf(elfOfCode(code)), new Uint8Array())
  interpret(machine, instructionLimit(MAX_UNITS))
  return machine
}

/** Writes a word to a place of the output region. */
function writing(offset: number, value: number): number[] {
  return [...loadValue(5, OUTPUT + offset), ...loadValue(6, value), asm.sw(6, 0, 5)]
}

function ending(length: number): number[] {
  return [...loadValue(11, length), asm.ecall()]
}

const spinning = (turns: number) => [...loadValue(5, turns), asm.addi(5, 5, -1), asm.bne(5, 0, -4)]

describe('The result of a run', () => {
  it('is the bytes that it says are its output', () => {
    const machine = ran([...writing(0, 0x0403_0201), ...ending(3)])
    // the fourth byte written is not zero
    expect(() => resultOf(machine, MAX_UNITS)).to.throw(ResultError)
    const result = resultOf(ran([...writing(0, 0x0003_0201), ...ending(3)]), MAX_UNITS)
    expect(result).to.deep.include({ ending: 'halted', units: 1n, output: Uint8Array.of(1, 2, 3) })
    expect(result.outputRoot).to.equal(dataRoot(Uint8Array.of(1, 2, 3)))
  })

  it('commits to the output and to the last state', () => {
    const machine = ran([...writing(0, 7), ...ending(4)])
    const { finalState, finalStateHash, outputRoot, plainHash } = resultOf(machine, MAX_UNITS)
    expect(finalState).to.deep.equal(machine.packedState())
    expect(parseState(finalState).steps).to.equal(8n)
    expect(finalStateHash).to.equal(keccak256(finalState))
    const words = [{ type: 'bytes32' }, { type: 'bytes32' }] as const
    expect(plainHash).to.equal(keccak256(encodeAbiParameters(words, [outputRoot, keccak256(finalState)])))
    expect(plainHash).to.equal(keccak256(concat([outputRoot, finalStateHash])))
  })

  it('may be empty, may end with zeros, and may fill its region', () => {
    expect(resultOf(ran([asm.ecall()]), MAX_UNITS).output).to.have.lengthOf(0)
    expect(resultOf(ran([...writing(0, 1), ...ending(9_000)]), MAX_UNITS).output).to.have.lengthOf(9_000)
    const whole = resultOf(ran([...writing(0xff_fffc, -1), ...ending(0x100_0000)]), MAX_UNITS).output
    expect(whole).to.have.lengthOf(0x100_0000)
    expect(whole.at(-1)).to.equal(0xff)
  })

  it('is empty where the length does not fit the region', () => {
    for (const length of [0x100_0001, -1])
      expect(resultOf(ran([...writing(0, 1), ...ending(length)]), MAX_UNITS)).to.deep.include({
        ending: 'halted',
        output: new Uint8Array(),
      })
  })

  for (const offset of [4, 4092, 4096, 0x10_0000, 0xff_fffc]) {
    it(`is not payable with something ${offset} bytes behind the beginning of four bytes of output`, () => {
      expect(() => resultOf(ran([...writing(offset, 1 << 24), ...ending(4)]), MAX_UNITS))
        .to.throw(ResultError)
        .that.includes({ code: 'execution.output-dirty' })
    })
  }

  it('of a trap is empty and payable, whatever stands in the output region', () => {
    const result = resultOf(ran([...writing(0, 1), ...loadValue(11, 4), asm.ebreak()]), MAX_UNITS)
    expect(result).to.deep.include({ ending: 'trapped', units: 1n, output: new Uint8Array() })
    expect(result.outputRoot).to.equal(dataRoot(new Uint8Array()))
    expect(parseState(result.finalState).status).to.equal(2)
  })

  it('of a run that used up its units is empty, and is billed for all of them', () => {
    const result = resultOf(ran([asm.jal(0, 0)]), MAX_UNITS)
    expect(result).to.deep.include({ ending: 'out-of-units', units: MAX_UNITS, output: new Uint8Array() })
    expect(parseState(result.finalState)).to.deep.include({ steps: 3_000_000n, status: 0 })
  })

  it('of a run that ends with its very last instruction is a result', () => {
    // two to set up, two a turn, one ecall
    const exactly = ran([...spinning((3_000_000 - 4) / 2), asm.fence(), asm.ecall()])
    expect(exactly.steps).to.equal(3_000_000)
    expect(resultOf(exactly, MAX_UNITS)).to.deep.include({ ending: 'halted', units: MAX_UNITS })
    const oneMore = ran([...spinning((3_000_000 - 4) / 2), asm.fence(), asm.fence(), asm.ecall()])
    expect(resultOf(oneMore, MAX_UNITS)).to.deep.include({ ending: 'out-of-units', units: MAX_UNITS })
  })

  it('is not there before the run has ended', () => {
    const machine = createMachine(loadElf(elfOfCode([asm.jal(0, 0)])), new Uint8Array())
    interpret(machine, 2_999_999)
    expect(() => resultOf(machine, MAX_UNITS))
      .to.throw(ResultError)
      .that.includes({ code: 'execution.unfinished' })
  })
})

describe('Units', () => {
  for (const [instructions, units] of [
    [1, 1n],
    [999_999, 1n],
    [1_000_000, 1n],
    [1_000_001, 2n],
    [2_000_000, 2n],
    [5_000_000_001, 5_001n],
  ] as const) {
    it(`of ${instructions} instructions are ${units}`, () => {
      expect(unitsOfFuel(BigInt(instructions))).to.equal(units)
    })
  }
})
