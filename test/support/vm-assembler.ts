/**
 * RV32IM instruction words by mnemonic, and ELF files around them: tests' own encoder, apart from the machine's decoder.
 *
 * Operands come in the order of assembly text, immediates as signed numbers and jumps as offsets in bytes.
 *
 * @module
 */

/** Any word to execute. */
type Word = number

const typeR = (funct7: number, funct3: number) => (rd: number, rs1: number, rs2: number) =>
  fields(0x33, funct3, rd, rs1, rs2, funct7)
const typeI = (opcode: number, funct3: number) => (rd: number, rs1: number, imm: number) =>
  fields(opcode, funct3, rd, rs1, imm & 31, (imm >> 5) & 0x7f)
const shift = (funct7: number, funct3: number) => (rd: number, rs1: number, amount: number) =>
  fields(0x13, funct3, rd, rs1, amount, funct7)
const load = (funct3: number) => (rd: number, imm: number, rs1: number) => typeI(0x03, funct3)(rd, rs1, imm)
const store = (funct3: number) => (rs2: number, imm: number, rs1: number) =>
  fields(0x23, funct3, imm & 31, rs1, rs2, (imm >> 5) & 0x7f)
const typeU = (opcode: number) => (rd: number, top: number) => ((top << 12) | (rd << 7) | opcode) >>> 0
const branch = (funct3: number) => (rs1: number, rs2: number, offset: number) =>
  fields(
    0x63,
    funct3,
    (offset & 0x1e) | ((offset >> 11) & 1),
    rs1,
    rs2,
    ((offset >> 5) & 0x3f) | (((offset >> 12) & 1) << 6),
  )

/** A word out of its fields, whatever they mean. */
export function fields(op: number, funct3: number, rd: number, rs1: number, rs2: number, funct7: number): Word {
  return ((funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | op) >>> 0
}

function jal(rd: number, offset: number): Word {
  const top = ((offset >> 20) & 1) << 31
  const rest = (((offset >> 1) & 0x3ff) << 21) | (((offset >> 11) & 1) << 20) | (((offset >> 12) & 0xff) << 12)
  return (top | rest | (rd << 7) | 0x6f) >>> 0
}

/** Words by mnemonic. */
export const asm = {
  add: typeR(0, 0),
  sub: typeR(0x20, 0),
  sll: typeR(0, 1),
  slt: typeR(0, 2),
  sltu: typeR(0, 3),
  xor: typeR(0, 4),
  srl: typeR(0, 5),
  sra: typeR(0x20, 5),
  or: typeR(0, 6),
  and: typeR(0, 7),
  mul: typeR(1, 0),
  mulh: typeR(1, 1),
  mulhsu: typeR(1, 2),
  mulhu: typeR(1, 3),
  div: typeR(1, 4),
  divu: typeR(1, 5),
  rem: typeR(1, 6),
  remu: typeR(1, 7),
  addi: typeI(0x13, 0),
  slti: typeI(0x13, 2),
  sltiu: typeI(0x13, 3),
  xori: typeI(0x13, 4),
  ori: typeI(0x13, 6),
  andi: typeI(0x13, 7),
  slli: shift(0, 1),
  srli: shift(0, 5),
  srai: shift(0x20, 5),
  lb: load(0),
  lh: load(1),
  lw: load(2),
  lbu: load(4),
  lhu: load(5),
  sb: store(0),
  sh: store(1),
  sw: store(2),
  beq: branch(0),
  bne: branch(1),
  blt: branch(4),
  bge: branch(5),
  bltu: branch(6),
  bgeu: branch(7),
  lui: typeU(0x37),
  auipc: typeU(0x17),
  jal,
  jalr: (rd: number, imm: number, rs1: number) => typeI(0x67, 0)(rd, rs1, imm),
  fence: () => 0x0ff0_000f,
  ecall: () => 0x0000_0073,
  ebreak: () => 0x0010_0073,
} as const

/** The two words that put any value into a register. */
export function loadValue(rd: number, value: number): Word[] {
  const low = (value << 20) >> 20
  return [asm.lui(rd, ((value - low) >>> 12) & 0xf_ffff), asm.addi(rd, rd, low)]
}

/** Little-endian bytes of words. */
export function wordBytes(words: readonly Word[]): Uint8Array {
  const bytes = new Uint8Array(4 * words.length)
  const view = new DataView(bytes.buffer)
  words.forEach((word, at) => {
    view.setUint32(4 * at, word, true)
  })
  return bytes
}

/** What a test puts into an ELF file. */
export type ElfSegment = {
  readonly address: number
  readonly bytes: Uint8Array
  readonly memoryBytes?: number
  readonly isExecutable?: boolean
}

const HEADER_BYTES = 52
const TABLE_ENTRY_BYTES = 32

/** An ELF file of RISC-V with these segments to load. */
export function elfOf(segments: readonly ElfSegment[], entry = 0x8000_0000): Uint8Array {
  const begin = HEADER_BYTES + TABLE_ENTRY_BYTES * segments.length
  const file = new Uint8Array(segments.reduce((length, { bytes }) => length + bytes.length, begin))
  const view = new DataView(file.buffer)
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1])
  const halves = [
    [16, 2],
    [18, 243],
    [40, HEADER_BYTES],
    [42, TABLE_ENTRY_BYTES],
    [44, segments.length],
  ] as const
  for (const [at, value] of halves) view.setUint16(at, value, true)
  const words = [
    [20, 1],
    [24, entry],
    [28, HEADER_BYTES],
  ] as const
  for (const [at, value] of words) view.setUint32(at, value, true)
  let offset = begin
  segments.forEach(({ address, bytes, memoryBytes = bytes.length, isExecutable = false }, index) => {
    const row = [1, offset, address, address, bytes.length, memoryBytes, isExecutable ? 5 : 6, 4]
    row.forEach((value, at) => {
      view.setUint32(HEADER_BYTES + TABLE_ENTRY_BYTES * index + 4 * at, value, true)
    })
    file.set(bytes, offset)
    offset += bytes.length
  })
  return file
}

/** An ELF file of nothing but code at the beginning of the code region. */
export function elfOfCode(words: readonly Word[]): Uint8Array {
  return elfOf([{ address: 0x8000_0000, bytes: wordBytes(words), isExecutable: true }])
}
