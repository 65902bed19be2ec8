/**
 * The door to challenges for programs outside of this folder.
 *
 * @module
 */
import {
  challengeCalls,
  type Ending,
  playToEnd,
  type Sending,
  type SessionOptions,
  type Suspicion,
  suspect,
  type Told,
} from './challenge/session.ts'

export type { Ending, Sending, SessionOptions, Suspicion, Told }

/** See `challenge/session.ts`. */
export const challenging = { suspect, challengeCalls, playToEnd } as const
