/** @module */
import { expect } from 'chai'
import type { Hex } from 'viem'

import { type CalldataBatch, decodeBatch, encodeBatch } from '#protocol/batch.ts'
import { batchRoot, groupHash, tallyOfGroup } from '#protocol/batch-root.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { decodeReceipts, encodeReceipts, segmentHash, totalUnits } from '#protocol/receipts.ts'

const RECEIPTS = 1000
const GROUPS = 200
const MAX_TRANSACTION_BYTES = 131_072

const word = (value: number): Hex => `0x${value.toString(16).padStart(64, '0')}`
const receipts = Array.from({ length: RECEIPTS }, (_, index) => ({
  units: BigInt((index * 7919) % 60_000) + 1n,
  workHash: word(index + 1),
}))
const batch: CalldataBatch = {
  mode: 0,
  lane: 1,
  groups: Array.from({ length: GROUPS }, (_, index) => ({
    dealId: index >> 1,
    stream: index % 2,
    worker: 512 + index,
    first: 0,
    units: 1n,
    signature: `0x${'11'.repeat(64)}`,
    receipts: receipts.slice((index * RECEIPTS) / GROUPS, ((index + 1) * RECEIPTS) / GROUPS),
  })),
}

// No times are measured here: what would be absurd runs into mocha's own limit of two seconds.
describe('a thousand receipts', () => {
  it('hash as one segment, at less than 36 bytes each', () => {
    const bytes = encodeReceipts(receipts)
    expect(bytes.length).to.be.lessThan(36 * RECEIPTS)
    expect(segmentHash(bytes)).to.have.lengthOf(66)
    expect(totalUnits(decodeReceipts(bytes, RECEIPTS).receipts)).to.equal(totalUnits(receipts))
  })

  it('fit one transaction in 200 groups, and root', () => {
    const encoded = encodeBatch(batch)
    expect((encoded.length - 2) / 2).to.be.lessThan(MAX_TRANSACTION_BYTES / 2)
    const read = decodeBatch(encoded)
    expect(read).to.deep.equal(batch)
    const leaves = batch.groups.map((group) => groupHash(tallyOfGroup(group, word(group.dealId))))
    expect(new Set(leaves).size).to.equal(GROUPS)
    expect(batchRoot({ mode: 0, groupHashes: leaves })).to.have.lengthOf(66)
  })
})

describe('a program of eight mebibytes', () => {
  it('has a data root', () => {
    expect(dataRoot(new Uint8Array(8 * 2 ** 20))).to.have.lengthOf(66)
  })
})
