/**
 * The instructions a program may use: WebAssembly 1.0, sign extension, saturating conversions, `memory.copy` and
 * `memory.fill`. No threads, vectors, exceptions, references, garbage collection or tail calls.
 *
 * @module
 */

/** Instructions whose handling differs from "pop, push". */
export const Op = {
  Unreachable: 0x00,
  Block: 0x02,
  Loop: 0x03,
  If: 0x04,
  Else: 0x05,
  End: 0x0b,
  Br: 0x0c,
  BrIf: 0x0d,
  BrTable: 0x0e,
  Return: 0x0f,
  Call: 0x10,
  CallIndirect: 0x11,
  Select: 0x1b,
  LocalGet: 0x20,
  LocalTee: 0x22,
  GlobalGet: 0x23,
  GlobalSet: 0x24,
  MemorySize: 0x3f,
  MemoryGrow: 0x40,
  I32Const: 0x41,
  I64Const: 0x42,
  F32Const: 0x43,
  F64Const: 0x44,
  I32Eq: 0x46,
  I32LtS: 0x48,
  I32GtU: 0x4b,
  I64LtS: 0x53,
  F32Eq: 0x5b,
  F64Eq: 0x61,
  I32Add: 0x6a,
  I32Sub: 0x6b,
  I32ShrU: 0x76,
  I64Add: 0x7c,
  I64Sub: 0x7d,
  I64Mul: 0x7e,
  I64ExtendI32U: 0xad,
  Prefix: 0xfc,
} as const

/** Second byte of the two bulk instructions allowed. */
export const Bulk = { Copy: 10, Fill: 11 } as const

/** Value types by their byte. */
export const ValueType = { I32: 0x7f, I64: 0x7e, F32: 0x7d, F64: 0x7c } as const

/** Whether `byte` is a value type a program may use. */
export function isValueType(byte: number): boolean {
  return byte >= ValueType.F64 && byte <= ValueType.I32
}

/** What follows an opcode. */
export type Immediate = 'none' | 'index' | 'memory' | 'zero' | 's32' | 's64' | 'f32' | 'f64'

/** A plain instruction: what follows it and what it does to the operand stack. */
export type Plain = {
  readonly immediate: Immediate
  readonly pops: number
  readonly pushes: number
  /** Set when the result can be a NaN whose bits the hardware chooses. */
  readonly nan: 'f32' | 'f64' | null
}

/** The plain instruction of `opcode`, or undefined when it is control, a call, or not allowed. */
export function plainOf(opcode: number): Plain | undefined {
  return table[opcode]
}

/** The instruction after the 0xfc prefix that needs no special handling: saturating conversions 0 to 7. */
export function plainPrefixedOf(second: number): Plain | undefined {
  return second <= 7 ? define('none', 1, 1) : undefined
}

function define(immediate: Immediate, pops: number, pushes: number, nan: Plain['nan'] = null): Plain {
  return { immediate, pops, pushes, nan }
}

function buildTable(): readonly (Plain | undefined)[] {
  const plain: (Plain | undefined)[] = new Array(256).fill(undefined)
  const range = (first: number, last: number, entry: Plain) => plain.fill(entry, first, last + 1)
  const unary = define('none', 1, 1)
  const binary = define('none', 2, 1)

  plain[0x01] = define('none', 0, 0) // nop
  plain[0x1a] = define('none', 1, 0) // drop
  plain[Op.Select] = define('none', 3, 1)
  plain[Op.LocalGet] = define('index', 0, 1)
  plain[0x21] = define('index', 1, 0) // local.set
  plain[Op.LocalTee] = define('index', 1, 1)
  plain[Op.GlobalGet] = define('index', 0, 1)
  plain[Op.GlobalSet] = define('index', 1, 0)
  range(0x28, 0x35, define('memory', 1, 1)) // loads
  range(0x36, 0x3e, define('memory', 2, 0)) // stores
  plain[Op.MemorySize] = define('zero', 0, 1)
  plain[Op.I32Const] = define('s32', 0, 1)
  plain[Op.I64Const] = define('s64', 0, 1)
  plain[Op.F32Const] = define('f32', 0, 1)
  plain[Op.F64Const] = define('f64', 0, 1)
  plain[0x45] = unary // i32.eqz
  range(0x46, 0x4f, binary)
  plain[0x50] = unary // i64.eqz
  range(0x51, 0x66, binary) // comparisons of i64, f32, f64
  range(0x67, 0x69, unary) // i32 clz, ctz, popcnt
  range(0x6a, 0x78, binary)
  range(0x79, 0x7b, unary) // i64 clz, ctz, popcnt
  range(0x7c, 0x8a, binary)
  range(0x8b, 0x8c, unary) // f32 abs, neg: bit operations, a NaN keeps its bits
  range(0x8d, 0x91, define('none', 1, 1, 'f32')) // ceil, floor, trunc, nearest, sqrt
  range(0x92, 0x97, define('none', 2, 1, 'f32')) // add, sub, mul, div, min, max
  plain[0x98] = binary // f32.copysign
  range(0x99, 0x9a, unary)
  range(0x9b, 0x9f, define('none', 1, 1, 'f64'))
  range(0xa0, 0xa5, define('none', 2, 1, 'f64'))
  plain[0xa6] = binary // f64.copysign
  range(0xa7, 0xb5, unary) // conversions up to f32.convert_i64_u
  plain[0xb6] = define('none', 1, 1, 'f32') // f32.demote_f64
  range(0xb7, 0xba, unary)
  plain[0xbb] = define('none', 1, 1, 'f64') // f64.promote_f32
  range(0xbc, 0xbf, unary) // reinterpretations
  range(0xc0, 0xc4, unary) // sign extensions
  return plain
}

const table = buildTable()
