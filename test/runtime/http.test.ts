import { connect } from 'node:net'

import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'

import { createHttp, HttpProblem, listenHttp } from '#runtime/http.ts'
import { createLog } from '#runtime/log.ts'

describe('http', () => {
  let app: FastifyInstance
  let url: string

  before(async () => {
    app = createHttp({ bodyLimitBytes: 1_000, requestTimeoutMs: 1_000 })
    app.get('/refused', () => {
      throw new HttpProblem(422, 'segment.refused', 'the tally is not signed', { check: 'signature' })
    })
    app.get('/wire', () => {
      throw Object.assign(new Error('orders[0].index is not a number'), {
        code: 'wire.invalid',
        field: 'orders[0].index',
      })
    })
    app.get('/broken', () => {
      throw new Error('password of the database is 1234')
    })
    app.post('/echo', (request) => request.body)
    app.put('/bytes', (request) => ({ bytes: Buffer.isBuffer(request.body) ? request.body.length : -1 }))
    ;({ url } = await listenHttp(app, { port: 0 }))
  })
  after(() => app.close())

  async function problem(path: string, init?: RequestInit): Promise<Record<string, unknown>> {
    const response = await fetch(`${url}${path}`, init)
    expect(response.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
    const body = (await response.json()) as Record<string, unknown>
    expect(body.status).to.equal(response.status)
    expect(body).to.include.keys('type', 'title', 'code', 'detail')
    return body
  }
  const json = (body: string) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body })

  it('listens on the loopback address only, unless told otherwise', () => {
    expect(url).to.match(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(app.server.address()).to.include({ address: '127.0.0.1' })
  })

  it('tells a refusal as a problem document with its code and what belongs to it', async () => {
    expect(await problem('/refused')).to.deep.equal({
      type: 'about:blank',
      title: 'Unprocessable Entity',
      status: 422,
      code: 'segment.refused',
      detail: 'the tally is not signed',
      check: 'signature',
    })
  })

  it('names the field of a body that does not read', async () => {
    expect(await problem('/wire')).to.include({ status: 400, code: 'wire.invalid', field: 'orders[0].index' })
  })

  it('keeps to itself why it failed', async () => {
    const body = await problem('/broken')
    expect(body).to.include({ status: 500, code: 'internal' })
    expect(JSON.stringify(body)).not.to.contain('1234')
  })

  it('refuses unknown routes, long bodies, bad JSON and other media', async () => {
    expect(await problem('/nowhere?secret=1')).to.include({ status: 404, code: 'route.unknown' })
    expect(await problem('/echo', json(`"${'x'.repeat(2_000)}"`))).to.include({
      status: 413,
      code: 'request.too-large',
    })
    expect(await problem('/echo', json('{'))).to.include({ status: 400, code: 'request.malformed' })
    for (const type of ['application/xml', 'text/plain']) {
      const other = { method: 'POST', headers: { 'content-type': type }, body: '<a/>' }
      expect(await problem('/echo', other)).to.include({ status: 415, code: 'request.media-type' })
    }
  })

  it('starts without warnings of the framework, and logs no request', async () => {
    const lines: string[] = []
    const warnings: string[] = []
    const note = (warning: Error) => warnings.push(warning.message)
    process.on('warning', note)
    const log = createLog({ name: 'test', level: 'debug', destination: { write: (line) => void lines.push(line) } })
    const other = createHttp({ log })
    other.get('/', () => ({}))
    expect((await other.inject('/')).statusCode).to.equal(200)
    await other.close()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    expect([lines, warnings]).to.deep.equal([[], []])
  })

  it('takes JSON and plain bytes', async () => {
    const echoed = await fetch(`${url}/echo`, json('{"units":"3"}'))
    expect(await echoed.json()).to.deep.equal({ units: '3' })
    const body = new Uint8Array([1, 2, 3])
    const put = await fetch(`${url}/bytes`, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body,
    })
    expect(await put.json()).to.deep.equal({ bytes: 3 })
  })

  it('drops the members that would change what an object is', async () => {
    expect(await problem('/echo', json('{"__proto__":{"isAdmin":true}}'))).to.include({ status: 400 })
  })

  it('closes even while a client holds its connection open', async () => {
    const other = createHttp()
    const { port } = await listenHttp(other, { port: 0 })
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n')
    const startedAt = Date.now()
    await other.close()
    expect(Date.now() - startedAt).to.be.lessThan(3_000)
    socket.destroy()
  })
})
