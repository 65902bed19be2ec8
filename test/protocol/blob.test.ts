/** @module */
import { expect } from 'chai'
import fc from 'fast-check'

import {
  BlobError,
  type BlobErrorCode,
  elementsFor,
  elementsOf,
  MAX_GROUP_BYTES,
  openGroup,
  packBlobs,
  readBlob,
} from '#protocol/blob.ts'
import { BLOB_BYTES, BLOB_ELEMENTS } from '#protocol/kzg.ts'
import { toBytes, toHex } from '#protocol/words.ts'

const bytes = (length: number, value = 0xab): Uint8Array => new Uint8Array(length).fill(value)
const segment = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 200 }),
  fc
    .tuple(fc.constantFrom(31, 62, 3100, 3101, MAX_GROUP_BYTES), fc.nat(255))
    .map(([length, value]) => bytes(length, value)),
)
const segments = fc.array(segment, { minLength: 1, maxLength: 60 })

/** The only blob of a few short groups. */
function blobOf(groups: readonly Uint8Array[]): Uint8Array {
  const { blobs } = packBlobs(groups)
  expect(blobs.length).to.equal(1)
  return blobs[0] ?? new Uint8Array()
}

function refuses(code: BlobErrorCode, position: number, act: () => unknown): void {
  expect(act, code).to.throw(BlobError).that.includes({ code, position })
}

describe('blobs', () => {
  it('lie as computed by hand: a group of 3 bytes and one of 32', () => {
    const first = toBytes('0xaabbcc')
    const second = Uint8Array.from({ length: 32 }, (_, index) => index + 1)
    const blob = blobOf([first, second])
    const element = (payload: string) => `00${payload.padEnd(62, '0')}`
    const expected = [
      element('000200000003'), // the first group begins at element 2 and has 3 bytes
      element('000300000020'), // the second one at element 3, 32 bytes
      element('aabbcc'),
      element('0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'),
      element('20'),
    ]
    expect(toHex(blob.subarray(0, 5 * 32))).to.equal(`0x${expected.join('')}`)
    expect(blob.subarray(5 * 32).every((byte) => byte === 0)).to.equal(true)
    expect(blob.length).to.equal(131_072)
    expect(readBlob(blob, 2)).to.deep.equal([first, second])
    expect(elementsOf([3, 32], 0)).to.deep.equal({ start: 2, count: 1 })
    expect(elementsOf([3, 32], 1)).to.deep.equal({ start: 3, count: 2 })
  })

  it('give back every group, whatever the groups are, and each one alone', () => {
    fc.assert(
      fc.property(segments, (groups) => {
        const packed = packBlobs(groups)
        const read = packed.blobs.flatMap((blob, index) => readBlob(blob, packed.groups[index] ?? 0))
        expect(read).to.deep.equal(groups)
        let group = 0
        packed.blobs.forEach((blob, index) => {
          const count = packed.groups[index] ?? 0
          const lengths = groups.slice(group, group + count).map(({ length }) => length)
          for (let within = 0; within < count; within += 1, group += 1) {
            expect(openGroup(blob, count, within)).to.deep.equal({
              kind: 'bytes',
              bytes: groups[group],
              elements: elementsOf(lengths, within),
            })
          }
        })
      }),
      { numRuns: 60 },
    )
  })

  it('hold only what can be a field element', () => {
    fc.assert(
      fc.property(segments, (groups) => {
        for (const blob of packBlobs(groups).blobs) {
          expect(blob.length).to.equal(BLOB_BYTES)
          for (let at = 0; at < BLOB_BYTES; at += 32) if (blob[at] !== 0) expect.fail(`element ${at / 32}`)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('are filled to the last element before the next one is begun', () => {
    const long = Array.from({ length: 15 }, () => bytes(MAX_GROUP_BYTES)) // 15 · 257 = 3,855 elements
    const filler = bytes((BLOB_ELEMENTS - 15 * 257 - 1) * 31)
    expect(packBlobs([...long, filler]).groups).to.deep.equal([16])
    expect(packBlobs([...long, filler, bytes(1)]).groups).to.deep.equal([16, 1])
    expect(packBlobs([...long, bytes(filler.length + 1)]).groups).to.deep.equal([15, 1])
  })

  it('take six a batch and no group more', () => {
    const full = Array.from({ length: 6 * 15 }, () => bytes(MAX_GROUP_BYTES))
    expect(packBlobs(full).groups).to.deep.equal([15, 15, 15, 15, 15, 15])
    refuses('blob.too-many', 90, () => packBlobs([...full, bytes(MAX_GROUP_BYTES)]))
  })

  it('take groups of 1 to 7,936 bytes', () => {
    expect(elementsFor(MAX_GROUP_BYTES)).to.equal(256)
    refuses('blob.group-size', 1, () => packBlobs([bytes(1), bytes(0)]))
    refuses('blob.group-size', 0, () => packBlobs([bytes(MAX_GROUP_BYTES + 1)]))
    refuses('blob.group-count', 0, () => packBlobs([]))
  })

  describe('that nobody wrote', () => {
    const groups = [bytes(40), bytes(62), bytes(5)] // elements 3..4, 5..6, 7
    const changed = (at: number, value: number): Uint8Array => {
      const blob = blobOf(groups)
      blob[at] = value
      return blob
    }
    const entry = (index: number, start: number, length: number): Uint8Array => {
      const blob = blobOf(groups)
      const view = new DataView(blob.buffer, 32 * index)
      view.setUint16(1, start)
      view.setUint32(3, length)
      return blob
    }

    it('are refused when they have another size or an impossible number of groups', () => {
      refuses('blob.size', 0, () => readBlob(new Uint8Array(BLOB_BYTES - 1), 1))
      for (const count of [0, -1, 1.5, 4096]) refuses('blob.group-count', 0, () => readBlob(blobOf(groups), count))
    })

    it('are refused when an element does not begin with a zero byte', () => {
      refuses('blob.element', 4, () => readBlob(changed(32 * 4, 1), 3))
      refuses('blob.element', 4095, () => readBlob(changed(32 * 4095, 1), 3))
      expect(openGroup(changed(32 * 4, 1), 3, 0)).to.deep.equal({ kind: 'bad-element', position: 4 })
      expect(openGroup(changed(32 * 4, 1), 3, 1)).to.include({ kind: 'bytes' })
    })

    it('are refused when the batch tells more or fewer groups', () => {
      for (const count of [1, 2, 4]) refuses('blob.table', 0, () => readBlob(blobOf(groups), count))
    })

    const entries: readonly [string, number, Uint8Array][] = [
      ['begins late', 1, entry(1, 6, 62)],
      ['overlaps the group before', 1, entry(1, 4, 62)],
      ['has no bytes', 1, entry(1, 5, 0)],
      ['is longer than 256 elements', 2, entry(2, 7, MAX_GROUP_BYTES + 1)],
      ['has more than its two numbers', 2, changed(32 * 2 + 7, 1)],
      ['has a last byte', 2, changed(32 * 2 + 31, 1)],
    ]
    for (const [what, index, blob] of entries) {
      it(`are refused when an entry ${what}`, () => {
        refuses('blob.table', index, () => readBlob(blob, 3))
        expect(openGroup(blob, 3, index)).to.deep.equal({ kind: 'bad-entry' })
        expect(openGroup(blob, 3, 0)).to.include({ kind: 'bytes' })
      })
    }

    it('are refused when a group passes the last element', () => {
      const long = Array.from({ length: 15 }, () => bytes(MAX_GROUP_BYTES))
      const room = BLOB_ELEMENTS - 15 * 257 - 1
      const blob = blobOf([...long, bytes(room * 31)])
      new DataView(blob.buffer, 32 * 15).setUint32(3, room * 31 + 1)
      refuses('blob.table', 15, () => readBlob(blob, 16))
      expect(openGroup(blob, 16, 15)).to.deep.equal({ kind: 'bad-entry' })
    })

    it('are refused when the rest of a last element is not zero', () => {
      const blob = changed(32 * 4 + 31, 1)
      refuses('blob.padding', 4, () => readBlob(blob, 3))
      expect(openGroup(blob, 3, 0)).to.deep.equal({ kind: 'bad-element', position: 4 })
    })

    it('are refused when anything stands after the last group, though that voids no group', () => {
      const blob = changed(BLOB_BYTES - 1, 1)
      refuses('blob.padding', 4095, () => readBlob(blob, 3))
      for (const index of [0, 1, 2]) expect(openGroup(blob, 3, index)).to.include({ kind: 'bytes' })
    })

    it('have no group past their last', () => {
      for (const index of [-1, 3, 0.5]) refuses('blob.group-count', 0, () => openGroup(blobOf(groups), 3, index))
      refuses('blob.group-count', 0, () => elementsOf([1], 1))
    })

    it('are read as they were written or refused, whatever bytes change', () => {
      fc.assert(
        fc.property(fc.nat(32 * 10), fc.integer({ min: 1, max: 255 }), (at, flip) => {
          const blob = blobOf(groups)
          blob[at] = (blob[at] ?? 0) ^ flip
          try {
            const read = readBlob(blob, 3)
            expect(packBlobs(read).blobs[0]).to.deep.equal(blob)
          } catch (error) {
            if (!(error instanceof BlobError)) throw error
          }
        }),
        { numRuns: 300 },
      )
    })
  })
})
