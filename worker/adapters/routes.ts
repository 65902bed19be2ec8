/**
 * The worker's routes: the table its server judges requests by, and `docs/openapi/worker.json` is written from.
 *
 * @module
 */
import { z } from 'zod'

import { MAX_CONTENT_BYTES } from '#protocol/content.ts'
import { STATE_BYTES } from '#protocol/vm/state.ts'
import {
  dataRootParam,
  orderMessage,
  ordersAnswer,
  ordersMessage,
  promisesAnswer,
  promisesQuery,
  workPreimage,
} from '#protocol/wire.ts'
import { compactSignature, fixedHex, hash, seconds, small, wide } from '#protocol/wire-fields.ts'
import type { OpenApiSource } from '#runtime/openapi.ts'
import { BYTES, type RouteTable } from '#runtime/routes.ts'

const streamQuery = z.object({ dealKey: hash, stream: z.coerce.number().int().min(0).max(63) })

/** One receipt with everything it commits to, its order and its place in the stream. */
const shownReceipt = z.object({
  units: wide(48),
  workHash: hash,
  outputRoot: hash,
  plainHash: hash,
  startedAt: wide(64),
  endedAt: wide(64),
  finalState: fixedHex(STATE_BYTES).nullable(),
  position: small(32),
  totalUnits: wide(48),
  order: orderMessage,
})

/** A tally that waits to be settled, with its struct hash and the worker's signature. */
const shownTally = z.object({
  dealKey: hash,
  stream: small(8).max(63),
  first: small(32),
  count: small(32),
  units: wide(48),
  segment: hash,
  hash,
  signature: compactSignature,
})

const dealStatus = z.object({
  dealId: small(32),
  dealKey: hash,
  kind: z.string(),
  state: small(8),
  unsupported: z.string().nullable(),
  openOrders: z.int().min(0),
  streams: z.array(
    z.object({
      stream: small(8),
      receipts: small(32),
      units: wide(48),
      signed: small(32),
      settled: small(32),
      settledUnits: wide(48),
      isOurs: z.boolean(),
      hold: z.string().nullable(),
      deliveries: z.array(z.object({ member: z.string(), state: z.string(), check: z.string().optional() })),
    }),
  ),
})

const receiptsAnswer = z.object({ receipts: z.array(shownReceipt) })
const tallyAnswer = z.object({ tally: shownTally })
const rootAnswer = z.object({ root: hash })

/** Answer to `GET /v1/status`. */
export const workerStatus = z.object({
  worker: z.string(),
  index: small(32).nullable(),
  provider: small(32).nullable(),
  fleet: z.object({ position: z.int(), size: z.int() }),
  chain: z.object({ block: wide(64), clock: seconds, cover: wide(64), unmatured: wide(64) }).nullable(),
  running: z.int().min(0),
  members: z.array(z.string()),
  deals: z.array(dealStatus),
  refusals: z.array(z.object({ atMs: z.number(), by: z.string(), check: z.string(), detail: z.string() })),
})

/** Every route of a worker. */
export const workerRoutes = {
  getHealth: {
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process answers.',
    answers: { 200: { when: 'It does.', body: z.object({ status: z.literal('ok') }) } },
  },
  getStatus: {
    method: 'GET',
    path: '/v1/status',
    summary: 'What the worker does, what it waits for, and what was refused lately.',
    answers: { 200: { when: 'Its streams, jobs and deliveries.', body: workerStatus } },
  },
  putData: {
    method: 'PUT',
    path: '/v1/data/{root}',
    summary: 'Stores bytes under their data root, or a provable program under its program hash.',
    params: z.object({ root: dataRootParam }),
    body: BYTES,
    bodyBytes: MAX_CONTENT_BYTES,
    answers: {
      200: { when: 'They were here; they count as new again.', body: rootAnswer },
      201: { when: 'Stored.', body: rootAnswer },
    },
    problems: {
      400: { 'data.root-mismatch': 'The root does not name these bytes.' },
      507: { 'data.full': 'The worker holds as much as it may.' },
    },
  },
  getData: {
    method: 'GET',
    path: '/v1/data/{root}',
    summary: 'Gives bytes by their data root, or a provable program by its program hash.',
    params: z.object({ root: dataRootParam }),
    answers: { 200: { when: 'The bytes.', body: BYTES } },
    problems: { 404: { 'data.unknown': 'The worker does not hold them.' } },
  },
  postOrders: {
    method: 'POST',
    path: '/v1/orders',
    summary: 'Takes signed orders: all of them or none.',
    body: ordersMessage,
    answers: { 202: { when: 'Stored; `accepted` counts the new ones.', body: ordersAnswer } },
    problems: {
      409: { 'order.conflict': 'Another order was taken for the task.' },
      422: {
        'order.unknown-deal': 'No live deal of this provider has the key.',
        'order.unsupported': 'The worker cannot serve the deal at all.',
        'order.deal-ended': 'The deal takes no new work.',
        'order.other-stream': "The task's stream is another worker's.",
        'order.max-units': 'The maximum of units is none.',
        'order.unpayable': 'The task may cost more than the deal can ever hold.',
        'order.bad-signature': "The signature is not the deal's order key's.",
      },
      429: { 'orders.full': 'The deal has too many orders waiting.' },
      503: { 'chain.unknown': 'The chain was not read yet.' },
    },
  },
  getReceipts: {
    method: 'GET',
    path: '/v1/receipts',
    summary: "A stream's receipts from number `from` on, with everything they commit to.",
    query: streamQuery.extend({
      from: z.coerce.number().int().min(0).max(0xffff_ffff).default(0),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    answers: { 200: { when: 'By rising number.', body: receiptsAnswer } },
  },
  getWork: {
    method: 'GET',
    path: '/v1/work/{workHash}',
    summary: 'What a work hash was made of.',
    params: z.object({ workHash: hash }),
    answers: { 200: { when: 'Its preimage.', body: workPreimage } },
    problems: { 404: { 'work.unknown': 'No receipt of this worker has it.' } },
  },
  getTally: {
    method: 'GET',
    path: '/v1/tallies',
    summary: "A stream's furthest tally that is not settled: what a buyer may acknowledge.",
    query: streamQuery,
    answers: { 200: { when: 'The tally.', body: tallyAnswer } },
    problems: { 404: { 'tally.none': 'Nothing of the stream waits to be settled.' } },
  },
  getPromises: {
    method: 'GET',
    path: '/v1/promises',
    summary: 'What members promised the worker, from number `from` on.',
    query: promisesQuery,
    answers: { 200: { when: 'By rising number, each with the tally it is about.', body: promisesAnswer } },
  },
} as const satisfies RouteTable

/** What `docs/openapi/worker.json` is made of. */
export const workerApi: OpenApiSource = {
  title: 'Tallystick worker',
  description:
    'What a worker serves: data by root, orders handed over directly, and what a buyer needs to judge its work. Integers of more than 32 bits travel as decimal strings, times are unix seconds, money is in base units of the settlement token.',
  routes: workerRoutes,
  schemas: {
    Order: orderMessage,
    Orders: ordersMessage,
    Receipt: shownReceipt,
    Receipts: receiptsAnswer,
    Tally: shownTally,
    TallyAnswer: tallyAnswer,
    Promises: promisesAnswer,
    RootAnswer: rootAnswer,
    Status: workerStatus,
  },
}
