/**
 * Reads a program's globals, table contents and data: constants only, so that nothing runs before `run`.
 *
 * @module
 */
import type { ByteReader } from './byte-reader.ts'
import { moduleLimits, PAGE_BYTES, ProgramError, within } from './module-limits.ts'
import { isValueType, Op, ValueType } from './opcodes.ts'

/** Functions placed into the table from `offset` on. */
export type ElementSegment = { readonly offset: number; readonly functions: readonly number[] }

/** A section's number of entries and the bytes after that number. */
export type RawEntries = { readonly count: number; readonly content: Uint8Array }

/** Reads globals, which begin with constants. */
export function readGlobals(reader: ByteReader): RawEntries {
  return readRaw(reader, moduleLimits.globals, 'globals', () => {
    const type = reader.byte()
    if (!isValueType(type) || reader.byte() > 1) throw new ProgramError('a global of unknown type')
    skipConstant(reader, type)
  })
}

/** Reads active table segments; each lies within the table. */
export function readElements(reader: ByteReader, functions: number, tableEntries: number): ElementSegment[] {
  const segments: ElementSegment[] = []
  const count = within(reader.u32(), moduleLimits.segments, 'table segments')
  let total = 0
  for (let index = 0; index < count; index += 1) {
    if (reader.u32() !== 0) throw new ProgramError('a table segment that is not active and of functions')
    const offset = readOffset(reader)
    const length = within(reader.u32(), moduleLimits.tableEntries, 'functions in a table segment')
    if (offset + length > tableEntries) throw new ProgramError('a table segment outside the table')
    total = within(total + length, moduleLimits.tableEntries * 4, 'functions in table segments')
    const members: number[] = []
    for (let entry = 0; entry < length; entry += 1) {
      const member = reader.u32()
      if (member >= functions) throw new ProgramError('a table segment names a function that is not there')
      members.push(member)
    }
    segments.push({ offset, functions: members })
  }
  return segments
}

/** Reads active data segments; each lies within the memory a program starts with. */
export function readData(reader: ByteReader, memoryPages: number): RawEntries {
  return readRaw(reader, moduleLimits.segments, 'data segments', () => {
    if (reader.u32() !== 0) throw new ProgramError('a data segment that is not active')
    const offset = readOffset(reader)
    const length = reader.u32()
    if (offset + length > memoryPages * PAGE_BYTES) throw new ProgramError('a data segment outside the memory')
    reader.take(length)
  })
}

function readRaw(reader: ByteReader, limit: number, what: string, skip: () => void): RawEntries {
  const count = within(reader.u32(), limit, what)
  const start = reader.position()
  for (let index = 0; index < count; index += 1) skip()
  return { count, content: reader.bytes.subarray(start, reader.position()) }
}

function readOffset(reader: ByteReader): number {
  if (reader.byte() !== Op.I32Const) throw new ProgramError('an offset that is not a constant')
  const offset = reader.s33()
  if (reader.byte() !== Op.End) throw new ProgramError('an offset that is not a constant')
  return offset < 0 ? offset + 2 ** 32 : offset
}

const constants = new Map<number, { type: number; skip(reader: ByteReader): void }>([
  [Op.I32Const, { type: ValueType.I32, skip: (reader) => reader.skipSigned(32) }],
  [Op.I64Const, { type: ValueType.I64, skip: (reader) => reader.skipSigned(64) }],
  [Op.F32Const, { type: ValueType.F32, skip: (reader) => void reader.take(4) }],
  [Op.F64Const, { type: ValueType.F64, skip: (reader) => void reader.take(8) }],
])

function skipConstant(reader: ByteReader, type: number): void {
  const constant = constants.get(reader.byte())
  if (constant?.type !== type) throw new ProgramError('a global that does not begin with a constant')
  constant.skip(reader)
  if (reader.byte() !== Op.End) throw new ProgramError('a global that does not begin with a constant')
}
