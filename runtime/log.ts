/**
 * Structured logs that never show a key or a password.
 *
 * @module
 */
import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/** Names under which secrets travel in this code base, at the top of an entry and up to two levels deeper. */
const secretNames = [
  'privateKey',
  'orderKey',
  'acknowledgementKey',
  'workerKey',
  'signerKey',
  'secret',
  'password',
  'passphrase',
  'mnemonic',
  'authorization',
  'cookie',
]

/**
 * Creates a logger writing JSON lines to standard error, so that standard output stays free for results.
 *
 * @param options - `name` of the service; `level` as in pino, default `info`; `destination` replaces standard error.
 */
export function createLog(options: {
  readonly name: string
  readonly level?: string
  readonly destination?: DestinationStream
}): Logger {
  const paths = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`])
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      redact: { paths, censor: '[redacted]' },
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  )
}
