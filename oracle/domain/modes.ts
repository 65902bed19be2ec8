/**
 * Which modes to settle in now: a mode that just failed rests, so that what it could not settle goes another way.
 *
 * @module
 */
import type { Mode } from '#protocol/types.ts'

/** Modes of one member. */
export type Modes = {
  /** Modes to choose from; all of them where each one rests. */
  now(): readonly Mode[]
  /** Lets a mode rest: members did not sign it, blobs found no room, or a node would not have it. */
  failed(mode: Mode): void
}

/** Creates the modes of a member that offers `all` of them; one that failed rests `restMs` milliseconds. */
export function createModes(all: readonly Mode[], restMs: number, now: () => number): Modes {
  const restsUntil = new Map<Mode, number>()
  return {
    now() {
      const rested = all.filter((mode) => (restsUntil.get(mode) ?? 0) <= now())
      return rested.length === 0 ? all : rested
    },
    failed(mode) {
      restsUntil.set(mode, now() + restMs)
    },
  }
}
