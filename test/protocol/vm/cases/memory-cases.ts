/**
 * Cases of loads and stores: every size at every offset, signs, neighbours, the region's edges, and code, which stores do
 * not change.
 *
 * @module
 */
import { CODE_BASE } from '#protocol/vm/layout.ts'

import { asm, elfOf, wordBytes } from '../../../support/vm-assembler.ts'
import { type ConformanceCase, halting, hex, setUp, trapping, UNTOUCHED } from './case.ts'

const HEAP = 0x8010_0000
const FIRST = 0x8000_0000
const LAST = 0x83ff_ffff
/** A word whose bytes and halves differ in sign. */
const WORD = 0x80ff_7f01
const OTHER_WORD = 0x7f80_0180
/** A word whose bytes and halves are all the same and positive. */
const PATTERN = 0x4444_4444

const LOADS = [
  { mnemonic: 'lb', size: 1, isSigned: true },
  { mnemonic: 'lh', size: 2, isSigned: true },
  { mnemonic: 'lw', size: 4, isSigned: true },
  { mnemonic: 'lbu', size: 1, isSigned: false },
  { mnemonic: 'lhu', size: 2, isSigned: false },
] as const
const STORES = [
  { mnemonic: 'sb', size: 1 },
  { mnemonic: 'sh', size: 2 },
  { mnemonic: 'sw', size: 4 },
] as const
type Load = (typeof LOADS)[number]
type Store = (typeof STORES)[number]

const bytesOf = (word: number): number[] => [...wordBytes([word])]

/** Value of some of a word's bytes. */
function partOf(word: number, offset: number, { size, isSigned }: Load): number {
  const part = BigInt(word >>> 0) >> BigInt(8 * offset)
  const value = isSigned ? BigInt.asIntN(8 * size, part) : BigInt.asUintN(8 * size, part)
  return Number(BigInt.asUintN(32, value))
}

function loadsAt(offset: number): ConformanceCase[] {
  return LOADS.map((load) => {
    const word = asm[load.mnemonic](7, offset, 5)
    if (offset % load.size !== 0)
      return trapping(load.mnemonic, `traps ${offset} bytes behind a word`, { 5: HEAP, 7: UNTOUCHED }, word)
    const before = { 5: HEAP, 6: WORD, 8: OTHER_WORD }
    const value = partOf(offset < 4 ? WORD : OTHER_WORD, offset % 4, load)
    const code = [asm.sw(6, 0, 5), asm.sw(8, 4, 5), word]
    return halting(load.mnemonic, `${offset} bytes behind a word`, { before, code, registers: { 7: value } })
  })
}

function storesAt(offset: number): ConformanceCase[] {
  return STORES.map((store) => {
    const word = asm[store.mnemonic](7, offset, 5)
    const before = { 5: HEAP, 6: WORD, 7: 0x1122_3344 }
    if (offset % store.size !== 0) return trapping(store.mnemonic, `traps ${offset} bytes behind a word`, before, word)
    const bytes = [...bytesOf(WORD), ...bytesOf(WORD)]
    bytes.splice(offset, store.size, ...bytesOf(0x1122_3344).slice(0, store.size))
    const code = [asm.sw(6, 0, 5), asm.sw(6, 4, 5), word]
    const memory = { address: HEAP, bytes }
    return halting(store.mnemonic, `${offset} bytes behind a word`, {
      before,
      code,
      registers: { 7: 0x1122_3344 },
      memory,
    })
  })
}

/** Same address by other bases and offsets, also across the end of the address space. */
function addressing({ mnemonic }: Load | Store): ConformanceCase[] {
  const at = (base: number, imm: number) => {
    const before = { 5: base, 6: HEAP, 7: 0x44, 8: 0x44 }
    const code = [asm.sw(8, 0, 6), asm[mnemonic](7, imm, 5)]
    const memory = { address: HEAP, bytes: bytesOf(0x44) }
    return halting(mnemonic, `${imm} from ${hex(base)}`, { before, code, registers: { 7: 0x44 }, memory })
  }
  return [at(HEAP - 2044, 2044), at(HEAP + 2048, -2048), at(HEAP + 4, -4)]
}

/** First and last place of the region, and the ones beside it. */
function edges({ mnemonic, size }: Load | Store): ConformanceCase[] {
  const highest = LAST + 1 - size
  const good = [FIRST, highest].map((base) => {
    const before = { 5: base, 6: PATTERN }
    const value = PATTERN % 2 ** (8 * size)
    const name = `at ${hex(base)}`
    if (mnemonic.startsWith('s')) {
      const memory = { address: base, bytes: bytesOf(value).slice(0, size) }
      return halting(mnemonic, name, { before, code: [asm[mnemonic](6, 0, 5)], registers: { 6: PATTERN }, memory })
    }
    const code = [asm.sw(6, base === FIRST ? 0 : size - 4, 5), asm[mnemonic](7, 0, 5)]
    return halting(mnemonic, name, { before, code, registers: { 7: value } })
  })
  const beyond = (base: number, imm: number) =>
    trapping(mnemonic, `traps ${imm} from ${hex(base)}`, { 5: base, 6: UNTOUCHED }, asm[mnemonic](6, imm, 5))
  const bad = [
    beyond(FIRST - size, 0),
    beyond(FIRST, -size),
    beyond(LAST + 1, 0),
    beyond(highest, size),
    beyond(0, 0),
    beyond(0, -size),
    beyond(0xffff_ffff - 3, 4),
    beyond(0xffff_f800, 0),
  ]
  return [...good, ...bad]
}

/** What only loads do: write a register, or check the address without one. */
function loadRules(): ConformanceCase[] {
  return LOADS.flatMap((load) => {
    const { mnemonic, size } = load
    const before = { 5: HEAP, 6: WORD }
    const intoZero = { before, code: [asm.sw(6, 0, 5), asm[mnemonic](0, 0, 5)], registers: { 0: 0, 5: HEAP } }
    const intoBase = {
      before,
      code: [asm.sw(6, 0, 5), asm[mnemonic](5, 0, 5)],
      registers: { 5: partOf(WORD, 0, load) },
    }
    return [
      halting(mnemonic, 'into x0', intoZero),
      halting(mnemonic, 'into its own base', intoBase),
      trapping(mnemonic, 'into x0 traps below the region, too', { 5: FIRST - size }, asm[mnemonic](0, 0, 5)),
    ]
  })
}

function storeRules(): ConformanceCase[] {
  const before = { 5: HEAP, 6: WORD }
  return STORES.flatMap(({ mnemonic, size }) => {
    const zeros = bytesOf(WORD).fill(0, 0, size)
    const memory = { address: HEAP, bytes: zeros }
    const code = [asm.sw(6, 0, 5), asm[mnemonic](0, 0, 5)]
    const ofBase = [asm.sw(6, 0, 5), asm[mnemonic](5, 0, 5)]
    const based = { address: HEAP, bytes: [...bytesOf(HEAP).slice(0, size), ...bytesOf(WORD).slice(size)] }
    return [
      halting(mnemonic, 'of x0', { before, code, registers: { 6: WORD }, memory }),
      halting(mnemonic, 'of its own base', { before, code: ofBase, registers: { 5: HEAP }, memory: based }),
    ]
  })
}

/** Code and data have the same addresses and are two memories. */
function codeAndData(): ConformanceCase[] {
  const start = setUp({ 5: CODE_BASE, 6: 0x0000_0073 })
  const at = 4 * (start.length + 2)
  // writes an ecall over the addition behind it, which is executed all the same
  const overwriting = [asm.sw(6, at, 5), asm.lw(8, at, 5), asm.addi(7, 0, 77)]
  const reading = [asm.lw(8, 0, 5), asm.lbu(7, 3, 5)]
  const [first = 0] = start
  return [
    halting('code', 'stands where it was although it is overwritten in data', {
      before: { 5: CODE_BASE, 6: 0x0000_0073 },
      code: overwriting,
      registers: { 7: 77, 8: 0x73 },
    }),
    halting('code', 'can be read as data', {
      before: { 5: CODE_BASE, 6: 0x0000_0073 },
      code: reading,
      registers: { 8: first, 7: first >>> 24 },
    }),
  ]
}

/** What stands in memory before the first instruction. */
function beginnings(): ConformanceCase[] {
  const code = [
    ...setUp({ 5: CODE_BASE + 0x1000, 6: 0x8300_0000 }),
    asm.lw(7, 0, 5),
    asm.lhu(8, 4, 5),
    asm.lbu(9, 4, 6),
  ]
  const tail = [asm.lw(11, 8, 5), asm.lw(12, 8, 6), asm.ecall()]
  const words = [...code, ...tail]
  const data = [0x78, 0x56, 0x34, 0x12, 0xef, 0xbe]
  const elf = elfOf([
    { address: CODE_BASE, bytes: wordBytes(words), isExecutable: true },
    { address: CODE_BASE + 0x1000, bytes: Uint8Array.from(data), memoryBytes: 64 },
  ])
  const registers = { 1: 0, 2: 0, 7: 0x1234_5678, 8: 0xbeef, 9: 0xc5, 10: 5, 11: 0, 12: 0, 31: 0 }
  const expected = { status: 'halted' as const, pc: CODE_BASE + 4 * (words.length - 1), steps: words.length, registers }
  const input = Uint8Array.of(0xc1, 0xc2, 0xc3, 0xc4, 0xc5)
  return [{ about: 'start', name: 'has data, zeros, the input and its length', elf, input, expected }]
}

/** All of them. */
export function memoryCases(): ConformanceCase[] {
  const offsets = [0, 1, 2, 3, 4, 5, 6, 7]
  return [
    ...offsets.flatMap(loadsAt),
    ...offsets.slice(0, 4).flatMap(storesAt),
    ...[...LOADS, ...STORES].flatMap(addressing),
    ...[...LOADS, ...STORES].flatMap(edges),
    ...loadRules(),
    ...storeRules(),
    ...codeAndData(),
    ...beginnings(),
  ]
}
