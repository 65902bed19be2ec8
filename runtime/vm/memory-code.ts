/**
 * Loads, stores and their checks, in WebAssembly.
 *
 * @module
 */
import { type Instruction, OP } from '#protocol/vm/decode.ts'
import { DATA_BASE, DATA_BYTES, PAGE_BYTES } from '#protocol/vm/layout.ts'

import { type Access, type AccessGroup, lowestOf, sizeOf } from './accesses.ts'
import { Wasm } from './emitter.ts'
import { type Frame, Local } from './frame.ts'
import { DIRTY_AT } from './memory-plan.ts'

const LOADS = new Map<number, number>([
  [OP.LB, Wasm.i32Load8S],
  [OP.LBU, Wasm.i32Load8U],
  [OP.LH, Wasm.i32Load16S],
  [OP.LHU, Wasm.i32Load16U],
  [OP.LW, Wasm.i32Load],
])
const STORES = new Map<number, number>([
  [OP.SB, Wasm.i32Store8],
  [OP.SH, Wasm.i32Store16],
  [OP.SW, Wasm.i32Store],
])
const PAGE_SHIFT = Math.log2(PAGE_BYTES)

/** Writes the check of a group, which leads to `leave` when it fails, and marks the pages it will store to. */
export function emitCheck(frame: Frame, group: AccessGroup, leave: () => void): void {
  const { out } = frame
  const lowest = lowestOf(group)
  const temporary = Local.temporaries + group.temporary
  frame.get(group.register)
  out.constant(lowest - group.bias - DATA_BASE)
  out.op(Wasm.i32Add)
  out.indexed(Wasm.localTee, temporary)
  emitTest(frame, group, group.high - lowest)
  leave()
  if (group.storeHigh > group.storeLow) emitMarks(frame, group, temporary, lowest)
}

/** Whether the address on the stack is not fine for `span` bytes. */
function emitTest({ out }: Frame, { align }: AccessGroup, span: number): void {
  if (span === align) {
    out.constant(-DATA_BYTES | (align - 1))
    out.op(Wasm.i32And)
    return
  }
  const shift = Math.log2(align)
  if (shift > 0) {
    // an address that is no multiple becomes a huge one
    out.constant(shift)
    out.op(Wasm.i32Rotr)
  }
  out.constant((DATA_BYTES - span) >>> shift)
  out.op(Wasm.i32GtU)
}

function emitMarks({ out }: Frame, group: AccessGroup, temporary: number, lowest: number): void {
  const mark = (offset: number) => {
    out.indexed(Wasm.localGet, temporary)
    if (offset > 0) {
      out.constant(offset)
      out.op(Wasm.i32Add)
    }
    out.constant(PAGE_SHIFT)
    out.op(Wasm.i32ShrU)
    out.constant(1)
    out.memory(Wasm.i32Store8, 0, DIRTY_AT)
  }
  mark(group.storeLow - lowest)
  // one store lies within a page, as it is aligned
  if (group.storeHigh - group.storeLow > group.align) mark(group.storeHigh - 1 - lowest)
}

/** Writes a load or store whose check has passed. */
export function emitAccess(frame: Frame, instruction: Instruction, access: Exclude<Access, { kind: 'fault' }>): void {
  if (instruction.op >= OP.SB) emitStore(frame, instruction, access)
  else if (instruction.rd !== 0) emitLoad(frame, instruction, access)
}

function emitLoad(frame: Frame, instruction: Instruction, access: Exclude<Access, { kind: 'fault' }>): void {
  const offset = emitAddress(frame, access)
  frame.out.memory(LOADS.get(instruction.op) as number, Math.log2(sizeOf(instruction)), offset)
  frame.set(instruction.rd)
}

function emitStore(frame: Frame, instruction: Instruction, access: Exclude<Access, { kind: 'fault' }>): void {
  const { out } = frame
  const offset = emitAddress(frame, access)
  frame.get(instruction.rs2)
  out.memory(STORES.get(instruction.op) as number, Math.log2(sizeOf(instruction)), offset)
  if (access.kind === 'group') return
  out.constant(0)
  out.constant(1)
  out.memory(Wasm.i32Store8, 0, DIRTY_AT + (offset >>> PAGE_SHIFT))
}

/** Puts the address on the stack; gives the distance still to be added. */
function emitAddress({ out }: Frame, access: Exclude<Access, { kind: 'fault' }>): number {
  if (access.kind === 'fixed') {
    out.constant(0)
    return access.offset
  }
  out.indexed(Wasm.localGet, Local.temporaries + access.group.temporary)
  return access.offset - lowestOf(access.group)
}
