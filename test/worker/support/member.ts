/**
 * A committee member that takes in what workers send and says what the test wants it to say.
 *
 * @module
 */
import type { Hex } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import {
  type OrderMessage,
  parseOrdersQuery,
  parseSegmentMessage,
  type SegmentMessage,
  toWire,
} from '#protocol/wire.ts'
import { createHttp, HttpProblem, listenHttp } from '#runtime/http.ts'

/** What a member does with the next segments. */
export type Mood = 'takes' | 'fails' | { readonly refuses: string }

/** A member under the test's control. */
export type TestMember = {
  readonly url: string
  readonly data: Map<string, Uint8Array>
  readonly orders: OrderMessage[]
  /** Segments taken, in order. */
  readonly segments: SegmentMessage[]
  /** Segments posted, taken or not. */
  posts: number
  mood: Mood
  close(): Promise<void>
}

/** Starts a member. */
export async function startTestMember(port = 0): Promise<TestMember> {
  const app = createHttp()
  const data = new Map<string, Uint8Array>()
  const orders: OrderMessage[] = []
  const segments: SegmentMessage[] = []

  app.put<{ Params: { root: string }; Body: Buffer }>('/v1/data/:root', (request, reply) => {
    if (dataRoot(request.body) !== request.params.root) throw new HttpProblem(400, 'data.root-mismatch', 'other bytes')
    data.set(request.params.root, new Uint8Array(request.body))
    return reply.status(201).send({})
  })
  app.get<{ Params: { root: string } }>('/v1/data/:root', (request, reply) => {
    const bytes = data.get(request.params.root)
    if (bytes === undefined) throw new HttpProblem(404, 'data.unknown', 'none')
    return reply.type('application/octet-stream').send(Buffer.from(bytes))
  })
  app.get('/v1/orders', (request) => {
    const { dealKey, from, limit } = parseOrdersQuery(request.query)
    const found = orders.filter((order) => order.dealKey === dealKey && order.index >= from)
    return { orders: toWire(found.sort((a, b) => Number(a.index - b.index)).slice(0, limit)) }
  })
  app.post('/v1/segments', (request, reply) => {
    member.posts += 1
    const segment = parseSegmentMessage(request.body)
    if (member.mood === 'fails') throw new HttpProblem(503, 'node.not-ready', 'later')
    if (member.mood !== 'takes') {
      throw new HttpProblem(422, 'segment.refused', 'no', { check: member.mood.refuses })
    }
    const missing = segment.receipts.find(({ outputRoot }) => !data.has(outputRoot))
    if (missing !== undefined) throw new HttpProblem(422, 'segment.refused', 'no', { check: 'output.available' })
    segments.push(segment)
    const tallyHash: Hex = `0x${'00'.repeat(32)}`
    return reply.status(202).send({ tallyHash, status: 'accepted' })
  })

  const { url } = await listenHttp(app, { port })
  const member: TestMember = { url, data, orders, segments, posts: 0, mood: 'takes', close: () => app.close() }
  return member
}
