/** @module */
import { expect } from 'chai'

import { BLOB_ELEMENTS, elementPoint, FIELD_ORDER, versionedHash } from '#protocol/kzg.ts'
import { FieldError, toBytes } from '#protocol/words.ts'

describe('names and points of blobs', () => {
  it('names a blob as Ethereum does: the blob of zeros, whose commitment is the point at infinity', () => {
    expect(versionedHash(toBytes(`0xc0${'00'.repeat(47)}`))).to.equal(
      '0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014',
    )
  })

  it('gives a commitment of another length no name', () => {
    expect(() => versionedHash(new Uint8Array(47)))
      .to.throw(FieldError)
      .with.property('field', 'commitment')
  })

  it('lays the elements on the 4,096th roots of unity, by reversed bits', () => {
    const root = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306n // consensus specification
    expect(elementPoint(0)).to.equal(1n)
    expect(elementPoint(1)).to.equal(FIELD_ORDER - 1n) // the 2,048th power of the root
    expect(elementPoint(2048)).to.equal(root)
    expect(elementPoint(2049)).to.equal(FIELD_ORDER - root)
    expect(new Set(Array.from({ length: BLOB_ELEMENTS }, (_, index) => elementPoint(index))).size).to.equal(4096)
  })

  it('knows no element past the last', () => {
    for (const index of [-1, 4096, 0.5]) expect(() => elementPoint(index)).to.throw(FieldError)
  })
})
