/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'

import { NetSide, noRecord, type RecordOpening } from '#runtime/net-opening.ts'
import {
  attested,
  expectNothing,
  expectWrongRecords,
  type Ground,
  ownBooks,
  provingGround,
  type Shown,
  stateOf,
} from '../support/net-proving.ts'
import { leafOf, netBatchOf, openNetDeal } from '../support/netting.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const { Providers, Buyers } = NetSide
const HOUR = 3600
const DAY = 24 * HOUR
const GROUPS = [0, 1, 2, 3]
const DEALS = [0, 1, 2]

const start = async () => await provingGround(ethers, networkHelpers)
const begin = async (): Promise<Ground> => ownBooks(await networkHelpers.loadFixture(start))

/** The record before, if there is one. */
async function recordBefore(show: Shown['group'], index: number, elements: number): Promise<RecordOpening> {
  return index === 0 ? noRecord() : await show(index - 1, elements)
}

describe('NetProofs: an honest batch', function () {
  this.timeout(120_000)

  it('has records that carry bytes, rise and add up', async () => {
    const shown = await attested(await begin(), {})
    const { ground, place, group, deal } = shown
    for (const index of GROUPS) {
      await expectNothing(shown, ground.proofs.proveMalformed(place, Providers, await group(index, 5)))
      const last = await recordBefore(group, index, 2)
      await expectNothing(shown, ground.proofs.proveStep(place, Providers, last, await group(index, 2)))
    }
    for (const index of DEALS) {
      await expectNothing(shown, ground.proofs.proveMalformed(place, Buyers, await deal(index, 2)))
      const last = await recordBefore(deal, index, 1)
      await expectNothing(shown, ground.proofs.proveStep(place, Buyers, last, await deal(index, 1)))
    }
  })

  it('has the nets its records end in, and no others', async () => {
    const shown = await attested(await begin(), {})
    const { ground, place, group, deal } = shown
    const ends = [
      [Providers, await group(2, 1), await group(3, 1), 0],
      [Providers, await group(3, 1), noRecord(), 1],
      [Buyers, await deal(1, 1), await deal(2, 1), 0],
      [Buyers, await deal(2, 1), noRecord(), 1],
    ] as const
    for (const [side, last, next, net] of ends)
      await expectNothing(shown, ground.proofs.proveNet(place, side, last, next, net))
    const gaps = [
      [noRecord(), await group(0, 1)],
      [await group(1, 1), await group(2, 1)],
      [await group(3, 1), noRecord(4)],
    ] as const
    for (const [last, next] of gaps)
      await expectNothing(shown, ground.proofs.proveNoRecord(place, Providers, 0, last, next))
  })

  it('has groups that the chain knows nothing against', async () => {
    const shown = await attested(await begin(), {})
    const { ground, place, group, deal, open, built } = shown
    for (const [index, record] of built.groups.entries()) {
      await expectNothing(shown, ground.proofs.proveGroup(place, await group(index, 5)))
      await expectNothing(
        shown,
        ground.proofs.proveLink(place, await group(index, 2), await deal(record.dealRecord, 1)),
      )
      const { elements, proofs } = await open.receipts(index, record.start, built.receipts[index]?.length ?? 0)
      await expectNothing(shown, ground.proofs.proveReceipts(place, await group(index, 3), 0, elements, proofs))
    }
  })

  it('begins where streams and deals stood', async () => {
    const shown = await attested(await begin(), {})
    const { ground, place, group, built } = shown
    for (const [index, { dealId }] of built.groups.entries()) {
      const last = await recordBefore(group, index, 1)
      const proof = ground.proofs.proveState(place, last, await group(index, 2), stateOf(ground, dealId))
      // of a deal's second group only the stream can be shown
      if (built.groups[index - 1]?.dealId === dealId) await expectWrongRecords(shown, proof)
      else await expectNothing(shown, proof)
    }
  })

  it('moves its deals, one after the other, as far as their groups say', async () => {
    const shown = await attested(await begin(), {})
    const { ground, place, group, deal, built } = shown
    let { tree } = ground.books
    for (const [index, { dealId, firstGroup, lastGroup }] of built.deals.entries()) {
      const [from, to] = [await group(firstGroup, 2), await group(lastGroup, 2)]
      await expectNothing(shown, ground.proofs.proveDeal(place, await deal(index, 1), from, to))
      const run = GROUPS.filter((at) => at >= firstGroup && at <= lastGroup)
      const groups = await Promise.all(run.map((at) => group(at, 1)))
      const [leaf, path] = leafOf({ ...ground.books, tree }, dealId)
      const last = await recordBefore(deal, index, 2)
      await expectNothing(shown, ground.proofs.proveRoot(place, last, await deal(index, 2), groups, { leaf, path }))
      tree = tree.withLeaf(dealId, built.tree.leafAt(dealId) ?? expect.fail('no leaf'))
    }
  })

  it('stays honest when its deal is closed and the id is given to another one', async () => {
    const ground = await begin()
    const { tally, proofs, parameters, books, provider, governor } = ground
    const deal = await openNetDeal(ground, books, provider, { terms: { duration: HOUR } })
    await advance(networkHelpers, ground, HOUR / 2)
    const honest = await netBatchOf(ground, books, [deal.stream(0).work(1n).group()])
    const shown = await attested(ground, {}, honest)
    const group = await shown.group(0, 5)
    books.tree = honest.tree
    await arriveAt(networkHelpers, ground, (await lastClock(ground)) + HOUR + DAY + 3 * HOUR)
    await tally.closeNet(deal.id, ...leafOf(books, deal.id))
    await expectNothing(shown, proofs.proveGroup(shown.place, group))
    // a retention shorter than what the ring remembers
    const short = { ...parameters, attestedWindow: HOUR, forcedWindow: 2 * HOUR, retention: 2 * DAY + 2 * HOUR }
    await tally.connect(governor).setParameters(short)
    await arriveAt(networkHelpers, ground, (await lastClock(ground)) + short.retention)
    await tally.recycle(deal.id)
    await expectNothing(shown, proofs.proveGroup(shown.place, group))
    expect((await openNetDeal(ground, books, provider)).id).to.equal(deal.id)
    await expect(proofs.proveGroup(shown.place, group))
      .to.be.revertedWithCustomError(proofs, 'NetProofsForgotten')
      .withArgs(deal.id)
  })
})
