/**
 * The one error family of this project: a class for catching, a stable dotted `code` for deciding.
 *
 * @module
 */

/** Base of every error this project throws on purpose; `code` is stable, the message is for people. */
export class TallyError extends Error {
  override readonly name: string = 'TallyError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
