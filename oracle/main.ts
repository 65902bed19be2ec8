/**
 * `node oracle/main.ts`: a committee member. `TALLY_ORACLE_CONFIG` names a JSON file (or holds the JSON), passwords of
 * encrypted key files come in `TALLY_SIGNER_PASSWORD` and `TALLY_GAS_PASSWORD`. Prints its URL as one JSON line once it
 * serves. Exit codes: 0 ended on a signal, 1 failed, 2 settings that cannot be used.
 *
 * @module
 */
import { createExecutor } from '#runtime/executor.ts'
import { createFaultPoints } from '#runtime/fault-points.ts'
import { readKey } from '#runtime/keystore.ts'
import { createLog } from '#runtime/log.ts'
import { createShutdown } from '#runtime/shutdown.ts'

import { readConfig } from './config.ts'
import { startOracle } from './node.ts'

/** Exit code of settings that cannot be used. */
const BAD_CONFIG = 2

async function settings() {
  const { env } = process
  try {
    const config = readConfig(env.TALLY_ORACLE_CONFIG)
    const [signerKey, gasKey] = await Promise.all([
      keyOf(config.signerKeyFile, env.TALLY_SIGNER_PASSWORD),
      keyOf(config.gasKeyFile, env.TALLY_GAS_PASSWORD),
    ])
    return { config, signerKey, gasKey, faults: createFaultPoints(env.TALLY_FAULT_POINT) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? `${error.code}: ` : ''
    process.stderr.write(`oracle: ${code}${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(BAD_CONFIG)
  }
}

function keyOf(file: string, password: string | undefined) {
  return readKey({ file, ...(password === undefined ? {} : { password }) })
}

const { config, signerKey, gasKey, faults } = await settings()
const log = createLog({ name: 'oracle', level: config.logLevel })
const shutdown = createShutdown()
const executor = createExecutor({ processes: config.concurrency })

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
  const { url, port } = await startOracle({ config, signerKey, gasKey, executor, faults, log, shutdown })
  // registered last, closed first: what runs in the sandbox ends before the loops that wait for it
  shutdown.onShutdown(() => executor.close())
  process.stdout.write(`${JSON.stringify({ url, port, member: signerKey.address })}\n`)
} catch (error) {
  log.fatal({ err: error }, 'the oracle cannot start')
  await end('failed to start', 1)
}
