/**
 * Checks of a block's loads and stores, as few as possible: those that lie near each other over one value are checked as one,
 * and where that value stands in a register when the block begins, there.
 *
 * A check that fails proves no fault: the interpreter goes on from there and decides.
 *
 * @module
 */
import { type Instruction, OP } from '#protocol/vm/decode.ts'
import { DATA_BASE, DATA_BYTES } from '#protocol/vm/layout.ts'

import type { Block } from './blocks.ts'

/** Loads and stores that one check covers. */
export type AccessGroup = {
  /** The register that holds the checked value at `at`, less `bias`. */
  readonly register: number
  /** Where in the block it is checked: before this instruction. */
  readonly at: number
  readonly bias: number
  /** Local that holds {@link lowestOf} as an offset in data. */
  readonly temporary: number
  /** Lowest and highest address accessed, over the value: the last byte plus one. */
  low: number
  high: number
  /** Size of the widest access, and the offset of one of that size. */
  align: number
  phase: number
  /** The same of stores only; equal where there are none. */
  storeLow: number
  storeHigh: number
}

/** An access: of a group, at a known place, or at one that is known to fault. */
export type Access =
  | { readonly kind: 'group'; readonly group: AccessGroup; readonly offset: number }
  | { readonly kind: 'fixed'; readonly offset: number }
  | { readonly kind: 'fault' }

/** What is accessed by the instructions of a block, by their position. */
export type AccessPlan = {
  readonly accesses: ReadonlyMap<number, Access>
  readonly groups: readonly AccessGroup[]
}

/** Locals for addresses. */
export const TEMPORARIES = 32
/** Widest group in bytes: below a page, so that the pages of its first and last byte are all it can touch. */
const MAX_SPAN = 4_096

/** What is known of a register: a constant, or a distance from a value that is not known. */
type Known = { readonly id: number; readonly offset: number }
const CONSTANT = -1

/** Whether the instruction loads or stores. */
export function isAccess({ op }: Instruction): boolean {
  return op >= OP.LB && op <= OP.SW
}

/** Bytes a load or store moves. */
export function sizeOf({ op }: Instruction): 1 | 2 | 4 {
  if (op === OP.LW || op === OP.SW) return 4
  return op === OP.LH || op === OP.LHU || op === OP.SH ? 2 : 1
}

/** Plans the checks of a block. */
export function planAccesses({ pc, body }: Block): AccessPlan {
  const known: Known[] = Array.from({ length: 32 }, (_, id) => ({ id, offset: 0 }))
  known[0] = { id: CONSTANT, offset: 0 }
  const groups: AccessGroup[] = []
  const byValue = new Map<number, AccessGroup[]>()
  const accesses = new Map<number, Access>()

  function join(instruction: Instruction, at: number, value: Known): Access {
    const offset = (value.offset + instruction.imm) | 0
    const family = byValue.get(value.id) ?? []
    byValue.set(value.id, family)
    const found = family.find((group) => fits(group, offset, sizeOf(instruction)))
    const group = found ?? createGroup(instruction, at, value, groups.length)
    if (found === undefined) {
      groups.push(group)
      // the last temporary belongs to one access at a time
      if (group.temporary < TEMPORARIES - 1) family.push(group)
    }
    widen(group, offset, instruction)
    return { kind: 'group', group, offset }
  }

  for (const [at, instruction] of body.entries()) {
    const value = known[instruction.rs1] as Known
    if (isAccess(instruction)) {
      accesses.set(at, value.id === CONSTANT ? fixed(instruction, value.offset) : join(instruction, at, value))
    }
    if (instruction.rd !== 0) known[instruction.rd] = resultOf(instruction, value, 32 + at, pc + 4 * at)
  }
  return { accesses, groups }
}

function resultOf({ op, imm }: Instruction, value: Known, id: number, pc: number): Known {
  if (op === OP.ADDI) return { id: value.id, offset: (value.offset + imm) | 0 }
  if (op === OP.LUI) return { id: CONSTANT, offset: imm }
  return op === OP.AUIPC ? { id: CONSTANT, offset: (pc + imm) | 0 } : { id, offset: 0 }
}

function fixed(instruction: Instruction, base: number): Access {
  const offset = (base + instruction.imm - DATA_BASE) >>> 0
  const isFine = offset < DATA_BYTES && offset % sizeOf(instruction) === 0
  return isFine ? { kind: 'fixed', offset } : { kind: 'fault' }
}

function createGroup(instruction: Instruction, at: number, value: Known, index: number): AccessGroup {
  const offset = (value.offset + instruction.imm) | 0
  const temporary = Math.min(index, TEMPORARIES - 1)
  const isEntryValue = value.id < 32 && temporary < TEMPORARIES - 1
  const place = isEntryValue
    ? { register: value.id, at: 0, bias: 0 }
    : { register: instruction.rs1, at, bias: value.offset }
  return { ...place, temporary, low: offset, high: offset, align: 1, phase: offset, storeLow: 0, storeHigh: 0 }
}

function fits(group: AccessGroup, offset: number, size: number): boolean {
  const low = Math.min(group.low, offset)
  const high = Math.max(group.high, offset + size)
  return high - low < MAX_SPAN && (offset - group.phase) % Math.min(group.align, size) === 0
}

function widen(group: AccessGroup, offset: number, instruction: Instruction): void {
  const size = sizeOf(instruction)
  group.low = Math.min(group.low, offset)
  group.high = Math.max(group.high, offset + size)
  if (size >= group.align) {
    group.align = size
    group.phase = offset
  }
  if (instruction.op < OP.SB) return
  const isFirst = group.storeLow === group.storeHigh
  group.storeLow = isFirst ? offset : Math.min(group.storeLow, offset)
  group.storeHigh = isFirst ? offset + size : Math.max(group.storeHigh, offset + size)
}

/** The lowest address of a group, over its value, rounded down so that it is a multiple of its alignment. */
export function lowestOf({ low, phase, align }: AccessGroup): number {
  return low - ((((low - phase) % align) + align) % align)
}
