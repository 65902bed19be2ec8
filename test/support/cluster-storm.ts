/**
 * Kills that no test chose: members and workers, at moments a seed decides.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { Supervised } from './cluster-processes.ts'
import type { Choices } from './cluster-random.ts'

const SHORTEST_MS = 500
const LONGEST_MS = 4_000

/** Kills going on. */
export type Storm = {
  /** Names of what was killed, in order. */
  readonly killed: readonly string[]
  stop(): Promise<void>
}

/** Kills one process after the other; each is started again at once. */
export function startStorm(victims: readonly Supervised[], choices: Choices): Storm {
  const ending = new AbortController()
  const killed: string[] = []

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      const pause = SHORTEST_MS + choices.below(LONGEST_MS - SHORTEST_MS)
      await sleep(pause, undefined, { signal: ending.signal }).catch(() => {})
      const victim = victims[choices.below(victims.length)]
      if (ending.signal.aborted || victim === undefined) break
      await victim.kill()
      killed.push(victim.name)
    }
  }

  const done = run()
  return {
    killed,
    async stop() {
      ending.abort()
      await done
    },
  }
}
