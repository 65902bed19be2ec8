/**
 * Functions added to every program: what takes time by size is paid by size before it happens.
 *
 * @module
 */
import { type ByteWriter, createByteWriter } from './byte-writer.ts'
import { Bulk, Op } from './opcodes.ts'

/** Fuel of moving `n` bytes: `n / 8`, rounded down. */
const SHIFT_BYTES = 3
/** Fuel of growing the memory by one page, which the machine must clear. */
const FUEL_PER_PAGE = 4_096
/** Fuel of crossing into the host. */
const FUEL_PER_HOST_CALL = 64

/** Indexes of the globals added to a program. */
export type AddedGlobals = {
  /** Fuel left; below zero: used up. */
  readonly fuel: number
  /** Stack slots left. */
  readonly slots: number
  /** 1: the machine could not give memory the program is entitled to. */
  readonly fault: number
}

/** Body of `grow(pages) → old pages or -1`: −1 exactly when the program's own limit says so. */
export function growBody(globals: AddedGlobals, maximumPages: number): Uint8Array {
  return body((code) => {
    // if (memory.size + pages > maximum) return -1, without overflow: pages > maximum - memory.size
    code.byte(Op.LocalGet, 0, Op.I32Const)
    code.s32(maximumPages)
    code.byte(Op.MemorySize, 0, Op.I32Sub, Op.I32GtU, Op.If, 0x40, Op.I32Const, 0x7f, Op.Return, Op.End)
    code.byte(Op.LocalGet, 0, Op.I64ExtendI32U, Op.I64Const)
    code.s32(FUEL_PER_PAGE)
    code.byte(Op.I64Mul)
    charge(code, globals.fuel)
    code.byte(Op.LocalGet, 0, Op.MemoryGrow, 0, Op.LocalTee, 0, Op.I32Const, 0x7f, Op.I32Eq, Op.If, 0x40)
    code.byte(Op.I32Const, 1, Op.GlobalSet)
    code.u32(globals.fault)
    code.byte(Op.Unreachable, Op.End, Op.LocalGet, 0)
  })
}

/** Body of `copy(to, from, length)` and `fill(to, value, length)`. */
export function bulkBody(globals: AddedGlobals, bulk: number): Uint8Array {
  return body((code) => {
    chargeBytes(code, globals.fuel, 2, 0)
    code.byte(Op.LocalGet, 0, Op.LocalGet, 1, Op.LocalGet, 2, Op.Prefix, bulk, 0)
    if (bulk === Bulk.Copy) code.byte(0)
  })
}

/**
 * Body that pays for and then calls an imported function.
 *
 * @param length - The parameter holding the number of bytes moved, null when none are.
 */
export function hostBody(
  globals: AddedGlobals,
  host: { readonly index: number; readonly parameters: number; readonly length: number | null },
): Uint8Array {
  return body((code) => {
    if (host.length === null) {
      code.byte(Op.I64Const)
      code.s32(FUEL_PER_HOST_CALL)
      charge(code, globals.fuel)
    } else {
      chargeBytes(code, globals.fuel, host.length, FUEL_PER_HOST_CALL)
    }
    for (let parameter = 0; parameter < host.parameters; parameter += 1) code.byte(Op.LocalGet, parameter)
    code.byte(Op.Call)
    code.u32(host.index)
  })
}

/** Body that calls functions without parameters and results, one after the other, at no cost. */
export function entryBody(functions: readonly number[]): Uint8Array {
  return body((code) => {
    for (const index of functions) {
      code.byte(Op.Call)
      code.u32(index)
    }
  })
}

function body(write: (code: ByteWriter) => void): Uint8Array {
  const code = createByteWriter()
  code.byte(0) // no locals
  write(code)
  code.byte(Op.End)
  return code.finish()
}

function chargeBytes(code: ByteWriter, fuel: number, parameter: number, more: number): void {
  code.byte(Op.LocalGet, parameter, Op.I32Const, SHIFT_BYTES, Op.I32ShrU, Op.I64ExtendI32U, Op.I64Const)
  code.s32(more)
  code.byte(Op.I64Add)
  charge(code, fuel)
}

/** Takes the i64 on the stack from the fuel; traps when that is too little. */
function charge(code: ByteWriter, fuel: number): void {
  // fuel - amount without a local: negate by multiplying, then add
  code.byte(Op.I64Const, 0x7f, Op.I64Mul, Op.GlobalGet)
  code.u32(fuel)
  code.byte(Op.I64Add, Op.GlobalSet)
  code.u32(fuel)
  code.byte(Op.GlobalGet)
  code.u32(fuel)
  code.byte(Op.I64Const, 0, Op.I64LtS, Op.If, 0x40, Op.Unreachable, Op.End)
}
