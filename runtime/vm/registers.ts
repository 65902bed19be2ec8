/**
 * Which registers stand in WebAssembly's locals and differ from memory, and which will be needed there: sets as bits.
 *
 * @module
 */
import { type Instruction, OP } from '#protocol/vm/decode.ts'

import type { AccessPlan } from './accesses.ts'
import type { BlockEnd } from './blocks.ts'
import type { Flow, Node } from './flow.ts'

/** Registers at the beginning of a node. */
export type NodeRegisters = {
  /** May differ from memory. */
  dirty: number
  /** Read before they are written, or stored to memory as they may be dirty. */
  live: number
}

const bit = (register: number) => (register === 0 ? 0 : 1 << register)

/** The registers an instruction writes. */
export function written({ op, rd }: Instruction): number {
  return op >= OP.SB && op <= OP.BGEU ? 0 : bit(rd)
}

/** The register that holds the return address a jump leaves. */
export function linked(end: BlockEnd): number {
  return 'link' in end && end.link !== undefined ? bit(end.link.rd) : 0
}

/** Sets for every node, by its position. */
export function trackRegisters(flow: Flow, plans: readonly AccessPlan[]): NodeRegisters[] {
  const sets = flow.nodes.map(() => ({ dirty: 0, live: 0 }))
  settle(flow.nodes, (node) => spreadDirty(flow, sets, node))
  settle(flow.nodes.toReversed(), (node) => gatherLive(flow, sets, plans, node))
  return sets
}

/** Repeats `visit` on all nodes until it changes nothing any more. */
function settle(nodes: readonly Node[], visit: (node: Node) => boolean): void {
  for (let isChanged = true; isChanged; ) {
    isChanged = false
    for (const node of nodes) if (visit(node)) isChanged = true
  }
}

/** Dirty registers where a node ends: its jump's return address included. */
function dirtyAtEnd({ block }: Node, { dirty }: NodeRegisters): number {
  return block.body.reduce((set, instruction) => set | written(instruction), dirty) | linked(block.end)
}

const isCall = ({ kind }: BlockEnd) => kind === 'call' || kind === 'call-register'

function spreadDirty(flow: Flow, sets: readonly NodeRegisters[], node: Node): boolean {
  // a call stores them all
  const out = isCall(node.block.end) ? 0 : dirtyAtEnd(node, sets[node.order] as NodeRegisters)
  let isChanged = false
  for (const to of flow.ways(node)) {
    const set = sets[to.order] as NodeRegisters
    if ((set.dirty | out) === set.dirty) continue
    set.dirty |= out
    isChanged = true
  }
  return isChanged
}

function gatherLive(flow: Flow, sets: readonly NodeRegisters[], plans: readonly AccessPlan[], node: Node): boolean {
  const set = sets[node.order] as NodeRegisters
  const { body } = node.block
  const dirty = [set.dirty]
  for (const instruction of body) dirty.push((dirty.at(-1) as number) | written(instruction))
  const plan = plans[node.order] as AccessPlan
  const exits = exitsOf(plan)
  let live = liveAtEnd(flow, sets, node, dirty.at(-1) as number)
  for (let at = body.length - 1; at >= 0; at -= 1) {
    const instruction = body[at] as Instruction
    live = (live & ~written(instruction)) | bit(instruction.rs1) | bit(instruction.rs2)
    if (exits.has(at)) live |= dirty[at] as number
  }
  for (const { register, at } of plan.groups) if (at === 0) live |= bit(register)
  live |= set.dirty
  if (live === set.live) return false
  set.live = live
  return true
}

/** Positions in a block where a failed check may lead out of it. */
function exitsOf({ accesses, groups }: AccessPlan): ReadonlySet<number> {
  const faults = [...accesses].filter(([, { kind }]) => kind === 'fault').map(([at]) => at)
  return new Set([...groups.map(({ at }) => at), ...faults])
}

function liveAtEnd(flow: Flow, sets: readonly NodeRegisters[], node: Node, dirty: number): number {
  const { end } = node.block
  let live = 0
  // behind a call all is loaded again
  for (const to of isCall(end) ? [] : flow.ways(node)) live |= (sets[to.order] as NodeRegisters).live
  live = (live & ~linked(end)) | dirty
  if (end.kind === 'branch') return live | bit(end.test.rs1) | bit(end.test.rs2)
  return 'jump' in end ? live | bit(end.jump.rs1) : live
}
