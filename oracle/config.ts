/**
 * Settings of one committee member, checked once at the start; everything after it can rely on them.
 *
 * Keys are named by file and never stand in the settings themselves. Members, endpoints and threshold are not settings:
 * they stand in the committee's contract.
 *
 * @module
 */
import { readFileSync } from 'node:fs'

import { type Address, getAddress, isAddress } from 'viem'
import { z } from 'zod'

import { OracleError } from './errors.ts'

const address = z
  .string()
  .refine((value) => isAddress(value, { strict: false }), 'not an address')
  .transform((value): Address => getAddress(value))
const milliseconds = (low: number, high: number) => z.number().int().min(low).max(high)
const file = z.string().min(1)

const chainSettings = {
  /** JSON-RPC endpoint of the chain. */
  rpcUrl: z.url({ protocol: /^https?$/ }),
  contracts: z.strictObject({ settlement: address, registry: address, committee: address }),
  /** Block the settlement was deployed at: deals are looked for from there on. */
  fromBlock: z.number().int().min(0).default(0),
  /** How often the chain is read. */
  chainPollMs: milliseconds(50, 60_000).default(1_000),
  /** Blocks on top of a transaction after which it counts as final. */
  finalDepth: z.number().int().min(1).max(100).default(3),
}

const batchSettings = {
  batch: z
    .strictObject({
      /** Longest the oldest segment waits for company. */
      maxAgeMs: milliseconds(0, 86_400_000).default(10_000),
      /** Gas per receipt, in percent of what a receipt costs in an endless batch, below which waiting saves too little. */
      worthPercent: z.number().int().min(101).max(10_000).default(125),
      /** Modes to settle in, of which plans choose the cheapest; netted deals have one of their own. */
      modes: z
        .array(z.enum(['calldata', 'blob']))
        .min(1)
        .default(['calldata', 'blob']),
      /** Longest input of one transaction. */
      maxBytes: z.number().int().min(1_024).max(122_880).default(122_880),
      /** Most gas of one transaction: 2²⁴ less a margin. */
      maxGas: z.number().int().min(200_000).max(16_777_216).default(15_728_640),
      /** Rules of the chain that things are priced by. */
      fork: z.enum(['osaka', 'amsterdam']).default('osaka'),
      /** Bounds of how long a provider may wish its segments to wait. */
      leastWaitMs: milliseconds(0, 3_600_000).default(2_000),
      mostWaitMs: milliseconds(0, 604_800_000).default(86_400_000),
      /** Base fee, in percent of the usual one, above which what is not due waits. */
      dearPercent: z.number().int().min(100).max(100_000).default(150),
      /** Least saving, in percent, for which receipts go into a blob. */
      blobSavingPercent: z.number().int().min(0).max(99).default(10),
      /** Settlement token base units an ether is worth; nothing is weighed against pay without it. */
      etherPrice: z
        .string()
        .regex(/^[1-9][0-9]{0,30}$/)
        .transform(BigInt)
        .nullable()
        .default(null),
      /** Share of the pay that may go to gas without waiting for more, in 1/10,000: the committee's fee by default. */
      gasShareBps: z.number().int().min(0).max(10_000).default(50),
      /** What being paid at once is worth to a provider that does not say, in 1/10,000 of its pay. */
      payAtOnceBps: z.number().int().min(0).max(10_000).default(10),
    })
    .prefault({}),
  /** Promises of a batch, for which this member answers with its bond. */
  promise: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** How far ahead beyond what the segment may wait, seconds: time to find a committee that signs, and a chain that includes. */
      withinSeconds: z.number().int().min(60).max(86_400).default(7_200),
    })
    .prefault({}),
  turns: z
    .strictObject({
      /** Seconds of block time one member leads. */
      slotSeconds: z.number().int().min(1).max(3_600).default(12),
      /** Head start of each rank when the leader is silent. */
      takeoverMs: milliseconds(100, 3_600_000).default(5_000),
      /** How long another member may take to judge a batch. */
      answerMs: milliseconds(100, 600_000).default(10_000),
      /** How long signed groups wait for the proposer's batch before this member proposes them itself. */
      holdMs: milliseconds(1_000, 3_600_000).default(45_000),
      /** How long a group that could not be attested waits before it is proposed again. */
      retryMs: milliseconds(100, 3_600_000).default(2_000),
      /** Own batches under way at once. */
      maxOpenBatches: z.number().int().min(1).max(64).default(4),
    })
    .prefault({}),
}

const sendSettings = {
  fees: z
    .strictObject({
      /** Time without inclusion after which the fee is raised. */
      bumpAfterMs: milliseconds(1_000, 3_600_000).default(30_000),
      /** Time between broadcasts of the same bytes. */
      rebroadcastMs: milliseconds(100, 3_600_000).default(3_000),
      /** Most to offer per gas, in gwei. */
      maxGwei: z.number().int().min(1).max(100_000).default(500),
      /** Most to offer per gas of a blob, which has 131,072, in gwei. */
      maxBlobGwei: z.number().int().min(1).max(100_000).default(100),
    })
    .prefault({}),
  /** Touches the protocol clock, closes and recycles deals, packs what settles often. */
  upkeep: z
    .strictObject({
      enabled: z.boolean().default(true),
      everyMs: milliseconds(100, 3_600_000).default(30_000),
      /** How often it is judged whether packing deals and workers into code pages pays back. */
      packEveryMs: milliseconds(100, 86_400_000).default(600_000),
      /** What a page has to save, in percent of what it costs. */
      packMarginPercent: z.number().int().min(100).max(100_000).default(200),
    })
    .prefault({}),
}

const schema = z.strictObject({
  ...chainSettings,
  ...batchSettings,
  ...sendSettings,
  /** Key that attests; the committee's contract names its address. */
  signerKeyFile: file,
  /** Key that pays for transactions; no other process may use it. */
  gasKeyFile: file,
  /** Folder of the store and the data, of this process alone. */
  dataDir: z.string().min(1),
  maxDataBytes: z.number().int().min(1_048_576).default(4_294_967_296),
  /** Room for blobs of settled batches, 131,072 bytes each; they are kept for good. */
  maxBlobBytes: z.number().int().min(1_048_576).default(17_179_869_184),
  /**
   * How long inputs, outputs and programs are kept after they were last put, and preimages of receipts after they came:
   * windows and disputes end within 14 days.
   */
  dataKeptMs: milliseconds(3_600_000, 31_536_000_000).default(1_209_600_000),
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(0),
    })
    .prefault({}),
  /** Tasks re-executed at a time. */
  concurrency: z.number().int().min(1).max(64).default(1),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
})

/** Checked settings; see the schema for units and defaults. */
export type OracleConfig = z.output<typeof schema>

/**
 * Reads the settings.
 *
 * @param setting - Path of a JSON file, or the JSON itself.
 * @throws OracleError `config.missing`, `config.unreadable`, `config.malformed` or `config.invalid`, naming every wrong field.
 */
export function readConfig(setting: string | undefined): OracleConfig {
  if (setting === undefined || setting.trim() === '')
    throw new OracleError('config.missing', 'TALLY_ORACLE_CONFIG is not set: it names a JSON file or holds the JSON')
  const text = setting.trimStart().startsWith('{') ? setting : readText(setting)
  const result = schema.safeParse(parseJson(text))
  if (result.success) return result.data
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || 'settings'}: ${message}`)
  throw new OracleError('config.invalid', problems.join('; '), { cause: result.error })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new OracleError('config.unreadable', `${path} cannot be read`, { cause: error })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new OracleError('config.malformed', 'the settings are not JSON', { cause: error })
  }
}
