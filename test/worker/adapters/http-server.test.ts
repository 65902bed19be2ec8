/**
 * The worker's routes with good and bad input.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Hex } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import { loadElf, programHash } from '#protocol/vm/elf.ts'
import { toWire } from '#protocol/wire.ts'
import { createDataStore } from '#runtime/data-store.ts'
import { createLog } from '#runtime/log.ts'
import { createWorkerHttp } from '#worker/adapters/http-server.ts'
import { workerApi } from '#worker/adapters/routes.ts'
import { WorkerError } from '#worker/errors.ts'
import type { StoredReceipt } from '#worker/rows.ts'

import { ENDLESS, TRAPPING } from '../../support/provable-programs.ts'
import { brokenReferences, describedRoutes, registeredRoutes } from '../../support/routes.ts'
import { dealKey, orderOf, outcomeOf } from '../support/fixtures.ts'

const bytes = new TextEncoder().encode('an input')
const root = dataRoot(bytes)
const tally = {
  ...{ dealKey, stream: 1, first: 0, count: 1, units: 1n, segment: dealKey, hash: dealKey },
  signature: orderOf(1).signature,
}
const octets = { 'content-type': 'application/octet-stream' }

describe('worker routes', () => {
  let folder: string
  let app: FastifyInstance
  let refusal: string | null
  let receipt: StoredReceipt

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tally-worker-http-'))
    refusal = null
    receipt = { ...outcomeOf(1), position: 0, totalUnits: 1n, order: orderOf(1) }
    const data = await createDataStore({ directory: folder, maxBytes: 128, maxItemBytes: 1_024 })
    app = createWorkerHttp({
      data,
      acceptOrders(orders) {
        if (refusal !== null) throw new WorkerError(refusal, 'no')
        return orders.length
      },
      receipts: (_ref, first, count) => [receipt].slice(first, count),
      receiptOf: (workHash) => (workHash === receipt.workHash ? receipt : null),
      tally: ({ stream }) => (stream === 1 ? tally : null),
      promises: () => [],
      status: () => ({ deals: [] }),
      log: createLog({ name: 'test', level: 'silent' }),
    })
  })
  afterEach(async () => {
    await app.close()
    rmSync(folder, { recursive: true })
  })

  it('give back the data that was put, by its root', async () => {
    const put: InjectOptions = { method: 'PUT', url: `/v1/data/${root}`, headers: octets, payload: Buffer.from(bytes) }
    expect((await app.inject(put)).statusCode).to.equal(201)
    expect((await app.inject(put)).statusCode).to.equal(200)
    const got = await app.inject(`/v1/data/${root}`)
    expect(got.headers['content-type']).to.equal('application/octet-stream')
    expect(got.rawPayload).to.deep.equal(Buffer.from(bytes))
  })

  it('take orders, and tell how they are', async () => {
    const taken = await app.inject({ method: 'POST', url: '/v1/orders', payload: { orders: [toWire(orderOf(1))] } })
    expect([taken.statusCode, taken.json()]).to.deep.equal([202, { accepted: 1 }])
    expect((await app.inject('/healthz')).json()).to.deep.equal({ status: 'ok' })
    expect((await app.inject('/v1/status')).json()).to.deep.equal({ deals: [] })
  })

  it('show a buyer the receipts of a stream and the tally over them', async () => {
    const receipts = await app.inject(`/v1/receipts?dealKey=${dealKey}&stream=1`)
    expect(receipts.json()).to.deep.equal({ receipts: [toWire(receipt)] })
    expect((await app.inject(`/v1/receipts?dealKey=${dealKey}&stream=1&from=1`)).json()).to.deep.equal({ receipts: [] })
    expect((await app.inject(`/v1/tallies?dealKey=${dealKey}&stream=1`)).json()).to.deep.equal({ tally: toWire(tally) })
  })

  it('tell an auditor what a work hash was made of', async () => {
    const { order: ordered, outputRoot, plainHash } = receipt
    const { index, inputRoot, maxUnits, signature } = toWire(ordered)
    expect((await app.inject(`/v1/work/${receipt.workHash}`)).json()).to.deep.equal({
      order: { index, inputRoot, maxUnits, signature },
      ...{ outputRoot, plainHash, startedAt: Number(receipt.startedAt), endedAt: Number(receipt.endedAt) },
    })
  })

  it('show of provable work the state that the run ended with', async () => {
    const finalState: Hex = `0x${'5a'.repeat(201)}`
    receipt = { ...receipt, finalState }
    expect((await app.inject(`/v1/work/${receipt.workHash}`)).json().finalState).to.equal(finalState)
    expect((await app.inject(`/v1/receipts?dealKey=${dealKey}&stream=1`)).json().receipts[0].finalState).to.equal(
      finalState,
    )
  })

  it('keep a provable program under its program hash, and nothing else under it', async () => {
    const program = programHash(loadElf(TRAPPING))
    const put = (payload: Uint8Array) =>
      app.inject({ ...{ method: 'PUT', url: `/v1/data/${program}`, headers: octets }, payload: Buffer.from(payload) })
    expect((await put(ENDLESS)).json().code).to.equal('data.root-mismatch')
    expect((await put(bytes)).json().code).to.equal('data.root-mismatch')
    expect((await put(TRAPPING)).statusCode).to.equal(201)
    expect((await app.inject(`/v1/data/${program}`)).rawPayload).to.deep.equal(Buffer.from(TRAPPING))
  })

  it('are all in the document, and nothing else is', () => {
    expect(registeredRoutes(app)).to.deep.equal(describedRoutes(workerApi))
    expect(brokenReferences(workerApi)).to.deep.equal([])
  })

  const order = toWire(orderOf(1))
  const streamUrl = `/v1/receipts?dealKey=${dealKey}&stream=1`
  const large = Buffer.alloc(129)
  const put = (url: string, payload: Buffer | string, headers: Record<string, string> = octets): InjectOptions => ({
    ...{ method: 'PUT', url, payload, headers },
  })
  const post = (payload: unknown): InjectOptions => ({
    ...{ method: 'POST', url: '/v1/orders', payload: JSON.stringify(payload) },
    headers: { 'content-type': 'application/json' },
  })
  const bad: readonly [string, InjectOptions, number, string][] = [
    ['data under another root', put(`/v1/data/${dataRoot(large)}`, Buffer.from(bytes)), 400, 'data.root-mismatch'],
    [
      'data that is JSON',
      put(`/v1/data/${root}`, '{}', { 'content-type': 'application/json' }),
      415,
      'request.media-type',
    ],
    ['a root that is none', put('/v1/data/0x12', Buffer.from(bytes)), 400, 'wire.invalid'],
    ['more data than fits', put(`/v1/data/${dataRoot(large)}`, large), 507, 'data.full'],
    ['data nobody put', { method: 'GET', url: `/v1/data/${root}` }, 404, 'data.unknown'],
    ['a path that leaves the folder', { method: 'GET', url: '/v1/data/..%2f..%2fetc%2fpasswd' }, 400, 'wire.invalid'],
    ['orders that are no list', post({ orders: order }), 400, 'wire.invalid'],
    ['an order without a signature', post({ orders: [{ ...order, signature: undefined }] }), 400, 'wire.invalid'],
    ['a negative index', post({ orders: [{ ...order, index: '-1' }] }), 400, 'wire.invalid'],
    ['an index of 65 bits', post({ orders: [{ ...order, index: (2n ** 64n).toString() }] }), 400, 'wire.invalid'],
    ['units of 49 bits', post({ orders: [{ ...order, maxUnits: (2n ** 48n).toString() }] }), 400, 'wire.invalid'],
    ['a body that is no JSON', { ...post(null), payload: '{' }, 400, 'request.malformed'],
    ['a body of two megabytes', post({ orders: ['x'.repeat(2_000_000)] }), 413, 'request.too-large'],
    ['a stream without a deal', { method: 'GET', url: '/v1/receipts?stream=1' }, 400, 'wire.invalid'],
    ['too many receipts at once', { method: 'GET', url: `${streamUrl}&limit=501` }, 400, 'wire.invalid'],
    [
      'a stream beyond every deal',
      { method: 'GET', url: `/v1/tallies?dealKey=${dealKey}&stream=64` },
      400,
      'wire.invalid',
    ],
    ['a tally where none waits', { method: 'GET', url: `/v1/tallies?dealKey=${dealKey}&stream=0` }, 404, 'tally.none'],
    ['work nobody did', { method: 'GET', url: `/v1/work/${root}` }, 404, 'work.unknown'],
    ['a route that is none', { method: 'GET', url: '/v1/keys' }, 404, 'route.unknown'],
  ]
  for (const [title, request, status, code] of bad) {
    it(`refuse ${title}`, async () => {
      const response = await app.inject(request)
      expect(response.headers['content-type']).to.match(/^application\/problem\+json/)
      expect([response.statusCode, response.json().code]).to.deep.equal([status, code])
    })
  }

  for (const [code, status] of [
    ['order.bad-signature', 422],
    ['order.conflict', 409],
    ['orders.full', 429],
    ['chain.unknown', 503],
  ] as const) {
    it(`answer ${status} to orders refused with ${code}`, async () => {
      refusal = code
      const response = await app.inject(post({ orders: [order] }))
      expect([response.statusCode, response.json().code]).to.deep.equal([status, code])
    })
  }
})
