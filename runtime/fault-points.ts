/**
 * Named points at which a process can be made to die, to test that what follows a crash is right.
 *
 * Off unless armed by a setting, which only `main.ts` takes from the environment.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs'

import { TallyError } from '#protocol/errors.ts'

/** Points a process passes. */
export type FaultPoints = {
  /** Kills the own process with SIGKILL if `name` is armed and this is the armed passage; else does nothing. */
  hit(name: string): void
}

/** Thrown when the setting cannot be read: `fault.invalid`. */
export class FaultPointError extends TallyError {
  override readonly name = 'FaultPointError'

  constructor(setting: string) {
    super('fault.invalid', `"${setting}" is not name[:nth][@marker file]`)
  }
}

const pattern = /^([a-z0-9.-]+)(?::([1-9]\d{0,8}))?(?:@(.+))?$/

/**
 * Creates the fault points of one process.
 *
 * @param setting - `name`, `name:n` (the nth passage) or either with `@/path/marker`: the marker file is made when the
 *   point fires, and a point whose marker exists does not fire again, so a restarted process lives. Empty: no point is armed.
 * @throws FaultPointError when the setting does not read so.
 */
export function createFaultPoints(setting: string | undefined): FaultPoints {
  if (setting === undefined || setting === '') return { hit: () => {} }

  const match = pattern.exec(setting)
  if (match === null) throw new FaultPointError(setting)
  const [, armed, nth = '1', marker] = match
  let passages = 0

  return {
    hit(name) {
      if (name !== armed) return
      passages += 1
      if (passages !== Number(nth)) return
      if (marker !== undefined && !claim(marker)) return
      process.kill(process.pid, 'SIGKILL')
      // delivery may take a moment: nothing after the point may run
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    },
  }
}

/** Creates the marker; false when it was there. */
function claim(marker: string): boolean {
  try {
    closeSync(openSync(marker, 'wx'))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}
