/** @module */
import { expect } from 'chai'

import { loadElf } from '#protocol/vm/elf.ts'
import { stateHash } from '#protocol/vm/state.ts'
import { createInterpretedMachine } from '#runtime/vm/engine.ts'
import { createTranslatedMachine } from '#runtime/vm/translated-machine.ts'

import { createRandom } from '../../fuzz/support/random.ts'
import { asm, elfOfCode, loadValue } from '../../support/vm-assembler.ts'

const nothing = new Uint8Array()
const WORDS_OF_2_MIB = 524_288
const random = createRandom('large programs', 0)

/** How much of a run translated code did, after holding its state to the interpreter's. */
function expectSame(code: readonly number[], steps: number): number {
  const image = loadElf(elfOfCode(code))
  const translated = createTranslatedMachine(image, nothing)
  const interpreted = createInterpretedMachine(image, nothing)
  translated.run(steps)
  interpreted.run(steps)
  expect(stateHash(translated.machine.packedState())).to.equal(stateHash(interpreted.machine.packedState()))
  return translated.translatedSteps / translated.machine.steps
}

/** Functions of eight words, the first at word 64, which count, now and then return, and else go on to another. */
function littleFunctions(count: number): number[] {
  const placeOf = (index: number) => 64 + 8 * index
  const code = [asm.addi(20, 20, 1), asm.jal(1, 4 * (placeOf(0) - 1)), asm.jal(0, -8)]
  while (code.length < placeOf(0)) code.push(asm.fence())
  for (let index = 0; index < count; index += 1) {
    const next = placeOf((7 * index + 13) % count) - placeOf(index) - 4
    code.push(asm.addi(5, 5, 1), asm.andi(6, 5, 63), asm.bne(6, 0, 8), asm.jalr(0, 0, 1), asm.jal(0, 4 * next))
    while (code.length < placeOf(index + 1)) code.push(asm.fence())
  }
  return code
}

describe('A program that is large, or wild', function () {
  this.timeout(120_000)

  it('of 24,000 blocks in one loop runs translated, in functions that V8 can bear', () => {
    const code: number[] = []
    for (let block = 0; block < 24_000; block += 1)
      code.push(asm.andi(6, 5, 1 << (block % 11)), asm.beq(6, 0, 8), asm.addi(7, 7, block % 2000), asm.addi(5, 5, 3))
    code.push(...loadValue(9, 0x8000_0000), asm.jalr(0, 0, 9))
    expect(expectSame(code, 8_000_000) > 0.8).to.equal(true)
  })

  it('of 2 MiB of jumps to anywhere ends as the interpreter says', () => {
    const code = Array.from({ length: WORDS_OF_2_MIB }, (_, at) => {
      const to = Math.min(WORDS_OF_2_MIB - 1, Math.max(0, at + random.below(200_000) - 100_000))
      return asm.jal(0, 4 * (to - at || 1))
    })
    expectSame(code, 2_000_000)
  })

  it('of 2 MiB that is executed once ends as the interpreter says', () => {
    const words = [asm.jal(1, 4), asm.beq(0, 0, 4), asm.addi(5, 5, 1), asm.addi(6, 6, -1)]
    const code = Array.from({ length: WORDS_OF_2_MIB - 1 }, (_, at) => words[at % 4] ?? 0)
    expectSame([...code, asm.ecall()], 2_000_000)
  })

  it('of thousands of functions that jump to each other runs translated', () => {
    expect(expectSame(littleFunctions(3_000), 5_000_000) > 0.8).to.equal(true)
  })

  it('may call itself a hundred thousand deep', () => {
    const begin = [...loadValue(2, 0x8200_0000), ...loadValue(10, 100_000), asm.jal(1, 8)]
    const self = [asm.beq(10, 0, 28), asm.addi(2, 2, -4), asm.sw(1, 0, 2), asm.addi(10, 10, -1), asm.jal(1, -16)]
    const back = [asm.lw(1, 0, 2), asm.addi(2, 2, 4), asm.jalr(0, 0, 1)]
    const again = asm.jal(0, -4 * begin.length)
    expect(expectSame([...begin, again, ...self, ...back], 5_000_000) > 0.8).to.equal(true)
  })

  it('may access the last bytes of memory in a loop, where one check cannot cover them all', () => {
    const loop = [asm.lbu(5, 0, 8), asm.lbu(6, 1, 8), asm.addi(7, 7, 1), asm.sb(7, 0, 8), asm.lh(9, 0, 8)]
    const code = [...loadValue(8, 0x83ff_fffe), ...loop, asm.jal(0, -20)]
    expect(expectSame(code, 1_000_000) > 0.8).to.equal(true)
  })
})
