/** @module */
import { createRequire } from 'node:module'

import { expect } from 'chai'

import { packBlobs } from '#protocol/blob.ts'
import { BLOB_BYTES, elementPoint, FIELD_ORDER } from '#protocol/kzg.ts'
import { toHex, uintBytes } from '#protocol/words.ts'
import { createKzg } from '#runtime/kzg.ts'

import { caught } from './support/caught.ts'

const blob = packBlobs([new Uint8Array(100).fill(7), new Uint8Array(40).fill(9)]).blobs[0] ?? new Uint8Array()

/** Whether the optional package brought a build for this platform. */
function hasBinding(): boolean {
  try {
    createRequire(import.meta.url)('@crate-crypto/node-eth-kzg')
    return true
  } catch {
    return false
  }
}

describe('commitments to blobs', function () {
  this.timeout(60_000)
  const fast = createKzg()
  const plain = createKzg({ native: false })

  it('are made by the binding where the platform has one', () => {
    expect(plain.native).to.equal(false)
    expect(fast.native).to.equal(hasBinding())
  })

  it('are the same natively and plainly, and so are the proofs', async () => {
    const commitment = await fast.commit(blob)
    expect(toHex(await plain.commit(blob))).to.equal(toHex(commitment))
    expect(toHex(await plain.blobProof(blob, commitment))).to.equal(toHex(await fast.blobProof(blob, commitment)))
    const cells = await fast.cellProofs(blob)
    expect(cells.length).to.equal(128)
    expect((await plain.cellProofs(blob)).map(toHex)).to.deep.equal(cells.map(toHex))
    const point = await fast.pointProof(blob, 3)
    expect(await plain.pointProof(blob, 3)).to.deep.equal(point)
    expect(toHex(point.z)).to.equal(toHex(uintBytes(elementPoint(3), 256, 'z')))
    expect(toHex(point.y)).to.equal(toHex(blob.subarray(96, 128)))
  })

  it('of the blob of zeros are what Ethereum says', async () => {
    const commitment = await fast.commit(new Uint8Array(BLOB_BYTES))
    expect(toHex(commitment)).to.equal(`0xc0${'00'.repeat(47)}`)
    expect(fast.versionedHash(commitment)).to.equal(
      '0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014',
    )
  })

  it('are refused for bytes that are no blob', async () => {
    const over = new Uint8Array(BLOB_BYTES)
    over.set(uintBytes(FIELD_ORDER, 256, 'order'), 64)
    for (const kzg of [fast, plain]) {
      for (const bytes of [new Uint8Array(BLOB_BYTES - 1), over])
        expect(await caught(kzg.commit(bytes))).to.include({ code: 'kzg.invalid-blob' })
    }
    over.set(uintBytes(FIELD_ORDER - 1n, 256, 'largest'), 64)
    expect((await fast.commit(over)).length).to.equal(48)
  })
})
