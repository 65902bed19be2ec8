/**
 * The interpreter: moves a machine instruction by instruction, exactly as the verifier on chain does.
 *
 * Inside, places in code are counted in instructions from its beginning, modulo 2^30.
 *
 * @module
 */
import { compute, isTaken } from './arithmetic.ts'
import { decode, IMMEDIATE, type Instruction, OP } from './decode.ts'
import type { Image } from './elf.ts'
import { CODE_BASE, DATA_BASE, DATA_BYTES } from './layout.ts'
import type { Machine } from './machine.ts'
import { STATUS } from './state.ts'

/** What an instruction does instead of going on. */
const TRAPS = -1
const HALTS = -2

const FIRST_MEMORY_OP = OP.LB
const FIRST_STORE_OP = OP.SB
const FIRST_BRANCH_OP = OP.BEQ

type Processor = {
  /** Two words per instruction: `op | rd << 8 | rs1 << 16 | rs2 << 24`, then the immediate. */
  readonly code: Int32Array
  readonly x: Int32Array
  readonly dirty: Uint8Array
  readonly bytes: Uint8Array
  readonly signedBytes: Int8Array
  readonly halves: Uint16Array
  readonly signedHalves: Int16Array
  readonly words: Int32Array
}

const prepared = new WeakMap<Image, Int32Array>()
const processors = new WeakMap<Machine, Processor>()

/**
 * Runs until the machine has executed `until` instructions in all, or has ended.
 *
 * @param until - Below 2^53.
 */
export function interpret(machine: Machine, until: number | bigint): void {
  if (machine.status !== STATUS.running) return
  const processor = processorOf(machine)
  const limit = Number(until)
  let steps = machine.steps
  let place = placeOf(machine.pc)
  let next = 0
  while (steps < limit) {
    steps += 1
    next = execute(processor, place)
    if (next < 0) break
    place = next
  }
  machine.steps = steps
  // a pc between two instructions stays where it is: its first step trapped
  if (place >= 0) machine.pc = (CODE_BASE + 4 * place) % 2 ** 32
  if (next === HALTS) machine.status = STATUS.halted
  if (next === TRAPS) machine.status = STATUS.trapped
}

function processorOf(machine: Machine): Processor {
  const known = processors.get(machine)
  if (known !== undefined) return known
  const { image, memory } = machine
  const { buffer, byteOffset } = memory.bytes
  const processor = {
    code: preparedCode(image),
    x: memory.registers,
    dirty: memory.dirty,
    bytes: memory.bytes,
    signedBytes: new Int8Array(buffer, byteOffset, DATA_BYTES),
    halves: new Uint16Array(buffer, byteOffset, DATA_BYTES / 2),
    signedHalves: new Int16Array(buffer, byteOffset, DATA_BYTES / 2),
    words: new Int32Array(buffer, byteOffset, DATA_BYTES / 4),
  }
  processors.set(machine, processor)
  return processor
}

/** Place of a pc; -1, where nothing can be executed, for one between two instructions. */
function placeOf(pc: number): number {
  return pc % 4 === 0 ? ((pc - CODE_BASE) >>> 0) / 4 : -1
}

function preparedCode(image: Image): Int32Array {
  const known = prepared.get(image)
  if (known !== undefined) return known
  const code = new Int32Array(image.codeLength / 2)
  const view = new DataView(image.code.buffer, image.code.byteOffset)
  for (let at = 0; at < image.codeLength; at += 4) {
    const { op, rd, rs1, rs2, imm } = simplified(decode(view.getUint32(at, true)), CODE_BASE + at)
    code[at / 2] = op | (rd << 8) | (rs1 << 16) | (rs2 << 24)
    code[at / 2 + 1] = imm
  }
  prepared.set(image, code)
  return code
}

/** An instruction whose result does not depend on the state becomes an addition to x0. */
function simplified(instruction: Instruction, pc: number): Instruction {
  const { op, imm } = instruction
  if (op === OP.LUI) return { ...instruction, op: OP.ADDI }
  if (op === OP.AUIPC) return { ...instruction, op: OP.ADDI, imm: (pc + imm) | 0 }
  return op === OP.FENCE ? { ...instruction, op: OP.ADDI } : instruction
}

/** Executes the instruction at a place; the next place, `TRAPS` or `HALTS`. */
function execute(processor: Processor, place: number): number {
  const { code, x } = processor
  const at = 2 * place
  if (at >>> 0 >= code.length) return TRAPS
  const packed = code[at] ?? 0
  const imm = code[at + 1] ?? 0
  const op = packed & 0xff
  if (op >= FIRST_BRANCH_OP) return jump(x, packed, imm, place)
  if (op >= FIRST_MEMORY_OP) return access(processor, packed, imm) ? place + 1 : TRAPS
  const one = x[(packed >> 16) & 0xff] ?? 0
  const other = op < IMMEDIATE ? (x[packed >>> 24] ?? 0) : imm
  write(x, packed, compute(op & ~IMMEDIATE, one, other))
  return place + 1
}

function write(x: Int32Array, packed: number, value: number): void {
  x[(packed >> 8) & 0xff] = value
  x[0] = 0
}

/** Executes a branch, a jump or an instruction that ends the run. */
function jump(x: Int32Array, packed: number, imm: number, place: number): number {
  const op = packed & 0xff
  const one = x[(packed >> 16) & 0xff] ?? 0
  if (op < OP.JAL) return isTaken(op, one, x[packed >>> 24] ?? 0) ? target(4 * place + imm) : place + 1
  if (op >= OP.ECALL) return op === OP.ECALL ? HALTS : TRAPS
  const next = target(op === OP.JAL ? 4 * place + imm : ((one + imm) & ~1) - CODE_BASE)
  if (next >= 0) write(x, packed, CODE_BASE + 4 * place + 4)
  return next
}

/** Place of a jump's target, given in bytes from the beginning of code. */
function target(offset: number): number {
  return (offset & 3) === 0 ? offset >>> 2 : TRAPS
}

/** Executes a load or a store; false, with nothing changed, where there is no such memory. */
function access(processor: Processor, packed: number, imm: number): boolean {
  const { x, dirty } = processor
  const op = packed & 0xff
  const address = ((x[(packed >> 16) & 0xff] ?? 0) + imm - DATA_BASE) >>> 0
  // the low two bits of an operation are the logarithm of its size
  const isAligned = (address & ((1 << (op & 3)) - 1)) === 0
  if (address >= DATA_BYTES || !isAligned) return false
  if (op < FIRST_STORE_OP) {
    write(x, packed, load(processor, op, address))
    return true
  }
  store(processor, op, address, x[packed >>> 24] ?? 0)
  dirty[address >>> 12] = 1
  return true
}

function load({ bytes, signedBytes, halves, signedHalves, words }: Processor, op: number, address: number): number {
  switch (op) {
    case OP.LB:
      return signedBytes[address] ?? 0
    case OP.LH:
      return signedHalves[address >>> 1] ?? 0
    case OP.LW:
      return words[address >>> 2] ?? 0
    case OP.LBU:
      return bytes[address] ?? 0
    default:
      return halves[address >>> 1] ?? 0
  }
}

function store({ bytes, halves, words }: Processor, op: number, address: number, value: number): void {
  switch (op) {
    case OP.SB:
      bytes[address] = value
      return
    case OP.SH:
      halves[address >>> 1] = value
      return
    default:
      words[address >>> 2] = value
  }
}
