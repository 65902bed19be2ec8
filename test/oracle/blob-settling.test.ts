import { expect } from 'chai'
import type { Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Claim } from '#protocol/attestation.ts'
import { encodeBatch } from '#protocol/batch.ts'
import { readBlob } from '#protocol/blob.ts'
import { packBlobBatch } from '#protocol/blob-batch.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { segmentToGroup } from '#protocol/wire.ts'
import { createBlobReader } from '#runtime/blob-reader.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'
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

const CHAIN_ID = 31_337
const WORKER = 512

describe('a committee that settles in blobs', function () {
  this.timeout(120_000)
  const kzg = createKzg()
  let chain: TestChain
  let deployment: Deployment
  let members: TestMember[]
  let place: Place
  let program: Hex

  before(async () => {
    chain = await startChain({ blockSeconds: 1 })
    const ports = [await freePort(), await freePort(), await freePort()]
    const seats = ports.map((port, index) => ({
      signer: accountOf(`member ${index}`).address,
      endpoint: `http://127.0.0.1:${port}`,
    }))
    deployment = await deploy(chain, seats, 2)
    const settings = { batch: { maxAgeMs: 300, modes: ['blob'] } }
    members = await Promise.all(ports.map((port, index) => startMember(chain, deployment, { index, port, settings })))
    const bytes = await echoProgram()
    program = (await Promise.all(members.map(({ url }) => put(url, bytes))))[0] ?? '0x'
  })

  beforeEach(async () => {
    const { id, key } = await openDeal(chain, deployment, { program })
    place = {
      domain: { chainId: CHAIN_ID, verifyingContract: deployment.settlement },
      ...{ dealId: id, dealKey: key, worker: WORKER },
    }
  })

  after(async () => {
    for (const member of members ?? []) await member.remove()
    await chain?.stop()
  })

  const urlOf = (index: number): string => members[index]?.url ?? ''
  const cursor = async (stream: number) => (await streamOf(chain, deployment.settlement, place.dealId, stream)).count

  /** Gives a member the tasks' orders, inputs and outputs, and the segment. */
  async function deliver(index: number, stream: number, tasks: readonly number[]) {
    const url = urlOf(index)
    const segment = segmentOf(
      place,
      stream,
      tasks.map((task) => receiptOf(place, task)),
    )
    const orders = tasks.map((task) => orderOf(place, task))
    for (const task of tasks) for (const bytes of [inputOf(task), outputOf(task)]) await put(url, bytes)
    await untilTrue(
      async () => (await call(url, '/v1/orders', { orders })).status === 202,
      10_000,
      'following the deal',
    )
    expect((await call(url, '/v1/segments', segment)).status).to.equal(202)
    return segment
  }

  /** The transaction that settled the first batch of a lane. */
  async function settledIn(lane: Lane) {
    const events = { address: deployment.settlement, abi: settlementAbi, eventName: 'Settled', fromBlock: 0n } as const
    const read = async () =>
      (await chain.client.getContractEvents({ ...events, strict: true })).find(({ args }) => args.lane === lane)
    // a stream may be seen to move a moment before the event
    await untilTrue(async () => (await read()) !== undefined, 10_000, 'telling of the batch')
    const { args, transactionHash } = (await read()) ?? expect.fail('there is no such batch')
    expect(args.mode).to.equal(Mode.Blob)
    return await chain.client.getTransaction({ hash: transactionHash })
  }

  it('settles what a worker delivered, and every member gives its receipts for good', async () => {
    const [segment = expect.fail('no member')] = await Promise.all(
      members.map((_, index) => deliver(index, 0, [0, 2, 4])),
    )
    await untilTrue(async () => (await cursor(0)) === 3, 30_000, 'settling')
    const { type, blobVersionedHashes } = await settledIn(Lane.Attested)
    expect(type).to.equal('eip4844')
    const [hash = '0x'] = blobVersionedHashes ?? []
    for (const { url } of members) {
      await untilTrue(async () => (await fetch(`${url}/v1/blobs/${hash}`)).ok, 30_000, 'keeping the blob')
      const blob = await createBlobReader({ kzg, archives: [url] }).read(hash)
      expect(readBlob(blob, 1)).to.deep.equal([encodeReceipts(segment.receipts)])
      await untilTrue(
        async () => JSON.stringify((await call(url, '/v1/status')).body.blobs) === '{"kept":1,"missing":0,"waiting":0}',
        10_000,
        'seeing the blob on the chain',
      )
    }
  })

  it('pays at once, in a blob, what the buyer acknowledged to one member', async () => {
    const segment = await deliver(0, 1, [1, 3])
    expect((await call(urlOf(0), '/v1/acknowledgements', acknowledgementOf(place, segment))).status).to.equal(202)
    await untilTrue(async () => (await cursor(1)) === 2, 30_000, 'settling')
    const { blobVersionedHashes } = await settledIn(Lane.Acknowledged)
    const [hash] = blobVersionedHashes ?? []
    // the others had no part in it and fetch it
    for (const { url } of members)
      await untilTrue(async () => (await fetch(`${url}/v1/blobs/${hash}`)).ok, 30_000, 'keeping the blob')
  })

  it('signs no hashes but those of its own segments, and keeps the blob of what it signs', async () => {
    const segment = await deliver(0, 0, [0, 2])
    const { batch, blobs } = packBlobBatch(Lane.Attested, [segmentToGroup(segment)])
    const hashes = (await commitBlobs(kzg, blobs)).map(({ versionedHash }) => versionedHash)
    const propose = async (index: number, named: readonly Hex[]) =>
      await call(urlOf(index), '/v1/proposals', { batch: encodeBatch(batch), claims: Claim.Tallies, blobs: named })

    await untilTrue(async () => (await propose(0, [])).body.code === 'proposal.other-blobs', 10_000, 're-execution')
    const others: Hex[][] = [[`0x01${'ab'.repeat(31)}`], [...hashes, ...hashes]]
    for (const named of others) {
      const { status, body } = await propose(0, named)
      expect([status, body.code]).to.deep.equal([409, 'proposal.other-blobs'])
    }
    const unknown = await propose(1, hashes)
    expect([unknown.status, unknown.body.refusals]).to.deep.equal([409, [{ group: 0, check: 'segment.unknown' }]])

    await untilTrue(async () => (await propose(0, hashes)).status === 200, 10_000, 'signing')
    expect((await fetch(`${urlOf(0)}/v1/blobs/${hashes[0]}`)).status).to.equal(200)
    expect((await fetch(`${urlOf(1)}/v1/blobs/${hashes[0]}`)).status).to.equal(404)
  })
})
