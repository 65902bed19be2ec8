/**
 * Writes a region as one WebAssembly function.
 *
 * @module
 */
import { type Instruction, OP } from '#protocol/vm/decode.ts'
import { CODE_BASE, CODE_BYTES } from '#protocol/vm/layout.ts'

import { type AccessPlan, planAccesses } from './accesses.ts'
import { emitArithmetic } from './arithmetic.ts'
import { type BlockEnd, type Cases, type CodeView, codeOffset, type Link, type Region } from './blocks.ts'
import { Wasm } from './emitter.ts'
import { type Flow, type Node, orderRegion } from './flow.ts'
import { createFrame, type Frame, Local } from './frame.ts'
import { emitAccess, emitCheck } from './memory-code.ts'
import { CASES_AT, SLOTS_AT } from './memory-plan.ts'
import { linked, type NodeRegisters, trackRegisters, written } from './registers.ts'

/** What a function has to know of others. */
export type Surroundings = {
  readonly code: CodeView
  /** Index of the function that begins at an address, when it is in the same module. */
  functionAt(pc: number): number | undefined
}

/** A function's body without its locals, and the most fuel it asks for at once. */
export type TranslatedFunction = { readonly body: Uint8Array; readonly need: number }

const TESTS = new Map<number, number>([
  [OP.BEQ, Wasm.i32Eq],
  [OP.BNE, Wasm.i32Ne],
  [OP.BLT, Wasm.i32LtS],
  [OP.BGE, Wasm.i32GeS],
  [OP.BLTU, Wasm.i32LtU],
  [OP.BGEU, Wasm.i32GeU],
])

/** Writes the function of a region. */
export function translateRegion(region: Region, surroundings: Surroundings): TranslatedFunction {
  const flow = orderRegion(region)
  const plans = flow.nodes.map(({ block }) => planAccesses(block))
  const registers = trackRegisters(flow, plans)
  const frame = createFrame()
  frame.load((registers[0] as NodeRegisters).live)
  createWriter({ flow, plans, registers, frame, ...surroundings }).tree(flow.root)
  return { body: frame.finish(), need: Math.max(...flow.nodes.map(({ need }) => need)) }
}

type Context = Surroundings & {
  readonly flow: Flow
  readonly plans: readonly AccessPlan[]
  readonly registers: readonly NodeRegisters[]
  readonly frame: Frame
}

/** Where a node's instructions have got to. */
type Place = { readonly node: Node; readonly dirty: number }

function createWriter(context: Context): { tree(node: Node): void } {
  const { flow, plans, registers, frame } = context
  const { out } = frame
  const callsOut = flow.nodes.some(({ block }) => block.end.kind === 'call' || block.end.kind === 'call-register')

  /** A node and all that is reached through it alone. */
  function tree(node: Node): void {
    if (node.isLoop) frame.open(Wasm.loop, node)
    const labelled = node.children.filter(({ forward }) => forward > 1).sort((one, other) => one.order - other.order)
    for (const child of labelled.toReversed()) frame.open(Wasm.block, child)
    straight(node)
    for (const child of labelled) {
      frame.close()
      tree(child)
    }
    if (node.isLoop) frame.close()
  }

  function straight(node: Node): void {
    const { block } = node
    const plan = plans[node.order] as AccessPlan
    let { dirty } = registers[node.order] as NodeRegisters
    emitEntryChecks(node, plan, dirty)
    spend(block.length)
    for (const [at, instruction] of block.body.entries()) {
      if (!instructionAt({ node, dirty }, plan, at, instruction)) return
      dirty |= written(instruction)
    }
    finish({ node, dirty })
  }

  function emitEntryChecks(node: Node, { groups }: AccessPlan, dirty: number): void {
    const exit = { pc: node.block.pc, refund: 0, dirty }
    if (node.isChecked) {
      out.indexed(Wasm.localGet, Local.fuel)
      out.wide(node.need)
      out.op(Wasm.i64LtS)
      frame.leaveIf(exit)
    }
    if (node === flow.root && callsOut) {
      out.indexed(Wasm.localGet, Local.depth)
      out.op(Wasm.i32Eqz)
      frame.leaveIf(exit)
    }
    for (const group of groups) if (group.at === 0) emitCheck(frame, group, () => frame.leaveIf(exit))
  }

  function spend(fuel: number): void {
    if (fuel === 0) return
    out.indexed(Wasm.localGet, Local.fuel)
    out.wide(fuel)
    out.op(Wasm.i64Sub)
    out.indexed(Wasm.localSet, Local.fuel)
  }

  /** Writes an instruction; false when it is known to fault. */
  function instructionAt({ node, dirty }: Place, plan: AccessPlan, at: number, instruction: Instruction): boolean {
    const { pc, length } = node.block
    const exit = { pc: pc + 4 * at, refund: length - at, dirty }
    const access = plan.accesses.get(at)
    if (access?.kind === 'fault') {
      frame.leave(exit)
      return false
    }
    if (access === undefined) {
      emitArithmetic(out, frame, instruction, pc + 4 * at)
      return true
    }
    if (access.kind === 'group' && access.group.at === at && at > 0) {
      emitCheck(frame, access.group, () => frame.leaveIf(exit))
    }
    emitAccess(frame, instruction, access)
    return true
  }

  function finish(place: Place): void {
    const { end } = place.node.block
    if (end.kind === 'stop') frame.leave({ pc: jumpPc(place.node), refund: 0, dirty: place.dirty })
    else if (end.kind === 'goto') {
      link(end.link)
      go(afterLink(place, end), end.target)
    } else if (end.kind === 'branch') branch(place, end)
    else if (end.kind === 'call' || end.kind === 'call-register') call(place, end)
    else if (end.kind === 'return') giveBack(place, end.jump)
    else computedJump(place, end)
  }

  function link(to: Link | undefined): void {
    if (to === undefined) return
    out.constant(to.pc)
    frame.set(to.rd)
  }

  /** Continues at an address: in the region, or behind it. */
  function go(place: Place, pc: number): void {
    const to = flow.target(place.node, pc)
    const label = to === undefined ? undefined : labelOf(place.node, to)
    if (to === undefined) goOut(place, pc)
    else if (label === undefined) tree(to)
    else out.indexed(Wasm.br, label)
  }

  /** Label of a node that has one. */
  function labelOf(from: Node, to: Node): number | undefined {
    return to.order <= from.order || to.forward > 1 ? frame.label(to) : undefined
  }

  function goOut({ dirty }: Place, pc: number): void {
    frame.store(dirty)
    const inModule = context.functionAt(pc)
    out.constant(pc)
    out.indexed(Wasm.localGet, Local.fuel)
    if (inModule === undefined && (pc % 4 !== 0 || codeOffset(pc) >= CODE_BYTES)) {
      out.op(Wasm.return)
      return
    }
    out.indexed(Wasm.localGet, Local.depth)
    if (inModule !== undefined) {
      out.indexed(Wasm.returnCall, inModule)
      return
    }
    out.constant(0)
    out.memory(Wasm.i32Load, 2, SLOTS_AT + codeOffset(pc))
    out.indirect(Wasm.returnCallIndirect)
  }

  function branch(place: Place, { test, taken, next }: BlockEnd & { kind: 'branch' }): void {
    const { node, dirty } = place
    const condition = (code: number) => {
      frame.get(test.rs1)
      frame.get(test.rs2)
      out.op(code)
    }
    const isTaken = TESTS.get(test.op) as number
    const to = flow.target(node, taken)
    const label = to === undefined ? undefined : labelOf(node, to)
    condition(isTaken)
    // a jump to where no instruction can stand faults where it stands itself
    if (taken % 4 !== 0) frame.leaveIf({ pc: jumpPc(node), refund: 1, dirty })
    else if (label !== undefined) out.indexed(Wasm.brIf, label)
    else {
      frame.open(Wasm.if)
      go(place, taken)
      frame.close()
    }
    go(place, next)
  }

  function call(place: Place, end: BlockEnd & { kind: 'call' | 'call-register' }): void {
    if (end.kind === 'call-register') computeTarget(place, end.jump)
    link(end.link)
    frame.store(place.dirty | linked(end))
    if (end.kind === 'call') callKnown(end.target)
    else callTarget()
    out.indexed(Wasm.localSet, Local.fuel)
    out.indexed(Wasm.localTee, Local.pc)
    out.constant(end.link.pc)
    out.op(Wasm.i32Ne)
    // it came back to somewhere else: whoever called this function may know the place
    frame.leaveIf({ pc: undefined, refund: 0, dirty: 0 })
    const landing = flow.target(place.node, end.link.pc)
    if (landing !== undefined) frame.load((registers[landing.order] as NodeRegisters).live)
    go({ node: place.node, dirty: 0 }, end.link.pc)
  }

  function callKnown(pc: number): void {
    const inModule = context.functionAt(pc)
    out.constant(pc)
    pushAllowance()
    if (inModule !== undefined) out.indexed(Wasm.call, inModule)
    else {
      knownSlot(pc)
      out.indirect(Wasm.callIndirect)
    }
  }

  function callTarget(): void {
    out.indexed(Wasm.localGet, Local.target)
    returnIfOutside()
    pushAllowance()
    slotOfTarget()
    out.indirect(Wasm.callIndirect)
  }

  /** Fuel and depth for a call. */
  function pushAllowance(): void {
    out.indexed(Wasm.localGet, Local.fuel)
    out.indexed(Wasm.localGet, Local.depth)
    out.constant(1)
    out.op(Wasm.i32Sub)
  }

  function knownSlot(pc: number): void {
    const isInside = pc % 4 === 0 && codeOffset(pc) < CODE_BYTES
    out.constant(0)
    // slot 0 gives the address back
    if (isInside) out.memory(Wasm.i32Load, 2, SLOTS_AT + codeOffset(pc))
  }

  function giveBack(place: Place, jump: Instruction): void {
    computeTarget(place, jump)
    frame.store(place.dirty)
    out.indexed(Wasm.localGet, Local.target)
    out.indexed(Wasm.localGet, Local.fuel)
    out.op(Wasm.return)
  }

  /** Puts a computed jump's target into its local; one that is no multiple of four faults at the jump. */
  function computeTarget({ node, dirty }: Place, { rs1, imm }: Instruction): void {
    frame.get(rs1)
    if (imm !== 0) {
      out.constant(imm)
      out.op(Wasm.i32Add)
    }
    out.constant(-2)
    out.op(Wasm.i32And)
    out.indexed(Wasm.localTee, Local.target)
    out.constant(2)
    out.op(Wasm.i32And)
    frame.leaveIf({ pc: jumpPc(node), refund: 1, dirty })
  }

  /** Leaves when the target on the stack lies outside of code; leaves it on the stack otherwise. */
  function returnIfOutside(): void {
    out.indexed(Wasm.localSet, Local.pc)
    pushOffset()
    out.constant(CODE_BYTES)
    out.op(Wasm.i32GeU)
    frame.leaveIf({ pc: undefined, refund: 0, dirty: 0 })
    out.indexed(Wasm.localGet, Local.target)
  }

  function pushOffset(): void {
    out.indexed(Wasm.localGet, Local.target)
    out.constant(CODE_BASE)
    out.op(Wasm.i32Sub)
  }

  function slotOfTarget(): void {
    pushOffset()
    out.memory(Wasm.i32Load, 2, SLOTS_AT)
  }

  function computedJump(place: Place, end: BlockEnd & { kind: 'jump-register' }): void {
    computeTarget(place, end.jump)
    link(end.link)
    const after = afterLink(place, end)
    if (flow.ways(place.node).length > 0) jumpTable(place.node, end.cases)
    frame.store(after.dirty)
    out.indexed(Wasm.localGet, Local.target)
    returnIfOutside()
    out.indexed(Wasm.localGet, Local.fuel)
    out.indexed(Wasm.localGet, Local.depth)
    slotOfTarget()
    out.indirect(Wasm.returnCallIndirect)
  }

  /** Jumps where the region knows the target, and goes on behind itself where not. */
  function jumpTable(node: Node, { first, targets }: Cases): void {
    frame.open(Wasm.block)
    pushOffset()
    out.constant(CODE_BYTES)
    out.op(Wasm.i32GeU)
    out.indexed(Wasm.brIf, 0)
    pushOffset()
    out.constant(1)
    out.op(Wasm.i32ShrU)
    out.memory(Wasm.i32Load16U, 1, CASES_AT)
    out.constant(first)
    out.op(Wasm.i32Sub)
    const labels = targets.map((pc) => {
      const to = flow.target(node, pc)
      return to === undefined ? undefined : labelOf(node, to)
    })
    out.table([...labels.map((label) => label ?? 0), 0])
    frame.close()
  }

  function afterLink({ node, dirty }: Place, end: BlockEnd): Place {
    return { node, dirty: dirty | linked(end) }
  }

  return { tree }
}

/** Address of a block's last instruction, or of what stands behind it. */
function jumpPc({ block }: Node): number {
  return block.pc + 4 * block.body.length
}
