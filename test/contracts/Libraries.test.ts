/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import type { Address, Hex } from 'viem'

import { decodeBatch } from '#protocol/batch.ts'
import { pageAddress } from '#protocol/code-pages.ts'
import { promiseHash } from '#protocol/eip712.ts'
import { encodeReceipts, RECEIPT_BYTES, segmentHash, totalUnits } from '#protocol/receipts.ts'
import { Lane, Mode, type Offer } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'

import type { ReferenceBatchLib } from '../../types/contracts/mocks/LibraryProbe.ts'
import { readVectors } from '../protocol/support/vectors.ts'

const { ethers, networkHelpers } = await network.create()

const MALFORMED = ethers.MaxUint256
/** Faults of the plain reading, in its own order. */
const FAULTS = 'None Short Mode Lane Blobs CutOff Stream Count Units Trailing'.split(' ')

type Message = {
  type: string
  message: Record<string, never>
  structHash: Hex
  digest: Hex
  signer: string
  signature: Hex
}
type MalformedBytes = { name: string; bytes: Hex; count: number; code: string }

type ValidBytes = { name: string; bytes: Hex; groups: { dealKey: Hex }[]; versionedHashes?: Hex[]; root: Hex }

const batches = readVectors<{ valid: ValidBytes[]; malformed: MalformedBytes[] }>('batches')
const { messages } = readVectors<{ messages: Message[] }>('messages')
const receipts = readVectors<{
  segments: { name: string; bytes: Hex; segment: Hex; units: string; receipts: [] }[]
  malformed: MalformedBytes[]
}>('receipts')
const signatures = readVectors<{
  digest: Hex
  signer: string
  signature: Hex
  others: { name: string; signature: Hex; signer: string }[]
  refused: { name: string; signature: Hex }[]
}>('signatures')

type ReadGroup = ReferenceBatchLib.GroupStructOutput

const headOf = (group: ReadGroup, lane: number) => ({
  dealId: Number(group.deal),
  stream: Number(group.stream),
  ...(group.place === 0n ? {} : { place: Number(group.place) }),
  worker: Number(group.worker),
  first: Number(group.first),
  units: group.units,
  signature: group.signature,
  ...(lane === Lane.Acknowledged ? { acknowledgement: group.acknowledgement } : {}),
})

const bodyOf = ({ count, segment, receipts: list }: ReadGroup, mode: number) =>
  mode === Mode.Blob
    ? { count: Number(count), segment }
    : { receipts: list.map((receipt) => ({ units: receipt.units, workHash: receipt.workHash })) }

async function libraries() {
  return await ethers.deployContract('LibraryProbe')
}

describe('the libraries on the chain', () => {
  describe('reading batches, plainly', () => {
    for (const { name, bytes, groups, versionedHashes = [], root } of batches.valid) {
      it(`finds every field: ${name}`, async () => {
        const probe = await networkHelpers.loadFixture(libraries)
        const expected = decodeBatch(bytes)
        const read = await probe.referenceDecode(bytes)
        expect([read.fault, read.mode, read.lane].map(Number)).to.deep.equal([0, expected.mode, expected.lane])
        const found = read.groups.map((group) => ({ ...headOf(group, expected.lane), ...bodyOf(group, expected.mode) }))
        expect(found).to.deep.equal(expected.groups)
        const blobs = expected.mode === Mode.Blob ? expected.blobs.map((blob) => BigInt(blob.groups)) : []
        expect(read.blobs).to.deep.equal(blobs)
      })

      it(`finds the root: ${name}`, async () => {
        const probe = await networkHelpers.loadFixture(libraries)
        const keys = groups.map(({ dealKey }) => dealKey)
        expect(await probe.referenceBatchRoot(bytes, keys, versionedHashes)).to.equal(root)
      })
    }

    it('refuses every malformed kind, each for one of its reasons', async () => {
      const probe = await networkHelpers.loadFixture(libraries)
      const seen = new Set<string>()
      for (const { name, bytes } of batches.malformed) {
        const { fault } = await probe.referenceDecode(bytes)
        expect(fault, name).to.not.equal(0n)
        seen.add(FAULTS[Number(fault)] ?? '')
      }
      expect([...seen].sort()).to.deep.equal(FAULTS.filter((name) => name !== 'None').sort())
    })
  })

  describe('units of receipts', () => {
    for (const { name, bytes, segment, units, receipts: list } of receipts.segments) {
      it(`are summed: ${name}`, async () => {
        const probe = await networkHelpers.loadFixture(libraries)
        // what stands behind is not read
        expect(await probe.sum(`${bytes}ffffff`, list.length)).to.equal(BigInt(units))
        expect(await probe.referenceSum(bytes, list.length)).to.deep.equal([true, BigInt(units)])
        expect(await probe.hash(bytes)).to.equal(segment)
      })
    }

    for (const { name, bytes, count } of receipts.malformed) {
      it(`are refused: ${name}`, async () => {
        const probe = await networkHelpers.loadFixture(libraries)
        // whether so many receipts can be there is the caller's to see
        if (bytes.length === 2 + 2 * count * RECEIPT_BYTES) expect(await probe.sum(bytes, count)).to.equal(MALFORMED)
        expect((await probe.referenceSum(bytes, count))[0]).to.equal(false)
      })
    }

    it('are none without a receipt', async () => {
      const probe = await networkHelpers.loadFixture(libraries)
      expect(await probe.sum('0xffffff', 0)).to.equal(0n)
    })

    it('agree with the TypeScript encoder on long segments', async () => {
      const probe = await networkHelpers.loadFixture(libraries)
      const long = Array.from({ length: 300 }, (_, index) => ({
        units: 2n ** BigInt(index % 24),
        workHash: ethers.id(`receipt ${index}`) as Hex,
      }))
      const bytes = toHex(encodeReceipts(long))
      expect(await probe.sum(bytes, 300)).to.equal(totalUnits(long))
      expect(await probe.hash(bytes)).to.equal(segmentHash(encodeReceipts(long)))
    })
  })

  describe('root', () => {
    it('equals every vector, and the plain reading too', async () => {
      const probe = await networkHelpers.loadFixture(libraries)
      for (const { leaves, root } of readVectors<{ roots: { leaves: Hex[]; root: Hex }[] }>('merkle').roots) {
        expect(await probe.root(leaves), `${leaves.length} leaves`).to.equal(root)
        expect(await probe.referenceRoot(leaves), `${leaves.length} leaves`).to.equal(root)
      }
    })
  })

  describe('messages', () => {
    it('hash to every vector', async () => {
      const probe = await networkHelpers.loadFixture(libraries)
      const seen = new Set<string>()
      for (const { type, message: m, structHash } of messages) {
        const { dealKey, stream, first, count, units, segment, root, sender } = m
        const hashes: Record<string, () => Promise<string>> = {
          Offer: () => probe.offerHash(m as unknown as Offer),
          Tally: () => probe.tallyHash(dealKey ?? '', stream ?? 0, first ?? 0, count ?? 0, units ?? 0, segment ?? ''),
          Acknowledgement: () =>
            probe.acknowledgementHash(dealKey ?? '', stream ?? 0, count ?? 0, units ?? 0, segment ?? ''),
          Force: () => probe.forceHash(root ?? '', sender ?? ''),
        }
        const hash = await hashes[type]?.()
        if (hash === undefined) continue
        expect(hash, type).to.equal(structHash)
        seen.add(type)
      }
      expect(seen.size).to.equal(4)
    })

    it('hash a promise as members do', async () => {
      const probe = await networkHelpers.loadFixture(libraries)
      for (const before of [0, 1, 2 ** 32 - 1]) {
        const promised = { tally: `0x${'5a'.repeat(32)}` as Hex, before }
        expect(await probe.promiseHash(promised.tally, before)).to.equal(promiseHash(promised))
      }
    })
  })

  describe('recover', () => {
    it('finds the signer of every vector', async () => {
      const probe = await networkHelpers.loadFixture(libraries)
      for (const { digest, signer, signature } of messages) {
        expect(await probe.recover(digest, signature)).to.equal(signer)
      }
      for (const { name, signature, signer } of signatures.others) {
        expect(await probe.recover(signatures.digest, signature), name).to.equal(signer)
      }
    })

    for (const { name, signature } of signatures.refused) {
      it(`finds nobody: ${name}`, async () => {
        const probe = await networkHelpers.loadFixture(libraries)
        expect(await probe.recover(signatures.digest, signature)).to.equal(ethers.ZeroAddress)
      })
    }
  })

  describe('worker pages', () => {
    it('have the addresses of every vector', async () => {
      const probe = await networkHelpers.loadFixture(libraries)
      const { registry, addresses } = readVectors<{
        registry: Address
        addresses: { page: number; address: string }[]
      }>('worker-pages')
      for (const { page, address } of addresses) {
        expect(await probe.pageAddress(registry, page), `page ${page}`).to.equal(address)
        expect(pageAddress(registry, page)).to.equal(address)
      }
    })

    it('read as nothing where there is no page and no row', async () => {
      const probe = await networkHelpers.loadFixture(libraries)
      const page = ethers.Wallet.createRandom().address
      const [first, second] = ['aa', 'bb'].map((byte) => `0x${byte.repeat(20)}`)
      await networkHelpers.setCode(page, `0x0000000007${first?.slice(2)}ffffffff${second?.slice(2)}`)
      expect(await probe.pageRow(page, 0)).to.deep.equal([7n, ethers.getAddress(first ?? '')])
      expect(await probe.pageRow(page, 1)).to.deep.equal([2n ** 32n - 1n, ethers.getAddress(second ?? '')])
      for (const row of [2, 511]) expect(await probe.pageRow(page, row)).to.deep.equal([0n, ethers.ZeroAddress])
      expect(await probe.pageRow(ethers.Wallet.createRandom().address, 0)).to.deep.equal([0n, ethers.ZeroAddress])
    })
  })
})
