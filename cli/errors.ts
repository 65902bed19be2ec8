/**
 * What the command line tells people when it cannot go on.
 *
 * @module
 */
import { TallyError } from '#protocol/errors.ts'

/** A command that could not run; the message is one sentence for people, `code` is stable. */
export class CliError extends TallyError {
  override readonly name = 'CliError'
}

/** Exit codes of every command. */
export const ExitCode = { Ok: 0, Discrepancies: 1, CouldNotRun: 2 } as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]
