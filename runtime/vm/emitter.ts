/**
 * Writes WebAssembly's instructions.
 *
 * @module
 */
import { createByteWriter } from '../fuel/byte-writer.ts'

/** Instructions by their byte. */
export const Wasm = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Load: 0x28,
  i64Load: 0x29,
  i32Load8S: 0x2c,
  i32Load8U: 0x2d,
  i32Load16S: 0x2e,
  i32Load16U: 0x2f,
  i32Store: 0x36,
  i64Store: 0x37,
  i32Store8: 0x3a,
  i32Store16: 0x3b,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtU: 0x4b,
  i32GeS: 0x4e,
  i32GeU: 0x4f,
  i64LtS: 0x53,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32DivS: 0x6d,
  i32DivU: 0x6e,
  i32RemS: 0x6f,
  i32RemU: 0x70,
  i32And: 0x71,
  i32Or: 0x72,
  i32Xor: 0x73,
  i32Shl: 0x74,
  i32ShrS: 0x75,
  i32ShrU: 0x76,
  i32Rotr: 0x78,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64ShrU: 0x88,
  i32WrapI64: 0xa7,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
} as const

/** Value types, and the type of a block that gives nothing. */
export const WasmType = { i32: 0x7f, i64: 0x7e, funcref: 0x70, empty: 0x40 } as const

/** A function's body being written. */
export type Emitter = {
  op(code: number): void
  /** An instruction with one index: a local, a label, a function. */
  indexed(code: number, index: number): void
  constant(value: number): void
  /** A constant of 64 bits below 2³¹. */
  wide(value: number): void
  /** A load or store that may assume its natural alignment. */
  memory(code: number, align: number, offset: number): void
  /** `block`, `loop` or `if` without result. */
  open(code: number): void
  /** Function type and table of an indirect call: both the only ones. */
  indirect(code: number): void
  /** `br_table`, the last label for all other cases. */
  table(labels: readonly number[]): void
  append(bytes: Uint8Array): void
  finish(): Uint8Array
}

/** Creates an empty body. */
export function createEmitter(): Emitter {
  const writer = createByteWriter()
  return {
    op: (code) => writer.byte(code),
    indexed(code, index) {
      writer.byte(code)
      writer.u32(index)
    },
    constant(value) {
      writer.byte(Wasm.i32Const)
      writer.s32(value | 0)
    },
    wide(value) {
      writer.byte(Wasm.i64Const)
      writer.s32(value)
    },
    memory(code, align, offset) {
      writer.byte(code, align)
      writer.u32(offset)
    },
    open: (code) => writer.byte(code, WasmType.empty),
    indirect: (code) => writer.byte(code, 0, 0),
    table(labels) {
      writer.byte(Wasm.brTable)
      writer.u32(labels.length - 1)
      for (const label of labels) writer.u32(label)
    },
    append: writer.bytes,
    finish: writer.finish,
  }
}
