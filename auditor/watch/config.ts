/**
 * Settings of one watcher, checked once at the start. Its key is named by file and never stands in them.
 *
 * @module
 */
import { type Address, isAddress } from 'viem'
import { z } from 'zod'

import { AuditError } from '../errors.ts'

const address = z
  .string()
  .refine((value) => isAddress(value, { strict: false }), 'not an address')
  .transform((value): Address => `0x${value.slice(2)}`)
const url = z.url({ protocol: /^https?$/ })

const schema = z.strictObject({
  /** JSON-RPC endpoint of the chain. */
  rpcUrl: url,
  contracts: z.strictObject({
    settlement: address,
    registry: address,
    committee: address,
    oversight: address.optional(),
    demands: address.optional(),
    disputes: address.optional(),
  }),
  /** Block the settlement was deployed at. */
  fromBlock: z.number().int().min(0).default(0),
  /** Key that reports and pays for transactions; no other process may use it. */
  keyFile: z.string().min(1),
  /** Folder of the store, of this process alone. */
  dataDir: z.string().min(1),
  pollMs: z.number().int().min(50).max(3_600_000).default(4_000),
  /** Blocks, its own included, after which one counts. */
  confirmations: z.number().int().min(1).max(100).default(3),
  /** Most gas of one transaction. */
  maxGas: z.number().int().min(100_000).max(16_777_216).default(3_000_000),
  /** Members to ask besides those of the committee's contract. */
  members: z.array(url).default([]),
  /** Archives of blobs, asked before members. */
  archives: z.array(url).default([]),
  /** Workers whose promises are watched over. */
  workers: z.array(url).default([]),
  /** Most to lay out for demanding orders that nobody can show, settlement token base units; nothing is demanded for 0. */
  demandBudget: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,18})$/)
    .transform(BigInt)
    .default(0n),
  /** How long members may take to show a settled group's orders before they are demanded. */
  doubtAfterMs: z.number().int().min(0).max(86_400_000).default(600_000),
  /** With `disputes`: of a thousand receipts of provable work so many are done again, drawn where nobody can foresee it. */
  checkPerMille: z.number().int().min(0).max(1_000).default(1_000),
  /** Most to have bound in challenges at once, settlement token base units; with 0 wrong results are only told of. */
  challengeBudget: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,18})$/)
    .transform(BigInt)
    .default(0n),
  /** Says what it would send and sends nothing. */
  dryRun: z.boolean().default(false),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
})

/** Checked settings; see the schema for units and defaults. */
export type WatcherConfig = z.output<typeof schema>

/**
 * Reads the settings from their JSON text.
 *
 * @throws AuditError `config.missing`, `config.malformed` or `config.invalid`, naming every wrong field.
 */
export function parseWatcherConfig(text: string | undefined): WatcherConfig {
  if (text === undefined || text.trim() === '')
    throw new AuditError('config.missing', 'TALLY_WATCHER_CONFIG is not set: it holds the settings as JSON')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new AuditError('config.malformed', 'TALLY_WATCHER_CONFIG is not JSON', { cause })
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'settings'}: ${message}`)
  throw new AuditError('config.invalid', problems.join('; '))
}
