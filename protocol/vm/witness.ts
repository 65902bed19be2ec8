/**
 * Witness of one step: all that the verifier on chain needs of a state to execute its next instruction.
 *
 * `core (137) ‖ A ‖ B`. A, if the step fetches: `leaf (32) ‖ mask (3) ‖ siblings (32 each)` of the instruction in the code
 * tree, else the code root. B, if the instruction loads or stores and does not trap: the same of the accessed leaf in the
 * data tree, else the memory root.
 *
 * @module
 */
import { concatBytes, uintBytes } from '../words.ts'
import { decode, type Instruction, OP } from './decode.ts'
import { CODE_BASE, CODE_BYTES, DATA_BASE, DATA_BYTES } from './layout.ts'
import type { Machine } from './machine.ts'
import { type Core, packCore, STATUS } from './state.ts'
import type { LeafProof } from './tree.ts'

/** Bytes of the mask of given siblings. */
export const MASK_BYTES = 3

/** Witness of a machine's next step. */
export function witnessOf(machine: Machine): Uint8Array {
  const state = machine.commit()
  const { image, memoryTree } = machine
  const codeOffset = fetchOffset(state)
  if (codeOffset === undefined) return concatBytes([packCore(state), image.codeTree.root(), memoryTree.root()])
  const code = image.codeTree.proofOf(codeOffset)
  const dataOffset = accessOffset(instructionIn(code.leaf, codeOffset), state.registers)
  const data = dataOffset === undefined ? memoryTree.root() : packProof(memoryTree.proofOf(dataOffset))
  return concatBytes([packCore(state), packProof(code), data])
}

/** Offset in code that a state's next step fetches from; undefined if it fetches nothing. */
export function fetchOffset({ status, pc }: Pick<Core, 'status' | 'pc'>): number | undefined {
  const offset = pc - CODE_BASE
  return status === STATUS.running && offset >= 0 && offset < CODE_BYTES && offset % 4 === 0 ? offset : undefined
}

/** Offset in data that an instruction loads or stores at; undefined if it does not, or traps. */
export function accessOffset({ op, rs1, imm }: Instruction, registers: Int32Array): number | undefined {
  if (op < OP.LB || op > OP.SW) return undefined
  const offset = ((registers[rs1] ?? 0) + imm - DATA_BASE) >>> 0
  return offset < DATA_BYTES && offset % accessBytes(op) === 0 ? offset : undefined
}

/** Bytes that a load or store touches. */
export function accessBytes(op: number): number {
  return 1 << (op & 3)
}

/** The instruction at an offset, out of the leaf that holds it. */
export function instructionIn(leaf: Uint8Array, offset: number): Instruction {
  return decode(new DataView(leaf.buffer, leaf.byteOffset).getUint32(offset % leaf.length, true))
}

function packProof({ leaf, mask, siblings }: LeafProof): Uint8Array {
  return concatBytes([leaf, uintBytes(mask, 8 * MASK_BYTES, 'mask'), ...siblings])
}
