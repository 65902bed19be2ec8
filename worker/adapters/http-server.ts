/**
 * The worker's HTTP routes: data by root, orders handed over directly, and what the worker is doing.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify'
import type { Hex } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import { parseDataRoot, parseOrdersMessage } from '#protocol/wire.ts'
import type { DataStore } from '#runtime/data-store.ts'
import { createHttp, HttpProblem } from '#runtime/http.ts'
import type { Logger } from '#runtime/log.ts'

import { WorkerError } from '../errors.ts'
import type { SignedOrder, SignedTally, StoredReceipt, StreamRef } from '../rows.ts'
import { streamRoutes } from './stream-routes.ts'

/** Creates the server; it does not listen yet. */
export function createWorkerHttp(options: {
  readonly data: DataStore
  readonly acceptOrders: (orders: readonly SignedOrder[]) => number
  readonly receipts: (ref: StreamRef, first: number, count: number) => readonly StoredReceipt[]
  readonly receiptOf: (workHash: Hex) => StoredReceipt | null
  readonly tally: (ref: StreamRef) => SignedTally | null
  readonly status: () => unknown
  readonly log: Logger
}): FastifyInstance {
  const { data } = options
  const app = createHttp({ log: options.log })

  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/v1/status', () => options.status())
  streamRoutes(app, options)

  app.get<{ Params: { root: string } }>('/v1/data/:root', async (request, reply) => {
    const root = parseDataRoot(request.params.root)
    const bytes = await data.get(root)
    if (bytes === null) throw new HttpProblem(404, 'data.unknown', `there is no data ${root}`)
    return reply.type('application/octet-stream').send(Buffer.from(bytes))
  })

  app.put<{ Params: { root: string } }>('/v1/data/:root', async (request, reply) => {
    const root = parseDataRoot(request.params.root)
    if (!Buffer.isBuffer(request.body)) {
      throw new HttpProblem(415, 'request.media-type', 'data comes as application/octet-stream')
    }
    const bytes = new Uint8Array(request.body)
    if (dataRoot(bytes) !== root) throw new HttpProblem(400, 'data.root-mismatch', `the bytes are not those of ${root}`)
    const isKnown = data.has(root)
    await data.put(bytes).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'data.full') {
        throw new HttpProblem(507, 'data.full', 'the worker holds as much as it may')
      }
      throw error
    })
    return reply.status(isKnown ? 200 : 201).send({ root })
  })

  app.post('/v1/orders', (request, reply) => {
    const { orders } = parseOrdersMessage(request.body)
    try {
      return reply.status(202).send({ accepted: options.acceptOrders(orders) })
    } catch (error) {
      if (error instanceof WorkerError) throw toProblem(error)
      throw error
    }
  })
  return app
}

function toProblem(error: WorkerError): HttpProblem {
  const statuses: Readonly<Record<string, number>> = { 'chain.unknown': 503, 'orders.full': 429, 'order.conflict': 409 }
  return new HttpProblem(statuses[error.code] ?? 422, error.code, error.message)
}
