/**
 * Cases of branches and jumps: both directions, links, alignment of targets, and leaving the code.
 *
 * @module
 */
import { CODE_BASE, CODE_BYTES } from '#protocol/vm/layout.ts'

import { asm, elfOf, elfOfCode, wordBytes } from '../../../support/vm-assembler.ts'
import { type Before, type ConformanceCase, halting, hex, setUp, trapping, UNTOUCHED, unsigned } from './case.ts'

const MIN = 0x8000_0000
const MAX = 0x7fff_ffff
const ONES = 0xffff_ffff

const BRANCHES = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'] as const
type Branch = (typeof BRANCHES)[number]

/** Operands and which branches they make: by hand, from the definitions of the six comparisons. */
const COMPARISONS: readonly (readonly [number, number, readonly Branch[]])[] = [
  [0, 0, ['beq', 'bge', 'bgeu']],
  [1, 0, ['bne', 'bge', 'bgeu']],
  [0, 1, ['bne', 'blt', 'bltu']],
  [ONES, ONES, ['beq', 'bge', 'bgeu']],
  [ONES, 0, ['bne', 'blt', 'bgeu']],
  [0, ONES, ['bne', 'bge', 'bltu']],
  [MIN, MAX, ['bne', 'blt', 'bgeu']],
  [MAX, MIN, ['bne', 'bge', 'bltu']],
  [MIN, MIN, ['beq', 'bge', 'bgeu']],
  [MIN, ONES, ['bne', 'blt', 'bltu']],
  [ONES, MIN, ['bne', 'bge', 'bgeu']],
]

/** Ahead over one addition, and back to an addition before. */
function comparing(branch: Branch, [one, other, taken]: (typeof COMPARISONS)[number]): ConformanceCase[] {
  const before = { 5: one, 6: other }
  const isTaken = taken.includes(branch)
  const name = `${hex(one)}, ${hex(other)} is ${isTaken ? '' : 'not '}taken`
  const setUpWords = setUp(before).length
  const ahead = [asm[branch](5, 6, 8), asm.addi(7, 0, 1), asm.addi(8, 0, 1)]
  const back = [asm.jal(0, 12), asm.addi(7, 0, 1), asm.jal(0, 8), asm[branch](5, 6, -8), asm.addi(8, 0, 1)]
  return [
    halting(branch, `${name} ahead`, {
      before,
      code: ahead,
      registers: { 7: isTaken ? 0 : 1, 8: 1 },
      steps: setUpWords + (isTaken ? 3 : 4),
    }),
    halting(branch, `${name} back`, {
      before,
      code: back,
      registers: { 7: isTaken ? 1 : 0, 8: 1 },
      steps: setUpWords + (isTaken ? 6 : 4),
    }),
  ]
}

/** Operands for which a branch is taken, and for which it is not. */
function operands(branch: Branch): { readonly taken: Before; readonly notTaken: Before } {
  const [one, other] = COMPARISONS.find(([, , taken]) => taken.includes(branch)) ?? [0, 0]
  const [third, fourth] = COMPARISONS.find(([, , taken]) => !taken.includes(branch)) ?? [0, 0]
  return { taken: { 5: one, 6: other }, notTaken: { 5: third, 6: fourth } }
}

function alignment(branch: Branch): ConformanceCase[] {
  const { taken, notTaken } = operands(branch)
  const through = { before: notTaken, code: [asm[branch](5, 6, 6), asm.addi(7, 0, 1)], registers: { 7: 1 } }
  return [
    trapping(branch, 'taken to half a word ahead traps where it stands', taken, asm[branch](5, 6, 6)),
    trapping(branch, 'taken to half a word back traps where it stands', taken, asm[branch](5, 6, -2)),
    halting(branch, 'not taken to half a word goes on', through),
  ]
}

/** Farthest targets of a branch: 4 KiB both ways. */
function farBranches(): ConformanceCase[] {
  const words = 1024
  const code = Array.from({ length: 2 * words + 2 }, () => asm.ebreak())
  code[0] = asm.jal(0, 4 * words)
  code[words] = asm.beq(0, 0, -4096 + 4)
  code[1] = asm.jal(0, 4 * words)
  code[words + 1] = asm.beq(0, 0, 4092)
  code[2 * words] = asm.ecall()
  const expected = { status: 'halted' as const, pc: CODE_BASE + 8 * words, steps: 5, registers: { 1: 0 } }
  return [{ about: 'beq', name: 'goes 4,092 bytes back and ahead', elf: elfOfCode(code), input: NO_INPUT, expected }]
}

const NO_INPUT = new Uint8Array()

/** A program that ends by a trap of the fetch at `pc`, after its words are executed. */
function leaving(about: string, name: string, before: Before, code: readonly number[], to: Leaving): ConformanceCase {
  const words = [...setUp(before), ...code]
  const registers = { ...unsigned(before), ...to.registers }
  const expected = { status: 'trapped' as const, pc: to.pc, steps: words.length + 1, registers }
  return { about, name, elf: elfOfCode(words), input: NO_INPUT, expected }
}

type Leaving = { readonly pc: number; readonly registers?: Readonly<Record<number, number>> }

function jumps(): ConformanceCase[] {
  const at = (word: number) => CODE_BASE + 4 * word
  return [
    halting('jal', 'ahead, with a link', {
      before: {},
      code: [asm.jal(1, 8), asm.addi(7, 0, 1), asm.addi(8, 0, 1)],
      registers: { 1: at(1), 7: 0, 8: 1 },
      steps: 3,
    }),
    halting('jal', 'back, with links', {
      before: {},
      code: [asm.jal(1, 12), asm.addi(7, 0, 1), asm.jal(5, 8), asm.jal(6, -8), asm.addi(8, 0, 1)],
      registers: { 1: at(1), 6: at(4), 5: at(3), 7: 1, 8: 1 },
      steps: 6,
    }),
    halting('jal', 'without a link', {
      before: { 5: UNTOUCHED },
      code: [asm.jal(0, 4)],
      registers: { 0: 0, 5: UNTOUCHED },
    }),
    trapping('jal', 'to half a word ahead traps and links nothing', { 1: UNTOUCHED }, asm.jal(1, 6)),
    trapping('jal', 'to half a word back traps and links nothing', { 1: UNTOUCHED }, asm.jal(1, -2)),
    leaving('jal', 'out of code ends at the fetch', {}, [asm.jal(1, -4)], {
      pc: CODE_BASE - 4,
      registers: { 1: CODE_BASE + 4 },
    }),
    leaving('jal', 'a megabyte back ends at the fetch', {}, [asm.jal(0, -(2 ** 20))], { pc: CODE_BASE - 2 ** 20 }),
    leaving('jal', 'a megabyte ahead finds nothing', {}, [asm.jal(0, 2 ** 20 - 4)], { pc: CODE_BASE + 2 ** 20 - 4 }),
  ]
}

function registerJumps(): ConformanceCase[] {
  const at = (word: number) => CODE_BASE + 4 * word
  const skipping = [asm.addi(7, 0, 1), asm.addi(8, 0, 1)]
  const linked = (imm: number, base: number) => ({
    before: { 5: base },
    code: [asm.jalr(1, imm, 5), ...skipping],
    registers: { 1: at(3), 5: base, 7: 0, 8: 1 },
    steps: 5,
  })
  return [
    halting('jalr', 'with a link', linked(0, at(4))),
    halting('jalr', 'with an offset ahead', linked(16, at(0))),
    halting('jalr', 'with an offset back', linked(-2048, at(4) + 2048)),
    halting('jalr', 'across the end of the address space', linked(16 - 8, 0x8000_0008)),
    halting('jalr', 'clears bit 0 of an odd register', linked(0, at(4) + 1)),
    halting('jalr', 'clears bit 0 of an odd offset', linked(17, at(0))),
    halting('jalr', 'clears bit 0 of the sum alone', linked(1, at(4) - 1)),
    halting('jalr', 'links into its own base after it was read', {
      before: { 5: at(4) },
      code: [asm.jalr(5, 0, 5), ...skipping],
      registers: { 5: at(3), 7: 0, 8: 1 },
      steps: 5,
    }),
    halting('jalr', 'without a link', {
      before: { 5: at(4) },
      code: [asm.jalr(0, 0, 5), ...skipping],
      registers: { 0: 0, 7: 0, 8: 1 },
      steps: 5,
    }),
    trapping('jalr', 'to half a word traps and links nothing', { 1: UNTOUCHED, 5: at(4) }, asm.jalr(1, 2, 5)),
    trapping('jalr', 'to half a word and one traps, too', { 1: UNTOUCHED, 5: at(4) }, asm.jalr(1, 3, 5)),
    trapping('jalr', 'to half a word into its base traps and links nothing', { 5: at(4) }, asm.jalr(5, 2, 5)),
    leaving('jalr', 'to address 0 ends at the fetch', {}, [asm.jalr(1, 0, 0)], { pc: 0, registers: { 1: at(1) } }),
    leaving('jalr', 'to the last word of all ends at the fetch', {}, [asm.jalr(0, -4, 0)], { pc: 0xffff_fffc }),
    leaving('jalr', 'behind the code region ends at the fetch', { 5: CODE_BASE + CODE_BYTES }, [asm.jalr(0, 0, 5)], {
      pc: CODE_BASE + CODE_BYTES,
    }),
    leaving('jalr', 'into data ends at the fetch', { 5: 0x8200_0000 }, [asm.jalr(0, 0, 5)], { pc: 0x8200_0000 }),
  ]
}

/** Where a program comes to the end of its code, or of all code. */
function ends(): ConformanceCase[] {
  const lastWord = CODE_BASE + CODE_BYTES - 4
  const atEnd = (word: number) => elfOf([{ address: lastWord, bytes: wordBytes([word]), isExecutable: true }], lastWord)
  const behind = { status: 'trapped' as const, pc: lastWord + 4, steps: 2, registers: { 5: 9 } }
  const halted = { status: 'halted' as const, pc: lastWord, steps: 1, registers: { 5: 0 } }
  const linked = { status: 'trapped' as const, pc: lastWord + 8, steps: 2, registers: { 5: lastWord + 4 } }
  return [
    leaving('fetch', 'of code that was never loaded traps', {}, [asm.addi(5, 0, 1)], {
      pc: CODE_BASE + 4,
      registers: { 5: 1 },
    }),
    {
      about: 'fetch',
      name: 'behind the code region traps',
      elf: atEnd(asm.addi(5, 0, 9)),
      input: NO_INPUT,
      expected: behind,
    },
    { about: 'fetch', name: 'of the last word works', elf: atEnd(asm.ecall()), input: NO_INPUT, expected: halted },
    { about: 'jal', name: 'out of the last word links', elf: atEnd(asm.jal(5, 8)), input: NO_INPUT, expected: linked },
  ]
}

/** All of them. */
export function jumpCases(): ConformanceCase[] {
  return [
    ...BRANCHES.flatMap((branch) => COMPARISONS.flatMap((comparison) => comparing(branch, comparison))),
    ...BRANCHES.flatMap(alignment),
    ...farBranches(),
    ...jumps(),
    ...registerJumps(),
    ...ends(),
  ]
}
