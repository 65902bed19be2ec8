/**
 * Puts translated functions together as WebAssembly modules.
 *
 * @module
 */
import { type ByteWriter, createByteWriter } from '../fuel/byte-writer.ts'
import { createEmitter, Wasm, WasmType } from './emitter.ts'
import { LOCALS } from './frame.ts'
import { FUEL_AT, MEMORY_PAGES, PC_AT } from './memory-plan.ts'

/** How deep calls go before they are unwound and entered again from outside. */
const MAX_DEPTH = 200

const Section = { type: 1, import: 2, function: 3, export: 7, element: 9, code: 10 } as const
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
const { i32, i64 } = WasmType
/** (address, fuel, depth) → (address, fuel). */
const TRANSLATED = [0x60, 3, i32, i64, i32, 2, i32, i64]
/** (slot) → (). */
const ENTERING = [0x60, 1, i32, 0]

/** Memory and table that all modules of a machine share. */
export type Shared = { readonly memory: WebAssembly.Memory; readonly table: WebAssembly.Table }

/**
 * Compiles functions and puts them into the table.
 *
 * @param bodies - Without locals.
 * @param slot - Slot of the first one.
 */
export function installFunctions(shared: Shared, bodies: readonly Uint8Array[], slot: number): void {
  const out = createByteWriter()
  out.byte(...HEADER)
  section(out, Section.type, (part) => part.byte(1, ...TRANSLATED))
  section(out, Section.import, writeImports)
  section(out, Section.function, (part) => {
    part.u32(bodies.length)
    for (const _ of bodies) part.byte(0)
  })
  section(out, Section.element, (part) => {
    part.byte(1, 0, Wasm.i32Const)
    part.s32(slot)
    part.byte(Wasm.end)
    part.u32(bodies.length)
    for (const index of bodies.keys()) part.u32(index)
  })
  section(out, Section.code, (part) => {
    part.u32(bodies.length)
    for (const body of bodies) writeBody(part, body, LOCALS)
  })
  instantiate(shared, out)
}

/**
 * Compiles the way in: a function that enters a slot with the address and fuel in memory and leaves them there. Slot 0
 * becomes a function that gives back what it is given.
 */
export function installEntry(shared: Shared): (slot: number) => void {
  const out = createByteWriter()
  out.byte(...HEADER)
  section(out, Section.type, (part) => part.byte(2, ...TRANSLATED, ...ENTERING))
  section(out, Section.import, writeImports)
  section(out, Section.function, (part) => part.byte(2, 0, 1))
  section(out, Section.export, (part) => part.byte(1, 1, 'e'.charCodeAt(0), 0, 1))
  section(out, Section.element, (part) => part.byte(1, 0, Wasm.i32Const, 0, Wasm.end, 1, 0))
  section(out, Section.code, (part) => {
    part.u32(2)
    writeBody(part, backBody(), 0)
    writeBody(part, enterBody(), 0, 1)
  })
  return instantiate(shared, out).exports.e as (slot: number) => void
}

function backBody(): Uint8Array {
  const body = createEmitter()
  body.indexed(Wasm.localGet, 0)
  body.indexed(Wasm.localGet, 1)
  body.op(Wasm.end)
  return body.finish()
}

function enterBody(): Uint8Array {
  const [slot, fuel] = [0, 1]
  const body = createEmitter()
  // address of the address' store, then the results' own
  body.constant(0)
  body.constant(0)
  body.memory(Wasm.i32Load, 2, PC_AT)
  body.constant(0)
  body.memory(Wasm.i64Load, 3, FUEL_AT)
  body.constant(MAX_DEPTH)
  body.indexed(Wasm.localGet, slot)
  body.indirect(Wasm.callIndirect)
  body.indexed(Wasm.localSet, fuel)
  body.memory(Wasm.i32Store, 2, PC_AT)
  body.constant(0)
  body.indexed(Wasm.localGet, fuel)
  body.memory(Wasm.i64Store, 3, FUEL_AT)
  body.op(Wasm.end)
  return body.finish()
}

function writeImports(part: ByteWriter): void {
  const name = 't'.charCodeAt(0)
  part.byte(2, 1, name, 1, 'm'.charCodeAt(0), 2, 1)
  part.u32(MEMORY_PAGES)
  part.u32(MEMORY_PAGES)
  part.byte(1, name, 1, 't'.charCodeAt(0), 1, WasmType.funcref, 0, 0)
}

function writeBody(part: ByteWriter, body: Uint8Array, words: number, wides = 0): void {
  const locals = createByteWriter()
  locals.byte(Number(words > 0) + Number(wides > 0))
  if (words > 0) {
    locals.u32(words)
    locals.byte(i32)
  }
  if (wides > 0) locals.byte(wides, i64)
  part.u32(locals.length() + body.length)
  part.bytes(locals.finish())
  part.bytes(body)
}

function section(out: ByteWriter, id: number, write: (part: ByteWriter) => void): void {
  const part = createByteWriter()
  write(part)
  out.byte(id)
  out.vector(part.finish())
}

function instantiate({ memory, table }: Shared, out: ByteWriter): WebAssembly.Instance {
  const module = new WebAssembly.Module(Buffer.from(out.finish()))
  return new WebAssembly.Instance(module, { t: { m: memory, t: table } })
}
