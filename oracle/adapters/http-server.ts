/**
 * The member's HTTP face: hands what its routes let through over to the services. See "HTTP" in docs/protocol.md.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify'
import type { Hex } from 'viem'

import { MAX_BODY_BYTES, type ProposalAnswer, toWire } from '#protocol/wire.ts'
import { createHttp, HttpProblem } from '#runtime/http.ts'
import type { Logger } from '#runtime/log.ts'
import { serveRoutes } from '#runtime/routes.ts'
import type { Data, Store } from '../ports.ts'
import type { Archive } from '../services/archive.ts'
import type { Attester } from '../services/attester.ts'
import type { Intake } from '../services/intake.ts'
import type { Metrics } from './metrics.ts'
import { oracleRoutes } from './routes.ts'

/** Proposals judged at once; more wait for the proposer's next try. */
const MAX_PROPOSALS = 4

/**
 * Creates the server, not yet listening.
 *
 * @param deps - `status` is what `GET /v1/status` shows; `notReady` names what keeps the node from working, if anything.
 */
export function createHttpServer(deps: {
  readonly intake: Intake
  readonly attester: Pick<Attester, 'answer'>
  readonly store: Store
  readonly data: Data
  readonly archive: Pick<Archive, 'put' | 'get'>
  readonly metrics: Metrics
  readonly log: Logger
  readonly status: () => Promise<Record<string, unknown>>
  readonly notReady: () => readonly string[]
}): FastifyInstance {
  const { intake, store, data, archive, metrics } = deps
  const app = createHttp({ log: deps.log, bodyLimitBytes: MAX_BODY_BYTES })
  const judgeProposal = createProposalDesk(deps)
  serveRoutes(app, oracleRoutes, {
    async putData({ params: { root }, body }, reply) {
      const known = data.has(root)
      await keep(data, root, body)
      return reply.status(known ? 200 : 201).send({ root })
    },

    async getData({ params: { root } }, reply) {
      const bytes = await data.get(root)
      if (bytes === null) throw new HttpProblem(404, 'data.unknown', 'this member does not hold these bytes')
      return reply.type('application/octet-stream').send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    },

    async putBlob({ params: { versionedHash }, body }, reply) {
      const outcome = await archive.put(versionedHash, body)
      return reply.status(outcome === 'known' ? 200 : 201).send({ versionedHash })
    },

    async getBlob({ params: { versionedHash } }, reply) {
      const blob = await archive.get(versionedHash)
      if (blob === null) throw new HttpProblem(404, 'blob.unknown', 'this member does not hold this blob')
      return reply.type('application/octet-stream').send(Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength))
    },

    postSegment: ({ body }) => intake.segment(body),
    getSegment: ({ params: { tallyHash } }) => intake.find(tallyHash),
    getSignedSegment({ params: { tallyHash } }) {
      const signed = store.evidence.signed(tallyHash)
      if (signed === null) throw new HttpProblem(404, 'segment.unknown', 'this member accepted no such segment')
      return toWire(signed)
    },

    getConflicts: ({ query }) => ({ conflicts: toWire(store.evidence.list(query)) }),
    postOrders: async ({ body: { orders } }) => ({ accepted: await intake.orders(orders) }),
    getOrders: ({ query }) => ({ orders: toWire(store.messages.orders(query)) }),
    postOffer: async ({ body }) => ({ hash: await intake.offer(body) }),
    getOffers: () => ({ offers: toWire(store.messages.offers()) }),

    async postAcknowledgement({ body }) {
      await intake.acknowledgement(body)
      return { status: 'accepted' }
    },

    postProposal: ({ body }) => judgeProposal(body),
    getStatus: () => deps.status(),
    getHealth: () => ({ status: 'ok' }),

    getReadiness() {
      const reasons = deps.notReady()
      if (reasons.length > 0) throw new HttpProblem(503, 'node.not-ready', reasons.join('; '), { reasons })
      return { status: 'ready' }
    },

    getMetrics: async (_input, reply) => reply.type(metrics.contentType).send(await metrics.render()),
  })
  return app
}

async function keep(data: Data, root: Hex, bytes: Uint8Array): Promise<void> {
  try {
    await data.put(bytes, root)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'data.root-mismatch') throw new HttpProblem(400, code, 'the root does not name these bytes')
    if (code === 'data.full') throw new HttpProblem(507, 'data.full', 'this member has no room left')
    if (code === 'data.too-large') throw new HttpProblem(413, 'data.too-large', 'the bytes are too many')
    throw error
  }
}

/** Judges proposals, a few at a time. */
function createProposalDesk({
  attester,
  metrics,
}: {
  readonly attester: Pick<Attester, 'answer'>
  readonly metrics: Metrics
}): (proposal: Parameters<Attester['answer']>[0]) => Promise<ProposalAnswer> {
  let judging = 0
  return async (proposal) => {
    if (judging >= MAX_PROPOSALS) throw new HttpProblem(503, 'proposal.busy', 'other proposals are being judged')
    judging += 1
    try {
      const answer = await attester.answer(proposal)
      metrics.proposal('signed')
      return answer
    } catch (error) {
      metrics.proposal('refused')
      throw error
    } finally {
      judging -= 1
    }
  }
}
