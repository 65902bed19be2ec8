/**
 * What can stop an audit, as opposed to what an audit finds.
 *
 * @module
 */
import { TallyError } from '#protocol/errors.ts'

/** An audit that could not be done; `code` is stable, the message is one sentence for people. */
export class AuditError extends TallyError {
  override readonly name = 'AuditError'
}
