/**
 * The member's routes: the table its server judges requests by, and `docs/openapi/oracle.json` is written from.
 *
 * @module
 */
import { z } from 'zod'

import { MAX_CONTENT_BYTES } from '#protocol/content.ts'
import {
  acknowledgementMessage,
  conflictsAnswer,
  conflictsQuery,
  dataRootParam,
  offerAnswer,
  offerMessage,
  offersAnswer,
  orderMessage,
  ordersAnswer,
  ordersMessage,
  ordersQuery,
  proposalAnswer,
  proposalMessage,
  segmentAnswer,
  segmentMessage,
  signedSegment,
} from '#protocol/wire.ts'
import { address, hash, seconds, small } from '#protocol/wire-fields.ts'
import type { OpenApiSource } from '#runtime/openapi.ts'
import { BYTES, type RouteTable, TEXT } from '#runtime/routes.ts'
import { checkNames, executionChecks, intakeChecks, orderChecks } from '../domain/checks.ts'

const dataParams = z.object({ root: dataRootParam })
const rootAnswer = z.object({ root: hash })
const blobParams = z.object({ versionedHash: hash })
const blobAnswer = z.object({ versionedHash: hash })
const counts = z.record(z.string(), z.int().min(0))

/** Answer to `GET /v1/status`. */
export const oracleStatus = z.object({
  member: address,
  committee: z.object({
    epoch: small(32),
    threshold: z.int(),
    members: z.int(),
    index: z.int().nullable(),
  }),
  segments: counts,
  batches: counts,
  transactions: counts,
  evidence: z.int().min(0),
  gas: z.object({ address, balance: z.string() }),
  head: z.object({ number: z.int().min(0), hash, timestamp: seconds }).nullable(),
  halted: z.string().nullable(),
  data: z.object({ items: z.int().min(0), bytes: z.int().min(0) }),
  blobs: z.object({ kept: z.int().min(0), missing: z.int().min(0), waiting: z.int().min(0) }),
  ready: z.boolean(),
})

function oneOf(...lists: readonly (readonly { readonly name: string }[])[]): string {
  return quoted(lists.flat().map(({ name }) => name))
}

function quoted(names: readonly string[]): string {
  return [...new Set(names)].map((name) => `\`${name}\``).join(', ')
}

/** Every route of a committee member. */
export const oracleRoutes = {
  putData: {
    method: 'PUT',
    path: '/v1/data/{root}',
    summary: 'Stores bytes under their data root, or a provable program under its program hash.',
    params: dataParams,
    body: BYTES,
    bodyBytes: MAX_CONTENT_BYTES,
    answers: {
      200: { when: 'They were here; they count as new again.', body: rootAnswer },
      201: { when: 'Stored.', body: rootAnswer },
    },
    problems: {
      400: { 'data.root-mismatch': 'The root does not name these bytes.' },
      413: { 'data.too-large': 'The bytes are too many.' },
      507: { 'data.full': 'The member has no room left.' },
    },
  },
  getData: {
    method: 'GET',
    path: '/v1/data/{root}',
    summary: 'Gives bytes by their data root, or a provable program by its program hash.',
    params: dataParams,
    answers: { 200: { when: 'The bytes.', body: BYTES } },
    problems: { 404: { 'data.unknown': 'The member does not hold them.' } },
  },
  putBlob: {
    method: 'PUT',
    path: '/v1/blobs/{versionedHash}',
    summary: 'Stores a blob that a settled batch names, for good.',
    params: blobParams,
    body: BYTES,
    answers: {
      200: { when: 'It was here.', body: blobAnswer },
      201: { when: 'Stored.', body: blobAnswer },
    },
    problems: {
      400: { 'blob.hash-mismatch': 'The bytes are another blob, or none.' },
      409: { 'blob.unexpected': 'No settled batch that the member has seen names this blob.' },
      503: { 'blob.busy': 'Other blobs are being judged; try again.' },
      507: { 'blob.full': 'The member has no room left for blobs.' },
    },
  },
  getBlob: {
    method: 'GET',
    path: '/v1/blobs/{versionedHash}',
    summary: 'Gives the blob of a versioned hash: 131,072 bytes.',
    params: blobParams,
    answers: { 200: { when: 'The blob.', body: BYTES } },
    problems: { 404: { 'blob.unknown': 'The member does not hold it.' } },
  },
  postSegment: {
    method: 'POST',
    path: '/v1/segments',
    summary: "Takes receipts under a worker's tally; the same again gets the same answer.",
    body: segmentMessage,
    answers: { 202: { when: 'Stored, or known.', body: segmentAnswer } },
    problems: {
      422: {
        'segment.refused': `\`check\` names what failed, \`tallyHash\` the segment: ${oneOf(intakeChecks, executionChecks)}.`,
      },
    },
  },
  getSegment: {
    method: 'GET',
    path: '/v1/segments/{tallyHash}',
    summary: 'Where a segment stands.',
    params: z.object({ tallyHash: hash }),
    answers: {
      200: {
        when: `Its status. \`check\` says why it was refused, or what holds an accepted one: ${quoted(checkNames)}, \`program.available\`, \`committee.silent\`.`,
        body: segmentAnswer,
      },
    },
    problems: { 404: { 'segment.unknown': 'The member was never sent it.' } },
  },
  getSignedSegment: {
    method: 'GET',
    path: '/v1/segments/{tallyHash}/signed',
    summary: 'An accepted segment as its worker signed it, with what its receipts were made of.',
    params: z.object({ tallyHash: hash }),
    answers: { 200: { when: 'The segment; preimages while the member keeps them.', body: signedSegment } },
    problems: { 404: { 'segment.unknown': 'The member accepted no such segment.' } },
  },
  getConflicts: {
    method: 'GET',
    path: '/v1/conflicts',
    summary: "Segments refused for what their worker's own signature shows, from number `from` on.",
    query: conflictsQuery,
    answers: {
      200: {
        when: 'By rising number. `check` is `equivocation`, `task.duplicate`, `units.maximum` or `rate.cap`.',
        body: conflictsAnswer,
      },
    },
  },
  postOrders: {
    method: 'POST',
    path: '/v1/orders',
    summary: 'Takes signed orders, whose inputs were put before: all of them or none.',
    body: ordersMessage,
    answers: { 202: { when: 'Stored.', body: ordersAnswer } },
    problems: {
      422: {
        'order.refused': `\`check\` names what failed, \`index\` the task: ${oneOf(orderChecks)}, \`order.conflict\`.`,
      },
    },
  },
  getOrders: {
    method: 'GET',
    path: '/v1/orders',
    summary: 'Orders of a deal from task `from` on.',
    query: ordersQuery,
    answers: { 200: { when: 'By rising task index.', body: ordersMessage } },
  },
  postOffer: {
    method: 'POST',
    path: '/v1/offers',
    summary: "Takes a provider's signed offer and shows it to buyers.",
    body: offerMessage,
    answers: { 201: { when: 'Stored, or known.', body: offerAnswer } },
    problems: { 422: { 'offer.refused': '`check` is `offer.signature`.' } },
  },
  getOffers: {
    method: 'GET',
    path: '/v1/offers',
    summary: 'Every offer that was taken.',
    answers: { 200: { when: 'In the order they came in.', body: offersAnswer } },
  },
  postAcknowledgement: {
    method: 'POST',
    path: '/v1/acknowledgements',
    summary: "Takes a buyer's acknowledgement of a stream.",
    body: acknowledgementMessage,
    answers: { 202: { when: 'Stored.', body: z.object({ status: z.literal('accepted') }) } },
    problems: {
      422: { 'acknowledgement.refused': '`check` is `deal.open` or `acknowledgement.signature`.' },
    },
  },
  postProposal: {
    method: 'POST',
    path: '/v1/proposals',
    summary: 'Judges a batch of another member, and signs it if every group holds.',
    body: proposalMessage,
    answers: { 200: { when: 'Signed.', body: proposalAnswer } },
    problems: {
      400: { 'proposal.malformed': 'No batch of the attested lane with claims.' },
      409: {
        'proposal.refused': '`refusals` names each group that does not hold and its check.',
        'proposal.other-blobs': "The blobs made of the member's own segments have other hashes.",
        'proposal.other-net': "The net batch made of the member's own segments is another one.",
        'proposal.net-state': 'The member does not know where net mode stands, or the groups do not go on from there.',
        'proposal.net-force': 'An announced group of the net batch is none, or would not be executed either.',
        'proposal.net-time': 'The net batch is for longer than an hour ahead, or for a time that has passed.',
        'proposal.net-queue': 'The net batch looked at more groups than are announced.',
      },
      503: {
        'proposal.busy': 'Other proposals are being judged; try again.',
        'committee.not-a-member': 'The node is not in the committee.',
      },
      507: { 'blob.full': 'The member has no room left for blobs.' },
    },
  },
  getStatus: {
    method: 'GET',
    path: '/v1/status',
    summary: 'What the member holds and where it stands.',
    answers: { 200: { when: 'Counts by state, seat, head and gas.', body: oracleStatus } },
  },
  getHealth: {
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process answers.',
    answers: { 200: { when: 'It does.', body: z.object({ status: z.literal('ok') }) } },
  },
  getReadiness: {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether the member can do its work.',
    answers: { 200: { when: 'It can.', body: z.object({ status: z.literal('ready') }) } },
    problems: { 503: { 'node.not-ready': '`reasons` says what keeps it from working.' } },
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    summary: 'What the member counts, for Prometheus.',
    answers: { 200: { when: 'Text exposition format.', body: TEXT } },
  },
} as const satisfies RouteTable

/** What `docs/openapi/oracle.json` is made of. */
export const oracleApi: OpenApiSource = {
  title: 'Tallystick committee member',
  description:
    'What a committee member serves to buyers, providers, workers and the other members. Integers of more than 32 bits travel as decimal strings, times are unix seconds, money is in base units of the settlement token.',
  routes: oracleRoutes,
  schemas: {
    Offer: offerMessage,
    Offers: offersAnswer,
    Order: orderMessage,
    Orders: ordersMessage,
    Segment: segmentMessage,
    SegmentAnswer: segmentAnswer,
    Conflicts: conflictsAnswer,
    SignedSegment: signedSegment,
    Acknowledgement: acknowledgementMessage,
    Proposal: proposalMessage,
    RootAnswer: rootAnswer,
    BlobAnswer: blobAnswer,
    Status: oracleStatus,
  },
}
