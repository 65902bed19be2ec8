/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Address, decodeFunctionData, type Hex } from 'viem'

import { createBlobSource } from '#auditor/watch/blob-source.ts'
import { createBlobWatch } from '#auditor/watch/blob-watch.ts'
import { type Book, type BookGroup, createBook } from '#auditor/watch/book.ts'
import { actsFor } from '#auditor/watch/case-work.ts'
import { readEvents } from '#auditor/watch/chain-events.ts'
import { oversightAbi } from '#protocol/abi.generated.ts'
import { equivocationOf } from '#protocol/faults.ts'
import { createHttp, HttpProblem, listenHttp } from '#runtime/http.ts'
import { createKzg } from '#runtime/kzg.ts'

import { createBlobSettling } from '../../support/blob-settling.ts'
import { deploy } from '../../support/deployment.ts'
import { createMarket, STAKE, USD } from '../../support/market.ts'
import { bondMembers } from '../../support/netting.ts'
import { bondOf } from '../../support/oversight.ts'
import { advance } from '../../support/protocol-clock.ts'
import { clientOf } from '../../support/rpc.ts'
import { workHashOf } from '../../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })
const kzg = createKzg()
const UNIT = USD / 1000n

async function fixture() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n } })
  await bondMembers(market)
  await advance(networkHelpers, market, 3600)
  return market
}

/** Two groups in one blob, which `wound` may change, an archive that keeps blobs, and a watcher that follows the chain. */
async function settled(wound: (blob: Uint8Array) => void = () => undefined) {
  const market = await networkHelpers.loadFixture(fixture)
  const stream = market.deal.stream(0)
  const groups = [stream.work(10n, 20n, 30n).group(), market.deal.stream(1).work(7n).group()]
  const batch = await createBlobSettling(market, kzg).inBlobs(groups, ({ blobs: [blob] }) => blob && wound(blob))
  const kept = new Map<string, Uint8Array>()
  for (const [index, { versionedHash }] of batch.rooted.entries()) {
    kept.set(versionedHash, batch.blobs[index] ?? new Uint8Array())
  }
  const archive = createHttp()
  archive.get<{ Params: { hash: string } }>('/v1/blobs/:hash', ({ params }, reply) => {
    const blob = kept.get(params.hash)
    if (blob === undefined) throw new HttpProblem(404, 'blob.unknown', 'nobody keeps it')
    return reply.type('application/octet-stream').send(Buffer.from(blob))
  })
  const { url } = await listenHttp(archive, { port: 0 })
  const watching = { ...(await follow(market)), archives: [url] }
  return { ...market, stream, groups, batch, kept, watching, close: () => archive.close() }
}

type Market = Awaited<ReturnType<typeof fixture>>

async function follow(market: Market) {
  const client = clientOf({ request: async ({ method, params }) => await ethers.provider.send(method, params ?? []) })
  const book = createBook()
  const contracts = {
    settlement: (await market.settlement.getAddress()) as Address,
    registry: (await market.registry.getAddress()) as Address,
    oversight: (await market.oversight.getAddress()) as Address,
  }
  const to = BigInt(await ethers.provider.getBlockNumber())
  const seen = await readEvents(book, client, contracts, { from: 0n, to })
  const readInterval = async (interval: number) => (await market.tally.intervalChain(interval)).chain as Hex
  const signersOf = () => market.members.map(({ address }) => address as Address)
  return { client, book, seen, contracts, readInterval, signersOf, to }
}

type Watching = Awaited<ReturnType<typeof settled>>['watching']

async function read(
  { book, seen, ...at }: Watching,
  watch = createBlobWatch({ kzg, read: createBlobSource({ kzg, signal: new AbortController().signal }) }),
) {
  watch.add(seen)
  return await watch.step(book, at)
}

const unitsOf = (group: BookGroup | undefined) => group?.tally.receipts?.map(({ units }) => units)

describe('a watcher’s reading of blobs', function () {
  this.timeout(60_000)

  it('takes the receipts of groups from who keeps the blobs, and finds nothing wrong with them', async () => {
    const { watching, close } = await settled()
    expect(watching.seen.map(unitsOf)).to.deep.equal([undefined, undefined])
    const { groups, findings } = await read(watching)
    expect(groups.map(unitsOf)).to.deep.equal([[10n, 20n, 30n], [7n]])
    expect(findings).to.deep.equal([])
    await close()
  })

  it('asks again for what nobody gives, and once it is given never more', async () => {
    const { watching, kept, close } = await settled()
    const [[versionedHash, blob] = ['', new Uint8Array()]] = [...kept]
    kept.clear()
    const watch = createBlobWatch({ kzg, read: createBlobSource({ kzg, signal: new AbortController().signal }) })
    expect((await read(watching, watch)).groups).to.deep.equal([])
    kept.set(versionedHash, blob)
    const { book, archives, readInterval, signersOf } = watching
    expect((await watch.step(book, { archives, readInterval, signersOf })).groups).to.have.length(2)
    expect((await watch.step(book, { archives, readInterval, signersOf })).groups).to.deep.equal([])
    await close()
  })

  it('shows a blob that does not hold what was signed: the deal has its money again, the members who signed pay', async () => {
    // entries in elements 0 and 1, the first group's bytes from element 2 on
    const { watching, stranger, oversight, tally, deal, close, ...market } = await settled((blob) =>
      blob.fill(0xee, 65, 96),
    )
    const { groups, findings } = await read(watching)
    expect(groups.map(unitsOf)).to.deep.equal([[7n]])
    expect(findings).to.have.length(1)
    const before = (await tally.deal(deal.id)).remaining
    const to = await oversight.getAddress()
    await stranger.sendTransaction({ to, data: findings[0]?.data ?? '0x' })
    expect((await tally.deal(deal.id)).remaining - before).to.equal(60n * UNIT)
    expect(await bondOf({ ...market, stranger, oversight, tally } as never, 0)).to.equal(900n * STAKE)
    await close()
  })

  it('lets a fault void what was settled in a blob, from its first receipt on', async () => {
    const { watching, groups, stream, deal, tally, stranger, close } = await settled()
    await read(watching)
    const [group] = groups
    if (group === undefined) throw new Error('there is no group')
    const receipts = group.receipts.map((one, at) => (at === 2 ? { ...one, workHash: workHashOf('instead') } : one))
    const other = deal
      .stream(0)
      .add(...receipts)
      .group()
    expect(other.tally.count).to.equal(stream.receipts.length)
    const shown = (one: typeof group) => ({
      ...{ tally: one.tally, worker: one.worker, signature: one.signature, receipts: one.receipts },
    })
    const proof = equivocationOf(deal.id, shown(group), shown(other))
    if (proof?.call.functionName !== 'proveOverlap') throw new Error('nothing is wrong')
    await tally.connect(stranger).proveOverlap(...proof.call.args)
    const acts = await voidingActs(watching)
    expect(acts.map(({ data }) => decodeFunctionData({ abi: oversightAbi, data }).functionName)).to.deep.equal([
      'voidFrom',
    ])
    for (const { to, data } of acts) await stranger.sendTransaction({ to, data })
    expect((await tally.stream(deal.id, 0)).units).to.equal(30n)
    await close()
  })
})

/** What the watcher does about the case that was opened since. */
async function voidingActs({ client, book, contracts, to, readInterval }: Watching) {
  const head = BigInt(await ethers.provider.getBlockNumber())
  await readEvents(book satisfies Book, client, contracts, { from: to + 1n, to: head })
  const [one] = [...book.cases.values()]
  if (one === undefined) throw new Error('there is no case')
  return await actsFor(book, one, { contracts, clock: 0, readInterval })
}
