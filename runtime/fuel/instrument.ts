/**
 * Makes a program count its own fuel and bound its own stack and memory.
 *
 * The count is part of the program's arithmetic, so it does not depend on the machine, the engine or the time. The
 * result imports what the program imported and exports `memory`, `run` and the three globals of {@link meterExports}.
 *
 * @module
 */
import { type ByteWriter, createByteWriter } from './byte-writer.ts'
import { type AddedGlobals, bulkBody, entryBody, growBody, hostBody } from './helper-functions.ts'
import { type BodyContext, instrumentBody } from './instrument-body.ts'
import { moduleLimits, ProgramError, within } from './module-limits.ts'
import { Bulk, Op, ValueType } from './opcodes.ts'
import { type HostFunction, hostFunctions, type ProgramModule, parseModule, type Signature } from './parse-module.ts'

/** Names under which the rewritten module exports its meters. */
export const meterExports = { fuel: 'meter.fuel', slots: 'meter.slots', fault: 'meter.fault' } as const

const growType: Signature = { parameters: [ValueType.I32], results: [ValueType.I32] }
const bulkType: Signature = { parameters: [ValueType.I32, ValueType.I32, ValueType.I32], results: [] }

/** Parameter that says how many bytes a host function moves. */
const lengthParameter: Readonly<Record<HostFunction, number | null>> = {
  input_length: null,
  input_read: 2,
  output_write: 1,
}

/**
 * Rewrites a program.
 *
 * @param bytes - A WebAssembly module; must also pass `WebAssembly.validate`, which checks what this does not: types.
 * @throws ProgramError when the program has anything it may not have.
 */
export function instrument(bytes: Uint8Array): Uint8Array {
  const program = parseModule(bytes)
  const types = createTypeList(program.types)
  const added: { type: number; body: Uint8Array }[] = []
  const firstAdded = program.functionTypes.length
  const { count } = program.globals
  const globals: AddedGlobals = { fuel: count, slots: count + 1, fault: count + 2 }

  const add = (signature: Signature, body: Uint8Array): number => {
    added.push({ type: types.indexOf(signature), body })
    return firstAdded + added.length - 1
  }
  const hosts = program.imports.map((name, index) => {
    const { parameters } = hostFunctions[name]
    const host = { index, parameters: parameters.length, length: lengthParameter[name] }
    return add(hostFunctions[name], hostBody(globals, host))
  })
  const callTarget = (index: number) => hosts[index] ?? index
  const context: BodyContext = {
    types: program.types,
    functionTypes: program.functionTypes,
    callTarget,
    blockType: (results) => blockType(types, results),
    globals,
    helpers: {
      grow: add(growType, growBody(globals, program.memory.maximum)),
      copy: add(bulkType, bulkBody(globals, Bulk.Copy)),
      fill: add(bulkType, bulkBody(globals, Bulk.Fill)),
    },
    spendMergeWork: createMergeWork(),
  }
  const bodies = program.bodies.map((body, index) => {
    const type = program.functionTypes[program.imports.length + index]
    const signature = type === undefined ? undefined : program.types[type]
    if (signature === undefined) throw new ProgramError('a function of a type that is not there')
    return instrumentBody(body, signature, context)
  })
  const run = add({ parameters: [], results: [] }, entryBody(program.entries.map(callTarget)))
  return assemble(program, { types: types.all, added, bodies, globals, callTarget, run })
}

function createMergeWork(): (amount: number) => void {
  let total = 0
  return (amount) => {
    total = within(total + amount, moduleLimits.mergeWork, 'values at branches')
  }
}

type TypeList = { readonly all: readonly Signature[]; indexOf(signature: Signature): number }

/** The program's types, to which those it lacks are added. */
function createTypeList(given: readonly Signature[]): TypeList {
  const all = [...given]
  const keyOf = ({ parameters, results }: Signature) => `${parameters}:${results}`
  const known = new Map(all.map((signature, index) => [keyOf(signature), index]))
  return {
    all,
    indexOf(signature) {
      const found = known.get(keyOf(signature))
      if (found !== undefined) return found
      known.set(keyOf(signature), all.length)
      return all.push(signature) - 1
    },
  }
}

/** A block type as a signed number: empty, a value type, or a type's index. */
function blockType(types: TypeList, results: readonly number[]): number {
  const [only] = results
  if (only === undefined) return -64
  if (results.length === 1) return only - 0x80
  return types.indexOf({ parameters: [], results })
}

type Parts = {
  readonly types: readonly Signature[]
  readonly added: readonly { readonly type: number; readonly body: Uint8Array }[]
  readonly bodies: readonly Uint8Array[]
  readonly globals: AddedGlobals
  readonly callTarget: (index: number) => number
  /** Function to be exported as `run`. */
  readonly run: number
}

function assemble(program: ProgramModule, parts: Parts): Uint8Array {
  const output = createByteWriter()
  output.byte(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
  const section = (id: number, count: number, write: (content: ByteWriter) => void) => {
    if (count === 0) return
    const content = createByteWriter()
    content.u32(count)
    write(content)
    output.byte(id)
    output.vector(content.finish())
  }
  const defined = program.functionTypes.slice(program.imports.length)

  section(1, parts.types.length, (content) => {
    for (const { parameters, results } of parts.types) {
      content.byte(0x60)
      content.vector(Uint8Array.from(parameters))
      content.vector(Uint8Array.from(results))
    }
  })
  section(2, program.imports.length, (content) => {
    for (const [index, name] of program.imports.entries()) {
      content.vector(Buffer.from('tally'))
      content.vector(Buffer.from(name))
      content.byte(0)
      content.u32(program.functionTypes[index] ?? 0)
    }
  })
  section(3, defined.length + parts.added.length, (content) => {
    for (const type of defined) content.u32(type)
    for (const { type } of parts.added) content.u32(type)
  })
  section(4, program.tableEntries === null ? 0 : 1, (content) => {
    content.byte(0x70, 1)
    content.u32(program.tableEntries ?? 0)
    content.u32(program.tableEntries ?? 0)
  })
  section(5, 1, (content) => {
    content.byte(1)
    content.u32(program.memory.minimum)
    content.u32(program.memory.maximum)
  })
  section(6, program.globals.count + 3, (content) => {
    content.bytes(program.globals.content)
    content.byte(ValueType.I64, 1, Op.I64Const, 0, Op.End)
    content.byte(ValueType.I32, 1, Op.I32Const)
    content.s32(moduleLimits.stackSlots)
    content.byte(Op.End, ValueType.I32, 1, Op.I32Const, 0, Op.End)
  })
  section(7, 5, (content) => writeExports(content, parts.run, parts.globals))
  section(9, program.elements.length, (content) => {
    for (const { offset, functions } of program.elements) {
      content.byte(0, Op.I32Const)
      content.s32(offset)
      content.byte(Op.End)
      content.u32(functions.length)
      for (const index of functions) content.u32(parts.callTarget(index))
    }
  })
  section(10, parts.bodies.length + parts.added.length, (content) => {
    for (const body of parts.bodies) content.vector(body)
    for (const { body } of parts.added) content.vector(body)
  })
  section(11, program.data.count, (content) => content.bytes(program.data.content))
  return output.finish()
}

function writeExports(content: ByteWriter, run: number, globals: AddedGlobals): void {
  const entry = (name: string, kind: number, index: number) => {
    content.vector(Buffer.from(name))
    content.byte(kind)
    content.u32(index)
  }
  entry('memory', 2, 0)
  entry('run', 0, run)
  entry(meterExports.fuel, 3, globals.fuel)
  entry(meterExports.slots, 3, globals.slots)
  entry(meterExports.fault, 3, globals.fault)
}
