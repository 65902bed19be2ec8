/**
 * Errors of a committee member's node.
 *
 * @module
 */
import { TallyError } from '#protocol/errors.ts'

/**
 * Thrown by a committee member's services: `config.*`, `store.*`, `chain.*`, `submit.*`.
 *
 * `retryable` tells whether the same call can succeed later without anything being mended by hand.
 */
export class OracleError extends TallyError {
  override readonly name = 'OracleError'
  readonly retryable: boolean

  constructor(code: string, message: string, options: { readonly retryable?: boolean; readonly cause?: unknown } = {}) {
    super(code, message, options.cause === undefined ? {} : { cause: options.cause })
    this.retryable = options.retryable ?? false
  }
}
