/**
 * What RV32IM computes with two words, given as signed integers: the rules of arithmetic and of branches.
 *
 * Source: The RISC-V Instruction Set Manual, volume I, RV32I 2.1 "Integer Computational Instructions", M 2.0.
 *
 * @module
 */
import { OP } from './decode.ts'

/**
 * Result of a register operation on two values; what counts of it is its remainder modulo 2^32.
 *
 * @param op - One of those from ADD to REMU.
 */
export function compute(op: number, one: number, other: number): number {
  switch (op) {
    case OP.ADD:
      return one + other
    case OP.SUB:
      return one - other
    case OP.SLL:
      return one << other
    case OP.SLT:
      return Number(one < other)
    case OP.SLTU:
      return Number(one >>> 0 < other >>> 0)
    case OP.XOR:
      return one ^ other
    case OP.SRL:
      return one >>> other
    case OP.SRA:
      return one >> other
    case OP.OR:
      return one | other
    case OP.AND:
      return one & other
    default:
      return multiplyOrDivide(op, one, other)
  }
}

/** Result of an operation of the M extension; it counts modulo 2^32. */
function multiplyOrDivide(op: number, one: number, other: number): number {
  switch (op) {
    case OP.MUL:
      return Math.imul(one, other)
    case OP.MULH:
      return highUnsigned(one, other) - (one < 0 ? other : 0) - (other < 0 ? one : 0)
    case OP.MULHSU:
      return highUnsigned(one, other) - (one < 0 ? other : 0)
    case OP.MULHU:
      return highUnsigned(one, other)
    default:
      return other === 0 ? dividedByZero(op, one) : divide(op, one, other)
  }
}

/** Upper half of the product of two unsigned words. */
function highUnsigned(one: number, other: number): number {
  const low = one & 0xffff
  const high = one >>> 16
  const otherLow = other & 0xffff
  const otherHigh = other >>> 16
  const lower = high * otherLow + ((low * otherLow) >>> 16)
  const middle = low * otherHigh + (lower & 0xffff)
  return high * otherHigh + (lower >>> 16) + (middle >>> 16)
}

function dividedByZero(op: number, one: number): number {
  return op === OP.DIV || op === OP.DIVU ? -1 : one
}

function divide(op: number, one: number, other: number): number {
  switch (op) {
    case OP.DIV:
      return (one / other) | 0
    case OP.DIVU:
      return Math.floor((one >>> 0) / (other >>> 0))
    case OP.REM:
      return one % other
    default:
      return (one >>> 0) % (other >>> 0)
  }
}

/** Whether a branch on two registers' values is taken. */
export function isTaken(op: number, one: number, other: number): boolean {
  switch (op) {
    case OP.BEQ:
      return one === other
    case OP.BNE:
      return one !== other
    case OP.BLT:
      return one < other
    case OP.BGE:
      return one >= other
    case OP.BLTU:
      return one >>> 0 < other >>> 0
    default:
      return one >>> 0 >= other >>> 0
  }
}
