/**
 * `node auditor/watcher-main.ts`: a watcher. `TALLY_WATCHER_CONFIG` holds the settings as JSON, the password of an
 * encrypted key file comes in `TALLY_WATCHER_PASSWORD`. Prints its address as one JSON line once it watches. Exit codes: 0
 * ended on a signal, 1 failed, 2 settings that cannot be used.
 *
 * @module
 */
import { readKey } from '#runtime/keystore.ts'
import { createLog } from '#runtime/log.ts'
import { createShutdown } from '#runtime/shutdown.ts'

import { parseWatcherConfig } from './watch/config.ts'
import { startWatcher } from './watch/watcher.ts'

/** Exit code of settings that cannot be used. */
const BAD_CONFIG = 2

async function settings() {
  const { TALLY_WATCHER_CONFIG, TALLY_WATCHER_PASSWORD: password } = process.env
  try {
    const config = parseWatcherConfig(TALLY_WATCHER_CONFIG)
    const key = await readKey({ file: config.keyFile, ...(password === undefined ? {} : { password }) })
    return { config, key }
  } catch (error) {
    process.stderr.write(`watcher: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(BAD_CONFIG)
  }
}

const { config, key } = await settings()
const log = createLog({ name: 'watcher', level: config.logLevel })
const shutdown = createShutdown()

async function end(reason: string, code: number): Promise<void> {
  try {
    await shutdown.shutdown(reason)
  } catch (error) {
    log.error({ err: error }, 'a part did not close')
    process.exit(1)
  }
  process.exit(code)
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end(signal, 0))

try {
  const { watcher } = await startWatcher({ config, key, log, shutdown })
  process.stdout.write(`${JSON.stringify({ watcher })}\n`)
} catch (error) {
  log.fatal({ err: error }, 'the watcher cannot start')
  await end('failed to start', 1)
}
