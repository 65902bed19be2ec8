/**
 * Does tasks of programs, whatever kind their offer is of: what a run gives, and what its receipt commits to.
 *
 * @module
 */
import type { Hex } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import { Kind } from '#protocol/types.ts'
import { plainHashOf } from '#protocol/vm/result.ts'
import { stateHash } from '#protocol/vm/state.ts'
import { encodeResult, plainHash } from '#protocol/work.ts'

import type { ExecutionRequest, Executor } from './executor.ts'
import type { ProvableExecutor } from './provable-execution.ts'

/** One task: a program of its offer's kind, what it works on, and the most it may use. */
export type Task = ExecutionRequest & { readonly kind: number }

/** A task that is done. */
export type DoneTask = {
  /** Result as delivered in the clear: a provable program's output, another program's with its status before it. */
  readonly delivered: Uint8Array
  readonly outputRoot: Hex
  readonly plainHash: Hex
  readonly units: bigint
  /** The 201 bytes of the state that a provable run ended with; null for other kinds. */
  readonly finalState: Uint8Array | null
}

/**
 * Does one task.
 *
 * @throws ExecutionError when nothing is payable, or the signal's reason.
 */
export type DoTask = (task: Task, options?: { readonly signal?: AbortSignal }) => Promise<DoneTask>

/** What runs the programs of both kinds. */
export type TaskExecutor = Pick<Executor, 'execute'> & Pick<ProvableExecutor, 'executeProvable'>

/** Does tasks of the kinds that can be run, with an executor. */
export function createTaskDoer(executor: TaskExecutor): DoTask {
  return async ({ kind, ...request }, options) =>
    kind === Kind.Provable
      ? await doProvable(executor, request, options)
      : await doRepeatable(executor, request, options)
}

async function doRepeatable(executor: TaskExecutor, ...run: Parameters<TaskExecutor['execute']>): Promise<DoneTask> {
  const { status, output, units } = await executor.execute(...run)
  const delivered = encodeResult(status, output)
  const outputRoot = dataRoot(delivered)
  return { delivered, outputRoot, plainHash: plainHash(delivered), units, finalState: null }
}

async function doProvable(
  executor: TaskExecutor,
  ...run: Parameters<TaskExecutor['executeProvable']>
): Promise<DoneTask> {
  const { output, units, finalState } = await executor.executeProvable(...run)
  const outputRoot = dataRoot(output)
  return { delivered: output, outputRoot, plainHash: plainHashOf(outputRoot, stateHash(finalState)), units, finalState }
}
