/**
 * Random programs for comparing engines: most instructions do something by construction, some are any word at all, and
 * now and then one traps.
 *
 * Registers x24 to x31 point into memory or code and are written rarely, so that loads, stores and jumps mostly work.
 *
 * @module
 */
import { decode, OP, type OpName } from '#protocol/vm/decode.ts'
import { CODE_BASE } from '#protocol/vm/layout.ts'
import type { Machine } from '#protocol/vm/machine.ts'

import type { Random } from '../fuzz/support/random.ts'
import { asm, elfOfCode, loadValue } from './vm-assembler.ts'

/** A program and what it works on. */
export type RandomProgram = { readonly elf: Uint8Array; readonly input: Uint8Array }

/** How often each operation was executed. */
export type Histogram = Map<OpName, number>

/** What makes a program. */
export type ProgramOptions = {
  /** Words of code, 100 to 2,000; 400 if left out. */
  readonly words?: number
  /** Words of 1,000 that may trap when they are executed; 10 if left out. */
  readonly wildPerThousand?: number
}

type Choices = Random & { readonly words: number; readonly wildPerThousand: number }
type LoadMnemonic = 'lb' | 'lh' | 'lw' | 'lbu' | 'lhu'
type StoreMnemonic = 'sb' | 'sh' | 'sw'
type Maker = (random: Choices, at: number) => number

/** Pointers: into the image (which is also where code is), the heap, the output, the input, and to code. */
const POINTERS = new Map([
  [24, 0x8000_0800],
  [25, 0x8000_0800],
  [26, 0x8040_0000],
  [27, 0x81ff_f000],
  [28, 0x8200_0800],
  [29, 0x8300_0800],
  [30, 0x83ff_f800],
  [31, CODE_BASE],
])
const FIRST_POINTER = 24
const DATA_POINTERS: readonly [number, ...number[]] = [24, 25, 26, 27, 28, 29, 30]
const CODE_POINTER = 31
const PROLOGUE_WORDS = 2 * 31
const EDGES: readonly [number, ...number[]] = [0, 1, -1, 2, -2, 0x7fff_ffff, -0x8000_0000, 0x8000, 0xffff, 0x7f, 0x80]

const REGISTER_MNEMONICS = [
  ...(['add', 'sub', 'sll', 'slt', 'sltu', 'xor', 'srl', 'sra', 'or', 'and'] as const),
  ...(['mul', 'mulh', 'mulhsu', 'mulhu', 'div', 'divu', 'rem', 'remu'] as const),
] as const
const IMMEDIATE_MNEMONICS = ['addi', 'slti', 'sltiu', 'xori', 'ori', 'andi'] as const
const SHIFT_MNEMONICS = ['slli', 'srli', 'srai'] as const
type Access<Mnemonic> = readonly [mnemonic: Mnemonic, size: number]
const LOADS: readonly [Access<LoadMnemonic>, ...Access<LoadMnemonic>[]] = [
  ['lb', 1],
  ['lh', 2],
  ['lw', 4],
  ['lbu', 1],
  ['lhu', 2],
]
const STORES: readonly [Access<StoreMnemonic>, ...Access<StoreMnemonic>[]] = [
  ['sb', 1],
  ['sh', 2],
  ['sw', 4],
]
const BRANCHES = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'] as const

/** Kinds of instructions and how often they come. */
const MAKERS: readonly (readonly [number, Maker])[] = [
  [34, (random) => asm[random.pick(REGISTER_MNEMONICS)](target(random), source(random), source(random))],
  [16, (random) => asm[random.pick(IMMEDIATE_MNEMONICS)](target(random), source(random), random.below(4096) - 2048)],
  [9, (random) => asm[random.pick(SHIFT_MNEMONICS)](target(random), source(random), random.below(32))],
  [5, (random) => asm[random.pick(['lui', 'auipc'] as const)](target(random), random.below(2 ** 20))],
  [11, loadWord],
  [9, storeWord],
  [10, branchWord],
  [2, (random, at) => asm.jal(random.pick([0, target(random)]), jumpOffset(random, at))],
  [2, jumpRegisterWord],
  [1, () => asm.fence()],
  [1, edgeWord],
]
const TOTAL = MAKERS.reduce((sum, [weight]) => sum + weight, 0)

/** A random program; the same choices make the same one. */
export function randomProgram(random: Random, options: ProgramOptions = {}): RandomProgram {
  const choices: Choices = { words: 400, wildPerThousand: 10, ...random, ...options }
  const code = prologue(choices)
  while (code.length < choices.words - 1) code.push(nextWord(choices, code.length))
  code.push(asm.jal(0, -4 * random.below(Math.min(code.length - PROLOGUE_WORDS, 300))))
  // some programs halt, most go on for ever or trap
  if (random.chance(30)) code[PROLOGUE_WORDS + random.below(code.length - PROLOGUE_WORDS)] = asm.ecall()
  return { elf: elfOfCode(code), input: random.bytes(random.pick([0, 1, 31, 32, 33, 4095, 4096, 4097, 5000])) }
}

/** Notes what a machine is about to execute. */
export function noteStep(histogram: Histogram, { image, pc }: Machine): void {
  const offset = pc - CODE_BASE
  const isCode = offset >= 0 && offset + 4 <= image.code.length
  const word = isCode ? new DataView(image.code.buffer, image.code.byteOffset).getUint32(offset, true) : 0
  const name = NAMES.get(decode(word).op) ?? 'ILLEGAL'
  histogram.set(name, (histogram.get(name) ?? 0) + 1)
}

/** Operations that a histogram does not have. */
export function missingOps(histogram: Histogram): OpName[] {
  return [...NAMES.values()].filter((name) => !histogram.has(name))
}

/** A histogram in lines of text, the most frequent first. */
export function histogramText(histogram: Histogram): string {
  const total = [...histogram.values()].reduce((sum, count) => sum + count, 0)
  const rows = [...histogram].sort(([, one], [, other]) => other - one)
  const cells = rows.map(([name, count]) => `${name} ${count} (${((100 * count) / total).toFixed(1)} %)`)
  return [`${total} instructions`, ...cells].join('\n')
}

const NAMES = new Map(Object.entries(OP).map(([name, op]) => [op, name as OpName]))

/** Pointers and values to begin with. */
function prologue(random: Choices): number[] {
  const code = [...POINTERS].flatMap(([register, value]) => loadValue(register, value))
  for (let register = 1; register < FIRST_POINTER; register += 1) {
    const value = random.chance(40) ? random.pick(EDGES) : random.below(2 ** 32) | 0
    code.push(...loadValue(register, value))
  }
  return code
}

function nextWord(random: Choices, at: number): number {
  if (random.below(1000) < random.wildPerThousand) return wildWord(random)
  let rest = random.below(TOTAL)
  for (const [weight, make] of MAKERS) {
    if (rest < weight) return make(random, at)
    rest -= weight
  }
  return asm.fence()
}

/** A word that may trap: any at all, an access or a jump by any register, an end, or a pointer overwritten. */
function wildWord(random: Choices): number {
  const any = random.below(32)
  const imm = random.below(4096) - 2048
  switch (random.below(8)) {
    case 0:
      return random.below(2 ** 32)
    case 1:
      return asm[random.pick(LOADS)[0]](target(random), imm, any)
    case 2:
      return asm[random.pick(STORES)[0]](any, imm, random.pick(DATA_POINTERS))
    case 3:
      return asm.jalr(target(random), imm, any)
    case 4:
      return random.pick([asm.ecall(), asm.ebreak(), 0x0000_100f, 0x3000_1073])
    case 5:
      return asm[random.pick(BRANCHES)](any, source(random), 2 * random.below(64))
    case 6:
      // an opcode that exists with other fields that may not
      return (random.below(2 ** 25) * 128 + random.pick([0x33, 0x13, 0x03, 0x23, 0x63, 0x67, 0x0f])) >>> 0
    default:
      return asm.addi(random.pick(DATA_POINTERS), random.pick(DATA_POINTERS), 4 * (random.below(64) - 32))
  }
}

function loadWord(random: Choices): number {
  const [mnemonic, size] = random.pick(LOADS)
  return asm[mnemonic](target(random), dataOffset(random, size), random.pick(DATA_POINTERS))
}

function storeWord(random: Choices): number {
  const [mnemonic, size] = random.pick(STORES)
  return asm[mnemonic](random.below(32), dataOffset(random, size), random.pick(DATA_POINTERS))
}

function branchWord(random: Choices, at: number): number {
  return asm[random.pick(BRANCHES)](source(random), source(random), jumpOffset(random, at))
}

/** A jump through the pointer to code, with and without bit 0, which is cleared. */
function jumpRegisterWord(random: Choices): number {
  const place = PROLOGUE_WORDS + random.below(Math.min(random.words, 512) - PROLOGUE_WORDS)
  return asm.jalr(random.pick([0, target(random)]), 4 * place + (place < 511 ? random.below(2) : 0), CODE_POINTER)
}

function edgeWord(random: Choices): number {
  return asm.addi(target(random), 0, random.pick([0, 1, -1, 2047, -2048]))
}

/** An aligned offset; few of them, so that loads meet what was stored, across leaves and pages. */
function dataOffset(random: Choices, size: number): number {
  const bytes = random.chance(70) ? random.below(64) : random.below(4096) - 2048
  return bytes - (((bytes % size) + size) % size)
}

/** From the word at `at` to another one, mostly forward. */
function jumpOffset(random: Choices, at: number): number {
  const [back, ahead] = [Math.min(at - PROLOGUE_WORDS, 200), Math.min(random.words - 1 - at, 200)]
  return random.chance(75) ? 4 * (1 + random.below(Math.min(ahead, 12))) : 4 * (random.below(back + ahead + 1) - back)
}

/** Any register but the pointers. */
function target(random: Random): number {
  return random.below(FIRST_POINTER)
}

function source(random: Random): number {
  return random.below(32)
}
