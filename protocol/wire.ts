/**
 * Every HTTP body of docs/protocol.md: a schema, its parsed type and a parser. Parsed integers wider than 32 bits are
 * bigints, but for workers' indexes; {@link toWire} turns them into the decimal strings that JSON carries.
 *
 * @module
 */
import type { Hex } from 'viem'
import { z } from 'zod'

import { type Group, MAX_BLOBS } from './batch.ts'
import { TallyError } from './errors.ts'
import type { Offer } from './types.ts'
import { STATE_BYTES } from './vm/state.ts'
import {
  address,
  anySignature,
  boundedHex,
  compactSignature,
  fixedHex,
  hash,
  seconds,
  small,
  wide,
} from './wire-fields.ts'

/** Largest body any route takes, in bytes. */
export const MAX_BODY_BYTES = 1_048_576

/** `{root}` of a data route. */
export const dataRootParam = hash

const offer = z.object({
  provider: address,
  nonce: wide(64),
  salt: hash,
  program: hash,
  kind: small(8),
  unit: hash,
  price: wide(64),
  rateCap: small(32),
  minBudget: wide(64),
  maxBudget: wide(64),
  total: wide(64),
  buyer: address,
  openingFee: wide(64),
  maxDuration: small(32),
  expiry: small(32),
  mode: small(8),
  maxStreams: small(8),
  minExposure: small(48),
  arbiter: address,
  panel: z.boolean(),
})

/** `POST /v1/offers`. */
export const offerMessage = z.object({ offer, signature: anySignature })
export type OfferMessage = { readonly offer: Offer; readonly signature: Hex }

/** Answer to `GET /v1/offers`. */
export const offersAnswer = z.object({ offers: z.array(offerMessage.extend({ hash })) })
export type OffersAnswer = z.output<typeof offersAnswer>

/** Answer to `POST /v1/offers`. */
export const offerAnswer = z.object({ hash })
export type OfferAnswer = z.output<typeof offerAnswer>

/** One signed order. */
export const orderMessage = z.object({
  dealKey: hash,
  index: wide(64),
  inputRoot: hash,
  maxUnits: wide(24),
  signature: compactSignature,
})
export type OrderMessage = z.output<typeof orderMessage>

/** `POST /v1/orders`, and the answer to `GET /v1/orders`. */
export const ordersMessage = z.object({ orders: z.array(orderMessage) })
export type OrdersMessage = z.output<typeof ordersMessage>

/** Answer to `POST /v1/orders`. */
export const ordersAnswer = z.object({ accepted: z.int().min(0) })
export type OrdersAnswer = z.output<typeof ordersAnswer>

/** Query of `GET /v1/orders`: at most `limit` orders from index `from` on. */
export const ordersQuery = z.object({
  dealKey: hash,
  from: wide(64).default(0n),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
export type OrdersQuery = z.output<typeof ordersQuery>

/** One receipt of a segment with everything its work hash commits to. */
const segmentReceipt = z.object({
  units: wide(24).refine((units) => units > 0n, 'must be at least 1'),
  workHash: hash,
  order: orderMessage.omit({ dealKey: true }),
  outputRoot: hash,
  plainHash: hash,
  startedAt: seconds,
  endedAt: seconds,
})
export type SegmentReceipt = z.output<typeof segmentReceipt>

/** What the provider wishes of its pay, see docs/protocol.md; not signed, and kept within a member's own bounds. */
export const segmentWish = z.object({
  /** Settle at the latest this long after the segment came, seconds. */
  settleWithin: z.int().min(0).max(604_800).optional(),
  /** Until then, wait while gas would be more than this share of the pay, in 1/10,000. */
  gasShareBps: z.int().min(0).max(10_000).optional(),
  /** Whether acknowledged work is paid at once, for more gas, or goes through the window with the rest. */
  payAtOnce: z.boolean().optional(),
})
export type SegmentWish = z.output<typeof segmentWish>

/** What a tally says, who signed it, and where its deal is found. */
const signedTally = z.object({
  dealId: small(32),
  dealKey: hash,
  stream: small(8).max(63),
  first: small(24),
  count: small(24),
  units: wide(40),
  worker: small(40),
  signature: compactSignature,
})

/** `POST /v1/segments`. */
export const segmentMessage = signedTally
  .extend({ receipts: z.array(segmentReceipt).min(1), wish: segmentWish.optional() })
  .refine((segment) => segment.count - segment.first === segment.receipts.length, {
    path: ['count'],
    message: 'must be first + number of receipts',
  })
export type SegmentMessage = z.output<typeof segmentMessage>

/** Answer to a worker's `GET /v1/work/{workHash}`: what the hash was made of. */
export const workPreimage = segmentReceipt.omit({ units: true, workHash: true }).extend({
  /** Of provable work: the 201 bytes of the state that it ended with, whose hash stands in the plain hash. */
  finalState: fixedHex(STATE_BYTES).optional(),
})
export type WorkPreimage = z.output<typeof workPreimage>

const shownSegmentReceipt = segmentReceipt.pick({ units: true, workHash: true }).extend({
  /** What the work hash was made of, while the member keeps it. */
  work: workPreimage.optional(),
})

/** A segment as its worker signed it, without what is no evidence. */
export const signedSegment = signedTally.extend({ receipts: z.array(shownSegmentReceipt).min(1) })
export type SignedSegment = z.output<typeof signedSegment>

/** Query of `GET /v1/conflicts`: at most `limit` conflicts whose number is `from` or higher. */
export const conflictsQuery = z.object({
  from: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(20).default(20),
})
export type ConflictsQuery = z.output<typeof conflictsQuery>

/**
 * Answer to `GET /v1/conflicts`: segments that were refused for what their worker's signature shows, each beside the one
 * it contradicts; `left` is null where the segment contradicts itself, its orders, its deal or the chain.
 */
export const conflictsAnswer = z.object({
  conflicts: z.array(
    z.object({
      id: z.int().min(0),
      check: z.string(),
      left: signedSegment.nullable(),
      right: signedSegment,
    }),
  ),
})
export type ConflictsAnswer = z.output<typeof conflictsAnswer>
export type Conflict = ConflictsAnswer['conflicts'][number]

/** Where a segment stands with a committee member. */
export const segmentStatus = z.enum(['accepted', 'refused', 'batched', 'settled', 'final'])
export type SegmentStatus = z.output<typeof segmentStatus>

/** A member's promise that a batch with a tally settles by `before`, a second on the protocol clock. */
export const signedPromise = z.object({
  epoch: small(32),
  /** Index of the member in this epoch. */
  member: small(8),
  before: small(32),
  signature: compactSignature,
})
export type SignedPromise = z.output<typeof signedPromise>

/** Answer to `POST /v1/segments` and `GET /v1/segments/{tallyHash}`; a promise comes once the member can give one. */
export const segmentAnswer = z.object({
  tallyHash: hash,
  status: segmentStatus,
  check: z.string().optional(),
  transaction: hash.optional(),
  promise: signedPromise.optional(),
})
export type SegmentAnswer = z.output<typeof segmentAnswer>

/** Query of a worker's `GET /v1/promises`: at most `limit` promises whose number is `from` or higher. */
export const promisesQuery = z.object({
  from: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})

/** Answer to a worker's `GET /v1/promises`. */
export const promisesAnswer = z.object({
  promises: z.array(
    z.object({
      id: z.int().min(0),
      dealId: small(32),
      tally: z.object({
        dealKey: hash,
        stream: small(8).max(63),
        first: small(24),
        count: small(24),
        units: wide(40),
        segment: hash,
      }),
      promise: signedPromise,
    }),
  ),
})
export type PromisesAnswer = z.output<typeof promisesAnswer>

/** `POST /v1/acknowledgements`. */
export const acknowledgementMessage = z.object({
  dealKey: hash,
  stream: small(8).max(63),
  count: small(24),
  units: wide(40),
  segment: hash,
  signature: compactSignature,
})
export type AcknowledgementMessage = z.output<typeof acknowledgementMessage>

/** `POST /v1/proposals`. */
export const proposalMessage = z.object({
  batch: boundedHex(MAX_BODY_BYTES / 2),
  claims: small(8),
  /** Versioned hashes of the blobs that go with the batch; none where it has its receipts itself. */
  blobs: z.array(hash).max(MAX_BLOBS).default([]),
  /** Of a net batch, which names no groups: they, written as a batch of mode 1. */
  heads: boundedHex(MAX_BODY_BYTES / 2).optional(),
  /** Of a net batch: the announced groups in it, by their index in the queue. */
  forces: z.array(small(32)).max(1_024).readonly().optional(),
})
export type ProposalMessage = z.output<typeof proposalMessage>

/** Answer to `POST /v1/proposals`. */
export const proposalAnswer = z.object({ member: address, epoch: small(32), signature: compactSignature })
export type ProposalAnswer = z.output<typeof proposalAnswer>

/** Body of every error; further members depend on `code`. */
export const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  check: z.string().optional(),
  refusals: z.array(z.object({ group: z.int().min(0), check: z.string() })).optional(),
})
export type Problem = z.output<typeof problem>

/** Thrown when a body is not what its route takes; `code` is `wire.invalid`, `field` a dotted path into the body. */
export class WireError extends TallyError {
  override readonly name = 'WireError'
  readonly field: string

  constructor(field: string, problem: string, options?: ErrorOptions) {
    super('wire.invalid', `${field === '' ? 'body' : field}: ${problem}`, options)
    this.field = field
  }
}

function parser<Parsed>(schema: z.ZodType<Parsed>): (json: unknown) => Parsed {
  return (json) => {
    const result = schema.safeParse(json)
    if (result.success) return result.data
    const issue = result.error.issues[0]
    throw new WireError(issue?.path.join('.') ?? '', issue?.message ?? 'is not valid', { cause: result.error })
  }
}

/** Each parser returns the parsed body. @throws {@link WireError} naming the first field that is wrong. */
export const parseDataRoot = parser<Hex>(dataRootParam)
export const parseOfferMessage = parser<OfferMessage>(offerMessage)
export const parseOfferAnswer = parser<OfferAnswer>(offerAnswer)
export const parseOffersAnswer = parser<OffersAnswer>(offersAnswer)
export const parseOrderMessage = parser<OrderMessage>(orderMessage)
export const parseOrdersMessage = parser<OrdersMessage>(ordersMessage)
export const parseOrdersAnswer = parser<OrdersAnswer>(ordersAnswer)
export const parseOrdersQuery = parser<OrdersQuery>(ordersQuery)
export const parseSegmentMessage = parser<SegmentMessage>(segmentMessage)
export const parseSegmentAnswer = parser<SegmentAnswer>(segmentAnswer)
export const parseSignedSegment = parser<SignedSegment>(signedSegment)
export const parseWorkPreimage = parser<WorkPreimage>(workPreimage)
export const parseConflictsAnswer = parser<ConflictsAnswer>(conflictsAnswer)
export const parsePromisesAnswer = parser<PromisesAnswer>(promisesAnswer)
export const parseAcknowledgementMessage = parser<AcknowledgementMessage>(acknowledgementMessage)
export const parseProposalMessage = parser<ProposalMessage>(proposalMessage)
export const parseProposalAnswer = parser<ProposalAnswer>(proposalAnswer)
export const parseProblem = parser<Problem>(problem)

/** A segment as a group of a batch, without the preimages that stay off chain. */
export function segmentToGroup(segment: SegmentMessage): Group {
  const { dealId, stream, worker, first, units, signature } = segment
  const receipts = segment.receipts.map(({ units, workHash }) => ({ units, workHash }))
  return { dealId, stream, worker, first, units, signature, receipts }
}

/** What {@link toWire} makes of a value: bigints become decimal strings, everything else stays. */
export type Wire<T> = T extends bigint ? string : T extends object ? { [Key in keyof T]: Wire<T[Key]> } : T

/** The value as JSON carries it: every bigint a decimal string. */
export function toWire<T>(value: T): Wire<T> {
  return convert(value) as Wire<T>
}

function convert(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(convert)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, convert(member)]))
}
