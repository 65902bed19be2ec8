/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import type { Hex } from 'viem'

import { groupHash } from '#protocol/batch-root.ts'
import { readBlobBatch } from '#protocol/blob-batch.ts'
import { encodeFacts } from '#protocol/facts.ts'
import { placeInStream } from '#protocol/openings.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Lane, Outcome } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'
import { openBlob } from '#runtime/blob-opening.ts'
import { createKzg } from '#runtime/kzg.ts'

import { createBlobSettling, type OpenBatch, placeIn } from '../support/blob-settling.ts'
import { deploy } from '../support/deployment.ts'
import { ackKey, createMarket } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import type { StreamLog } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const kzg = createKzg()
const VOID = { Entry: 0n, Element: 1n, Bytes: 2n }

/** A usual deal with wide exposure and many streams, an hour old, and the openings of its settlement. */
async function fixture() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n, streams: 20 } })
  await advance(networkHelpers, market, 3600)
  const openings = await ethers.deployContract('Openings', [market.settlement])
  return { market, openings }
}

async function working() {
  const chain = await networkHelpers.loadFixture(fixture)
  const { deal } = chain.market
  const streams = [0, 1, 2].map((index) => deal.stream(index).work(100n, 200n, 300n, 400n, 500n))
  return { ...chain, settling: createBlobSettling(chain.market, kzg), streams }
}

const groupsOf = (streams: readonly StreamLog[]) => streams.map((stream) => stream.group())
const bytesOf = (stream: StreamLog | undefined): Hex => toHex(encodeReceipts(stream?.receipts ?? []))

/** Everything opening the blob of a group shows about it. */
async function openingOf(batch: OpenBatch, index: number, blob = batch.blobs[0]) {
  const opening = await openBlob(kzg, batch.rooted, index, blob ?? new Uint8Array())
  return { ...opening, entries: [...opening.entries], elements: [...opening.elements] }
}

describe('openings of settled batches', function () {
  this.timeout(60_000)

  for (const where of ['inBlobs', 'inCalldata'] as const) {
    it(`prove every receipt of a batch settled ${where === 'inBlobs' ? 'in a blob' : 'in calldata'}`, async () => {
      const { openings, settling, streams, market } = await working()
      const batch = await settling[where](groupsOf(streams))
      expect(batch.facts.map(({ outcome }) => outcome)).to.deep.equal([0, 0, 0])
      for (const [index, stream] of streams.entries()) {
        for (const [at, { units, workHash }] of stream.receipts.entries()) {
          const place = placeIn([batch], 0, index)
          const [group, receipt] = await openings.proveSettled(place, bytesOf(stream), at)
          expect([receipt.index, receipt.units, receipt.workHash]).to.deep.equal([BigInt(at), units, workHash])
          expect([group.dealKey, group.stream, group.time]).to.deep.equal([
            market.deal.key,
            BigInt(index),
            BigInt(batch.link.time),
          ])
          expect(group.amount).to.equal(1_500n * market.deal.offer.price)
        }
      }
    })
  }

  it('prove receipts of any batch of one interval, with what the stream had before', async () => {
    const { openings, settling, streams } = await working()
    const [one, two] = streams
    const first = await settling.inBlobs(groupsOf(streams))
    one?.work(7n)
    two?.work(8n)
    const second = await settling.inCalldata(groupsOf(streams.slice(0, 2)))
    one?.work(9n)
    const third = await settling.inBlobs(groupsOf(streams.slice(0, 1)))
    const interval = [first, second, third]
    expect(new Set(interval.map(({ link }) => Math.floor(link.time / 900))).size).to.equal(1)

    const bytes = (count: number): Hex => toHex(encodeReceipts(one?.receipts.slice(0, count) ?? []))
    const [group] = await openings.proveSettled(placeIn(interval, 0, 0), bytes(5), 4)
    expect([group.cursor, group.unitsBefore]).to.deep.equal([0n, 0n])
    const [later, receipt] = await openings.proveSettled(placeIn(interval, 1, 0), bytes(6), 5)
    expect([later.cursor, later.unitsBefore, receipt.units]).to.deep.equal([5n, 1_500n, 7n])
    const [last] = await openings.proveSettled(placeIn(interval, 2, 0), bytes(7), 6)
    expect([last.cursor, last.unitsBefore]).to.deep.equal([6n, 1_507n])
    await expect(openings.proveSettled(placeIn(interval, 1, 0), bytes(6), 4))
      .to.be.revertedWithCustomError(openings, 'OpeningsNotPaid')
      .withArgs(4, 5, 6)
    await expect(openings.proveSettled(placeIn(interval.slice(0, 2), 1, 0), bytes(6), 5)).to.be.revertedWithCustomError(
      openings,
      'OpeningsNotInRing',
    )
  })

  it('tell of skipped groups what kept them', async () => {
    const { openings, settling, streams } = await working()
    const [one, two] = streams
    await settling.inBlobs(groupsOf(streams.slice(0, 1)))
    await networkHelpers.time.increase(900)
    two?.work(1n)
    const batch = await settling.inBlobs([one?.group(), two?.group()].filter((group) => group !== undefined))
    expect(batch.facts.map(({ outcome }) => outcome)).to.deep.equal([Outcome.Stale, Outcome.Applied])
    const group = await openings.proveGroup(placeIn([batch], 0, 0), batch.tallies[0]?.segment ?? '0x')
    expect([group.outcome, group.cursor, group.amount]).to.deep.equal([BigInt(Outcome.Stale), 0n, 0n])
  })

  it('prove forced and acknowledged receipts by their own streams', async () => {
    const { openings, settling, streams, market } = await working()
    const [stream] = streams
    if (stream === undefined) return expect.fail('no stream')
    const forced = await settling.inCalldata([stream.group()], Lane.Forced)
    stream.work(60n, 70n)
    const inBlob = await settling.inBlobs([stream.acknowledged(ackKey)], undefined, Lane.Acknowledged)
    const settled = [forced, inBlob]
    const links = settled.map(({ tallies: [tally], facts, link }) => ({
      groupHash: tally === undefined ? ('0x' as Hex) : groupHash(tally),
      record: encodeFacts(facts),
      time: link.time,
    }))
    for (const [position, at, units] of [
      [0, 0, 100n],
      [0, 4, 500n],
      [1, 5, 60n],
      [1, 6, 70n],
    ] as const) {
      const [tally] = settled[position]?.tallies ?? []
      if (tally === undefined) return expect.fail('no group')
      const place = placeInStream(market.deal.id, tally, { links, position })
      const bytes = toHex(encodeReceipts(stream.receipts.slice(0, tally.count)))
      const [shown, receipt] = await openings.proveRecorded(place, bytes, at)
      expect(receipt.units).to.equal(units)
      expect(shown.cursor).to.equal(position === 0 ? 0n : 5n)
    }
  })

  it('show a group void whose blob never held what the worker signed, and clear the ones beside it', async () => {
    const { openings, settling, streams } = await working()
    // three groups of five receipts: entries in elements 0..2, bytes in 3..8, 9..14 and 15..20
    const batch = await settling.inBlobs(groupsOf(streams), ({ blobs: [blob] }) =>
      blob?.fill(0xee, 32 * 10 + 1, 32 * 11),
    )
    expect(batch.facts.map(({ outcome }) => outcome)).to.deep.equal([0, 0, 0])
    const prove = async (index: number) =>
      await openings.proveVoid(
        placeIn([batch], 0, index),
        batch.tallies[index]?.segment ?? '0x',
        await openingOf(batch, index),
      )
    const [group, fault] = await prove(1)
    expect([group.stream, fault]).to.deep.equal([1n, VOID.Bytes])
    for (const index of [0, 2])
      await expect(prove(index)).to.be.revertedWithCustomError(openings, 'OpeningsNothingWrong')
  })

  it('show a group void whose entry lies, in the second of two blobs', async () => {
    const { openings, settling, market } = await working()
    // 226 receipts are 256 elements, with their entry 257: fifteen such groups fill a blob
    const long = Array.from({ length: 20 }, (_, index) =>
      market.deal.stream(index).work(...Array.from({ length: 226 }, () => 1n)),
    )
    const batch = await settling.inBlobs(groupsOf(long), ({ blobs: [, second] }) =>
      second?.fill(1, 32 * 2 + 20, 32 * 3),
    )
    expect(batch.rooted.map(({ groups }) => groups)).to.deep.equal([15, 5])
    expect(batch.facts.every(({ outcome }) => outcome === Outcome.Applied)).to.equal(true)
    const [group, fault] = await openings.proveVoid(
      placeIn([batch], 0, 17),
      batch.tallies[17]?.segment ?? '0x',
      await openingOf(batch, 17, batch.blobs[1]),
    )
    expect([group.stream, fault]).to.deep.equal([17n, VOID.Entry])
    const [, receipt] = await openings.proveSettled(placeIn([batch], 0, 16), bytesOf(long[16]), 225)
    expect(receipt.workHash).to.equal(long[16]?.receipts[225]?.workHash)
  })

  it('judge each group as a reader of the batch does', async () => {
    const { openings, settling, streams } = await working()
    let packed: Parameters<NonNullable<Parameters<typeof settling.inBlobs>[1]>>[0] | undefined
    const batch = await settling.inBlobs(groupsOf(streams), (all) => {
      packed = all
      all.blobs[0]?.fill(1, 32 * 20 + 31, 32 * 21)
    })
    if (packed === undefined) return expect.fail('nothing was packed')
    const read = readBlobBatch(packed.batch, packed.blobs).map(({ kind }) => kind)
    expect(read).to.deep.equal(['receipts', 'receipts', 'void'])
    for (const [index, kind] of read.entries()) {
      const { segment } = batch.tallies[index] ?? expect.fail('no group')
      const proof = openings.proveVoid(placeIn([batch], 0, index), segment, await openingOf(batch, index))
      if (kind === 'void') expect((await proof)[1]).to.equal(VOID.Element)
      else await expect(proof).to.be.revertedWithCustomError(openings, 'OpeningsNothingWrong')
    }
  })
})
