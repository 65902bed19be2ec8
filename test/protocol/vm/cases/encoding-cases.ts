/**
 * Cases of words that are no instruction of the machine, and of the few that are but do nothing or end the run.
 *
 * @module
 */
import { CODE_BASE } from '#protocol/vm/layout.ts'

import { asm, elfOfCode, fields } from '../../../support/vm-assembler.ts'
import { type ConformanceCase, halting, hex, trapping, UNTOUCHED } from './case.ts'

const BEFORE = { 1: 4, 2: 0x8010_0000, 3: 0x8000_0000 }
const NO_INPUT = new Uint8Array()

/** Opcodes that RV32IM has. */
const KNOWN_OPCODES = new Set([0x03, 0x0f, 0x13, 0x17, 0x23, 0x33, 0x37, 0x63, 0x67, 0x6f, 0x73])

/** Words by hand, each of which some other machine would execute. */
const FOREIGN: readonly (readonly [string, number])[] = [
  ['a word of zeros', 0x0000_0000],
  ['a word of ones', 0xffff_ffff],
  ['ebreak', 0x0010_0073],
  ['fence.i', 0x0000_100f],
  ['fence.i with all fields', 0xffff_9f8f],
  ['csrrw', 0x3400_9173],
  ['csrrs of cycle', 0xc000_2173],
  ['csrrc', 0x3400_b173],
  ['csrrwi', 0x3400_d173],
  ['csrrsi', 0x3400_e173],
  ['csrrci', 0x3400_f173],
  ['uret', 0x0020_0073],
  ['sret', 0x1020_0073],
  ['mret', 0x3020_0073],
  ['wfi', 0x1050_0073],
  ['sfence.vma', 0x1200_0073],
  ['ecall with a destination', 0x0000_00f3],
  ['ecall with a source', 0x0000_8073],
  ['ecall with funct3 4', 0x0000_4073],
  ['ecall with a high bit', 0x8000_0073],
  ['lr.w', 0x1000_a12f],
  ['amoadd.w', 0x0010_a12f],
  ['flw', 0x0001_2087],
  ['fsw', 0x0011_2027],
  ['fadd.s', 0x0020_80d3],
  ['fmadd.s', 0x1820_80c3],
  ['ld of RV64', 0x0001_3083],
  ['lwu of RV64', 0x0001_6083],
  ['sd of RV64', 0x0011_3023],
  ['addiw of RV64', 0x0010_809b],
  ['addw of RV64', 0x0020_81bb],
  ['slli of RV64 by 32', 0x0200_9113],
  ['rol of Zbb', 0x6020_91b3],
  ['andn of Zbb', 0x4020_f1b3],
  ['sh1add of Zba', 0x2020_a1b3],
  ['min of Zbb', 0x0a20_c1b3],
  ['clz of Zbb', 0x6000_9113],
  ['bseti of Zbs', 0x2810_9113],
  ['czero.eqz of Zicond', 0x0e20_d1b3],
]

function withFields(name: string, opcode: number, funct3: number, funct7 = 0): ConformanceCase {
  const text = `${name}, funct3 ${funct3}, funct7 ${hex(funct7)}`
  // operands that would be a harmless access or jump
  return trapping('illegal', text, BEFORE, fields(opcode, funct3, 4, opcode === 0x67 ? 3 : 2, 1, funct7))
}

function holes(name: string, opcode: number, functions: readonly number[]): ConformanceCase[] {
  return functions.map((funct3) => withFields(name, opcode, funct3))
}

/** Every word of an operation on registers whose funct7 is another than those there are. */
function registerHoles(): ConformanceCase[] {
  const others = [0x02, 0x03, 0x04, 0x08, 0x10, 0x21, 0x30, 0x40, 0x41, 0x60, 0x7f]
  const all = [0, 1, 2, 3, 4, 5, 6, 7]
  return [
    ...all.flatMap((funct3) => others.map((funct7) => withFields('operation', 0x33, funct3, funct7))),
    ...all
      .filter((funct3) => funct3 !== 0 && funct3 !== 5)
      .map((funct3) => withFields('operation', 0x33, funct3, 0x20)),
  ]
}

function shiftHoles(): ConformanceCase[] {
  const bits = [0x01, 0x02, 0x04, 0x08, 0x10, 0x40]
  return [
    ...[...bits, 0x20, 0x7f].map((funct7) => withFields('slli', 0x13, 1, funct7)),
    ...[...bits, 0x21, 0x60, 0x7f].map((funct7) => withFields('srli or srai', 0x13, 5, funct7)),
  ]
}

function unknownOpcodes(): ConformanceCase[] {
  const opcodes = Array.from({ length: 128 }, (_, opcode) => opcode).filter((opcode) => !KNOWN_OPCODES.has(opcode))
  return opcodes.map((opcode) => trapping('illegal', `opcode ${hex(opcode)}`, {}, fields(opcode, 0, 4, 2, 1, 0)))
}

/** Words of FENCE: all fields but opcode and funct3 are ignored. */
function fences(): ConformanceCase[] {
  const words = [0x0ff0_000f, 0x0000_000f, 0x8330_000f, 0x0100_000f, 0xffff_8f8f]
  return words.map((word) => {
    const before = { 1: UNTOUCHED, 31: UNTOUCHED }
    return halting('fence', `${hex(word)} does nothing`, { before, code: [word], registers: before })
  })
}

function endings(): ConformanceCase[] {
  const halted = (steps: number, registers: Record<number, number>) => ({
    status: 'halted' as const,
    pc: CODE_BASE + 4 * (steps - 1),
    steps,
    registers,
  })
  const answering = elfOfCode([asm.addi(10, 0, -1), asm.addi(11, 0, 3), asm.ecall(), asm.addi(10, 0, 5)])
  return [
    {
      about: 'ecall',
      name: 'halts where it stands',
      elf: elfOfCode([asm.ecall()]),
      input: NO_INPUT,
      expected: halted(1, {}),
    },
    {
      about: 'ecall',
      name: 'leaves the exit code in x10 and the length in x11',
      elf: answering,
      input: NO_INPUT,
      expected: halted(3, { 10: 0xffff_ffff, 11: 3 }),
    },
  ]
}

/** All of them. */
export function encodingCases(): ConformanceCase[] {
  return [
    ...FOREIGN.map(([name, word]) => trapping('illegal', name, BEFORE, word)),
    ...unknownOpcodes(),
    ...holes('jalr', 0x67, [1, 2, 3, 4, 5, 6, 7]),
    ...holes('branch', 0x63, [2, 3]),
    ...holes('load', 0x03, [3, 6, 7]),
    ...holes('store', 0x23, [3, 4, 5, 6, 7]),
    ...holes('fence', 0x0f, [1, 2, 3, 4, 5, 6, 7]),
    ...holes('system', 0x73, [1, 2, 3, 4, 5, 6, 7]),
    ...registerHoles(),
    ...shiftHoles(),
    ...fences(),
    ...endings(),
  ]
}
