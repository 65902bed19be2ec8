/**
 * Instructions that work on registers alone, in WebAssembly.
 *
 * @module
 */
import { IMMEDIATE, type Instruction, OP } from '#protocol/vm/decode.ts'

import { type Emitter, Wasm, WasmType } from './emitter.ts'

/** Register operations that WebAssembly has, too; it takes shift amounts modulo 32 as RISC-V does. */
const SAME = new Map<number, number>([
  [OP.ADD, Wasm.i32Add],
  [OP.SUB, Wasm.i32Sub],
  [OP.SLL, Wasm.i32Shl],
  [OP.SLT, Wasm.i32LtS],
  [OP.SLTU, Wasm.i32LtU],
  [OP.XOR, Wasm.i32Xor],
  [OP.SRL, Wasm.i32ShrU],
  [OP.SRA, Wasm.i32ShrS],
  [OP.OR, Wasm.i32Or],
  [OP.AND, Wasm.i32And],
  [OP.MUL, Wasm.i32Mul],
])

/** How both factors of a product's upper half are extended. */
const UPPER = new Map<number, readonly [number, number]>([
  [OP.MULH, [Wasm.i64ExtendI32S, Wasm.i64ExtendI32S]],
  [OP.MULHSU, [Wasm.i64ExtendI32S, Wasm.i64ExtendI32U]],
  [OP.MULHU, [Wasm.i64ExtendI32U, Wasm.i64ExtendI32U]],
])

/** What the instructions need to know of their function. */
export type RegisterAccess = {
  /** Puts a register's value on the stack. */
  get(register: number): void
  /** Takes the value on the stack into a register. */
  set(register: number): void
}

/** Writes an instruction that neither jumps nor accesses memory. */
export function emitArithmetic(out: Emitter, registers: RegisterAccess, instruction: Instruction, pc: number): void {
  // without a register to write, nothing is left to do
  if (instruction.rd === 0) return
  emitValue(out, registers, instruction, pc)
  registers.set(instruction.rd)
}

function emitValue(out: Emitter, registers: RegisterAccess, instruction: Instruction, pc: number): void {
  const { op, imm } = instruction
  if (op === OP.LUI) out.constant(imm)
  else if (op === OP.AUIPC) out.constant(pc + imm)
  else if (op >= OP.DIV && op <= OP.REMU) emitDivision(out, registers, instruction)
  else if (UPPER.has(op)) emitUpper(out, registers, instruction)
  else emitSame(out, registers, instruction)
}

function emitSame(out: Emitter, registers: RegisterAccess, instruction: Instruction): void {
  const { op, rs1, rs2, imm } = instruction
  if (op === OP.ADDI && (imm === 0 || rs1 === 0)) {
    emitMove(out, registers, instruction)
    return
  }
  registers.get(rs1)
  if (op >= IMMEDIATE) out.constant(imm)
  else registers.get(rs2)
  out.op(SAME.get(op >= IMMEDIATE ? op - IMMEDIATE : op) as number)
}

function emitMove(out: Emitter, registers: RegisterAccess, { rs1, imm }: Instruction): void {
  if (rs1 === 0) out.constant(imm)
  else registers.get(rs1)
}

function emitUpper(out: Emitter, registers: RegisterAccess, { op, rs1, rs2 }: Instruction): void {
  const [left, right] = UPPER.get(op) as readonly [number, number]
  registers.get(rs1)
  out.op(left)
  registers.get(rs2)
  out.op(right)
  out.op(Wasm.i64Mul)
  out.wide(32)
  out.op(Wasm.i64ShrU)
  out.op(Wasm.i32WrapI64)
}

function emitDivision(out: Emitter, registers: RegisterAccess, { op, rs1, rs2 }: Instruction): void {
  const choose = (condition: () => void, chosen: () => void, other: () => void) => {
    condition()
    out.indexed(Wasm.if, WasmType.i32)
    chosen()
    out.op(Wasm.else)
    other()
    out.op(Wasm.end)
  }
  const divide = (code: number) => () => {
    registers.get(rs1)
    registers.get(rs2)
    out.op(code)
  }
  const byZero = () => {
    registers.get(rs2)
    out.op(Wasm.i32Eqz)
  }
  const byMinusOne = () => {
    registers.get(rs2)
    out.constant(-1)
    out.op(Wasm.i32Eq)
  }
  const negated = () => {
    out.constant(0)
    registers.get(rs1)
    out.op(Wasm.i32Sub)
  }
  const dividend = () => registers.get(rs1)
  const allOnes = () => out.constant(-1)
  if (op === OP.DIVU) choose(byZero, allOnes, divide(Wasm.i32DivU))
  else if (op === OP.REMU) choose(byZero, dividend, divide(Wasm.i32RemU))
  else if (op === OP.REM) choose(byZero, dividend, divide(Wasm.i32RemS))
  // WebAssembly's signed quotient faults where it overflows, its remainder does not
  else choose(byZero, allOnes, () => choose(byMinusOne, negated, divide(Wasm.i32DivS)))
}
