/**
 * Why a job has no execution.
 *
 * @module
 */
import { TallyError } from '#protocol/errors.ts'

/** What was wrong; stable. */
export type ExecutionErrorCode =
  | 'execution.timeout'
  | 'execution.memory'
  | 'execution.output-too-large'
  | 'execution.output-dirty'
  | 'execution.program-invalid'
  | 'execution.program-too-large'
  | 'execution.input-too-large'
  | 'execution.units-invalid'
  | 'execution.steps-invalid'
  | 'execution.crashed'
  | 'execution.overloaded'
  | 'execution.closed'

/** Thrown when a job has no execution: nothing is payable. */
export class ExecutionError extends TallyError {
  override readonly name = 'ExecutionError'
  declare readonly code: ExecutionErrorCode

  constructor(code: ExecutionErrorCode, problem: { readonly detail: string; readonly cause?: unknown }) {
    super(code, problem.detail, { cause: problem.cause })
  }
}

/** The error of everything that comes too late. */
export function executorClosed(): ExecutionError {
  return new ExecutionError('execution.closed', { detail: 'the executor is closed' })
}
