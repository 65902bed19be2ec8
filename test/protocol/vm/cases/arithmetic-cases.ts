/**
 * Cases of every computing instruction: vectors by hand where the specification names them, and edge values against its
 * definitions in whole numbers.
 *
 * @module
 */
import { asm } from '../../../support/vm-assembler.ts'
import { type ConformanceCase, halting, hex, UNTOUCHED } from './case.ts'

const MIN = 0x8000_0000
const MAX = 0x7fff_ffff
const ONES = 0xffff_ffff

/** Operands: signs, carries, halves, and what division and shifts are asked about. */
const PAIRS: readonly (readonly [number, number])[] = [
  [0, 0],
  [1, 1],
  [3, 7],
  [0, ONES],
  [ONES, 0],
  [ONES, ONES],
  [ONES, 1],
  [1, ONES],
  [MIN, ONES],
  [MIN, MIN],
  [MIN, MAX],
  [MAX, MIN],
  [MAX, MAX],
  [MAX, 1],
  [0xffff_8000, 0x0001_ffff],
  [0xaaaa_aaaa, 0x0001_e7d3],
  [0x1234_5678, 0x9abc_def0],
  [0x2121_2121, 0xffff_ffee],
]

const signed = (value: bigint) => BigInt.asIntN(32, value)
const high = (value: bigint) => value >> 32n

/** Quotient towards zero, as the specification wants it; whole numbers divide so. */
const quotient = (one: bigint, other: bigint) => (other === 0n ? -1n : one / other)
const remainder = (one: bigint, other: bigint) => (other === 0n ? one : one % other)
const amount = (value: bigint) => value & 31n

/** Definitions over unsigned operands; of the result the low 32 bits count. */
const REGISTER_RULES = {
  add: (one, other) => one + other,
  sub: (one, other) => one - other,
  sll: (one, other) => one << amount(other),
  slt: (one, other) => BigInt(signed(one) < signed(other)),
  sltu: (one, other) => BigInt(one < other),
  xor: (one, other) => one ^ other,
  srl: (one, other) => one >> amount(other),
  sra: (one, other) => signed(one) >> amount(other),
  or: (one, other) => one | other,
  and: (one, other) => one & other,
  mul: (one, other) => one * other,
  mulh: (one, other) => high(signed(one) * signed(other)),
  mulhsu: (one, other) => high(signed(one) * other),
  mulhu: (one, other) => high(one * other),
  div: (one, other) => quotient(signed(one), signed(other)),
  divu: (one, other) => quotient(one, other),
  rem: (one, other) => remainder(signed(one), signed(other)),
  remu: (one, other) => remainder(one, other),
} satisfies Record<string, (one: bigint, other: bigint) => bigint>

const IMMEDIATE_RULES = {
  addi: REGISTER_RULES.add,
  slti: REGISTER_RULES.slt,
  sltiu: REGISTER_RULES.sltu,
  xori: REGISTER_RULES.xor,
  ori: REGISTER_RULES.or,
  andi: REGISTER_RULES.and,
}
const SHIFT_RULES = { slli: REGISTER_RULES.sll, srli: REGISTER_RULES.srl, srai: REGISTER_RULES.sra }

type RegisterMnemonic = keyof typeof REGISTER_RULES
type ImmediateMnemonic = keyof typeof IMMEDIATE_RULES
type ShiftMnemonic = keyof typeof SHIFT_RULES

/** Vectors by hand: what chapter "M" of the manual names, and shifts by 31 and by more than 31. */
const BY_HAND: readonly (readonly [RegisterMnemonic, number, number, number])[] = [
  ['div', 20, 0, ONES],
  ['divu', 20, 0, ONES],
  ['rem', 20, 0, 20],
  ['remu', 20, 0, 20],
  ['rem', MIN, 0, MIN],
  ['div', MIN, ONES, MIN],
  ['rem', MIN, ONES, 0],
  ['divu', MIN, ONES, 0],
  ['remu', MIN, ONES, MIN],
  ['div', -20, 6, -3],
  ['rem', -20, 6, -2],
  ['div', 20, -6, -3],
  ['rem', 20, -6, 2],
  ['divu', -20, 6, 0x2aaa_aaa7],
  ['remu', -20, 6, 2],
  ['mulh', MIN, MIN, 0x4000_0000],
  ['mulhsu', MIN, MIN, 0xc000_0000],
  ['mulhu', MIN, MIN, 0x4000_0000],
  ['mulhsu', ONES, ONES, ONES],
  ['mulhsu', 1, ONES, 0],
  ['mulhsu', ONES, 1, ONES],
  ['mulh', ONES, ONES, 0],
  ['mulhu', ONES, ONES, 0xffff_fffe],
  ['sll', 1, 31, MIN],
  ['sll', 1, 32, 1],
  ['sll', 1, 0xffff_ffe1, 2],
  ['srl', MIN, 31, 1],
  ['srl', MIN, 0x20, MIN],
  ['sra', MIN, 31, ONES],
  ['sra', MAX, 31, 0],
  ['sra', MIN, 0xffff_ffe4, 0xf800_0000],
]

function named<Key extends string>(record: Record<Key, unknown>): Key[] {
  return Object.keys(record) as Key[]
}

function resultOf(rule: (one: bigint, other: bigint) => bigint, one: number, other: number): number {
  return Number(BigInt.asUintN(32, rule(BigInt(one >>> 0), BigInt(other >>> 0))))
}

function onRegisters(mnemonic: RegisterMnemonic, one: number, other: number, result: number): ConformanceCase {
  const code = [asm[mnemonic](7, 5, 6)]
  const registers = { 5: one >>> 0, 6: other >>> 0, 7: result >>> 0 }
  return halting(mnemonic, `${hex(one)}, ${hex(other)}`, { before: { 5: one, 6: other }, code, registers })
}

/** Destinations that are no ordinary ones: x0, which drops the result, and the operands themselves. */
function onOddRegisters(mnemonic: RegisterMnemonic): ConformanceCase[] {
  const rule = REGISTER_RULES[mnemonic]
  const [one, other] = [0x8765_4321, 0x0000_0013]
  const result = resultOf(rule, one, other)
  const before = { 5: one, 6: other }
  const to = (rd: number) => [asm[mnemonic](rd, 5, 6)]
  return [
    halting(mnemonic, 'into x0', { before, code: to(0), registers: { 0: 0, 5: one, 6: other } }),
    halting(mnemonic, 'into its first operand', { before, code: to(5), registers: { 5: result, 6: other } }),
    halting(mnemonic, 'into its second operand', { before, code: to(6), registers: { 5: one, 6: result } }),
    halting(mnemonic, 'of one register, into itself', {
      before,
      code: [asm[mnemonic](5, 5, 5)],
      registers: { 5: resultOf(rule, one, one) },
    }),
    halting(mnemonic, 'of x0 and the last register', {
      before: { 31: one },
      code: [asm[mnemonic](30, 0, 31), asm[mnemonic](29, 31, 0)],
      registers: { 30: resultOf(rule, 0, one), 29: resultOf(rule, one, 0), 0: 0 },
    }),
  ]
}

const IMMEDIATES = [0, 1, -1, 2047, -2048, 0x555]
const VALUES = [0, 1, ONES, MIN, MAX, 0xffff_f800, 0x00ff_0f0f]

function onImmediate(mnemonic: ImmediateMnemonic): ConformanceCase[] {
  const cases = IMMEDIATES.flatMap((imm) =>
    VALUES.map((value) => {
      const registers = { 5: value, 7: resultOf(IMMEDIATE_RULES[mnemonic], value, imm) }
      return halting(mnemonic, `${hex(value)}, ${imm}`, {
        before: { 5: value },
        code: [asm[mnemonic](7, 5, imm)],
        registers,
      })
    }),
  )
  const dropped = { before: { 5: MAX }, code: [asm[mnemonic](0, 5, -1)], registers: { 0: 0, 5: MAX } }
  return [...cases, halting(mnemonic, 'into x0', dropped)]
}

function onShift(mnemonic: ShiftMnemonic): ConformanceCase[] {
  return [0, 1, 4, 15, 16, 31].flatMap((by) =>
    [1, ONES, MIN, MAX, 0x2121_2121].map((value) => {
      const registers = { 5: value, 7: resultOf(SHIFT_RULES[mnemonic], value, by) }
      return halting(mnemonic, `${hex(value)}, ${by}`, {
        before: { 5: value },
        code: [asm[mnemonic](7, 5, by)],
        registers,
      })
    }),
  )
}

function onUpper(): ConformanceCase[] {
  const tops = [0, 1, 0x7_ffff, 0x8_0000, 0xf_ffff]
  const lui = tops.map((top) =>
    halting('lui', hex(top), { before: {}, code: [asm.lui(5, top)], registers: { 5: (top << 12) >>> 0 } }),
  )
  // the second word of the program, so that the pc is not the base alone
  const auipc = tops.map((top) => {
    const registers = { 5: (0x8000_0004 + (top << 12)) >>> 0 }
    return halting('auipc', hex(top), { before: {}, code: [asm.fence(), asm.auipc(5, top)], registers })
  })
  const before = { 5: UNTOUCHED }
  const intoZero = { before, code: [asm.lui(0, 0xf_ffff), asm.auipc(0, 1)], registers: { 0: 0, 5: UNTOUCHED } }
  return [...lui, ...auipc, halting('lui', 'into x0, like auipc', intoZero)]
}

/** All of them. */
export function arithmeticCases(): ConformanceCase[] {
  const pairs = named(REGISTER_RULES).flatMap((mnemonic) => [
    ...PAIRS.map(([one, other]) => onRegisters(mnemonic, one, other, resultOf(REGISTER_RULES[mnemonic], one, other))),
    ...onOddRegisters(mnemonic),
  ])
  return [
    ...pairs,
    ...BY_HAND.map((vector) => onRegisters(...vector)),
    ...named(IMMEDIATE_RULES).flatMap(onImmediate),
    ...named(SHIFT_RULES).flatMap(onShift),
    ...onUpper(),
  ]
}
