/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { concatHex, type Hex, keccak256, numberToHex } from 'viem'

import { batchRoot, groupHash } from '#protocol/batch-root.ts'
import { encodeFacts, factsChunks, factsRoot } from '#protocol/facts.ts'
import { merkleRoot } from '#protocol/merkle.ts'
import { placeInStream, type RecordLink, recordChain } from '#protocol/openings.ts'
import { segmentHash } from '#protocol/receipts.ts'
import { Outcome } from '#protocol/types.ts'
import { toBytes } from '#protocol/words.ts'

import {
  deployOpenings,
  INTERVAL,
  type OpeningsChain,
  placeOf,
  putBatch,
  TIME,
  type Work,
  work,
  workAt,
  works,
} from '../support/mock-ring.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

/** Name of the error a call is refused with. */
async function errorOf({ openings }: OpeningsChain, call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'nothing'
  } catch (error) {
    const data = error instanceof Error && 'data' in error ? String(error.data) : '0x'
    return openings.interface.parseError(data)?.name ?? `another error: ${error}`
  }
}

async function fixture() {
  return await deployOpenings(ethers)
}

describe('Openings', () => {
  describe('proveSettled', () => {
    it('tells a receipt and what came of its group, wherever the group stands in the batch', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      for (const count of [1, 2, 7, 8, 9, 16, 17, 37]) {
        const batch = await putBatch(chain, works(count))
        for (const index of new Set([0, Math.floor(count / 2), count - 1])) {
          const { tally, bytes, receipts } = workAt(batch, index)
          const [group, receipt] = await chain.openings.proveSettled(placeOf(batch, index), bytes, 43)
          expect([group.dealKey, group.segment, group.root]).to.deep.equal([
            tally.dealKey,
            tally.segment,
            batchRoot(batch.batch),
          ])
          expect([group.stream, group.first, group.count, group.time]).to.deep.equal([3n, 40n, 45n, BigInt(TIME)])
          expect([group.outcome, group.cursor, group.amount]).to.deep.equal([0n, 42n, 5_000_000n])
          expect([group.unitsBefore, group.units]).to.deep.equal([123_456n, 140_000n])
          expect([receipt.index, receipt.units, receipt.workHash]).to.deep.equal([
            43n,
            receipts[3]?.units,
            receipts[3]?.workHash,
          ])
        }
      }
    })

    it('knows the first and the last receipt that the group paid for, and none beside', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await putBatch(chain, works(3))
      const place = placeOf(batch, 1)
      const { bytes, receipts } = workAt(batch, 1)
      for (const index of [42, 44]) {
        const [, receipt] = await chain.openings.proveSettled(place, bytes, index)
        expect(receipt.workHash).to.equal(receipts[index - 40]?.workHash)
      }
      for (const index of [0, 41, 45]) {
        await expect(chain.openings.proveSettled(place, bytes, index))
          .to.be.revertedWithCustomError(chain.openings, 'OpeningsNotPaid')
          .withArgs(index, 42, 45)
      }
    })

    it('refuses a group that did not move its stream, though proveGroup tells of it', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await putBatch(chain, [work(0), work(1, Outcome.RateExceeded), work(2, Outcome.Clamped)])
      const place = placeOf(batch, 1)
      await expect(chain.openings.proveSettled(place, workAt(batch, 1).bytes, 43))
        .to.be.revertedWithCustomError(chain.openings, 'OpeningsNotMoved')
        .withArgs(Outcome.RateExceeded)
      const group = await chain.openings.proveGroup(place, workAt(batch, 1).tally.segment)
      expect(group.outcome).to.equal(BigInt(Outcome.RateExceeded))
      const [clamped] = await chain.openings.proveSettled(placeOf(batch, 2), workAt(batch, 2).bytes, 43)
      expect(clamped.outcome).to.equal(BigInt(Outcome.Clamped))
    })

    it('believes no byte of a place that is another than it was', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await putBatch(chain, works(37))
      const good = toBytes(placeOf(batch, 20))
      const { bytes } = workAt(batch, 20)
      for (const at of good.keys()) {
        const lie = good.map((byte, position) => (position === at ? byte ^ 1 : byte))
        const error = await errorOf(chain, chain.openings.proveSettled(lie, bytes, 43))
        expect(error, `byte ${at}`).to.be.oneOf(['OpeningsNotInRing', 'OpeningsNoSuchGroup', 'OpeningsMalformedPlace'])
      }
    })

    it('refuses other receipts, other blobs, and another interval', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await putBatch(chain, works(37))
      const [place, { bytes }] = [placeOf(batch, 20), workAt(batch, 20)]
      const inRing = (call: Promise<unknown>, interval: number) =>
        expect(call).to.be.revertedWithCustomError(chain.openings, 'OpeningsNotInRing').withArgs(interval)
      await inRing(chain.openings.proveSettled(place, workAt(batch, 21).bytes, 43), INTERVAL)
      const inBlobs: Hex = `0x01${'ab'.repeat(32)}${place.slice(4)}`
      await inRing(chain.openings.proveSettled(inBlobs, bytes, 43), INTERVAL)
      const later = place.replace(numberToHex(TIME).slice(2), numberToHex(TIME + 900).slice(2)) as Hex
      await inRing(chain.openings.proveSettled(later, bytes, 43), INTERVAL + 1)
      await chain.ring.setInterval(INTERVAL, `0x${'01'.repeat(26)}`)
      await inRing(chain.openings.proveSettled(place, bytes, 43), INTERVAL)
    })

    it('refuses places of another length, and groups past the last', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await putBatch(chain, works(37))
      const place = placeOf(batch, 36) // alone in the third chunk of records, with four in the fifth of groups
      const { bytes } = workAt(batch, 36)
      const size = (place.length - 2) / 2
      const lengths: [Hex, number][] = [
        [`${place}00`, size + 1],
        [place.slice(0, -2) as Hex, size - 1],
        [place.slice(0, 2 * 100) as Hex, 99],
      ]
      for (const [lie, length] of lengths) {
        await expect(chain.openings.proveSettled(lie, bytes, 43))
          .to.be.revertedWithCustomError(chain.openings, 'OpeningsMalformedPlace')
          .withArgs(length)
      }
      const withoutLater = place.slice(0, -2 * 68) as Hex
      await expect(chain.openings.proveSettled(withoutLater, bytes, 43)).to.be.revertedWithCustomError(
        chain.openings,
        'OpeningsNotInRing',
      )
      // mode (1), groups (4), index (4)
      const past: Hex = `0x00${place.slice(4, 12)}00000025${place.slice(20)}`
      await expect(chain.openings.proveSettled(past, bytes, 43))
        .to.be.revertedWithCustomError(chain.openings, 'OpeningsNoSuchGroup')
        .withArgs(37, 37)
    })

    it('takes no node of a tree for what stands below it', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await putBatch(chain, works(36))
      // 36 records are three chunks: their root's two hashes are as long as four records, 36 leaves' root as two leaves
      const chunks = factsChunks(batch.batch.facts).map((bytes) => keccak256(bytes))
      const records = concatHex([merkleRoot(chunks.slice(0, 2)), chunks[2] ?? '0x'])
      expect(keccak256(records)).to.equal(factsRoot(batch.batch.facts))
      const head = placeOf(batch, 0)
      const forged = concatHex([
        `0x0000000004${head.slice(12, 2 * 84)}`, // four groups, and the rest of the head
        ...[1, 2, 3].map((index) => groupHash(workAt(batch, index).tally)),
        records,
        `0x${head.slice(-2 * 68)}`,
      ])
      await expect(chain.openings.proveGroup(forged, workAt(batch, 0).tally.segment)).to.be.revertedWithCustomError(
        chain.openings,
        'OpeningsNotInRing',
      )
    })

    it('refuses a blob group whose signed bytes are no receipts', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      for (const change of [
        (b: number[]) => b.push(0),
        (b: number[]) => b.pop(),
        (b: number[]) => b.fill(0, 105, 108),
      ]) {
        const broken = work(0)
        const bytes = [...broken.bytes]
        change(bytes)
        broken.bytes = Uint8Array.from(bytes)
        broken.tally = { ...broken.tally, segment: segmentHash(broken.bytes) }
        const batch = await putBatch(chain, [broken])
        await expect(chain.openings.proveSettled(placeOf(batch, 0), broken.bytes, 43)).to.be.revertedWithCustomError(
          chain.openings,
          'OpeningsMalformedReceipts',
        )
      }
    })
  })

  describe('proveRecorded', () => {
    const links = (all: Work[]): RecordLink[] =>
      all.map(({ tally, facts }, index) => ({
        groupHash: groupHash(tally),
        record: encodeFacts([facts]),
        time: TIME + index,
      }))

    it('tells a receipt of a forced or acknowledged group, first, middle or last of its stream', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const all = works(3)
      await chain.ring.setStream(9, 3, recordChain(links(all)))
      for (const [position, { tally, bytes, receipts }] of all.entries()) {
        const place = placeInStream(9, tally, { links: links(all), position })
        const [group, receipt] = await chain.openings.proveRecorded(place, bytes, 44)
        expect([group.dealKey, group.amount, group.time]).to.deep.equal([
          tally.dealKey,
          5_000_000n,
          BigInt(TIME + position),
        ])
        expect(group.root).to.equal(ethers.ZeroHash)
        expect(receipt.workHash).to.equal(receipts[4]?.workHash)
      }
    })

    it('refuses whatever the stream does not hold', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const all = works(2)
      const [first] = all
      if (first === undefined) return expect.fail('no work')
      await chain.ring.setStream(9, 3, recordChain(links(all)))
      const good = toBytes(placeInStream(9, first.tally, { links: links(all), position: 0 }))
      for (const at of good.keys()) {
        const lie = good.map((byte, position) => (position === at ? byte ^ 1 : byte))
        const error = await errorOf(chain, chain.openings.proveRecorded(lie, first.bytes, 43))
        expect(error, `byte ${at}`).to.equal('OpeningsNotInRecord')
      }
      for (const size of [good.length - 1, good.length + 1, 50]) {
        const place = new Uint8Array(size)
        place.set(good.subarray(0, size))
        const error = await errorOf(chain, chain.openings.proveRecorded(place, first.bytes, 43))
        expect(error, `${size} bytes`).to.equal('OpeningsMalformedPlace')
      }
    })
  })
})
