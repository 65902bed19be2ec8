import { expect } from 'chai'
import type { Hex } from 'viem'
import { parseConflictsAnswer } from '#protocol/wire.ts'

import {
  accountOf,
  type Deployment,
  deploy,
  freePort,
  openDeal,
  startChain,
  streamOf,
  type TestChain,
  untilTrue,
} from './support/chain.ts'
import { call, put, startMember, type TestMember } from './support/member.ts'
import {
  acknowledgementOf,
  echoProgram,
  inputOf,
  orderOf,
  outputOf,
  type Place,
  receiptOf,
  segmentOf,
} from './support/work.ts'

const WORKER = 512

describe('a committee of three on a chain', function () {
  this.timeout(120_000)
  let chain: TestChain
  let deployment: Deployment
  let members: TestMember[]
  let ports: number[]
  let place: Place
  let program: Hex

  before(async () => {
    chain = await startChain({ blockSeconds: 1 })
    ports = [await freePort(), await freePort(), await freePort()]
    const seats = ports.map((port, index) => ({
      signer: accountOf(`member ${index}`).address,
      endpoint: `http://127.0.0.1:${port}`,
    }))
    deployment = await deploy(chain, seats, 2)
    members = await Promise.all(ports.map((port, index) => startMember(chain, deployment, { index, port })))
    const bytes = await echoProgram()
    const roots = await Promise.all(members.map(({ url }) => put(url, bytes)))
    program = roots[0] ?? '0x'
  })

  beforeEach(async () => {
    const { id, key } = await openDeal(chain, deployment, { program })
    const domain = { chainId: 31_337, verifyingContract: deployment.settlement }
    place = { domain, dealId: id, dealKey: key, worker: WORKER }
    await untilTrue(
      async () => {
        const answers = await Promise.all(
          members.map(({ url }) =>
            put(url, inputOf(0)).then(() => call(url, '/v1/orders', { orders: [orderOf(place, 0)] })),
          ),
        )
        return answers.every(({ status }) => status === 202)
      },
      10_000,
      'following the deal',
    )
  })

  after(async () => {
    for (const member of members ?? []) await member.remove()
    await chain?.stop()
  })

  async function order(index: number) {
    return Promise.all(
      members.map(async ({ url }) => {
        await put(url, inputOf(index))
        return call(url, '/v1/orders', { orders: [orderOf(place, index)] })
      }),
    )
  }

  async function deliver(segment: ReturnType<typeof segmentOf>, outputs: readonly Uint8Array[]) {
    return Promise.all(
      members.map(async ({ url }) => {
        for (const output of outputs) await put(url, output)
        return call(url, '/v1/segments', segment)
      }),
    )
  }

  const cursor = async (stream: number) => (await streamOf(chain, deployment.settlement, place.dealId, stream)).count

  it('settles what a worker delivered, once, and calls it final', async () => {
    await order(2)
    const segment = segmentOf(place, 0, [receiptOf(place, 0), receiptOf(place, 2)])
    const answers = await deliver(segment, [outputOf(0), outputOf(2)])
    expect(answers.map(({ status, body }) => [status, body.status])).to.deep.equal(Array(3).fill([202, 'accepted']))

    await untilTrue(async () => (await cursor(0)) === 2, 30_000, 'settling')
    const tallyHash = answers[0]?.body.tallyHash
    for (const { url } of members) {
      await untilTrue(
        async () => (await call(url, `/v1/segments/${tallyHash}`)).body.status === 'final',
        20_000,
        'becoming final',
      )
      expect((await call(url, `/v1/segments/${tallyHash}`)).body.transaction).to.match(/^0x[0-9a-f]{64}$/)
    }
    expect(await streamOf(chain, deployment.settlement, place.dealId, 0)).to.deep.equal({ count: 2, units: 2n })
  })

  it('gives the same answer to the same segment', async () => {
    const segment = segmentOf(place, 0, [receiptOf(place, 0)])
    const first = await deliver(segment, [outputOf(0)])
    const again = await deliver(segment, [])
    expect(again.map(({ status, body }) => [status, body.tallyHash])).to.deep.equal(
      first.map(({ body }) => [202, body.tallyHash]),
    )
    const unordered = segmentOf(place, 1, [receiptOf(place, 1, { order: { maxUnits: 99n } })])
    for (const _ of [1, 2]) {
      const refusals = await deliver(unordered, [])
      expect(refusals.map(({ body }) => [body.code, body.check])).to.deep.equal(
        Array(3).fill(['segment.refused', 'order.signature']),
      )
    }
  })

  it('refuses a wrong result by name and never settles it', async () => {
    await order(1)
    const wrong = new TextEncoder().encode('\u0000not the input')
    const segment = segmentOf(place, 1, [receiptOf(place, 1, { output: wrong })])
    const [answer] = await deliver(segment, [wrong])
    for (const { url } of members) {
      await untilTrue(
        async () => (await call(url, `/v1/segments/${answer?.body.tallyHash}`)).body.check === 'reexecution.output',
        20_000,
        're-execution',
      )
    }
    expect(await cursor(1)).to.equal(0)
  })

  it('refuses more units than the task took', async () => {
    await order(1)
    const segment = segmentOf(place, 1, [receiptOf(place, 1, { units: 2n })])
    const [answer] = await deliver(segment, [outputOf(1)])
    for (const { url } of members) {
      await untilTrue(
        async () => (await call(url, `/v1/segments/${answer?.body.tallyHash}`)).body.check === 'reexecution.units',
        20_000,
        're-execution',
      )
    }
    expect(await cursor(1)).to.equal(0)
  })

  it('settles through the acknowledged lane what the buyer acknowledged, from the one member that was told', async () => {
    await order(1)
    await order(3)
    const segment = segmentOf(place, 1, [receiptOf(place, 1), receiptOf(place, 3)])
    const [{ url } = { url: '' }] = members
    for (const output of [outputOf(1), outputOf(3)]) await put(url, output)
    expect((await call(url, '/v1/segments', segment)).status).to.equal(202)
    expect((await call(url, '/v1/acknowledgements', acknowledgementOf(place, segment))).status).to.equal(202)
    await untilTrue(async () => (await cursor(1)) === 2, 30_000, 'settling')
  })

  it('frees exposure with an acknowledgement that came after its receipts were settled', async () => {
    const { id, key } = await openDeal(chain, deployment, { program, exposure: 2n })
    place = { ...place, dealId: id, dealKey: key }
    await untilTrue(async () => (await order(0)).every(({ status }) => status === 202), 10_000, 'following the deal')
    for (const index of [2, 4]) await order(index)
    const receipts = [0, 2, 4].map((index) => receiptOf(place, index))
    const paid = segmentOf(place, 0, receipts.slice(0, 2))
    await deliver(paid, [outputOf(0), outputOf(2)])
    await untilTrue(async () => (await cursor(0)) === 2, 30_000, 'settling')

    const [held] = await deliver(segmentOf(place, 0, receipts), [outputOf(4)])
    const hash = held?.body.tallyHash
    const checks = () => Promise.all(members.map(({ url }) => call(url, `/v1/segments/${hash}`)))
    await untilTrue(async () => (await checks()).some(({ body }) => body.check === 'exposure'), 30_000, 'being held')
    expect(await cursor(0)).to.equal(2)

    for (const { url } of members) await call(url, '/v1/acknowledgements', acknowledgementOf(place, paid))
    await untilTrue(async () => (await cursor(0)) === 3, 40_000, 'settling what was held')
  })

  it('keeps two contents for one place in a stream as evidence, and settles the first', async () => {
    await order(2)
    const [first, second] = [receiptOf(place, 0), receiptOf(place, 2)].map((receipt) => segmentOf(place, 0, [receipt]))
    if (first === undefined || second === undefined) throw new Error('there are two segments')
    await deliver(first, [outputOf(0)])
    const answers = await deliver(second, [outputOf(2)])
    expect(answers.map(({ body }) => body.check)).to.deep.equal(Array(3).fill('equivocation'))
    for (const { url } of members) {
      expect((await call(url, '/v1/status')).body.evidence).to.equal(1)
      const { conflicts } = parseConflictsAnswer((await call(url, '/v1/conflicts?from=0&limit=5')).body)
      expect(conflicts.map(({ check, left }) => [check, left === null])).to.deep.equal([['equivocation', false]])
    }
    await untilTrue(async () => (await cursor(0)) === 1, 30_000, 'settling')
  })

  it('folds a longer tally over a shorter one and pays each receipt once', async () => {
    await order(2)
    const receipts = [receiptOf(place, 0), receiptOf(place, 2)]
    await deliver(segmentOf(place, 0, receipts.slice(0, 1)), [outputOf(0)])
    await deliver(segmentOf(place, 0, receipts), [outputOf(2)])
    await untilTrue(async () => (await cursor(0)) === 2, 30_000, 'settling')
    expect((await streamOf(chain, deployment.settlement, place.dealId, 0)).units).to.equal(2n)
  })

  it('goes on with one member down, and the member catches up', async () => {
    await members[1]?.stop()
    const segment = segmentOf(place, 0, [receiptOf(place, 0)])
    for (const { url } of members.filter((_, index) => index !== 1)) {
      await put(url, outputOf(0))
      expect((await call(url, '/v1/segments', segment)).status).to.equal(202)
    }
    await untilTrue(async () => (await cursor(0)) === 1, 40_000, 'settling')
    members[1] = await startMember(chain, deployment, {
      index: 1,
      port: ports[1] ?? 0,
      dataDir: members[1]?.dataDir ?? '',
    })
    const { body } = await call(members[1].url, '/v1/status')
    expect(body).to.include({ ready: true, halted: null })
  })
})
