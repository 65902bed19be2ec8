import { expect } from 'chai'
import { z } from 'zod'

import { wide } from '#protocol/wire-fields.ts'
import { createHttp } from '#runtime/http.ts'
import { openApiOf } from '#runtime/openapi.ts'
import { BYTES, type RouteTable, serveRoutes, TEXT } from '#runtime/routes.ts'

const parcel = z.object({ weight: wide(48) })
const routes = {
  postParcel: {
    method: 'POST',
    path: '/parcels/{id}',
    summary: 'Takes a parcel.',
    params: z.object({ id: z.coerce.number().int() }),
    query: z.object({ from: wide(64).default(7n) }),
    body: parcel,
    answers: { 202: { when: 'Taken.', body: z.object({ sum: z.string() }) } },
    problems: { 409: { 'parcel.taken': 'It was taken.' } },
  },
  putBytes: {
    method: 'PUT',
    path: '/bytes',
    summary: 'Takes bytes.',
    body: BYTES,
    answers: { 200: { when: 'Text.', body: TEXT } },
  },
} as const satisfies RouteTable

describe('routes', () => {
  const app = createHttp()
  serveRoutes(app, routes, {
    postParcel: ({ params, query, body }) => ({ sum: String(BigInt(params.id) + query.from + body.weight) }),
    putBytes: ({ body }) => `${body.length}`,
  })
  after(() => app.close())

  it('hand over what their schemas have parsed, and answer with their first status', async () => {
    const answer = await app.inject({ method: 'POST', url: '/parcels/1', payload: { weight: '30' } })
    expect([answer.statusCode, answer.json()]).to.deep.equal([202, { sum: '38' }])
    const bytes = { headers: { 'content-type': 'application/octet-stream' }, payload: Buffer.alloc(3) }
    expect((await app.inject({ method: 'PUT', url: '/bytes', ...bytes })).body).to.equal('3')
  })

  it('refuse each part by its own schema, and name it', async () => {
    const refusals = [
      [{ url: '/parcels/x', payload: { weight: '1' } }, 'id'],
      [{ url: '/parcels/1?from=-1', payload: { weight: '1' } }, 'from'],
      [{ url: '/parcels/1', payload: { weight: (2n ** 48n).toString() } }, 'weight'],
    ] as const
    for (const [request, field] of refusals) {
      const answer = await app.inject({ method: 'POST', ...request })
      expect([answer.statusCode, answer.json().code, answer.json().field]).to.deep.equal([400, 'wire.invalid', field])
    }
    const json = await app.inject({ method: 'PUT', url: '/bytes', payload: { weight: 1 } })
    expect([json.statusCode, json.json().code]).to.deep.equal([415, 'request.media-type'])
  })

  it('describe themselves with every answer and every problem', () => {
    const document = openApiOf({ title: 'Parcels', description: '', routes, schemas: { Parcel: parcel } })
    const { paths, components } = document as unknown as {
      paths: Record<string, Record<string, { parameters: unknown[]; responses: object; requestBody: object }>>
      components: { schemas: Record<string, unknown> }
    }
    const operation = paths['/parcels/{id}']?.post
    expect(Object.keys(operation?.responses ?? {})).to.deep.equal(['202', '400', '409', '413', '415', '500'])
    expect(operation?.parameters).to.deep.include({
      ...{ name: 'id', in: 'path', required: true },
      schema: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
    })
    expect(JSON.stringify(operation?.parameters[1])).to.contain('"default":"7"')
    expect(operation?.requestBody).to.deep.equal({
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Parcel' } } },
    })
    expect(Object.keys(components.schemas)).to.deep.equal(['Parcel', 'Problem'])
  })
})
