/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Hex, keccak256, numberToHex } from 'viem'

import { batchRoot, type GroupIdentity, groupHash, type RootedBatch, type RootedBlob } from '#protocol/batch-root.ts'
import { openGroup, packBlobs } from '#protocol/blob.ts'
import { encodeFacts, factsRoot, type GroupFacts, unmoved } from '#protocol/facts.ts'
import { BLOB_ELEMENTS, elementPoint } from '#protocol/kzg.ts'
import {
  type Inclusion,
  inclusionOf,
  type RecordLink,
  type RingLink,
  recordChain,
  recordEntryOf,
  ringChain,
} from '#protocol/openings.ts'
import { segmentHash } from '#protocol/receipts.ts'
import { Mode, Outcome, type Receipt } from '#protocol/types.ts'
import { concatBytes, fixedBytes, toHex, uintBytes } from '#protocol/words.ts'
import { type BlobOpening, openBlob } from '#runtime/blob-opening.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'

import { expectGas } from '../support/gas.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const kzg = createKzg()
const TIME = 2_000_001_660
const INTERVAL = Math.floor(TIME / 900)
/** Some hash. */
const word = (value: number): Hex => keccak256(numberToHex(value))
/** An element that is nowhere in the blobs. */
const NUMBER: Hex = `0x${'00'.repeat(31)}07`
const OTHER: RingLink = { root: word(0x0d), factsRoot: word(0x0f), time: TIME - 60 }

async function fixture() {
  const ring = await ethers.deployContract('MockRing')
  const openings = await ethers.deployContract('Openings', [ring])
  const probe = await ethers.deployContract('BlobLibProbe')
  return { ring, openings, probe }
}
type Fixture = Awaited<ReturnType<typeof fixture>>

/** One group of a batch: five receipts of a stream of a deal of its own, of which the first two were settled before. */
type Work = { identity: GroupIdentity; receipts: Receipt[]; bytes: Uint8Array; facts: GroupFacts }

const bytesOf = (receipts: readonly Receipt[]): Uint8Array =>
  concatBytes(
    receipts.flatMap(({ units, workHash }) => [uintBytes(units, 24, 'units'), fixedBytes(workHash, 32, 'hash')]),
  )

function work(index: number, outcome: Outcome = Outcome.Applied): Work {
  const receipts = Array.from({ length: 5 }, (_, at) => ({
    units: BigInt(100 + 1000 * at + index),
    workHash: word(0xabc000 + 16 * index + at),
  }))
  const bytes = bytesOf(receipts)
  const identity = { dealKey: word(7000 + index), stream: 3, first: 40, count: 45, segment: segmentHash(bytes) }
  const facts =
    outcome <= Outcome.Clamped ? { outcome, cursor: 42, units: 123_456n, amount: 5_000_000n } : unmoved(outcome)
  return { identity, receipts, bytes, facts }
}

type Settled = {
  works: Work[]
  facts: Hex
  batch: RootedBatch & { facts: Hex }
  blobs: Uint8Array[]
  rooted: RootedBlob[]
  interval: RingLink[]
}

/** A batch in the ring, between two others. */
async function settled({ ring }: Fixture, works: Work[], blobs?: readonly Uint8Array[]): Promise<Settled> {
  const groupHashes = works.map(({ identity }) => groupHash(identity))
  const facts = encodeFacts(works.map((one) => one.facts))
  const share = Math.ceil(works.length / (blobs?.length ?? 1))
  const rooted = (await commitBlobs(kzg, blobs ?? [])).map(({ versionedHash }, index) => ({
    versionedHash,
    groups: Math.min(share, works.length - share * index),
  }))
  const batch: RootedBatch =
    blobs === undefined ? { mode: Mode.Calldata, groupHashes } : { mode: Mode.Blob, groupHashes, blobs: rooted }
  const own = { root: batchRoot(batch), factsRoot: factsRoot(facts), time: TIME }
  const interval = [OTHER, own, { ...OTHER, time: TIME + 60 }]
  await ring.setInterval(INTERVAL, ringChain(interval))
  return { works, facts, batch: { ...batch, facts }, blobs: [...(blobs ?? [])], rooted, interval }
}

const many = (count: number): Work[] => Array.from({ length: count }, (_, index) => work(index))

function workAt({ works }: Settled, index: number): Work {
  return works[index] ?? expect.fail(`no group ${index}`)
}

function inclusion(batch: Settled, index: number): Inclusion {
  return inclusionOf(batch.batch, workAt(batch, index).identity, index, batch.interval, 1)
}

/** ethers wants arrays it may write to. */
const mutable = (place: Inclusion) => ({ ...place, path: [...place.path], factsPath: [...place.factsPath] })
const opened = (opening: BlobOpening) => ({
  ...opening,
  entries: [...opening.entries],
  elements: [...opening.elements],
})

describe('Openings', function () {
  this.timeout(60_000)

  describe('proveSettled', () => {
    it('tells a receipt and what came of its group, wherever the group stands in the batch', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      for (const count of [1, 2, 3, 16, 17, 37]) {
        const batch = await settled(chain, many(count))
        for (const index of new Set([0, Math.floor(count / 2), count - 1])) {
          const { identity, bytes, receipts } = workAt(batch, index)
          const [group, receipt] = await chain.openings.proveSettled(mutable(inclusion(batch, index)), bytes, 43)
          expect([group.dealKey, group.segment, group.root]).to.deep.equal([
            identity.dealKey,
            identity.segment,
            batchRoot(batch.batch),
          ])
          expect([group.stream, group.first, group.count, group.time]).to.deep.equal([3n, 40n, 45n, BigInt(TIME)])
          expect([group.outcome, group.cursor, group.units, group.amount]).to.deep.equal([
            0n,
            42n,
            123_456n,
            5_000_000n,
          ])
          expect([receipt.index, receipt.units, receipt.workHash]).to.deep.equal([
            43n,
            receipts[3]?.units,
            receipts[3]?.workHash,
          ])
        }
      }
    })

    it('costs what a challenge may: a group of five in a batch of 200', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await settled(chain, many(200))
      await chain.ring.setInterval(INTERVAL, ringChain([OTHER, batch.interval[1] ?? OTHER]))
      const place = inclusionOf(batch.batch, workAt(batch, 77).identity, 77, batch.interval.slice(0, 2), 1)
      const { data } = await chain.openings.proveSettled.populateTransaction(
        mutable(place),
        workAt(batch, 77).bytes,
        44,
      )
      const [sender] = await ethers.getSigners()
      const sent = await sender?.sendTransaction({ to: chain.openings, data })
      if (sent === undefined) return expect.fail('nobody sends')
      await expectGas('prove a settled receipt: group of 5 in a batch of 200', sent)
    })

    it('knows the first and the last receipt that the group paid for, and none beside', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await settled(chain, many(3))
      const place = mutable(inclusion(batch, 1))
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
      const batch = await settled(chain, [work(0), work(1, Outcome.RateExceeded), work(2, Outcome.Clamped)])
      const place = mutable(inclusion(batch, 1))
      await expect(chain.openings.proveSettled(place, workAt(batch, 1).bytes, 43))
        .to.be.revertedWithCustomError(chain.openings, 'OpeningsNotMoved')
        .withArgs(Outcome.RateExceeded)
      const group = await chain.openings.proveGroup(place, workAt(batch, 1).identity.segment)
      expect(group.outcome).to.equal(BigInt(Outcome.RateExceeded))
      const [clamped] = await chain.openings.proveSettled(mutable(inclusion(batch, 2)), workAt(batch, 2).bytes, 43)
      expect(clamped.outcome).to.equal(BigInt(Outcome.Clamped))
    })

    it('refuses whatever was not settled so', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await settled(chain, many(37))
      const good = mutable(inclusion(batch, 20))
      const { bytes } = workAt(batch, 20)
      const otherBytes = workAt(batch, 21).bytes
      const facts = (good.facts.slice(0, -2) + (good.facts.endsWith('00') ? '01' : '00')) as Hex
      const lies: [string, Partial<Inclusion>][] = [
        ['another mode', { mode: Mode.Blob }],
        ['more groups', { groups: 38 }],
        ['other blobs', { blobs: word(1) }],
        ['another place', { index: 21 }],
        ['another deal', { dealKey: word(1) }],
        ['another stream', { stream: 4 }],
        ['another first', { first: 41 }],
        ['another count', { count: 46 }],
        ['another sibling', { path: [word(1), ...good.path.slice(1)] }],
        ['other facts', { facts }],
        ['another sibling of the facts', { factsPath: [word(1), ...good.factsPath.slice(1)] }],
        ['another chain before', { chain: `0x${'01'.repeat(26)}` }],
        ['another time', { time: TIME + 1 }],
        ['nothing later', { later: '0x' }],
      ]
      for (const [what, lie] of lies) {
        await expect(chain.openings.proveSettled({ ...good, ...lie } as typeof good, bytes, 43), what)
          .to.be.revertedWithCustomError(chain.openings, 'OpeningsNotInRing')
          .withArgs(INTERVAL)
      }
      await expect(chain.openings.proveSettled(good, otherBytes, 43)).to.be.revertedWithCustomError(
        chain.openings,
        'OpeningsNotInRing',
      )
      await expect(chain.openings.proveSettled({ ...good, time: TIME + 900 }, bytes, 43))
        .to.be.revertedWithCustomError(chain.openings, 'OpeningsNotInRing')
        .withArgs(INTERVAL + 1)
    })

    it('refuses proofs of another shape', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await settled(chain, many(37))
      const good = mutable(inclusion(batch, 36)) // the last group of three chunks, moving up unhashed
      const { bytes } = workAt(batch, 36)
      const wrong: [string, Partial<Inclusion>][] = [
        ['OpeningsNoSuchGroup', { index: 37 }],
        ['OpeningsNoSuchGroup', { groups: 36 }],
        ['OpeningsBadPath', { path: good.path.slice(1) }],
        ['OpeningsBadPath', { path: [...good.path, word(1)] }],
        ['OpeningsBadPath', { factsPath: [...good.factsPath, word(1)] }],
        ['OpeningsBadFacts', { facts: good.facts.slice(0, -2) as Hex }],
        ['OpeningsBadFacts', { facts: `${good.facts}00` }],
        ['OpeningsBadFacts', { facts: '0x' }],
        ['OpeningsBadLinks', { later: `${good.later}00` }],
      ]
      for (const [error, change] of wrong) {
        await expect(
          chain.openings.proveSettled({ ...good, ...change } as typeof good, bytes, 43),
          `${error} ${Object.keys(change)}`,
        ).to.be.revertedWithCustomError(chain.openings, error)
      }
    })

    it('takes no node of the facts for a leaf: a chunk of four records is as long as two hashes', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await settled(chain, many(36)) // chunks of 16, 16 and 4 records
      const [group] = await chain.openings.proveSettled(mutable(inclusion(batch, 35)), workAt(batch, 35).bytes, 44)
      expect(group.amount).to.equal(5_000_000n)
      const good = mutable(inclusion(batch, 0))
      const node = { ...good, facts: good.facts.slice(0, 2 + 128) as Hex, factsPath: good.factsPath.slice(1) }
      await expect(chain.openings.proveSettled(node, workAt(batch, 0).bytes, 43)).to.be.revertedWithCustomError(
        chain.openings,
        'OpeningsBadFacts',
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
        broken.identity = { ...broken.identity, segment: segmentHash(broken.bytes) }
        const batch = await settled(chain, [broken])
        await expect(
          chain.openings.proveSettled(mutable(inclusion(batch, 0)), broken.bytes, 43),
        ).to.be.revertedWithCustomError(chain.openings, 'OpeningsMalformedReceipts')
      }
    })
  })

  describe('proveRecorded', () => {
    const links = (works: Work[]): RecordLink[] =>
      works.map(({ identity, facts }, index) => ({
        groupHash: groupHash(identity),
        record: encodeFacts([facts]),
        time: TIME + index,
      }))

    it('tells a receipt of a forced or acknowledged group, first, middle or last of its stream', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const works = many(3)
      await chain.ring.setStream(9, 3, recordChain(links(works)))
      for (const [position, { identity, bytes, receipts }] of works.entries()) {
        const entry = recordEntryOf(9, identity, links(works), position)
        const [group, receipt] = await chain.openings.proveRecorded(entry, bytes, 44)
        expect([group.dealKey, group.amount, group.time]).to.deep.equal([
          identity.dealKey,
          5_000_000n,
          BigInt(TIME + position),
        ])
        expect(group.root).to.equal(ethers.ZeroHash)
        expect(receipt.workHash).to.equal(receipts[4]?.workHash)
      }
    })

    it('refuses whatever the stream does not hold', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const works = many(2)
      const [first] = works
      if (first === undefined) return expect.fail('no work')
      await chain.ring.setStream(9, 3, recordChain(links(works)))
      const good = recordEntryOf(9, first.identity, links(works), 0)
      const lies: Partial<typeof good>[] = [
        { dealId: 8 },
        { stream: 2 },
        { dealKey: word(1) },
        { first: 39 },
        { count: 46 },
        { time: TIME + 7 },
        { later: '0x' },
        { facts: `0x${'ff'.repeat(16)}` },
        { chain: `0x${'01'.repeat(27)}` },
      ]
      for (const lie of lies) {
        await expect(
          chain.openings.proveRecorded({ ...good, ...lie }, first.bytes, 43),
          Object.keys(lie).join(),
        ).to.be.revertedWithCustomError(chain.openings, 'OpeningsNotInRecord')
      }
      await expect(
        chain.openings.proveRecorded({ ...good, later: '0x00' }, first.bytes, 43),
      ).to.be.revertedWithCustomError(chain.openings, 'OpeningsBadLinks')
    })
  })

  describe('proveVoid', () => {
    const VOID = { Entry: 0n, Element: 1n, Bytes: 2n }

    /** Four groups in two blobs, the second blob changed after it was written. */
    async function withChanged(chain: Fixture, change: (blob: Uint8Array) => void): Promise<Settled> {
      const works = many(4)
      const halves = [works.slice(0, 2), works.slice(2)]
      const blobs = halves.flatMap((half) => packBlobs(half.map(({ bytes }) => bytes)).blobs)
      const [, second] = blobs
      if (second === undefined) return expect.fail('no second blob')
      change(second)
      return await settled(chain, works, blobs)
    }

    async function prove(chain: Fixture, batch: Settled, index: number, lie: Partial<BlobOpening> = {}) {
      const blob = batch.blobs[index < 2 ? 0 : 1] ?? new Uint8Array()
      const opening = await openBlob(kzg, batch.rooted, index, blob)
      const { segment } = workAt(batch, index).identity
      const all = opened({ ...opening, ...lie })
      return {
        opening,
        call: async () => await chain.openings.proveVoid(mutable(inclusion(batch, index)), segment, all),
      }
    }

    // each group of 5 receipts has 175 bytes, 6 elements: 2..7 and 8..13
    const cases: [string, number, bigint, (blob: Uint8Array) => void][] = [
      ['bytes that do not hash to what was signed', 2, VOID.Bytes, (blob) => blob.fill(9, 32 * 3 + 1, 32 * 3 + 2)],
      ['the bytes of the last group', 3, VOID.Bytes, (blob) => blob.fill(9, 32 * 9 + 1, 32 * 9 + 2)],
      ['an element with a first byte', 3, VOID.Element, (blob) => blob.fill(1, 32 * 10, 32 * 10 + 1)],
      ['padding that is not zero', 2, VOID.Element, (blob) => blob.fill(1, 32 * 7 + 31, 32 * 8)],
      ['a first entry that begins late', 2, VOID.Entry, (blob) => blob.fill(3, 2, 3)],
      ['an entry that overlaps the one before', 3, VOID.Entry, (blob) => blob.fill(7, 32 + 2, 32 + 3)],
      ['an entry after one that is longer', 3, VOID.Entry, (blob) => blob.fill(0xff, 6, 7)],
      ['an entry without bytes', 2, VOID.Entry, (blob) => blob.fill(0, 3, 7)],
      ['an entry of more than 256 elements', 3, VOID.Entry, (blob) => blob.fill(0x1f, 32 + 5, 32 + 7)],
      ['an entry with more than its numbers', 2, VOID.Entry, (blob) => blob.fill(1, 31, 32)],
    ]
    for (const [what, index, fault, change] of cases) {
      it(`shows ${what}`, async () => {
        const chain = await networkHelpers.loadFixture(fixture)
        const batch = await withChanged(chain, change)
        const { call } = await prove(chain, batch, index)
        const [group, shown] = await call()
        expect(shown).to.equal(fault)
        expect(group.dealKey).to.equal(workAt(batch, index).identity.dealKey)
        expect(group.amount).to.equal(5_000_000n)
      })
    }

    it('finds nothing wrong with a blob as it was written, nor with the groups beside a bad one', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await withChanged(chain, (blob) => blob.fill(9, 32 * 9 + 1, 32 * 9 + 2))
      for (const index of [0, 1, 2]) {
        const { call } = await prove(chain, batch, index)
        await expect(call()).to.be.revertedWithCustomError(chain.openings, 'OpeningsNothingWrong')
      }
      await expect((await prove(chain, batch, 3)).call()).not.to.be.revert(ethers)
    })

    it('judges as the reader of blobs does', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      for (const [, index, fault, change] of cases.slice(2)) {
        const batch = await withChanged(chain, change)
        const read = openGroup(batch.blobs[1] ?? new Uint8Array(), 2, index - 2)
        expect(read.kind).to.equal(fault === VOID.Entry ? 'bad-entry' : 'bad-element')
      }
    })

    it('wants all of the bytes, and no lies about them', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const batch = await withChanged(chain, (blob) => blob.fill(9, 32 * 9 + 1, 32 * 9 + 2))
      const { opening } = await prove(chain, batch, 3)
      const fewer = (skip: number): Partial<BlobOpening> => ({
        skip,
        elements: opening.elements.slice(1),
        proofs: opening.proofs.slice(0, -96) as Hex,
      })
      const lies: [string, Partial<BlobOpening>][] = [
        ['OpeningsOtherBlobs', { blobs: `${opening.blobs}00` }],
        ['OpeningsIncomplete', { commitment: opening.commitment.slice(0, -2) as Hex }],
        ['OpeningsIncomplete', { entries: opening.entries.slice(1) }],
        ['OpeningsIncomplete', { proofs: opening.proofs.slice(0, -2) as Hex }],
        ['OpeningsIncomplete', { elements: opening.elements.slice(1) }],
        ['OpeningsIncomplete', { skip: 1 }],
        ['OpeningsBadProof', fewer(0)],
        ['OpeningsBadProof', { elements: [NUMBER, ...opening.elements.slice(1)] }],
        ['OpeningsBadProof', { entries: [opening.entries[0] ?? NUMBER, NUMBER] }],
        ['OpeningsBadProof', { commitment: `0xc0${'00'.repeat(47)}` }],
      ]
      for (const [error, lie] of lies) {
        const { call } = await prove(chain, batch, 3, lie)
        await expect(call(), `${error} ${Object.keys(lie)}`).to.be.revertedWithCustomError(chain.openings, error)
      }
      const rest = {
        ...fewer(1),
        proofs: `0x${opening.proofs.slice(2, 2 + 192)}${opening.proofs.slice(2 + 288)}` as Hex,
      }
      const { call } = await prove(chain, batch, 3, rest)
      await expect(call()).to.be.revertedWithCustomError(chain.openings, 'OpeningsIncomplete')
    })

    it('says nothing of a batch that was settled without blobs', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const blob = await withChanged(chain, () => undefined)
      const { opening } = await prove(chain, blob, 3)
      const batch = await settled(chain, many(4))
      const { segment } = workAt(batch, 3).identity
      await expect(
        chain.openings.proveVoid(mutable(inclusion(batch, 3)), segment, opened(opening)),
      ).to.be.revertedWithCustomError(chain.openings, 'OpeningsOtherBlobs')
    })

    it('fits one transaction with the longest group there can be', async () => {
      const chain = await networkHelpers.loadFixture(fixture)
      const long = work(0)
      long.bytes = new Uint8Array(256 * 31).fill(7)
      const [blob = new Uint8Array()] = packBlobs([long.bytes]).blobs
      const batch = await settled(chain, [long], [blob])
      const opening = await openBlob(kzg, batch.rooted, 0, blob)
      const arguments_ = [mutable(inclusion(batch, 0)), long.identity.segment, opened(opening)] as const
      const { data } = await chain.openings.proveVoid.populateTransaction(...arguments_)
      const [sender] = await ethers.getSigners()
      const sent = await sender?.sendTransaction({ to: chain.openings, data, gasLimit: 2n ** 24n })
      if (sent === undefined) return expect.fail('nobody sends')
      await expectGas('prove a void group of 256 elements', sent)
    })
  })

  describe('elements of a blob', () => {
    it('stand where the reader of blobs says', async () => {
      const { probe } = await networkHelpers.loadFixture(fixture)
      for (const index of [0, 1, 2, 3, 1000, 2047, 2048, 4094, BLOB_ELEMENTS - 1])
        expect(await probe.pointOf(index)).to.equal(elementPoint(index))
    })

    it('open with their proof and with no other', async () => {
      const { probe } = await networkHelpers.loadFixture(fixture)
      const [blob = new Uint8Array()] = packBlobs(many(3).map(({ bytes }) => bytes)).blobs
      const [committed] = await commitBlobs(kzg, [blob])
      if (committed === undefined) return expect.fail('no commitment')
      for (const index of [0, 5, 4095]) {
        const { y, proof } = await kzg.pointProof(blob, index)
        const args = [committed.versionedHash, toHex(committed.commitment), index, toHex(y), toHex(proof)] as const
        expect(await probe.verify(...args), `element ${index}`).to.equal(true)
        expect(await probe.verify(word(1), args[1], index, args[3], args[4])).to.equal(false)
        expect(await probe.verify(args[0], args[1], index ^ 1, args[3], args[4])).to.equal(false)
        expect(await probe.verify(args[0], args[1], index, NUMBER, args[4])).to.equal(false)
      }
    })
  })
})
