/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { concatHex, encodeAbiParameters, encodePacked, type Hex, keccak256, sliceHex, zeroHash } from 'viem'

import { type BlobBatch, encodeBatch } from '#protocol/batch.ts'
import { batchRoot } from '#protocol/batch-root.ts'
import { packBlobBatch } from '#protocol/blob-batch.ts'
import { leavesRoot } from '#protocol/merkle.ts'
import { Lane, Mode, Outcome } from '#protocol/types.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'

import { createBlobRelay } from '../support/blob-relay.ts'
import { createBlobSettling } from '../support/blob-settling.ts'
import { deploy } from '../support/deployment.ts'
import { createMarket, type Market } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { clientOf } from '../support/rpc.ts'
import { attest } from '../support/settling.ts'
import { batchOf, resigned, type SignedGroup } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const kzg = createKzg()

/** A usual deal with many streams, and a credit of the day. */
async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n, streams: 40 } })
  await advance(networkHelpers, market, 3600)
  await createBlobSettling(market, kzg).inCalldata([market.deal.stream(39).work(1n).group()])
  return market
}

/** What a root is made of. */
type Parts = { mode: number; groups: number; tree: Hex; blobs: Hex }

function rootOf({ mode, groups, tree, blobs }: Parts): Hex {
  const words = ['uint8', 'uint256', 'bytes32', 'bytes32'].map((type) => ({ type }))
  return keccak256(encodeAbiParameters(words, [mode, groups, tree, blobs]))
}

type Blobs = readonly { readonly versionedHash: Hex; readonly groups: number }[]

function hashOf(blobs: Blobs): Hex {
  const parts = blobs.map(({ versionedHash, groups }) => encodePacked(['bytes32', 'uint16'], [versionedHash, groups]))
  return keccak256(`0x${parts.map((part) => part.slice(2)).join('')}`)
}

/** Groups of the first streams, as few or many as asked; so long that fifteen fill a blob where they are to be long. */
function groupsOf({ deal }: Market, count: number, receipts: number): SignedGroup[] {
  const units = Array.from({ length: receipts }, () => 1n)
  return Array.from({ length: count }, (_, index) =>
    deal
      .stream(index)
      .work(...units)
      .group(),
  )
}

/** Sends a batch in blobs with an attestation of any root; rejects where the chain reverts. */
async function sendInBlobs(
  market: Market,
  batch: BlobBatch,
  blobs: readonly Uint8Array[],
  root: Hex,
): Promise<unknown> {
  const rpc = {
    request: async (call: { method: string; params?: unknown[] }) =>
      await ethers.provider.send(call.method, call.params ?? []),
  }
  const { settlement } = market
  const data = settlement.interface.encodeFunctionData('settle', [encodeBatch(batch), attest(market, root)]) as Hex
  return await createBlobRelay(rpc, clientOf(rpc), kzg).send((await settlement.getAddress()) as Hex, data, blobs)
}

async function blobBatchOf(groups: readonly SignedGroup[]) {
  const packed = packBlobBatch(
    Lane.Attested,
    groups.map(({ tally, leaf, ...group }) => group),
  )
  const committed = await commitBlobs(kzg, packed.blobs)
  const rooted = committed.map(({ versionedHash }, index) => ({
    versionedHash,
    groups: packed.batch.blobs[index]?.groups ?? 0,
  }))
  const leaves = groups.map(({ leaf }) => leaf)
  const parts: Parts = { mode: Mode.Blob, groups: leaves.length, tree: leavesRoot(leaves), blobs: hashOf(rooted) }
  return { ...packed, rooted, leaves, parts }
}

describe('settle: what an attestation is for', function () {
  this.timeout(120_000)

  it('is the groups of a batch in calldata, as many as they are, and nothing in blobs', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { settlement, committee } = market
    const groups = groupsOf(market, 3, 2)
    const { bytes, root } = batchOf(Lane.Attested, groups)
    const right: Parts = { mode: 0, groups: 3, tree: leavesRoot(groups.map(({ leaf }) => leaf)), blobs: zeroHash }
    expect(rootOf(right)).to.equal(root)
    const others: Parts[] = [
      { ...right, mode: Mode.Blob },
      { ...right, mode: Mode.Net },
      ...[0, 2, 4].map((count) => ({ ...right, groups: count })),
      { ...right, tree: leavesRoot(groups.slice(0, 2).map(({ leaf }) => leaf)) },
      { ...right, tree: leavesRoot(groups.map(({ leaf }) => leaf).reverse()) },
      { ...right, blobs: keccak256('0x') },
    ]
    for (const [at, other] of others.entries()) {
      await expect(settlement.settle(bytes, attest(market, rootOf(other))), `root ${at}`)
        .to.be.revertedWithCustomError(committee, 'CommitteeBadSignature')
        .withArgs(0)
    }
    await settlement.settle(bytes, attest(market, root))
  })

  it('is the groups of a batch in blobs, as many as they are, each in its blob', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { committee } = market
    const { batch, blobs, rooted, leaves, parts } = await blobBatchOf(groupsOf(market, 17, 226))
    expect(rooted.map(({ groups }) => groups)).to.deep.equal([15, 2])
    expect(rootOf(parts)).to.equal(batchRoot({ mode: Mode.Blob, groupHashes: leaves, blobs: rooted }))
    const [first, second] = rooted
    if (first === undefined || second === undefined) throw new Error('too few blobs')
    const others: Parts[] = [
      { ...parts, mode: Mode.Calldata },
      { ...parts, mode: Mode.Calldata, blobs: zeroHash },
      { ...parts, groups: 16 },
      { ...parts, blobs: zeroHash },
      { ...parts, blobs: hashOf([first]) },
      { ...parts, blobs: hashOf([second, first]) },
      {
        ...parts,
        blobs: hashOf([
          { ...first, groups: 14 },
          { ...second, groups: 3 },
        ]),
      },
      { ...parts, blobs: hashOf([first, { ...second, versionedHash: first.versionedHash }]) },
    ]
    for (const [at, other] of others.entries()) {
      await expect(sendInBlobs(market, batch, blobs, rootOf(other)), `root ${at}`)
        .to.be.revertedWithCustomError(committee, 'CommitteeBadSignature')
        .withArgs(0)
    }
    const moved: BlobBatch = { ...batch, blobs: [{ groups: 14 }, { groups: 3 }] }
    for (const [wrong, carried] of [
      [moved, blobs],
      [batch, [...blobs].reverse()],
      [batch, blobs.map((blob, at) => (at === 0 ? blob : Uint8Array.from(blob).fill(1, 32 * 300 + 1, 32 * 301)))],
    ] as const) {
      await expect(sendInBlobs(market, wrong, carried, rootOf(parts)))
        .to.be.revertedWithCustomError(committee, 'CommitteeBadSignature')
        .withArgs(0)
    }
    await sendInBlobs(market, batch, blobs, rootOf(parts))
    expect((await market.tally.stream(market.deal.id, 16)).count).to.equal(226n)
  })
})

describe('settle: receipts in blobs', function () {
  this.timeout(120_000)

  it('stand in the blobs of their transaction, all of which the batch names', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { settlement } = market
    const { batch, blobs, parts } = await blobBatchOf(groupsOf(market, 17, 226))
    await expect(sendInBlobs(market, batch, blobs.slice(0, 1), rootOf(parts)))
      .to.be.revertedWithCustomError(settlement, 'SettlementBlobMissing')
      .withArgs(1)
    const few = await blobBatchOf(groupsOf(market, 2, 2))
    await expect(sendInBlobs(market, few.batch, [...few.blobs, ...blobs.slice(1)], rootOf(few.parts)))
      .to.be.revertedWithCustomError(settlement, 'SettlementMalformedBatch')
      .withArgs(2)
    await expect(settlement.settle(encodeBatch(few.batch), attest(market, rootOf(few.parts))))
      .to.be.revertedWithCustomError(settlement, 'SettlementBlobMissing')
      .withArgs(0)
    const seven = await blobBatchOf(groupsOf(market, 7, 1))
    const bytes = encodeBatch(seven.batch)
    expect(sliceHex(bytes, 2, 5)).to.equal('0x010007')
    const table = concatHex(['0x07', ...Array.from({ length: 7 }, (): Hex => '0x0001')])
    const named = concatHex([sliceHex(bytes, 0, 2), table, sliceHex(bytes, 5)])
    await expect(settlement.settle(named, attest(market, rootOf(seven.parts))))
      .to.be.revertedWithCustomError(settlement, 'SettlementMalformedBatch')
      .withArgs(2)
    await sendInBlobs(market, few.batch, few.blobs, rootOf(few.parts))
  })

  it('leave each receipt a unit at least, from where the stream stands: else UnitsMismatch', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { deal, domain } = market
    const settling = createBlobSettling(market, kzg)
    const begun = [0, 1, 2, 3, 4, 5].map((index) => deal.stream(index, 0).work(5n, 6n))
    await settling.inCalldata(begun.map((stream) => stream.group()))
    const [worker] = deal.provider.workers
    if (worker === undefined) throw new Error('no worker')
    const cases: [name: string, first: number, units: bigint, outcome: number, amount: bigint][] = [
      ['a unit each', 2, 14n, Outcome.Applied, 3000n],
      ['a unit less', 2, 13n, Outcome.UnitsMismatch, 0n],
      ['as many as before', 2, 11n, Outcome.UnitsMismatch, 0n],
      ['fewer than before', 2, 10n, Outcome.UnitsMismatch, 0n],
      ['a unit each, from the beginning', 0, 14n, Outcome.Applied, 3000n],
      ['a unit less, from the beginning', 0, 13n, Outcome.UnitsMismatch, 0n],
    ]
    const groups = cases.map(([, first, units], index) => {
      const group = begun[index]?.work(1n, 1n, 1n).group(first)
      if (group === undefined) throw new Error('no group')
      return resigned(domain, group, worker, { units })
    })
    const { facts } = await settling.inBlobs(groups)
    for (const [index, [name, , , outcome, amount]] of cases.entries()) {
      const moved = outcome === Outcome.Applied ? { cursor: 2, units: 11n } : { cursor: 0, units: 0n }
      expect(facts[index], name).to.deep.equal({ outcome, amount, ...moved })
    }
  })
})
