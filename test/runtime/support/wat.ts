/**
 * Assembles WebAssembly text for tests.
 *
 * @module
 */
import { createRequire } from 'node:module'

type Wabt = {
  parseWat(
    name: string,
    text: string,
    features?: Record<string, boolean>,
  ): { toBinary(options: object): { buffer: Uint8Array }; destroy(): void }
}

const load: () => Promise<Wabt> = createRequire(import.meta.url)('wabt')
let wabt: Promise<Wabt> | undefined

/** The three functions a program may import. */
export const hostImports = `
  (import "tally" "input_length" (func $input_length (result i32)))
  (import "tally" "input_read" (func $input_read (param i32 i32 i32)))
  (import "tally" "output_write" (func $output_write (param i32 i32)))`

/** Assembles a whole module; `features` switches proposals on. */
export async function assemble(text: string, features: Record<string, boolean> = {}): Promise<Uint8Array> {
  wabt ??= load()
  const module = (await wabt).parseWat('program.wat', text, features)
  try {
    return Uint8Array.from(module.toBinary({}).buffer)
  } finally {
    module.destroy()
  }
}

/** A program of these fields with the host functions and one page of memory. */
export async function program(fields: string, features: Record<string, boolean> = {}): Promise<Uint8Array> {
  return assemble(`(module ${hostImports} (memory (export "memory") 1) ${fields})`, features)
}

/** A program whose `run` has this body and writes nothing by itself. */
export async function runBody(body: string): Promise<Uint8Array> {
  return program(`(func (export "run") ${body})`)
}
