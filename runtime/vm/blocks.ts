/**
 * Cuts code into regions: the basic blocks that can be reached from one place without a call, a return or too long a way.
 *
 * @module
 */
import { type Instruction, OP } from '#protocol/vm/decode.ts'
import { CODE_BASE } from '#protocol/vm/layout.ts'

/** A write of a return address: what a jump leaves in a register. */
export type Link = { readonly rd: number; readonly pc: number }

/** How a block ends. Addresses that are no block of the region lead out of it. */
export type BlockEnd =
  | { readonly kind: 'goto'; readonly target: number; readonly link?: Link }
  | { readonly kind: 'branch'; readonly test: Instruction; readonly taken: number; readonly next: number }
  | { readonly kind: 'call'; readonly target: number; readonly link: Link }
  | { readonly kind: 'call-register'; readonly jump: Instruction; readonly link: Link }
  | { readonly kind: 'return'; readonly jump: Instruction }
  | { readonly kind: 'jump-register'; readonly jump: Instruction; readonly cases: Cases; readonly link?: Link }
  /** The interpreter has to go on here: the end of the program, a trap, or the end of the code. */
  | { readonly kind: 'stop' }

/** Places a computed jump may lead to; they are numbered on from `first`. */
export type Cases = { readonly first: number; readonly targets: readonly number[] }

/** Instructions that are always executed one after the other. */
export type Block = {
  readonly pc: number
  /** All but the last one's jump. */
  readonly body: readonly Instruction[]
  /** Instructions it counts, the jump included. */
  readonly length: number
  readonly end: BlockEnd
}

/** The blocks reached from one place. */
export type Region = { readonly root: number; readonly blocks: ReadonlyMap<number, Block> }

/** Code as the translator reads it. */
export type CodeView = {
  /** The instruction at an address; undefined behind the end of what was loaded. */
  at(pc: number): Instruction | undefined
  /** Places that a computed jump at `pc` may lead to; others are found at run time. */
  casesAt(pc: number): Cases
}

/** Bounds that keep V8's optimizing compiler well below what it can bear. */
export const MAX_BLOCKS = 400
export const MAX_INSTRUCTIONS = 6_000

/** Registers that hold return addresses by convention. */
const isLink = (register: number) => register === 1 || register === 5

/**
 * The region that begins at `root`.
 *
 * @param isOther - Whether another region begins at an address: it ends there, so that regions meet and do not overlap
 *   for ever.
 */
export function formRegion(code: CodeView, root: number, isOther: (pc: number) => boolean): Region {
  const leaders = findLeaders(code, root, isOther)
  const isEnd = (pc: number) => leaders.has(pc) || isOther(pc)
  const blocks = new Map<number, Block>()
  for (const pc of leaders) blocks.set(pc, walk(code, pc, isEnd))
  return { root, blocks }
}

/** Where control can go inside of the region at the end of a block. */
export function successorsOf({ end }: Block): readonly number[] {
  switch (end.kind) {
    case 'goto':
      return [end.target]
    case 'branch':
      return [end.taken, end.next]
    case 'call':
    case 'call-register':
      return [end.link.pc]
    case 'jump-register':
      return end.cases.targets
    case 'return':
    case 'stop':
      return []
  }
}

function findLeaders(code: CodeView, root: number, isOther: (pc: number) => boolean): ReadonlySet<number> {
  const leaders = new Set([root])
  const isEnd = (pc: number) => leaders.has(pc) || isOther(pc)
  let instructions = 0
  for (const leader of leaders) {
    const block = walk(code, leader, isEnd)
    instructions += block.length
    if (instructions > MAX_INSTRUCTIONS) break
    for (const next of successorsOf(block)) {
      if (leaders.size < MAX_BLOCKS && code.at(next) !== undefined && !isOther(next)) leaders.add(next)
    }
  }
  return leaders
}

/** Instructions of one block at most; longer ones are continued by another. */
const MAX_BLOCK = 512

function walk(code: CodeView, start: number, isEnd: (pc: number) => boolean): Block {
  const body: Instruction[] = []
  for (let pc = start; ; pc += 4) {
    const instruction = code.at(pc)
    if (pc > start && (isEnd(pc) || body.length >= MAX_BLOCK)) {
      return { pc: start, body, length: body.length, end: { kind: 'goto', target: pc } }
    }
    const end = instruction === undefined ? ({ kind: 'stop' } as const) : endOf(code, instruction, pc, body.at(-1))
    if (end !== undefined) {
      const length = body.length + (end.kind === 'stop' ? 0 : 1)
      return { pc: start, body, length, end }
    }
    body.push(instruction as Instruction)
  }
}

/** The end that an instruction makes of its block; undefined when control goes on behind it. */
function endOf(
  code: CodeView,
  instruction: Instruction,
  pc: number,
  before: Instruction | undefined,
): BlockEnd | undefined {
  const { op, rd, imm } = instruction
  if (op === OP.ECALL || op === OP.ILLEGAL) return { kind: 'stop' }
  if (op === OP.JAL) return jumpTo(pc, rd, (pc + imm) >>> 0)
  if (op === OP.JALR) return jumpRegister(code, instruction, pc, before)
  if (op >= OP.BEQ && op <= OP.BGEU) {
    return { kind: 'branch', test: instruction, taken: (pc + imm) >>> 0, next: pc + 4 }
  }
  return undefined
}

function jumpTo(pc: number, rd: number, target: number): BlockEnd {
  if (target % 4 !== 0) return { kind: 'stop' }
  if (rd === 0) return { kind: 'goto', target }
  const link = { rd, pc: pc + 4 }
  return isLink(rd) ? { kind: 'call', target, link } : { kind: 'goto', target, link }
}

function jumpRegister(code: CodeView, jump: Instruction, pc: number, before: Instruction | undefined): BlockEnd {
  const { rd, rs1, imm } = jump
  const far = before === undefined || before.rd !== rs1 || rs1 === 0 ? undefined : constantOf(before, pc - 4)
  if (far !== undefined) return jumpTo(pc, rd, ((far + imm) & ~1) >>> 0)
  const link = { rd, pc: pc + 4 }
  if (isLink(rd)) return { kind: 'call-register', jump, link }
  if (rd === 0 && isLink(rs1)) return { kind: 'return', jump }
  const cases = code.casesAt(pc)
  return rd === 0 ? { kind: 'jump-register', jump, cases } : { kind: 'jump-register', jump, cases, link }
}

function constantOf({ op, imm }: Instruction, pc: number): number | undefined {
  if (op === OP.LUI) return imm
  return op === OP.AUIPC ? pc + imm : undefined
}

/** Distance of an address from the beginning of code. */
export function codeOffset(pc: number): number {
  return (pc - CODE_BASE) >>> 0
}
