/**
 * Who takes part in the local network, and how briskly its nodes work: a demo has minutes where production has hours.
 *
 * @module
 */

/** Committee of the local network: two of three. */
export const MEMBERS = ['member-1', 'member-2', 'member-3'] as const
export const THRESHOLD = 2

/** One provider and its machines. */
export type ProviderPlan = {
  readonly name: string
  /** Whole stake tokens. */
  readonly stake: bigint
  readonly workers: readonly WorkerPlan[]
}

/** One worker's part. */
export type WorkerPlan = {
  readonly name: string
  readonly delivery: 'members' | 'forced'
}

/** Two providers with three workers: the first runs a fleet of two, the second is cut off from the committee. */
export const PROVIDERS: readonly ProviderPlan[] = [
  {
    name: 'Northwind',
    stake: 400n,
    workers: [
      { name: 'northwind-1', delivery: 'members' },
      { name: 'northwind-2', delivery: 'members' },
    ],
  },
  { name: 'Southgate', stake: 400n, workers: [{ name: 'southgate-1', delivery: 'forced' }] },
]

/** Buyers and the whole dollars each is given. */
export const BUYERS = [
  { name: 'Ada', dollars: 100n },
  { name: 'Ben', dollars: 100n },
  { name: 'Cleo', dollars: 100n },
] as const

/** Milliseconds between looks at a chain with a block a second. */
const POLL_MS = 400

/** What members are told beyond keys, ports and addresses. */
export const MEMBER_SETTINGS = {
  chainPollMs: POLL_MS,
  finalDepth: 2,
  batch: { maxAgeMs: 1_500 },
  turns: { slotSeconds: 6, takeoverMs: 2_000, answerMs: 10_000, holdMs: 15_000, retryMs: 1_000 },
  logLevel: 'info',
} as const

/** What workers are told beyond keys, ports and addresses. */
export const WORKER_SETTINGS = {
  chainPollMs: POLL_MS,
  ordersPollMs: POLL_MS,
  logLevel: 'info',
} as const

/** How workers hand on what they did. */
export const DELIVERY = { receipts: 24, afterMs: 600, againAfterMs: 15_000 } as const
