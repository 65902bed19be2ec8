/**
 * Waiting for what others do, with an end.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { World } from './world.ts'

const LOOK_MS = 200
const LONGEST_MS = 90_000

/** Waits until `holds`. @throws Error naming `what` after a minute and a half, or a process that ended. */
export async function until(world: Pick<World, 'failure'>, what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LONGEST_MS
  while (performance.now() < end) {
    const failure = world.failure()
    if (failure !== null) throw new Error(failure)
    if (await holds()) return
    await sleep(LOOK_MS)
  }
  throw new Error(`${what} took too long`)
}
