import { request } from 'node:http'

import { expect } from 'chai'

import { oracleStatus } from '#oracle/adapters/routes.ts'
import { MAX_CONTENT_BYTES } from '#protocol/content.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { toWire } from '#protocol/wire.ts'
import {
  accountOf,
  type Deployment,
  deploy,
  freePort,
  keyOf,
  openDeal,
  startChain,
  type TestChain,
  untilTrue,
} from './support/chain.ts'
import { call, put, startMember, type TestMember } from './support/member.ts'
import { acknowledgementOf, inputOf, orderOf, outputOf, type Place, receiptOf, segmentOf } from './support/work.ts'

const HASH = `0x${'ab'.repeat(32)}`

/** Anything at all, as bytes on the wire. */
async function raw(
  url: string,
  method: string,
  path: string,
  body?: string,
  type = 'application/json',
): Promise<{ status: number; code: unknown; type: string }> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }
    const sent = request({ hostname, port, method, path, headers }, (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () => {
        const code = text.startsWith('{') ? JSON.parse(text).code : undefined
        resolve({ status: answer.statusCode ?? 0, code, type: answer.headers['content-type'] ?? '' })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe("a member's HTTP face", function () {
  this.timeout(60_000)
  let chain: TestChain
  let deployment: Deployment
  let member: TestMember
  let place: Place

  before(async () => {
    chain = await startChain()
    const port = await freePort()
    const seats = [
      { signer: accountOf('member 0').address, endpoint: `http://127.0.0.1:${port}` },
      { signer: accountOf('member 1').address, endpoint: 'http://127.0.0.1:1' },
      { signer: accountOf('member 2').address, endpoint: 'http://127.0.0.1:1' },
    ]
    deployment = await deploy(chain, seats, 2)
    member = await startMember(chain, deployment, { index: 0, port })
    const { id, key } = await openDeal(chain, deployment, { program: HASH as `0x${string}` })
    const domain = { chainId: 31_337, verifyingContract: deployment.settlement }
    place = { domain, dealId: id, dealKey: key, worker: 512 }
    await put(member.url, inputOf(0))
    await put(member.url, outputOf(0))
    const isFollowed = async () =>
      (await call(member.url, '/v1/orders', { orders: [orderOf(place, 0)] })).status === 202
    await untilTrue(isFollowed, 10_000, 'following the deal')
  })

  after(async () => {
    await member?.remove()
    await chain?.stop()
  })

  const segment = () => segmentOf(place, 0, [receiptOf(place, 0)])
  const json = (value: unknown) => JSON.stringify(toWire(value))

  const nonsense: readonly (readonly [string, string, string, () => string | undefined, number, string, string?])[] = [
    ['an unknown route', 'GET', '/v1/nothing', () => undefined, 404, 'route.unknown'],
    ['a wrong method', 'DELETE', '/v1/segments', () => undefined, 404, 'route.unknown'],
    ['JSON that ends too early', 'POST', '/v1/segments', () => '{"dealId":', 400, 'request.malformed'],
    ['an empty body', 'POST', '/v1/segments', () => '', 400, 'request.malformed'],
    ['a list for an object', 'POST', '/v1/segments', () => '[]', 400, 'wire.invalid'],
    ['null', 'POST', '/v1/orders', () => 'null', 400, 'wire.invalid'],
    ['another media type', 'POST', '/v1/segments', () => 'a=b', 415, 'request.media-type', 'text/plain'],
    [
      'a number that is text',
      'POST',
      '/v1/segments',
      () => json({ ...segment(), dealId: 'seven' }),
      400,
      'wire.invalid',
    ],
    ['a negative number', 'POST', '/v1/segments', () => json({ ...segment(), first: -1 }), 400, 'wire.invalid'],
    ['a fraction', 'POST', '/v1/segments', () => json({ ...segment(), count: 1.5 }), 400, 'wire.invalid'],
    [
      'a number that is too wide',
      'POST',
      '/v1/segments',
      () => json({ ...segment(), units: '281474976710656' }),
      400,
      'wire.invalid',
    ],
    [
      'a key twice as long',
      'POST',
      '/v1/segments',
      () => json({ ...segment(), dealKey: HASH + HASH.slice(2) }),
      400,
      'wire.invalid',
    ],
    [
      'letters that are no hex',
      'POST',
      '/v1/segments',
      () => json({ ...segment(), dealKey: HASH.replace('ab', 'zz') }),
      400,
      'wire.invalid',
    ],
    [
      'a count that does not fit the receipts',
      'POST',
      '/v1/segments',
      () => json({ ...segment(), count: 9 }),
      400,
      'wire.invalid',
    ],
    ['no receipts', 'POST', '/v1/segments', () => json({ ...segment(), receipts: [], count: 0 }), 400, 'wire.invalid'],
    [
      'a receipt of no units',
      'POST',
      '/v1/segments',
      () => json({ ...segment(), receipts: [{ ...receiptOf(place, 0), units: 0n }] }),
      400,
      'wire.invalid',
    ],
    [
      'a segment of a deal nobody opened',
      'POST',
      '/v1/segments',
      () => json({ ...segment(), dealId: 4_000 }),
      422,
      'segment.refused',
    ],
    [
      'a signature of nobody',
      'POST',
      '/v1/segments',
      () => json({ ...segment(), signature: `0x${'11'.repeat(64)}` }),
      422,
      'segment.refused',
    ],
    [
      'a body of two megabytes',
      'POST',
      '/v1/segments',
      () => json({ ...segment(), padding: 'x'.repeat(2_000_000) }),
      413,
      'request.too-large',
    ],
    [
      'an order of a deal nobody opened',
      'POST',
      '/v1/orders',
      () => json({ orders: [orderOf({ ...place, dealKey: HASH as `0x${string}` }, 1)] }),
      422,
      'order.refused',
    ],
    [
      'an order without its input',
      'POST',
      '/v1/orders',
      () => json({ orders: [orderOf(place, 99)] }),
      422,
      'order.refused',
    ],
    [
      'a second order for one task',
      'POST',
      '/v1/orders',
      () => json({ orders: [orderOf(place, 0, 4n)] }),
      422,
      'order.refused',
    ],
    ['an order that is no order', 'POST', '/v1/orders', () => json({ orders: [{ index: 1 }] }), 400, 'wire.invalid'],
    ['a limit of a million', 'GET', `/v1/orders?dealKey=${HASH}&limit=1000000`, () => undefined, 400, 'wire.invalid'],
    ['orders of no deal', 'GET', '/v1/orders', () => undefined, 400, 'wire.invalid'],
    ['an offer that is no offer', 'POST', '/v1/offers', () => '{"offer":{},"signature":"0x"}', 400, 'wire.invalid'],
    [
      "a stranger's acknowledgement",
      'POST',
      '/v1/acknowledgements',
      () => json({ ...acknowledgementOf(place, segment()), signature: segment().signature }),
      422,
      'acknowledgement.refused',
    ],
    [
      'a batch that is no batch',
      'POST',
      '/v1/proposals',
      () => '{"batch":"0x0001ff","claims":1}',
      400,
      'proposal.malformed',
    ],
    [
      'a batch that claims nothing',
      'POST',
      '/v1/proposals',
      () => '{"batch":"0x","claims":0}',
      400,
      'proposal.malformed',
    ],
    ['a segment nobody sent', 'GET', `/v1/segments/${HASH}`, () => undefined, 404, 'segment.unknown'],
    ['a hash that is none', 'GET', '/v1/segments/0x12', () => undefined, 400, 'wire.invalid'],
    ['data nobody put', 'GET', `/v1/data/${HASH}`, () => undefined, 404, 'data.unknown'],
    [
      'data under another root',
      'PUT',
      `/v1/data/${HASH}`,
      () => 'bytes',
      400,
      'data.root-mismatch',
      'application/octet-stream',
    ],
    ['data as JSON', 'PUT', `/v1/data/${HASH}`, () => '{}', 415, 'request.media-type'],
    [
      'data of more than sixteen megabytes',
      'PUT',
      `/v1/data/${HASH}`,
      () => 'x'.repeat(MAX_CONTENT_BYTES + 1),
      413,
      'request.too-large',
      'application/octet-stream',
    ],
    ['a path out of the folder', 'GET', '/v1/data/..%2f..%2foracle.sqlite', () => undefined, 400, 'wire.invalid'],
  ]

  for (const [what, method, path, body, status, code, type] of nonsense) {
    it(`refuses ${what} with ${code} and goes on`, async () => {
      const answer = await raw(member.url, method, path, body(), type)
      expect([answer.status, answer.code]).to.deep.equal([status, code])
      expect(answer.type).to.match(/^application\/problem\+json/)
      expect((await raw(member.url, 'GET', '/healthz')).status).to.equal(200)
    })
  }

  it('gives back what was put, and says whether it was new', async () => {
    const bytes = new TextEncoder().encode('some bytes')
    const path = `/v1/data/${dataRoot(bytes)}`
    const answers = [1, 2].map(() => raw(member.url, 'PUT', path, 'some bytes', 'application/octet-stream'))
    const [first] = await Promise.all(answers)
    const again = await raw(member.url, 'PUT', path, 'some bytes', 'application/octet-stream')
    expect([first?.status, again.status]).to.deep.equal([201, 200])
    const got = await fetch(`${member.url}${path}`)
    expect(await got.text()).to.equal('some bytes')
  })

  it('lists orders by rising index', async () => {
    for (const index of [4, 2]) {
      await put(member.url, inputOf(index))
      await call(member.url, '/v1/orders', { orders: [orderOf(place, index)] })
    }
    const { body } = await call(member.url, `/v1/orders?dealKey=${place.dealKey}&from=1&limit=10`)
    expect(body.orders).to.deep.equal(toWire([orderOf(place, 2), orderOf(place, 4)]))
  })

  it('names the failing check of a refused segment', async () => {
    const unordered = segmentOf(place, 0, [receiptOf(place, 0)], { key: keyOf('stranger') })
    const { status, body } = await call(member.url, '/v1/segments', unordered)
    expect([status, body.check]).to.deep.equal([422, 'tally.signature'])
  })

  it('refuses a proposal of segments it was never sent, group by group', async () => {
    const { encodeBatch } = await import('#protocol/batch.ts')
    const { segmentToGroup } = await import('#protocol/wire.ts')
    const batch = encodeBatch({ mode: 0, lane: 1, groups: [segmentToGroup(segment())] })
    const { status, body } = await call(member.url, '/v1/proposals', { batch, claims: 1 })
    expect([status, body.code, body.refusals]).to.deep.equal([
      409,
      'proposal.refused',
      [{ group: 0, check: 'segment.unknown' }],
    ])
  })

  it('still takes good work after all that', async () => {
    const { status, body } = await call(member.url, '/v1/segments', segment())
    expect([status, body.status]).to.deep.equal([202, 'accepted'])
  })

  it('shows where it stands', async () => {
    const { body } = await call(member.url, '/v1/status')
    expect(body).to.include({ ready: true, halted: null, member: accountOf('member 0').address })
    expect(oracleStatus.strict().safeParse(body).error).to.equal(undefined)
    expect(body.committee).to.deep.equal({ epoch: 1, threshold: 2, members: 3, index: 0 })
    expect((await raw(member.url, 'GET', '/readyz')).status).to.equal(200)
    const metrics = await (await fetch(`${member.url}/metrics`)).text()
    expect(metrics).to.match(/tally_oracle_refusals_total\{check="tally.signature"\} [1-9]/)
  })
})
