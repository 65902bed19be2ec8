/**
 * `node worker/main.ts`: a provider's worker. Settings come as JSON in `TALLY_WORKER_CONFIG`, passwords of encrypted key
 * files in `TALLY_WORKER_PASSWORD` and `TALLY_FORCE_PASSWORD`. Prints its URL as one JSON line once it serves.
 *
 * @module
 */
import { createExecutor } from '#runtime/executor.ts'
import { createFaultPoints } from '#runtime/fault-points.ts'
import { readKey } from '#runtime/keystore.ts'
import { createLog } from '#runtime/log.ts'
import { createShutdown } from '#runtime/shutdown.ts'

import { parseConfig, type WorkerConfig } from './config.ts'
import { startWorker } from './node.ts'

/** Exit code of settings that cannot be used. */
const BAD_CONFIG = 2

function readConfig(): WorkerConfig {
  try {
    return parseConfig(process.env.TALLY_WORKER_CONFIG)
  } catch (error) {
    process.stderr.write(`worker: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(BAD_CONFIG)
  }
}

async function keyOf(file: string, password: string | undefined) {
  try {
    return await readKey({ file, ...(password === undefined ? {} : { password }) })
  } catch (error) {
    process.stderr.write(`worker: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(BAD_CONFIG)
  }
}

const config = readConfig()
const log = createLog({ name: 'worker', level: config.logLevel })
const workerKey = await keyOf(config.worker.keyFile, process.env.TALLY_WORKER_PASSWORD)
const gasKey = config.force === undefined ? null : await keyOf(config.force.keyFile, process.env.TALLY_FORCE_PASSWORD)
const faults = createFaultPoints(process.env.TALLY_FAULT_POINT)
const shutdown = createShutdown()
const executor = createExecutor({ processes: config.concurrency })
shutdown.onShutdown(() => executor.close())

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
  const { url, worker, provider } = await startWorker({ config, workerKey, gasKey, executor, faults, log, shutdown })
  process.stdout.write(`${JSON.stringify({ url, worker, provider })}\n`)
} catch (error) {
  log.fatal({ err: error }, 'the worker cannot start')
  await end('failed to start', 1)
}
