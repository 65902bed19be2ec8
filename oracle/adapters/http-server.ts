/**
 * The member's HTTP face: parses, hands over to the services, answers. See "HTTP" in docs/protocol.md.
 *
 * @module
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Hex } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import {
  MAX_BODY_BYTES,
  parseAcknowledgementMessage,
  parseDataRoot,
  parseOfferMessage,
  parseOrdersMessage,
  parseOrdersQuery,
  parseProposalMessage,
  parseSegmentMessage,
  toWire,
} from '#protocol/wire.ts'
import { createHttp, HttpProblem } from '#runtime/http.ts'
import type { Logger } from '#runtime/log.ts'
import type { Data, Store } from '../ports.ts'
import type { Attester } from '../services/attester.ts'
import type { Intake } from '../services/intake.ts'
import type { Metrics } from './metrics.ts'

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
  readonly metrics: Metrics
  readonly log: Logger
  readonly status: () => Promise<Record<string, unknown>>
  readonly notReady: () => readonly string[]
}): FastifyInstance {
  const app = createHttp({ log: deps.log, bodyLimitBytes: MAX_BODY_BYTES })
  dataRoutes(app, deps.data)
  workRoutes(app, deps)
  proposalRoute(app, deps)

  app.get('/v1/status', () => deps.status())
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', () => {
    const reasons = deps.notReady()
    if (reasons.length > 0) throw new HttpProblem(503, 'node.not-ready', reasons.join('; '), { reasons })
    return { status: 'ready' }
  })
  app.get('/metrics', async (_request, reply) => reply.type(deps.metrics.contentType).send(await deps.metrics.render()))
  return app
}

function dataRoutes(app: FastifyInstance, data: Data): void {
  app.put('/v1/data/:root', async (request, reply) => {
    const root = rootOf(request)
    if (!Buffer.isBuffer(request.body))
      throw new HttpProblem(415, 'request.media-type', 'data travels as application/octet-stream')
    if (dataRoot(request.body) !== root)
      throw new HttpProblem(400, 'data.root-mismatch', 'the bytes have another data root')
    const known = data.has(root)
    await keep(data, request.body)
    return reply.status(known ? 200 : 201).send({ root })
  })

  app.get('/v1/data/:root', async (request, reply) => {
    const bytes = await data.get(rootOf(request))
    if (bytes === null) throw new HttpProblem(404, 'data.unknown', 'this member does not hold these bytes')
    return reply.type('application/octet-stream').send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  })
}

async function keep(data: Data, bytes: Uint8Array): Promise<void> {
  try {
    await data.put(bytes)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'data.full') throw new HttpProblem(507, 'data.full', 'this member has no room left')
    if (code === 'data.too-large') throw new HttpProblem(413, 'data.too-large', 'the bytes are too many')
    throw error
  }
}

function workRoutes(app: FastifyInstance, { intake, store }: { readonly intake: Intake; readonly store: Store }): void {
  app.post('/v1/segments', async (request, reply) =>
    reply.status(202).send(await intake.segment(parseSegmentMessage(request.body))),
  )
  app.get('/v1/segments/:tallyHash', (request) => intake.find(parseDataRoot(parameter(request, 'tallyHash'))))

  app.post('/v1/orders', async (request, reply) => {
    const { orders } = parseOrdersMessage(request.body)
    return reply.status(202).send({ accepted: await intake.orders(orders) })
  })
  app.get('/v1/orders', (request) => ({ orders: toWire(store.messages.orders(parseOrdersQuery(request.query))) }))

  app.post('/v1/offers', async (request, reply) =>
    reply.status(201).send({ hash: await intake.offer(parseOfferMessage(request.body)) }),
  )
  app.get('/v1/offers', () => ({ offers: toWire(store.messages.offers()) }))

  app.post('/v1/acknowledgements', async (request, reply) => {
    await intake.acknowledgement(parseAcknowledgementMessage(request.body))
    return reply.status(202).send({ status: 'accepted' })
  })
}

function proposalRoute(
  app: FastifyInstance,
  { attester, metrics }: { readonly attester: Pick<Attester, 'answer'>; readonly metrics: Metrics },
): void {
  let judging = 0
  app.post('/v1/proposals', async (request) => {
    const proposal = parseProposalMessage(request.body)
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
  })
}

function rootOf(request: FastifyRequest): Hex {
  return parseDataRoot(parameter(request, 'root'))
}

function parameter(request: FastifyRequest, name: string): string | undefined {
  const { params } = request
  if (typeof params !== 'object' || params === null) return undefined
  const value = Object.entries(params).find(([key]) => key === name)?.[1]
  return typeof value === 'string' ? value : undefined
}
