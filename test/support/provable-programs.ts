/**
 * Small provable programs, each the same few instructions everywhere.
 *
 * @module
 */
import { asm, elfOfCode } from './vm-assembler.ts'

const [A0, A1, T0, T1, T2, T3] = [10, 11, 5, 6, 7, 28] as const
const [INPUT, OUTPUT] = [0x83000, 0x82000] as const

/** Answers with its input backwards, in 7 + 6 instructions a byte. */
export const BACKWARDS = elfOfCode([
  asm.lui(T0, INPUT),
  asm.lui(T1, OUTPUT),
  asm.add(T2, T1, A0),
  asm.beq(T2, T1, 24),
  asm.lbu(T3, 0, T0),
  asm.addi(T2, T2, -1),
  asm.sb(T3, 0, T2),
  asm.addi(T0, T0, 1),
  asm.jal(0, -20),
  asm.addi(A1, A0, 0),
  asm.addi(A0, 0, 0),
  asm.ecall(),
])

/** Never ends. */
export const ENDLESS = elfOfCode([asm.jal(0, 0)])

/** Traps at once. */
export const TRAPPING = elfOfCode([asm.ebreak()])

/** Says that it has no output, and leaves a byte where outputs stand: nothing is payable. */
export const DIRTY = elfOfCode([
  asm.lui(T1, OUTPUT),
  asm.addi(T3, 0, 1),
  asm.sb(T3, 0, T1),
  asm.addi(A1, 0, 0),
  asm.ecall(),
])
