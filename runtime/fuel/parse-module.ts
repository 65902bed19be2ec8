/**
 * Reads a program module into its sections, refusing everything a program may not have.
 *
 * Function bodies stay bytes here; `instrument-body.ts` reads them. Types of operands are V8's to check.
 *
 * @module
 */
import { type ByteReader, createByteReader } from './byte-reader.ts'
import { moduleLimits, ProgramError, within } from './module-limits.ts'
import { isValueType, ValueType } from './opcodes.ts'
import { type ElementSegment, readData, readElements, readGlobals } from './parse-segments.ts'

/** What a function takes and gives, as value type bytes. */
export type Signature = { readonly parameters: readonly number[]; readonly results: readonly number[] }

/** The functions of module `tally` a program may import. */
export const hostFunctions = {
  input_length: { parameters: [], results: [ValueType.I32] },
  input_read: { parameters: [ValueType.I32, ValueType.I32, ValueType.I32], results: [] },
  output_write: { parameters: [ValueType.I32, ValueType.I32], results: [] },
} as const satisfies Record<string, Signature>

/** Name of a host function. */
export type HostFunction = keyof typeof hostFunctions

/** A program module, taken apart. */
export type ProgramModule = {
  readonly types: readonly Signature[]
  readonly imports: readonly HostFunction[]
  /** Type of every function, the imported ones first. */
  readonly functionTypes: readonly number[]
  /** Entries of the function table, null when there is none. */
  readonly tableEntries: number | null
  /** Pages of 64 KiB: at the start, and at most. */
  readonly memory: { readonly minimum: number; readonly maximum: number }
  readonly globals: { readonly count: number; readonly content: Uint8Array }
  /** Functions to call in order: the start function where there is one, then the exported `run`. */
  readonly entries: readonly number[]
  readonly elements: readonly ElementSegment[]
  readonly bodies: readonly Uint8Array[]
  /** Data segments, as they stand in the section. */
  readonly data: { readonly count: number; readonly content: Uint8Array }
}

const sectionOrder = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]

/**
 * Takes a program module apart.
 *
 * @throws ProgramError when it has anything a program may not have.
 */
export function parseModule(bytes: Uint8Array): ProgramModule {
  if (bytes.length > moduleLimits.moduleBytes) {
    throw new ProgramError(`${bytes.length} bytes, at most ${moduleLimits.moduleBytes}`, 'execution.program-too-large')
  }
  const sections = splitSections(bytes)
  const section = <T>(id: number, read: (reader: ByteReader) => T, absent: T): T => {
    const content = sections.get(id)
    if (content === undefined) return absent
    const reader = createByteReader(content)
    const value = read(reader)
    if (!reader.atEnd()) throw new ProgramError(`section ${id} is longer than its content`)
    return value
  }

  const types = section(1, readTypes, [])
  const imports = section(2, (reader) => readImports(reader, types), [])
  const defined = section(3, (reader) => readIndexes(reader, moduleLimits.functions, types.length, 'functions'), [])
  const functionTypes = [...imports.map(({ type }) => type), ...defined]
  const tableEntries = section<number | null>(4, readTable, null)
  const memory = section<ProgramModule['memory'] | null>(5, readMemory, null)
  if (memory === null) throw new ProgramError('no memory')
  const start = section<number | null>(8, (reader) => reader.u32(), null)
  const entries = [...(start === null ? [] : [start]), section(7, readExports, -1)]
  for (const entry of entries) checkEntry(types[functionTypes[entry] ?? -1])
  const bodies = section(10, readBodies, [])
  if (bodies.length !== defined.length) throw new ProgramError('functions and bodies differ in number')
  return {
    types,
    imports: imports.map(({ name }) => name),
    functionTypes,
    tableEntries,
    memory,
    globals: section(6, readGlobals, { count: 0, content: new Uint8Array() }),
    entries,
    elements: section(9, (reader) => readElements(reader, functionTypes.length, tableEntries ?? 0), []),
    bodies,
    data: section(11, (reader) => readData(reader, memory.minimum), { count: 0, content: new Uint8Array() }),
  }
}

function splitSections(bytes: Uint8Array): Map<number, Uint8Array> {
  const reader = createByteReader(bytes)
  const magic = Buffer.from(reader.take(Math.min(8, bytes.length))).toString('hex')
  if (magic !== '0061736d01000000') throw new ProgramError('not a WebAssembly module')
  const sections = new Map<number, Uint8Array>()
  let last = -1
  while (!reader.atEnd()) {
    const id = reader.byte()
    const content = reader.take(reader.u32())
    if (id === 0) continue // names and tool notes do nothing
    const place = sectionOrder.indexOf(id)
    if (place <= last) throw new ProgramError(`section ${id} is unknown or out of order`)
    last = place
    sections.set(id, content)
  }
  return sections
}

function readTypes(reader: ByteReader): Signature[] {
  const valueTypes = (limit: number, what: string) =>
    readMany(reader, limit, what, () => {
      const type = reader.byte()
      if (!isValueType(type)) throw new ProgramError('a type other than i32, i64, f32, f64')
      return type
    })
  return readMany(reader, moduleLimits.types, 'types', () => {
    if (reader.byte() !== 0x60) throw new ProgramError('a type that is not of a function')
    return {
      parameters: valueTypes(moduleLimits.parameters, 'parameters'),
      results: valueTypes(moduleLimits.results, 'results'),
    }
  })
}

function readImports(reader: ByteReader, types: readonly Signature[]): { name: HostFunction; type: number }[] {
  return readMany(reader, 64, 'imports', () => {
    const from = `${readName(reader)}.${readName(reader)}`
    const name = from.startsWith('tally.') ? from.slice(6) : ''
    if (reader.byte() !== 0 || !isHostFunction(name)) throw new ProgramError(`import of ${from}`)
    const type = reader.u32()
    if (!sameSignature(types[type], hostFunctions[name])) throw new ProgramError(`import of ${from} with another type`)
    return { name, type }
  })
}

function readTable(reader: ByteReader): number | null {
  const tables = readMany(reader, 1, 'tables', () => {
    if (reader.byte() !== 0x70) throw new ProgramError('a table of other things than functions')
    return readLimits(reader, moduleLimits.tableEntries, 'table entries').minimum
  })
  return tables[0] ?? null
}

function readMemory(reader: ByteReader): ProgramModule['memory'] | null {
  const memories = readMany(reader, 1, 'memories', () => {
    const { minimum, maximum } = readLimits(reader, moduleLimits.memoryPages, 'pages of memory')
    return { minimum, maximum: Math.min(maximum ?? moduleLimits.memoryPages, moduleLimits.memoryPages) }
  })
  return memories[0] ?? null
}

function readLimits(reader: ByteReader, limit: number, what: string): { minimum: number; maximum: number | null } {
  const flag = reader.byte()
  if (flag > 1) throw new ProgramError('a shared or 64-bit memory or table')
  const minimum = within(reader.u32(), limit, what)
  return { minimum, maximum: flag === 1 ? reader.u32() : null }
}

/** Reads the exports, of which only `memory` and `run` matter; returns the index of `run`, -1 when there is none. */
function readExports(reader: ByteReader): number {
  let run = -1
  let memory = false
  readMany(reader, moduleLimits.exports, 'exports', () => {
    const name = readName(reader)
    const kind = reader.byte()
    const index = reader.u32()
    if (name === 'run' && kind === 0) run = index
    if (name === 'memory' && kind === 2) memory = true
  })
  if (!memory) throw new ProgramError('memory is not exported')
  return run
}

function checkEntry(signature: Signature | undefined): void {
  if (!sameSignature(signature, { parameters: [], results: [] })) {
    throw new ProgramError('no exported function run, or one that takes or gives something')
  }
}

function readBodies(reader: ByteReader): Uint8Array[] {
  return readMany(reader, moduleLimits.functions, 'functions', () =>
    reader.take(within(reader.u32(), moduleLimits.bodyBytes, 'bytes of one function')),
  )
}

function readIndexes(reader: ByteReader, limit: number, below: number, what: string): number[] {
  return readMany(reader, limit, what, () => {
    const index = reader.u32()
    if (index >= below) throw new ProgramError(`${what} name what is not there`)
    return index
  })
}

function readMany<T>(reader: ByteReader, limit: number, what: string, read: () => T): T[] {
  const count = within(reader.u32(), limit, what)
  const values: T[] = []
  for (let index = 0; index < count; index += 1) values.push(read())
  return values
}

function readName(reader: ByteReader): string {
  return Buffer.from(reader.take(reader.u32()).subarray(0, 256)).toString('latin1')
}

function isHostFunction(name: string): name is HostFunction {
  return Object.hasOwn(hostFunctions, name)
}

function sameSignature(left: Signature | undefined, right: Signature): boolean {
  return (
    left !== undefined &&
    String(left.parameters) === String(right.parameters) &&
    String(left.results) === String(right.results)
  )
}
