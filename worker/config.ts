/**
 * Settings of one worker process, checked once at the start; everything after it can rely on them.
 *
 * Keys are named by file and never stand in the settings themselves.
 *
 * @module
 */
import { type Address, isAddress } from 'viem'
import { z } from 'zod'

import { segmentWish } from '#protocol/wire.ts'
import { WorkerError } from './errors.ts'

const address = z
  .string()
  .refine((value) => isAddress(value, { strict: false }), 'not an address')
  .transform((value): Address => `0x${value.slice(2)}`)
const milliseconds = (low: number, high: number) => z.number().int().min(low).max(high)
const keyFile = z.string().min(1)

const chainSettings = {
  /** JSON-RPC endpoint of the chain. */
  rpcUrl: z.url({ protocol: /^https?$/ }),
  /**
   * With `demands` the worker answers what is demanded of its receipts, with `disputes` it defends those of provable work:
   * both with the gas key of `force`, which plays as the provider's operator or the player it named.
   */
  contracts: z.strictObject({
    settlement: address,
    registry: address,
    committee: address,
    demands: address.optional(),
    disputes: address.optional(),
  }),
  /** Block the settlement was deployed at: deals are looked for from there on. */
  fromBlock: z.number().int().min(0).default(0),
  /** How often the chain is read. */
  chainPollMs: milliseconds(50, 60_000).default(1_000),
}

const workSettings = {
  worker: z.strictObject({
    keyFile,
    /** Index in the registry; found by its key when absent. */
    index: z
      .number()
      .int()
      .min(512)
      .max(2 ** 40 - 1)
      .optional(),
  }),
  /** Serves the streams s of its provider's deals with s mod size = position. */
  fleet: z
    .strictObject({ position: z.number().int().min(0).max(61), size: z.number().int().min(1).max(62) })
    .refine((fleet) => fleet.position < fleet.size, { path: ['position'], message: 'must be below size' })
    .default({ position: 0, size: 1 }),
  /** Jobs run at a time. */
  concurrency: z.number().int().min(1).max(64).default(1),
  /** How often members are asked for orders. */
  ordersPollMs: milliseconds(50, 60_000).default(1_000),
  /** Most orders waiting per deal. */
  maxOpenOrders: z.number().int().min(1).max(1_000_000).default(50_000),
}

const deliverySettings = {
  delivery: z
    .strictObject({
      /** `members`: to every committee member. `forced`: to none, the provider settles alone through the forced lane. */
      to: z.enum(['members', 'forced']).default('members'),
      /** New receipts that make a segment worth signing. */
      receipts: z.number().int().min(1).max(1_000).default(32),
      /** Longest a receipt waits for company. */
      afterMs: milliseconds(10, 3_600_000).default(2_000),
      /** Most receipts of one tally, and most unsettled receipts of one stream. */
      maxReceipts: z.number().int().min(1).max(1_000).default(512),
      /** An unsettled segment is delivered again after this long, in case a member lost it. */
      againAfterMs: milliseconds(100, 86_400_000).default(60_000),
      /** What the provider wishes of its pay: how soon, how cheap, and whether at once where the buyer acknowledged. */
      wish: segmentWish.strict().optional(),
    })
    .prefault({}),
  /** Forces unsettled receipts with an own gas key. */
  force: z.strictObject({ keyFile, afterMs: milliseconds(0, 604_800_000) }).optional(),
}

const schema = z.strictObject({
  ...chainSettings,
  ...workSettings,
  ...deliverySettings,
  /** Folder of the store and the data, of this process alone. */
  dataDir: z.string().min(1),
  /** Days inputs and outputs are kept after they were last needed; longer than any window. */
  keepDataDays: z.number().int().min(4).max(3_650).default(30),
  maxDataBytes: z.number().int().min(1_048_576).default(1_073_741_824),
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(0),
    })
    .prefault({}),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
})

/** Settings of one worker process. */
export type WorkerConfig = z.infer<typeof schema>

/**
 * Reads the settings from their JSON text.
 *
 * @throws WorkerError `config.missing`, `config.malformed` or `config.invalid`, naming every field in the way.
 */
export function parseConfig(text: string | undefined): WorkerConfig {
  if (text === undefined || text.trim() === '') {
    throw new WorkerError('config.missing', 'TALLY_WORKER_CONFIG is not set: it holds the settings as JSON')
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new WorkerError('config.malformed', 'TALLY_WORKER_CONFIG is not JSON', { cause })
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const fields = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`)
  throw new WorkerError('config.invalid', fields.join('; '))
}
