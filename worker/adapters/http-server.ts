/**
 * The worker's HTTP server: hands what its routes let through over to the worker's parts.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify'
import type { Hex } from 'viem'

import { type PromisesAnswer, toWire, type WorkPreimage } from '#protocol/wire.ts'
import { type DataStore, DataStoreError } from '#runtime/data-store.ts'
import { createHttp, HttpProblem } from '#runtime/http.ts'
import type { Logger } from '#runtime/log.ts'
import { serveRoutes } from '#runtime/routes.ts'

import { WorkerError } from '../errors.ts'
import type { SignedOrder, SignedTally, StoredReceipt, StreamRef } from '../rows.ts'
import { workerRoutes } from './routes.ts'

/** Creates the server; it does not listen yet. `tally` gives the furthest unsettled tally of a stream, null for none. */
export function createWorkerHttp(options: {
  readonly data: DataStore
  readonly acceptOrders: (orders: readonly SignedOrder[]) => number
  readonly receipts: (ref: StreamRef, first: number, count: number) => readonly StoredReceipt[]
  readonly receiptOf: (workHash: Hex) => StoredReceipt | null
  readonly tally: (ref: StreamRef) => SignedTally | null
  readonly promises: (from: number, limit: number) => PromisesAnswer['promises']
  readonly status: () => unknown
  readonly log: Logger
}): FastifyInstance {
  const { data } = options
  const app = createHttp({ log: options.log })
  serveRoutes(app, workerRoutes, {
    getHealth: () => ({ status: 'ok' }),
    getStatus: () => options.status(),

    async putData({ params: { root }, body }, reply) {
      const isKnown = data.has(root)
      await data.put(new Uint8Array(body), root).catch((error: unknown) => {
        throw error instanceof DataStoreError ? toDataProblem(error) : error
      })
      return reply.status(isKnown ? 200 : 201).send({ root })
    },

    async getData({ params: { root } }, reply) {
      const bytes = await data.get(root)
      if (bytes === null) throw new HttpProblem(404, 'data.unknown', `there is no data ${root}`)
      return reply.type('application/octet-stream').send(Buffer.from(bytes))
    },

    postOrders({ body: { orders } }) {
      try {
        return { accepted: options.acceptOrders(orders) }
      } catch (error) {
        if (error instanceof WorkerError) throw toProblem(error)
        throw error
      }
    },

    getReceipts({ query: { from, limit, ...ref } }) {
      return { receipts: toWire(options.receipts(ref, from, from + limit)) }
    },

    getWork({ params: { workHash } }) {
      const receipt = options.receiptOf(workHash)
      if (receipt === null) throw new HttpProblem(404, 'work.unknown', `there is no receipt ${workHash}`)
      return toWire(preimageOf(receipt))
    },

    getTally({ query }) {
      const tally = options.tally(query)
      if (tally === null) throw new HttpProblem(404, 'tally.none', 'nothing of this stream waits to be settled')
      return { tally: toWire(tally) }
    },

    getPromises: ({ query: { from, limit } }) => ({ promises: toWire(options.promises(from, limit)) }),
  })
  return app
}

function toProblem(error: WorkerError): HttpProblem {
  const statuses: Readonly<Record<string, number>> = { 'chain.unknown': 503, 'orders.full': 429, 'order.conflict': 409 }
  return new HttpProblem(statuses[error.code] ?? 422, error.code, error.message)
}

function toDataProblem({ code, message }: DataStoreError): unknown {
  const statuses: Readonly<Record<string, number>> = { 'data.root-mismatch': 400, 'data.full': 507 }
  return new HttpProblem(statuses[code] ?? 413, code, message)
}

/** What a receipt's work hash was made of, as an auditor asks for it. */
function preimageOf({ order, outputRoot, plainHash, startedAt, endedAt, finalState }: StoredReceipt): WorkPreimage {
  const { index, inputRoot, maxUnits, signature } = order
  const times = { startedAt: Number(startedAt), endedAt: Number(endedAt) }
  const known = { order: { index, inputRoot, maxUnits, signature }, outputRoot, plainHash, ...times }
  return finalState === null ? known : { ...known, finalState }
}
