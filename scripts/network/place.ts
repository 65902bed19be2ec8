/**
 * Where one local network keeps what it has: keys, stores, logs, its description. One network per place: two would write
 * over each other's keys and records.
 *
 * @module
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { ROOT } from '../support/run.ts'

/** A place that this process has for itself. */
export type Place = {
  /** Folder of keys, stores and logs; made anew by each network. */
  readonly folder: string
  /** File that describes the network while it runs. */
  readonly file: string
  /** Name of Ignition's record under `deployments/`. */
  readonly deploymentId: string
  /** Gives it back; the logs stay. */
  release(): void
}

/**
 * Claims a place.
 *
 * @param state - Its folder; `.tally` of this checkout if left out.
 * @throws Error when a living process has it.
 */
export function claimPlace(state?: string): Place {
  const root = state === undefined ? join(ROOT, '.tally') : resolve(state)
  const lock = join(root, 'network.lock')
  mkdirSync(root, { recursive: true })
  const owner = ownerOf(lock)
  if (owner !== null) {
    throw new Error(`a local network runs already as process ${owner}; if it does not, remove ${lock}`)
  }
  rmSync(lock, { force: true })
  // fails if another process was faster
  writeFileSync(lock, String(process.pid), { flag: 'wx' })
  const deploymentId = state === undefined ? 'local' : `local-${process.pid}`
  const file = join(root, 'network.json')
  return {
    ...{ folder: join(root, 'network'), file, deploymentId },
    release() {
      rmSync(file, { force: true })
      rmSync(lock, { force: true })
      if (state !== undefined) rmSync(join(ROOT, 'deployments', deploymentId), { recursive: true, force: true })
    },
  }
}

function ownerOf(lock: string): number | null {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    process.kill(pid, 0)
    return pid
  } catch {
    return null
  }
}
