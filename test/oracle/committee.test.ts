import { expect } from 'chai'

import { type Deployment, deploy, freePort, openDeal, accountOf, startChain, streamOf, type TestChain, untilTrue } from './support/chain.ts'
import { call, put, startMember, type TestMember } from './support/member.ts'
import { acknowledgementOf, echoProgram, inputOf, orderOf, outputOf, type Place, receiptOf, segmentOf } from './support/work.ts'

const WORKER = 512

describe('a committee of three on a chain', function () {
  this.timeout(120_000)
  let chain: TestChain
  let deployment: Deployment
  let members: TestMember[]
  let ports: number[]
  let place: Place

  before(async () => {
    chain = await startChain({ blockSeconds: 1 })
    ports = [await freePort(), await freePort(), await freePort()]
    const seats = ports.map((port, index) => ({
      signer: accountOf(`member ${index}`).address,
      endpoint: `http://127.0.0.1:${port}`,
    }))
    deployment = await deploy(chain, seats, 2)
    members = await Promise.all(ports.map((port, index) => startMember(chain, deployment, { index, port })))
    const program = await echoProgram()
    const roots = await Promise.all(members.map(({ url }) => put(url, program)))
    const { id, key } = await openDeal(chain, deployment, { program: roots[0] ?? '0x' })
    const domain = { chainId: 31_337, verifyingContract: deployment.settlement }
    place = { domain, dealId: id, dealKey: key, worker: WORKER }
    await untilTrue(async () => (await order(0)).every(({ status }) => status === 202), 10_000, 'following the deal')
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
    const segment = segmentOf(place, 0, [receiptOf(place, 0), receiptOf(place, 2)])
    const [first] = await deliver(segment, [])
    expect(first?.status).to.equal(422)
    const again = await deliver(segment, [])
    expect(again.map(({ body }) => body.check)).to.deep.equal(Array(3).fill(first?.body.check))
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
    await order(3)
    const segment = segmentOf(place, 1, [receiptOf(place, 1), receiptOf(place, 3)])
    const [{ url } = { url: '' }] = members
    for (const output of [outputOf(1), outputOf(3)]) await put(url, output)
    expect((await call(url, '/v1/segments', segment)).status).to.equal(202)
    expect((await call(url, '/v1/acknowledgements', acknowledgementOf(place, segment))).status).to.equal(202)
    await untilTrue(async () => (await cursor(1)) === 2, 30_000, 'settling')
  })

  it('goes on with one member down, and the member catches up', async () => {
    await order(4)
    await members[1]?.stop()
    const segment = segmentOf(place, 0, [receiptOf(place, 4)], { first: 2, before: 2n })
    for (const { url } of members.filter((_, index) => index !== 1)) {
      await put(url, outputOf(4))
      expect((await call(url, '/v1/segments', segment)).status).to.equal(202)
    }
    await untilTrue(async () => (await cursor(0)) === 3, 40_000, 'settling')
    members[1] = await startMember(chain, deployment, {
      index: 1,
      port: ports[1] ?? 0,
      dataDir: members[1]?.dataDir ?? '',
    })
    const { body } = await call(members[1].url, '/v1/status')
    expect(body).to.include({ ready: true, halted: null })
  })
})
