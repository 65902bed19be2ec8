/**
 * What the parts of a translated function share: its locals, its labels, and the ways out of it.
 *
 * A function takes the address it is entered at, fuel and how deep calls may still go, and gives the address to go on
 * at and the fuel left; registers stand in memory whenever control is not in the function.
 *
 * @module
 */

import { TEMPORARIES } from './accesses.ts'
import { createEmitter, type Emitter, Wasm } from './emitter.ts'
import { REGISTERS_AT } from './memory-plan.ts'

/** Locals by their index; a register's is {@link registerLocal}. */
export const Local = { pc: 0, fuel: 1, depth: 2, temporaries: 34, target: 34 + TEMPORARIES } as const
/** Locals besides the parameters, all of 32 bits. */
export const LOCALS = 31 + TEMPORARIES + 1

/** Local of x1 to x31. */
export function registerLocal(register: number): number {
  return 2 + register
}

/** A cold way out: sets the address unless it is set already, gives back fuel, and stores registers. */
type Exit = { readonly pc: number | undefined; readonly refund: number; readonly dirty: number }

/** A function being written. */
export type Frame = {
  readonly out: Emitter
  get(register: number): void
  set(register: number): void
  /** Opens a `block`, `loop` or `if`; `key` names its label. */
  open(code: number, key?: unknown): void
  close(): void
  /** Label of what was opened with `key`, as seen from here; undefined outside of it. */
  label(key: unknown): number | undefined
  /**
   * Leaves the function, cold: when the value on the stack is not 0, or always.
   *
   * @param exit - `pc`: where to go on; undefined when the local says. `refund`: fuel to give back. `dirty`: registers to store.
   */
  leaveIf(exit: Exit): void
  leave(exit: Exit): void
  /** Stores registers to memory. */
  store(registers: number): void
  /** Loads registers from memory. */
  load(registers: number): void
  /** The function's body with all its ways out. */
  finish(): Uint8Array
}

/** Begins a function. */
export function createFrame(): Frame {
  const out = createEmitter()
  const scopes: unknown[] = []
  const exits: Exit[] = []
  const byExit = new Map<string, number>()

  /** Label of an exit: exits stand around everything else, the first one innermost. */
  function exitLabel(exit: Exit): number {
    const key = `${exit.pc} ${exit.refund} ${exit.dirty}`
    const index = byExit.get(key) ?? exits.push(exit) - 1
    byExit.set(key, index)
    return scopes.length + index
  }
  const store = (to: Emitter, registers: number) => {
    forEachRegister(registers, (register) => {
      to.constant(0)
      to.indexed(Wasm.localGet, registerLocal(register))
      to.memory(Wasm.i32Store, 2, REGISTERS_AT + 4 * register)
    })
  }

  return {
    out,
    get(register) {
      if (register === 0) out.constant(0)
      else out.indexed(Wasm.localGet, registerLocal(register))
    },
    set: (register) => out.indexed(Wasm.localSet, registerLocal(register)),
    open(code, key) {
      scopes.push(key)
      out.open(code)
    },
    close() {
      scopes.pop()
      out.op(Wasm.end)
    },
    label(key) {
      const index = scopes.lastIndexOf(key)
      return index < 0 ? undefined : scopes.length - 1 - index
    },
    leaveIf: (exit) => out.indexed(Wasm.brIf, exitLabel(exit)),
    leave: (exit) => out.indexed(Wasm.br, exitLabel(exit)),
    store: (registers) => store(out, registers),
    load(registers) {
      forEachRegister(registers, (register) => {
        out.constant(0)
        out.memory(Wasm.i32Load, 2, REGISTERS_AT + 4 * register)
        out.indexed(Wasm.localSet, registerLocal(register))
      })
    },
    finish: () => surround(out.finish(), exits, store),
  }
}

/** Puts the exits around a body: each behind a label of its own, those that store the same registers sharing the stores. */
function surround(
  body: Uint8Array,
  exits: readonly Exit[],
  store: (to: Emitter, registers: number) => void,
): Uint8Array {
  const out = createEmitter()
  const tails = [...new Set(exits.map(({ dirty }) => dirty))]
  for (let opened = 0; opened < tails.length + exits.length; opened += 1) out.open(Wasm.block)
  out.append(body)
  out.op(Wasm.unreachable)
  for (const [index, { pc, refund, dirty }] of exits.entries()) {
    out.op(Wasm.end)
    if (pc !== undefined) {
      out.constant(pc)
      out.indexed(Wasm.localSet, Local.pc)
    }
    if (refund > 0) {
      out.indexed(Wasm.localGet, Local.fuel)
      out.wide(refund)
      out.op(Wasm.i64Add)
      out.indexed(Wasm.localSet, Local.fuel)
    }
    out.indexed(Wasm.br, exits.length - 1 - index + tails.indexOf(dirty))
  }
  for (const dirty of tails) {
    out.op(Wasm.end)
    store(out, dirty)
    out.indexed(Wasm.localGet, Local.pc)
    out.indexed(Wasm.localGet, Local.fuel)
    out.op(Wasm.return)
  }
  out.op(Wasm.unreachable)
  out.op(Wasm.end)
  return out.finish()
}

/** Calls `visit` for every register of a set. */
function forEachRegister(registers: number, visit: (register: number) => void): void {
  for (let register = 1; register < 32; register += 1) if ((registers >>> register) & 1) visit(register)
}
