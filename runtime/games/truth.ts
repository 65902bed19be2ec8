/**
 * What really happens in a run, asked for piece by piece: state hashes at given steps and the witness of one step.
 *
 * @module
 */
import type { Hex } from 'viem'

import { stateHash } from '#protocol/vm/state.ts'
import { toHex } from '#protocol/words.ts'

import type { ProvableExecutor } from '../provable-execution.ts'

/** A run as its program and input determine it; a run that has ended stays as it is. */
export type Truth = {
  /** Hashes of the states after so many instructions, in ascending order. @throws ExecutionError. */
  statesAt(steps: readonly bigint[]): Promise<readonly Hex[]>
  /** Witness of the instruction after so many. @throws ExecutionError. */
  witnessAt(step: bigint): Promise<Hex>
}

/** What runs programs again. */
export type Rerun = Pick<ProvableExecutor, 'traceStates' | 'witnessAt'>

/** Truth about a run; what was asked once is not executed again. */
export function createTruth(
  executor: Rerun,
  run: { readonly program: Uint8Array; readonly input: Uint8Array },
  options: { readonly signal?: AbortSignal } = {},
): Truth {
  const known = new Map<bigint, Hex>()
  const witnesses = new Map<bigint, Hex>()

  return {
    async statesAt(steps) {
      const missing = steps.filter((step) => !known.has(step))
      if (missing.length > 0) {
        const states = await executor.traceStates({ ...run, steps: missing }, options)
        for (const [at, step] of missing.entries()) known.set(step, stateHash(states[at] ?? new Uint8Array()))
      }
      return steps.map((step) => known.get(step) ?? '0x')
    },

    async witnessAt(step) {
      const witness = witnesses.get(step) ?? toHex(await executor.witnessAt({ ...run, step }, options))
      witnesses.set(step, witness)
      return witness
    },
  }
}
