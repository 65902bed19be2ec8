/**
 * The door to the watcher for programs outside of this folder.
 *
 * @module
 */
import type { Key } from '#runtime/keystore.ts'
import type { Logger } from '#runtime/log.ts'
import type { Shutdown } from '#runtime/shutdown.ts'

import { parseWatcherConfig } from './watch/config.ts'
import { startWatcher } from './watch/watcher.ts'

/**
 * Watches until `shutdown`.
 *
 * @param settings - As `TALLY_WATCHER_CONFIG` has them, see `watch/config.ts`; `keyFile` is not read.
 * @returns The watcher's address.
 * @throws AuditError `config.invalid`, or ActStoreError.
 */
export async function watchChain(
  settings: Readonly<Record<string, unknown>>,
  deps: { readonly key: Key; readonly log: Logger; readonly shutdown: Shutdown },
): Promise<string> {
  const config = parseWatcherConfig(JSON.stringify(settings))
  return (await startWatcher({ config, ...deps })).watcher
}
