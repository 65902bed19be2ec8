/**
 * The one-step verifier in TypeScript: executes an instruction on nothing but its witness, as the contract does.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from '../errors.ts'
import { toHex } from '../words.ts'
import { compute, isTaken } from './arithmetic.ts'
import { IMMEDIATE, type Instruction, OP } from './decode.ts'
import { CODE_DEPTH, DATA_DEPTH, LEAF_BYTES } from './layout.ts'
import { CORE_BYTES, type Core, packState, parseCore, STATUS, stateHash } from './state.ts'
import { type LeafProof, rootOver } from './tree.ts'
import { accessBytes, accessOffset, fetchOffset, instructionIn, MASK_BYTES } from './witness.ts'

/** Thrown when bytes are no witness of a step; `code` is `machine.witness`. */
export class WitnessError extends TallyError {
  override readonly name = 'WitnessError'

  constructor(problem: string) {
    super('machine.witness', `witness ${problem}`)
  }
}

/** What an instruction makes of pc, registers and status. */
type Outcome = Pick<Core, 'pc' | 'registers' | 'status'>

type Reader = { take(length: number): Uint8Array; end(): void }

/**
 * Hashes of a state and of the state after its next step.
 *
 * @throws {@link WitnessError} when bytes are missing or left over, or the mask names siblings above the root.
 * @throws StateError when the core has a status that does not exist.
 */
export function verifyStep(witness: Uint8Array): { readonly pre: Hex; readonly post: Hex } {
  const reader = createReader(witness)
  const core = parseCore(reader.take(CORE_BYTES))
  const codeOffset = fetchOffset(core)
  const code = codeOffset === undefined ? undefined : takeProof(reader, CODE_DEPTH)
  const codeRoot = code === undefined ? reader.take(LEAF_BYTES) : rootOver(code, codeOffset ?? 0, CODE_DEPTH)
  const instruction = code === undefined ? undefined : instructionIn(code.leaf, codeOffset ?? 0)
  const dataOffset = instruction === undefined ? undefined : accessOffset(instruction, core.registers)
  const data = dataOffset === undefined ? undefined : takeProof(reader, DATA_DEPTH)
  const rootWith = (leaf: Uint8Array) => rootOver({ mask: 0, siblings: [], ...data, leaf }, dataOffset ?? 0, DATA_DEPTH)
  const memoryRoot = data === undefined ? reader.take(LEAF_BYTES) : rootWith(data.leaf)
  reader.end()

  const hashOf = (state: Core, root: Uint8Array) =>
    stateHash(packState({ ...state, memoryRoot: toHex(root), codeRoot: toHex(codeRoot) }))
  const pre = hashOf(core, memoryRoot)
  if (core.status !== STATUS.running) return { pre, post: pre }
  const leaf = data?.leaf.slice()
  const outcome = instruction === undefined ? trapped(core) : execute(core, instruction, leaf, dataOffset)
  const after = leaf === undefined ? memoryRoot : rootWith(leaf)
  return { pre, post: hashOf({ ...outcome, steps: core.steps + 1n }, after) }
}

function createReader(bytes: Uint8Array): Reader {
  let at = 0
  return {
    take: (length) => {
      if (at + length > bytes.length) throw new WitnessError(`ends at ${bytes.length} bytes, too early`)
      at += length
      return bytes.subarray(at - length, at)
    },
    end: () => {
      if (at !== bytes.length) throw new WitnessError(`has ${bytes.length - at} bytes left over`)
    },
  }
}

function takeProof(reader: Reader, depth: number): LeafProof {
  const leaf = reader.take(LEAF_BYTES)
  const mask = reader.take(MASK_BYTES).reduce((high, byte) => 256 * high + byte, 0)
  if (mask >>> depth !== 0) throw new WitnessError('has siblings above the root')
  const siblings: Uint8Array[] = []
  for (let bits = mask; bits !== 0; bits &= bits - 1) siblings.push(reader.take(LEAF_BYTES))
  return { leaf, mask, siblings }
}

function trapped({ pc, registers }: Core): Outcome {
  return { pc, registers, status: STATUS.trapped }
}

/** Executes an instruction; a store writes into the leaf. */
function execute(core: Core, instruction: Instruction, leaf: Uint8Array | undefined, offset = 0): Outcome {
  const { op } = instruction
  if (op === OP.ECALL) return { ...core, status: STATUS.halted }
  if (op === OP.ILLEGAL) return trapped(core)
  if (op >= OP.BEQ) return jumped(core, instruction)
  if (op < OP.LB) return moved(core, instruction.rd, computed(core, instruction))
  if (leaf === undefined) return trapped(core)
  const place = leaf.subarray(offset % LEAF_BYTES, (offset % LEAF_BYTES) + accessBytes(op))
  if (op < OP.SB) return moved(core, instruction.rd, loaded(op, place))
  const value = core.registers[instruction.rs2] ?? 0
  place.forEach((_, at) => {
    place[at] = value >>> (8 * at)
  })
  return moved(core, 0, 0)
}

/** The next instruction's turn, with a register written. */
function moved({ pc, registers, status }: Core, rd: number, value: number): Outcome {
  return { pc: (pc + 4) >>> 0, registers: written(registers, rd, value), status }
}

function written(registers: Int32Array, rd: number, value: number): Int32Array {
  const after = registers.slice()
  after[rd] = value
  after[0] = 0
  return after
}

function computed({ pc, registers }: Core, { op, rs1, rs2, imm }: Instruction): number {
  if (op === OP.FENCE) return 0
  if (op === OP.LUI) return imm
  if (op === OP.AUIPC) return pc + imm
  return compute(op & ~IMMEDIATE, registers[rs1] ?? 0, op < IMMEDIATE ? (registers[rs2] ?? 0) : imm)
}

function jumped(core: Core, { op, rd, rs1, rs2, imm }: Instruction): Outcome {
  const { pc, registers } = core
  const one = registers[rs1] ?? 0
  if (op < OP.JAL && !isTaken(op, one, registers[rs2] ?? 0)) return moved(core, 0, 0)
  const target = (op === OP.JALR ? (one + imm) & ~1 : pc + imm) >>> 0
  if (target % 4 !== 0) return trapped(core)
  const after = op < OP.JAL ? registers : written(registers, rd, pc + 4)
  return { pc: target, registers: after, status: STATUS.running }
}

/** A load's value out of the bytes it touches. */
function loaded(op: number, place: Uint8Array): number {
  const value = place.reduceRight((high, byte) => (high << 8) | byte, 0)
  const unusedBits = op === OP.LB || op === OP.LH ? 32 - 8 * place.length : 0
  return (value << unusedBits) >> unusedBits
}
