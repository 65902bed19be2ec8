import { expect } from 'chai'
import { type Hex, sliceHex, zeroHash } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Claim } from '#protocol/attestation.ts'
import { encodeBatch } from '#protocol/batch.ts'
import { tallyOfGroup } from '#protocol/batch-root.ts'
import { packBlobBatch } from '#protocol/blob-batch.ts'
import { forceDigest } from '#protocol/eip712.ts'
import { buildNetBatch } from '#protocol/net-build.ts'
import { netForceRoot } from '#protocol/net-force.ts'
import { createNetTree } from '#protocol/net-tree.ts'
import { signCompact } from '#protocol/signature.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { segmentToGroup } from '#protocol/wire.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'
import {
  accountOf,
  bondMembers,
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
import { echoProgram, inputOf, orderOf, outputOf, type Place, receiptOf, segmentOf } from './support/work.ts'

const MEMBERS = ['member 0', 'member 1', 'member 2']
const PRICE = 10n
const BUDGET = 1_000_000n

describe('a committee that settles netted deals', function () {
  this.timeout(240_000)
  const kzg = createKzg()
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
    await bondMembers(chain, deployment, MEMBERS)
    members = await Promise.all(ports.map((port, index) => start(index, port)))
    const bytes = await echoProgram()
    const [program = '0x'] = await Promise.all(members.map(({ url }) => put(url, bytes)))
    const { id, key } = await openDeal(chain, deployment, { program, mode: Mode.Net, price: PRICE, budget: BUDGET })
    const domain = { chainId: 31_337, verifyingContract: deployment.settlement }
    place = { domain, dealId: id, dealKey: key, worker: 512 }
  })

  after(async () => {
    for (const member of members ?? []) await member.remove()
    await chain?.stop()
  })

  const start = (index: number, port: number, dataDir?: string) =>
    startMember(chain, deployment, {
      ...{ index, port, settings: { finalDepth: 6 } },
      ...(dataDir === undefined ? {} : { dataDir }),
    })
  const netRoot = () =>
    chain.client.readContract({ address: deployment.settlement, abi: settlementAbi, functionName: 'netRoot' })
  const unmatured = async () => {
    const settlement = { address: deployment.settlement, abi: settlementAbi } as const
    return (await chain.client.readContract({ ...settlement, functionName: 'earnings', args: [1] })).unmatured
  }

  /** A segment of one task, which the stream's tasks before it precede. */
  function segmentFor(task: number) {
    const [stream, first] = [task % 2, Math.floor(task / 2)]
    return segmentOf(place, stream, [receiptOf(place, task)], { first, before: BigInt(first) })
  }

  async function deliver(url: string, task: number): Promise<string> {
    await put(url, inputOf(task))
    await put(url, outputOf(task))
    const orders = [orderOf(place, task)]
    await untilTrue(
      async () => (await call(url, '/v1/orders', { orders })).status === 202,
      20_000,
      'following the deal',
    )
    const { status, body } = await call(url, '/v1/segments', segmentFor(task))
    expect([status, body.code, body.check]).to.deep.equal([202, undefined, undefined])
    return String(body.tallyHash)
  }

  const statusAt = async (url: string, hash: string) => (await call(url, `/v1/segments/${hash}`)).body.status
  const untilStatus = async (hash: string, statuses: readonly string[]) => {
    for (const { url } of members)
      await untilTrue(async () => statuses.includes(String(await statusAt(url, hash))), 60_000, statuses.join(' or '))
  }

  it('nets what workers delivered, and every member knows where it stands', async () => {
    const hashes = await Promise.all([0, 1].map((task) => Promise.all(members.map(({ url }) => deliver(url, task)))))
    for (const [hash = ''] of hashes) await untilStatus(hash, ['settled', 'final'])
    expect(await netRoot()).to.not.equal(zeroHash)
    expect(await unmatured()).to.equal(2n * PRICE)
    for (const [hash = ''] of hashes) await untilStatus(hash, ['final'])
  })

  it('goes on from there after a restart', async () => {
    const [first] = members
    await first?.stop()
    members[0] = await start(0, ports[0] ?? 0, first?.dataDir ?? '')
    const hashes = await Promise.all(members.map(({ url }) => deliver(url, 2)))
    await untilStatus(hashes[0] ?? '', ['settled', 'final'])
    expect(await unmatured()).to.equal(3n * PRICE)
  })

  it('nets again what a re-organisation took back', async () => {
    const before = await netRoot()
    const hashes = await Promise.all(members.map(({ url }) => deliver(url, 3)))
    await untilStatus(hashes[0] ?? '', ['settled', 'final'])
    const after = await netRoot()
    expect(after).to.not.equal(before)
    const { transaction } = (await call(members[0]?.url ?? '', `/v1/segments/${hashes[0]}`)).body
    const { blockNumber } = await chain.client.getTransactionReceipt({ hash: String(transaction) as Hex })
    const depth = Number((await chain.client.getBlockNumber()) - blockNumber) + 1
    await chain.client.request({ method: 'anvil_reorg' as never, params: [depth, []] as never })
    await untilTrue(async () => (await netRoot()) === after, 60_000, 'netting again')
    await untilStatus(hashes[0] ?? '', ['final'])
    expect(await unmatured()).to.equal(4n * PRICE)
  })

  it('takes along what a provider announced by itself', async () => {
    const segment = segmentOf(place, 1, [receiptOf(place, 5)], { first: 2, before: 2n })
    const group = segmentToGroup(segment)
    const sender = accountOf('provider').address
    const root = netForceRoot(tallyOfGroup(group, place.dealKey))
    const authority = signCompact(forceDigest({ root, sender }, place.domain), keyOf('worker'))
    const bytes = sliceHex(encodeBatch({ mode: Mode.Calldata, lane: Lane.Attested, groups: [group] }), 2)
    const announce = { abi: settlementAbi, functionName: 'announceForce', args: [bytes, authority] }
    await deployment.send({ address: deployment.settlement, ...announce, ...deployment.as('provider') })

    const hashes = await Promise.all(members.map(({ url }) => deliver(url, 4)))
    await untilStatus(hashes[0] ?? '', ['settled', 'final'])
    expect(await unmatured()).to.equal(6n * PRICE)
    const settlement = { address: deployment.settlement, abi: settlementAbi } as const
    expect(await chain.client.readContract({ ...settlement, functionName: 'netQueue' })).to.deep.equal([1, 1])
  })

  it('signs a netted group in no other batch, and no net batch but what its own book makes', async () => {
    const [{ url } = expect.fail('no member')] = members
    await deliver(url, 6)
    const group = segmentToGroup(segmentFor(6))
    const heads = encodeBatch(packBlobBatch(Lane.Attested, [group]).batch)
    const propose = (body: Record<string, unknown>) => call(url, '/v1/proposals', { claims: Claim.Tallies, ...body })
    const plain = { batch: encodeBatch({ mode: Mode.Calldata, lane: Lane.Attested, groups: [group] }) }
    await untilTrue(
      async () => JSON.stringify((await propose(plain)).body.refusals) === '[{"group":0,"check":"deal.mode"}]',
      20_000,
      're-execution',
    )

    // made on top of an empty book
    const deal = { key: place.dealKey, provider: 1, buyer: 0, price: PRICE, budget: BUDGET, streams: 2 }
    const settlement = { address: deployment.settlement, abi: settlementAbi } as const
    const clock = await chain.client.readContract({ ...settlement, functionName: 'clock' })
    const alone = segmentToGroup(
      segmentOf(
        place,
        0,
        [0, 2, 4, 6].map((task) => receiptOf(place, task)),
      ),
    )
    const order = { tree: createNetTree(), deals: new Map([[place.dealId, deal]]), groups: [alone], queueTo: 0 }
    for (const [ahead, code] of [
      [1_800, 'proposal.other-net'],
      [4_000, 'proposal.net-time'],
    ] as const) {
      const built = buildNetBatch({ ...order, until: clock + ahead })
      const blobs = (await commitBlobs(kzg, built.blobs)).map(({ versionedHash }) => versionedHash)
      const { status, body } = await propose({ batch: built.encoded, heads, blobs })
      expect([status, body.code]).to.deep.equal([409, code])
    }
  })
})
