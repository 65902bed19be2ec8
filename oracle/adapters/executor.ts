/**
 * The sandbox as the checker needs it: what a run commits to, not what it wrote.
 *
 * @module
 */
import { dataRoot } from '#protocol/merkle.ts'
import { encodeResult, plainHash } from '#protocol/work.ts'
import type { Executor as Sandbox } from '#runtime/executor.ts'
import type { Executor } from '../ports.ts'

/** Wraps a sandbox. Outputs are delivered in the clear: what a member re-executes, it can read. */
export function createCommittingExecutor(sandbox: Pick<Sandbox, 'execute'>): Executor {
  return {
    async execute(task) {
      const { status, output, units } = await sandbox.execute(task)
      const result = encodeResult(status, output)
      return { outputRoot: dataRoot(result), plainHash: plainHash(result), units }
    },
  }
}
