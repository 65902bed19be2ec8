/**
 * The one error class of the worker.
 *
 * @module
 */
import { TallyError } from '#protocol/errors.ts'

/**
 * Thrown by the worker, with a dotted code: `config.*`, `order.*`, `store.*`, `stream.*`, `member.*`, `data.*`, `force.*`.
 */
export class WorkerError extends TallyError {
  override readonly name = 'WorkerError'
}
