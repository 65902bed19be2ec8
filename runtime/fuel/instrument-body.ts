/**
 * Rewrites one function: it pays for every instruction before executing it, and for its frame on the stack.
 *
 * Fuel is charged once per straight run of instructions, at its head: a run ends after every `loop`, `if`, `else`, `end`,
 * branch, `return` and `unreachable`. Each instruction costs 1; `else` and `end` are punctuation and cost nothing. So for a
 * run that is left by a trap the whole run is paid, and everything else is counted exactly.
 *
 * A frame costs {@link frameSlots}, known beforehand: the depth at which calls trap is the same on every machine, and
 * reached long before the machine's own stack ends.
 *
 * @module
 */
import { type ByteReader, createByteReader } from './byte-reader.ts'
import { type ByteWriter, createByteWriter } from './byte-writer.ts'
import { moduleLimits, ProgramError, within } from './module-limits.ts'
import { Bulk, isValueType, Op, type Plain, plainOf, plainPrefixedOf, ValueType } from './opcodes.ts'
import { createOperandStack, type OperandStack } from './operand-stack.ts'
import type { Signature } from './parse-module.ts'

/** What a body's rewriting needs to know of its module. */
export type BodyContext = {
  readonly types: readonly Signature[]
  readonly functionTypes: readonly number[]
  /** Where calls of function `index` go: imports are reached through a function that charges for them. */
  callTarget(index: number): number
  /** Block type giving these results. */
  blockType(results: readonly number[]): number
  readonly globals: { readonly fuel: number; readonly slots: number }
  readonly helpers: { readonly grow: number; readonly copy: number; readonly fill: number }
  /** Adds to the module's compile work. */
  spendMergeWork(amount: number): void
}

/**
 * Stack slots a frame is charged for: what V8 keeps of it fits, and the process has more than three times the sum of all.
 *
 * @param passed - Parameters and results, which the caller holds as well.
 */
export function frameSlots(passed: number, locals: number, operands: number): number {
  return 8 + 2 * passed + locals + operands
}

type State = {
  readonly reader: ByteReader
  readonly code: ByteWriter
  readonly context: BodyContext
  readonly stack: OperandStack
  readonly scratch: { readonly f32: number; readonly f64: number }
  readonly hasCalls: boolean
  /** The open run: where its charge stands and what it costs so far. */
  run: { readonly at: number; cost: number } | null
  usesScratch: boolean
}

/**
 * Rewrites `body` (locals and code, as in the code section) of a function of type `signature`.
 *
 * @throws ProgramError when it holds an instruction or an amount of something a program may not have.
 */
export function instrumentBody(body: Uint8Array, signature: Signature, context: BodyContext): Uint8Array {
  const reader = createByteReader(body)
  const locals = readLocals(reader, signature.parameters.length)
  const codeStart = reader.position()
  const parameters = signature.parameters.length
  const state: State = {
    reader,
    code: createByteWriter(),
    context,
    stack: createOperandStack(signature.results.length),
    scratch: { f32: parameters + locals.count, f64: parameters + locals.count + 1 },
    hasCalls: mayCall(body.subarray(codeStart)),
    run: null,
    usesScratch: false,
  }

  const slotsAt = state.hasCalls ? writePrologue(state, signature) : []
  while (state.stack.depth() > 0) {
    state.context.spendMergeWork(rewriteNext(state, parameters + locals.count))
  }
  if (!reader.atEnd()) throw new ProgramError('a function goes on after its end')
  const slots = frameSlots(parameters + signature.results.length, locals.count, state.stack.highest())
  if (state.hasCalls) slotsAt.push(writeEpilogue(state))
  for (const at of slotsAt) state.code.patch(at, slots)
  state.code.byte(Op.End)

  const output = createByteWriter()
  output.u32(locals.groups + (state.usesScratch ? 2 : 0))
  output.bytes(locals.content)
  if (state.usesScratch) output.byte(1, ValueType.F32, 1, ValueType.F64)
  output.bytes(state.code.finish())
  return output.finish()
}

function readLocals(reader: ByteReader, parameters: number): { groups: number; count: number; content: Uint8Array } {
  const groups = within(reader.u32(), moduleLimits.locals, 'groups of locals')
  const start = reader.position()
  let count = 0
  for (let group = 0; group < groups; group += 1) {
    count = within(count + reader.u32(), moduleLimits.locals - parameters, 'locals of one function')
    if (!isValueType(reader.byte())) throw new ProgramError('a local that is not i32, i64, f32 or f64')
  }
  return { groups, count, content: reader.bytes.subarray(start, reader.position()) }
}

/** Cheap and safe: a byte that only looks like a call costs an unneeded frame charge, never a missing one. */
function mayCall(code: Uint8Array): boolean {
  return code.includes(Op.Call) || code.includes(Op.CallIndirect)
}

/** Takes the frame's slots and opens the block that every way out of the function ends. */
function writePrologue({ code, context }: State, signature: Signature): number[] {
  const { slots } = context.globals
  code.byte(Op.GlobalGet)
  code.u32(slots)
  code.byte(Op.I32Const)
  const at = code.reserve()
  code.byte(Op.I32Sub, Op.GlobalSet)
  code.u32(slots)
  code.byte(Op.GlobalGet)
  code.u32(slots)
  code.byte(Op.I32Const, 0, Op.I32LtS, Op.If, 0x40, Op.Unreachable, Op.End, Op.Block)
  code.s32(context.blockType(signature.results))
  return [at]
}

/** Gives the frame's slots back. */
function writeEpilogue({ code, context }: State): number {
  const { slots } = context.globals
  code.byte(Op.End, Op.GlobalGet)
  code.u32(slots)
  code.byte(Op.I32Const)
  const at = code.reserve()
  code.byte(Op.I32Add, Op.GlobalSet)
  code.u32(slots)
  return at
}

/** Counts one instruction, opening a run if none is open. */
function charge(state: State): void {
  if (state.run === null) {
    const { code } = state
    const { fuel } = state.context.globals
    code.byte(Op.GlobalGet)
    code.u32(fuel)
    code.byte(Op.I64Const)
    state.run = { at: code.reserve(), cost: 0 }
    code.byte(Op.I64Sub, Op.GlobalSet)
    code.u32(fuel)
    code.byte(Op.GlobalGet)
    code.u32(fuel)
    code.byte(Op.I64Const, 0, Op.I64LtS, Op.If, 0x40, Op.Unreachable, Op.End)
  }
  state.run.cost += 1
}

function endRun(state: State): void {
  if (state.run !== null) state.code.patch(state.run.at, state.run.cost)
  state.run = null
}

/** Rewrites one instruction; returns the compile work of its merges. */
function rewriteNext(state: State, locals: number): number {
  const opcode = state.reader.byte()
  const alive = locals + state.stack.height()
  if (opcode === Op.End || opcode === Op.Else) {
    endRun(state)
    if (opcode === Op.Else) state.stack.otherwise()
    else state.stack.close()
    if (state.stack.depth() > 0) state.code.byte(opcode)
    return alive
  }

  charge(state)
  const rewrite = special[opcode]
  if (rewrite !== undefined) return alive * rewrite(state)
  const plain = plainOf(opcode)
  if (plain === undefined) throw new ProgramError(`instruction 0x${opcode.toString(16)} is not allowed`)
  state.code.byte(opcode)
  rewritePlain(state, plain)
  return 0
}

function rewritePlain(state: State, plain: Plain): void {
  const { reader, code } = state
  const start = reader.position()
  skipImmediate(reader, plain)
  code.bytes(reader.bytes.subarray(start, reader.position()))
  state.stack.apply(plain.pops, plain.pushes)
  if (plain.nan !== null) canonicalise(state, plain.nan)
}

function skipImmediate(reader: ByteReader, { immediate }: Plain): void {
  if (immediate === 'index') reader.u32()
  else if (immediate === 's32') reader.skipSigned(32)
  else if (immediate === 's64') reader.skipSigned(64)
  else if (immediate === 'f32') reader.take(4)
  else if (immediate === 'f64') reader.take(8)
  else if (immediate === 'zero') expectZero(reader)
  else if (immediate === 'memory') {
    within(reader.u32(), 3, 'as the alignment of an access')
    reader.u32()
  }
}

const quietNan = {
  f32: [Op.F32Const, 0, 0, 0xc0, 0x7f],
  f64: [Op.F64Const, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
} as const

/** Replaces a NaN on the stack by the one canonical NaN: processors differ in the bits they make. */
function canonicalise(state: State, type: 'f32' | 'f64'): void {
  const { code } = state
  const local = state.scratch[type]
  state.usesScratch = true
  code.byte(Op.LocalTee)
  code.u32(local)
  code.byte(...quietNan[type], Op.LocalGet)
  code.u32(local)
  code.byte(Op.LocalGet)
  code.u32(local)
  code.byte(type === 'f32' ? Op.F32Eq : Op.F64Eq, Op.Select)
}

/** Rewriting of control, calls and bulk instructions; returns how many merges the instruction makes. */
const special: Readonly<Record<number, (state: State) => number>> = {
  [Op.Unreachable]: (state) => leave(state, [Op.Unreachable]),
  [Op.Block]: (state) => open(state, Op.Block, false),
  [Op.Loop]: (state) => open(state, Op.Loop, true),
  [Op.If]: (state) => {
    state.stack.apply(1, 0)
    return open(state, Op.If, true)
  },
  [Op.Br]: (state) => {
    const label = readLabel(state)
    state.code.byte(Op.Br)
    state.code.u32(label)
    return leave(state, [])
  },
  [Op.BrIf]: (state) => {
    const label = readLabel(state)
    state.code.byte(Op.BrIf)
    state.code.u32(label)
    state.stack.apply(1, 0)
    endRun(state)
    return 1
  },
  [Op.BrTable]: (state) => {
    const labels = within(state.reader.u32(), moduleLimits.branchLabels, 'labels of one branch') + 1
    state.code.byte(Op.BrTable)
    state.code.u32(labels - 1)
    for (let index = 0; index < labels; index += 1) state.code.u32(readLabel(state))
    state.stack.apply(1, 0)
    return labels * leave(state, [])
  },
  [Op.Return]: (state) => {
    if (!state.hasCalls) return leave(state, [Op.Return])
    state.code.byte(Op.Br)
    state.code.u32(state.stack.depth() - 1)
    return leave(state, [])
  },
  [Op.Call]: (state) => {
    const index = state.reader.u32()
    const signature = state.context.types[state.context.functionTypes[index] ?? -1]
    if (signature === undefined) throw new ProgramError('a call of a function that is not there')
    callFunction(state, state.context.callTarget(index), signature.parameters.length, signature.results.length)
    return 0
  },
  [Op.CallIndirect]: (state) => {
    const type = state.reader.u32()
    const signature = state.context.types[type]
    expectZero(state.reader)
    if (signature === undefined) throw new ProgramError('a call by a type that is not there')
    state.code.byte(Op.CallIndirect)
    state.code.u32(type)
    state.code.byte(0)
    state.stack.apply(signature.parameters.length + 1, signature.results.length)
    return 0
  },
  [Op.MemoryGrow]: (state) => {
    expectZero(state.reader)
    callFunction(state, state.context.helpers.grow, 1, 1)
    return 0
  },
  [Op.Prefix]: (state) => {
    const second = state.reader.u32()
    if (second === Bulk.Copy || second === Bulk.Fill) {
      expectZero(state.reader)
      if (second === Bulk.Copy) expectZero(state.reader)
      const { copy, fill } = state.context.helpers
      callFunction(state, second === Bulk.Copy ? copy : fill, 3, 0)
      return 0
    }
    const plain = plainPrefixedOf(second)
    if (plain === undefined) throw new ProgramError(`instruction 0xfc ${second} is not allowed`)
    state.code.byte(Op.Prefix, second)
    rewritePlain(state, plain)
    return 0
  },
}

function callFunction(state: State, target: number, pops: number, pushes: number): void {
  state.code.byte(Op.Call)
  state.code.u32(target)
  state.stack.apply(pops, pushes)
}

function open(state: State, opcode: number, endsRun: boolean): number {
  const type = state.reader.s33()
  const [parameters, results] = blockArity(state.context.types, type)
  state.code.byte(opcode)
  state.code.s32(type)
  state.stack.open(parameters, results)
  if (endsRun) endRun(state)
  return 1
}

function blockArity(types: readonly Signature[], type: number): [number, number] {
  if (type === -64) return [0, 0]
  if (type < 0 && isValueType(type + 0x80)) return [0, 1]
  const signature = types[type]
  if (signature === undefined) throw new ProgramError('a block of a type that is not there')
  return [signature.parameters.length, signature.results.length]
}

/** Ends a run after which control does not go on. */
function leave(state: State, codes: readonly number[]): number {
  state.code.byte(...codes)
  state.stack.leave()
  endRun(state)
  return 1
}

function readLabel(state: State): number {
  const label = state.reader.u32()
  if (label >= state.stack.depth()) throw new ProgramError('a branch to a block that is not there')
  return label
}

function expectZero(reader: ByteReader): void {
  if (reader.byte() !== 0) throw new ProgramError('a second memory or table')
}
