/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import type { Address, Hex } from 'viem'

import { createBook } from '#auditor/watch/book.ts'
import { readEvents } from '#auditor/watch/chain-events.ts'
import { findNetNoShow } from '#auditor/watch/find-no-show.ts'
import { createNetFollower } from '#auditor/watch/net-follower.ts'
import { Fault } from '#protocol/types.ts'

import { deploy } from '../../support/deployment.ts'
import { fundBuyer, joinProvider, USD } from '../../support/market.ts'
import { bondMembers, createNetBooks, netBatchOf, openNetDeal, sendNetBatch } from '../../support/netting.ts'
import { advance } from '../../support/protocol-clock.ts'
import { clientOf } from '../../support/rpc.ts'
import { lastCase } from '../../support/slashing.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })
const HOUR = 3600
const DAY = 24 * HOUR

/** A netted deal of a week that wants fifty dollars of work and has one of them, settled in a net batch. */
async function fixture() {
  const deployment = await deploy(ethers)
  await bondMembers(deployment)
  const provider = await joinProvider(deployment, deployment.owner)
  await fundBuyer(deployment, deployment.buyer, 1000n * USD)
  const books = createNetBooks()
  const choice = { offer: { minBudget: 50n * USD }, terms: { duration: 7 * DAY } }
  const deal = await openNetDeal(deployment, books, provider, choice)
  await advance(networkHelpers, deployment, HOUR)
  const { encoded, blobs } = await netBatchOf(deployment, books, [deal.stream(0).work(1_000n).group()])
  const sent = await sendNetBatch(deployment, { encoded, blobs, previous: books.tree.root, queueFrom: 0 })
  return { ...deployment, provider, deal, kept: new Map(sent.blobs.map((one) => [one.versionedHash, one.blob])) }
}

type Chain = Awaited<ReturnType<typeof fixture>>

async function followed(chain: Chain) {
  const client = clientOf({ request: async ({ method, params }) => await ethers.provider.send(method, params ?? []) })
  const book = createBook()
  const contracts = {
    settlement: (await chain.settlement.getAddress()) as Address,
    registry: (await chain.registry.getAddress()) as Address,
  }
  await readEvents(book, client, contracts, { from: 0n, to: BigInt(await ethers.provider.getBlockNumber()) })
  return book
}

describe('a watcher’s following of net mode', function () {
  this.timeout(60_000)

  it('comes to the chain’s own root once somebody gives the blobs', async () => {
    const chain = await networkHelpers.loadFixture(fixture)
    const book = await followed(chain)
    const given = new Map<Hex, Uint8Array>()
    const follower = createNetFollower(async (hash) => given.get(hash) ?? null)
    expect(await follower.step(book, [])).to.equal(null)
    for (const [hash, blob] of chain.kept) given.set(hash, blob)
    expect((await follower.step(book, []))?.tree.root).to.equal(await chain.tally.netRoot())
  })

  it('goes no further than a batch whose records make another root', async () => {
    const chain = await networkHelpers.loadFixture(fixture)
    const book = await followed(chain)
    const [step] = book.netSteps
    if (step?.kind !== 'batch') throw new Error('there is no batch')
    book.netSteps.push(step)
    // the same records again move nothing, and the root stays; without the deal they cannot
    book.deals.clear()
    const follower = createNetFollower(async (hash) => chain.kept.get(hash) ?? null)
    expect(await follower.step(book, [])).to.equal(null)
  })

  it('proves a no-show of a netted deal by what its streams come to, and none of one that worked enough', async () => {
    const chain = await networkHelpers.loadFixture(fixture)
    await advance(networkHelpers, chain, 9 * DAY)
    const book = await followed(chain)
    const state = await createNetFollower(async (hash) => chain.kept.get(hash) ?? null).step(book, [])
    const [deal] = [...book.deals.values()]
    if (state === null || deal === undefined) throw new Error('net mode was not followed')
    const end = { budget: deal.budget, isExcused: false, tree: state.tree }
    expect(findNetNoShow(deal, end, deal.end + DAY - 1, DAY)).to.equal(null)
    expect(findNetNoShow({ ...deal, offer: { ...deal.offer, minBudget: USD } }, end, deal.end + DAY, DAY)).to.equal(
      null,
    )
    const finding = findNetNoShow(deal, end, deal.end + DAY, DAY)
    expect(finding?.fault).to.equal(Fault.NoShow)
    await chain.stranger.sendTransaction({ to: await chain.settlement.getAddress(), data: finding?.data ?? '0x' })
    expect((await lastCase(chain)).subject).to.equal(finding?.subject)
  })
})
