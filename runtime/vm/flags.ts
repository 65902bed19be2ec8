/**
 * What V8 has to be told so that translated code is fast from its first instruction on.
 *
 * @module
 */
import { setFlagsFromString } from 'node:v8'

/**
 * Optimize at once what is called, as a loop that runs for ever would never be exchanged for a better one; and do not
 * unroll or peel loops, whose many ways out only grow by it.
 */
export const TRANSLATING_FLAGS = ['--no-liftoff', '--no-wasm-loop-unrolling', '--no-wasm-loop-peeling'] as const

/** Tells this process' V8, for all WebAssembly compiled from now on. */
export function setTranslatingFlags(): void {
  for (const flag of TRANSLATING_FLAGS) setFlagsFromString(flag)
}
