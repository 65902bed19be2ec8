/**
 * RV32IM decoding: every 32-bit word means exactly one instruction, and one that the machine does not know is `ILLEGAL`.
 *
 * Source: The RISC-V Instruction Set Manual, volume I, RV32I 2.1 and M 2.0.
 *
 * @module
 */

/**
 * Operations by name.
 *
 * The register operations stand at 0 to 17; the same with an immediate operand stand `IMMEDIATE` further on.
 */
export const OP = {
  ADD: 0,
  SUB: 1,
  SLL: 2,
  SLT: 3,
  SLTU: 4,
  XOR: 5,
  SRL: 6,
  SRA: 7,
  OR: 8,
  AND: 9,
  MUL: 10,
  MULH: 11,
  MULHSU: 12,
  MULHU: 13,
  DIV: 14,
  DIVU: 15,
  REM: 16,
  REMU: 17,
  ADDI: 32,
  SLLI: 34,
  SLTI: 35,
  SLTIU: 36,
  XORI: 37,
  SRLI: 38,
  SRAI: 39,
  ORI: 40,
  ANDI: 41,
  LUI: 48,
  AUIPC: 49,
  FENCE: 50,
  LB: 64,
  LH: 65,
  LW: 66,
  LBU: 68,
  LHU: 69,
  SB: 72,
  SH: 73,
  SW: 74,
  BEQ: 80,
  BNE: 81,
  BLT: 84,
  BGE: 85,
  BLTU: 86,
  BGEU: 87,
  JAL: 88,
  JALR: 89,
  ECALL: 96,
  ILLEGAL: 127,
} as const

/** Name of an operation. */
export type OpName = keyof typeof OP
/** Number of an operation. */
export type Op = (typeof OP)[OpName]

/** Distance from a register operation to the same with an immediate operand. */
export const IMMEDIATE = 32

/** One decoded instruction; a field that its format does not have is 0. */
export type Instruction = {
  readonly op: Op
  readonly rd: number
  readonly rs1: number
  readonly rs2: number
  /** Sign-extended; of shifts the amount; of LUI and AUIPC with the low 12 bits zero. */
  readonly imm: number
}

const ILLEGAL: Instruction = { op: OP.ILLEGAL, rd: 0, rs1: 0, rs2: 0, imm: 0 }
const ECALL_WORD = 0x0000_0073

const REGISTER_OPS = new Map<number, readonly Op[]>([
  [0x00, [OP.ADD, OP.SLL, OP.SLT, OP.SLTU, OP.XOR, OP.SRL, OP.OR, OP.AND]],
  [0x01, [OP.MUL, OP.MULH, OP.MULHSU, OP.MULHU, OP.DIV, OP.DIVU, OP.REM, OP.REMU]],
  [0x20, [OP.SUB, OP.ILLEGAL, OP.ILLEGAL, OP.ILLEGAL, OP.ILLEGAL, OP.SRA]],
])
const IMMEDIATE_OPS: readonly Op[] = [OP.ADDI, OP.SLLI, OP.SLTI, OP.SLTIU, OP.XORI, OP.SRLI, OP.ORI, OP.ANDI]
const LOAD_OPS: readonly Op[] = [OP.LB, OP.LH, OP.LW, OP.ILLEGAL, OP.LBU, OP.LHU]
const STORE_OPS: readonly Op[] = [OP.SB, OP.SH, OP.SW]
const BRANCH_OPS: readonly Op[] = [OP.BEQ, OP.BNE, OP.ILLEGAL, OP.ILLEGAL, OP.BLT, OP.BGE, OP.BLTU, OP.BGEU]
const JALR_OPS: readonly Op[] = [OP.JALR]
const FENCE_OPS: readonly Op[] = [OP.FENCE]

/** What an instruction word means. Total: every word has an answer. */
export function decode(word: number): Instruction {
  switch (word & 0x7f) {
    case 0x33:
      return registers(word)
    case 0x13:
      return immediate(word)
    case 0x03:
      return typeI(opOf(LOAD_OPS, word), word)
    case 0x23:
      return typeS(opOf(STORE_OPS, word), word)
    case 0x63:
      return typeB(opOf(BRANCH_OPS, word), word)
    case 0x67:
      return typeI(opOf(JALR_OPS, word), word)
    case 0x6f:
      return { op: OP.JAL, rd: rdOf(word), rs1: 0, rs2: 0, imm: offsetJ(word) }
    case 0x37:
      return { op: OP.LUI, rd: rdOf(word), rs1: 0, rs2: 0, imm: word & 0xffff_f000 }
    case 0x17:
      return { op: OP.AUIPC, rd: rdOf(word), rs1: 0, rs2: 0, imm: word & 0xffff_f000 }
    case 0x0f:
      return { ...ILLEGAL, op: opOf(FENCE_OPS, word) }
    case 0x73:
      // every other word of SYSTEM (EBREAK, CSR accesses) is one that the machine does not know
      return word === ECALL_WORD ? { ...ILLEGAL, op: OP.ECALL } : ILLEGAL
    default:
      return ILLEGAL
  }
}

function registers(word: number): Instruction {
  const op = opOf(REGISTER_OPS.get(word >>> 25) ?? [], word)
  if (op === OP.ILLEGAL) return ILLEGAL
  return { op, rd: rdOf(word), rs1: rs1Of(word), rs2: rs2Of(word), imm: 0 }
}

function immediate(word: number): Instruction {
  const op = opOf(IMMEDIATE_OPS, word)
  if (op !== OP.SLLI && op !== OP.SRLI) return typeI(op, word)
  const shift = { rd: rdOf(word), rs1: rs1Of(word), rs2: 0, imm: rs2Of(word) }
  const top = word >>> 25
  if (top === 0) return { op, ...shift }
  return top === 0x20 && op === OP.SRLI ? { op: OP.SRAI, ...shift } : ILLEGAL
}

function typeI(op: Op, word: number): Instruction {
  if (op === OP.ILLEGAL) return ILLEGAL
  return { op, rd: rdOf(word), rs1: rs1Of(word), rs2: 0, imm: word >> 20 }
}

function typeS(op: Op, word: number): Instruction {
  if (op === OP.ILLEGAL) return ILLEGAL
  return { op, rd: 0, rs1: rs1Of(word), rs2: rs2Of(word), imm: ((word >> 25) << 5) | rdOf(word) }
}

function typeB(op: Op, word: number): Instruction {
  if (op === OP.ILLEGAL) return ILLEGAL
  return { op, rd: 0, rs1: rs1Of(word), rs2: rs2Of(word), imm: offsetB(word) }
}

/** Operation that bits 12 to 14 choose. */
function opOf(ops: readonly Op[], word: number): Op {
  return ops[(word >>> 12) & 7] ?? OP.ILLEGAL
}

function rdOf(word: number): number {
  return (word >>> 7) & 31
}

function rs1Of(word: number): number {
  return (word >>> 15) & 31
}

function rs2Of(word: number): number {
  return (word >>> 20) & 31
}

function offsetB(word: number): number {
  return ((word >> 31) << 12) | ((word << 4) & 0x800) | ((word >>> 20) & 0x7e0) | ((word >>> 7) & 0x1e)
}

function offsetJ(word: number): number {
  return ((word >> 31) << 20) | (word & 0xf_f000) | ((word >>> 9) & 0x800) | ((word >>> 20) & 0x7fe)
}
