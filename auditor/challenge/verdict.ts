/**
 * Whether a receipt of provable work says what its program gives.
 *
 * @module
 */
import { dataRoot } from '#protocol/merkle.ts'
import { plainHashOf } from '#protocol/vm/result.ts'
import { stateHash } from '#protocol/vm/state.ts'
import { ExecutionError } from '#runtime/execution-error.ts'
import type { ProvableExecution, ProvableExecutor } from '#runtime/provable-execution.ts'

import type { Evidence } from './sources.ts'

/** What doing the work again showed: `difference` is null where everything agrees. */
export type Verdict = { readonly difference: string | null; readonly execution: ProvableExecution | null }

/**
 * Does a receipt's work again.
 *
 * @param paid - Units of the receipt.
 * @throws ExecutionError when this machine cannot run it: then nothing is known.
 */
export async function judge(
  { work, program, input }: Evidence,
  paid: bigint,
  executor: Pick<ProvableExecutor, 'executeProvable'>,
  signal: AbortSignal,
): Promise<Verdict> {
  try {
    const { maxUnits } = work.order
    const execution = await executor.executeProvable({ program, input, maxUnits }, { signal })
    return { execution, difference: differenceOf(execution, work, paid) }
  } catch (error) {
    if (!(error instanceof ExecutionError) || error.code !== 'execution.output-dirty') throw error
    return { execution: null, difference: 'leaves no result that could be paid' }
  }
}

function differenceOf(execution: ProvableExecution, work: Evidence['work'], paid: bigint): string | null {
  const outputRoot = dataRoot(execution.output)
  if (outputRoot !== work.outputRoot) return 'gives another output'
  if (plainHashOf(outputRoot, stateHash(execution.finalState)) !== work.plainHash) return 'ends in another state'
  return execution.units === paid ? null : `takes ${execution.units} units instead of ${paid}`
}
