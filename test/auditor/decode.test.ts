/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import { bytesToHex, type Hex, hexToBytes, keccak256 } from 'viem'

import { type ReadGroup, readBatch, readReceipts } from '#auditor/decode.ts'
import { AuditError } from '#auditor/errors.ts'
import { type Batch, BatchError, decodeBatch, encodeBatch } from '#protocol/batch.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Mode } from '#protocol/types.ts'

const SIGNATURE = '11'.repeat(64)
const ACKNOWLEDGEMENT = '22'.repeat(64)
const WORK = 'ab'.repeat(32)
const SEGMENT = 'cd'.repeat(32)

/** Joins hand-written bytes. */
const hex = (...parts: string[]): Uint8Array => hexToBytes(`0x${parts.join('')}`)

/** Stream number, place, worker, first, count - first, units so far: deal 1, stream 0, worker 512, one receipt. */
const head = { number: '0000000040', place: '00000000', worker: '0000000200', first: '000000', length: '0001' }
const headOf = (changes: Partial<typeof head> & { units?: string } = {}): string =>
  Object.values({ ...head, units: '0000000001', ...changes }).join('')
const receipt = (units = '000001'): string => `${units}${WORK}`

const codeOf = (bytes: Uint8Array): string => {
  try {
    readBatch(bytes)
    return 'accepted'
  } catch (error) {
    return error instanceof AuditError ? error.code : 'another error'
  }
}

describe('the auditor’s reader of batches', () => {
  describe('on bytes written by hand', () => {
    it('reads one attested group of deal 1, stream 2, two receipts from the third on', () => {
      const wide = { number: '0000000042', place: '00000107', worker: '0100000201', first: '000002', length: '0002' }
      const receipts = `${receipt()}${receipt('00012c')}`
      const bytes = hex('0001', headOf({ ...wide, units: '000000014d' }), SIGNATURE, receipts)
      const { mode, lane, blobs, groups } = readBatch(bytes)
      expect({ mode, lane, blobs, groups: groups.length }).to.deep.equal({ mode: 0, lane: 1, blobs: [], groups: 1 })
      const [group] = groups
      expect(group).to.include({ dealId: 1, stream: 2, place: 263, worker: 2 ** 32 + 513, first: 2, count: 4 })
      expect(group).to.include({ units: 333n, acknowledgement: null, signature: `0x${SIGNATURE}` })
      expect(group?.segment).to.equal(keccak256(`0x${receipts}`))
      expect(bytesToHex(group?.bytes ?? new Uint8Array())).to.equal(`0x${receipts}`)
      expect(readReceipts(group?.bytes ?? new Uint8Array(), 2)).to.deep.equal([
        { units: 1n, workHash: `0x${WORK}` },
        { units: 300n, workHash: `0x${WORK}` },
      ])
    })

    it('reads the acknowledgement behind the signature in lane 0 only', () => {
      const bytes = hex('0000', headOf(), SIGNATURE, ACKNOWLEDGEMENT, receipt())
      expect(readBatch(bytes).groups[0]).to.include({ worker: 512, acknowledgement: `0x${ACKNOWLEDGEMENT}` })
      const forced = hex('0002', headOf(), SIGNATURE, receipt())
      expect(readBatch(forced).groups[0]?.acknowledgement).to.equal(null)
    })

    it('reads hashes in the place of receipts that stand in blobs', () => {
      const second = headOf({ number: '0000000041' })
      const bytes = hex('010102', '0001', '0001', headOf(), SEGMENT, SIGNATURE, second, SEGMENT, SIGNATURE)
      const { mode, blobs, groups } = readBatch(bytes)
      expect({ mode, blobs, groups: groups.length }).to.deep.equal({ mode: 1, blobs: [1, 1], groups: 2 })
      expect(groups[1]).to.include({ stream: 1, segment: `0x${SEGMENT}`, signature: `0x${SIGNATURE}`, bytes: null })
    })

    it('reads the largest units a receipt may have', () => {
      expect(readReceipts(hex(receipt('ffffff')), 1)?.[0]?.units).to.equal(2n ** 24n - 1n)
    })
  })

  describe('refuses', () => {
    const group = [headOf(), SIGNATURE, receipt()]
    const inBlob = [headOf(), SEGMENT, SIGNATURE]
    const cases: Record<string, Uint8Array> = {
      'no bytes': hex(),
      'a header without groups': hex('0001'),
      'a mode that nets': hex('0201', ...group),
      'a lane that does not exist': hex('0003', ...group),
      'a byte too many': hex('0001', ...group, '00'),
      'a byte too few': hex('0001', ...group).subarray(0, -1),
      'a receipt of no units': hex('0001', headOf(), SIGNATURE, receipt('000000')),
      'a receipt of no units among those settled before': hex(
        ...['0001', headOf({ length: '0002' }), SIGNATURE, receipt('000000'), receipt()],
      ),
      'a group of no receipts': hex('0001', headOf({ length: '0000' }), SIGNATURE),
      'a count of 2^24': hex('0001', headOf({ first: 'ffffff' }), SIGNATURE, receipt()),
      'a stream number of 2^38': hex('0001', headOf({ number: '4000000000' }), SIGNATURE, receipt()),
      'the same stream twice': hex('0001', ...group, ...group),
      'a stream number that falls': hex('0001', ...group, headOf({ number: '000000003f' }), SIGNATURE, receipt()),
      'more receipts than there are bytes': hex('0001', headOf({ length: '0002' }), SIGNATURE, receipt()),
      'a forced batch in blobs': hex('0102', '01', '0001', ...inBlob),
      'no blobs': hex('0101', '00', ...inBlob),
      'seven blobs': hex('0101', '07', '0001'.repeat(7), ...inBlob),
      'a blob without groups': hex('0101', '02', '0001', '0000', ...inBlob),
      'more groups than in its blobs': hex(
        '0101',
        '01',
        '0001',
        ...inBlob,
        headOf({ number: '0000000041' }),
        SEGMENT,
        SIGNATURE,
      ),
      'fewer groups than in its blobs': hex('0101', '01', '0002', ...inBlob),
    }
    for (const [name, bytes] of Object.entries(cases)) {
      it(name, () => {
        expect(codeOf(bytes)).to.equal('batch.malformed')
      })
    }
  })

  describe('beside the encoder and decoder of the other nodes', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes): Hex => bytesToHex(bytes))
    const signature = fc.uint8Array({ minLength: 64, maxLength: 64 }).map((bytes): Hex => bytesToHex(bytes))
    const receiptOf = fc.record({ units: fc.bigInt({ min: 1n, max: 2n ** 24n - 1n }), workHash: hash })
    const group = fc.record({
      dealId: fc.nat(2 ** 20),
      stream: fc.nat(63),
      place: fc.nat(2 ** 30 - 1).map((place) => 4 * place + 1),
      worker: fc.nat(2 ** 30).map((worker) => 1000 * worker),
      first: fc.nat(2 ** 23),
      units: fc.bigInt({ min: 0n, max: 2n ** 40n - 1n }),
      signature,
      acknowledgement: signature,
      segment: hash,
      receipts: fc.array(receiptOf, { minLength: 1, maxLength: 4 }),
    })
    type Made = typeof group extends fc.Arbitrary<infer T> ? T : never

    function batchOf(mode: Mode, lane: number, groups: readonly Made[]): Batch {
      const deals = new Set<number>()
      const sorted = groups.toSorted((a, b) => a.dealId * 64 + a.stream - (b.dealId * 64 + b.stream))
      const heads = sorted.map(({ place, acknowledgement, segment, receipts, ...rest }) => {
        // only the first group of a deal says where it stands
        const hint = deals.has(rest.dealId) ? {} : { place }
        deals.add(rest.dealId)
        return { ...rest, ...hint, ...(lane === 0 ? { acknowledgement } : {}) }
      })
      if (mode === Mode.Blob) {
        const more = heads.map((one, i) => ({ ...one, count: one.first + 1, segment: sorted[i]?.segment ?? '0x' }))
        return { mode, lane, blobs: [{ groups: groups.length }], groups: more }
      }
      const all = heads.map((one, i) => ({ ...one, receipts: sorted[i]?.receipts ?? [] }))
      return { mode: Mode.Calldata, lane, groups: all }
    }

    const groups = fc.uniqueArray(group, {
      ...{ minLength: 1, maxLength: 5 },
      selector: ({ dealId, stream }) => dealId * 64 + stream,
    })
    const batch = fc.oneof(
      fc.tuple(fc.constant(Mode.Calldata), fc.constantFrom(0, 1, 2), groups).map((made) => batchOf(...made)),
      fc.tuple(fc.constant(Mode.Blob), fc.constantFrom(0, 1), groups).map((made) => batchOf(...made)),
    )

    /** A batch as the encoder takes it, from what the reader found. */
    function asWritten({ mode, lane, blobs, groups: found }: ReturnType<typeof readBatch>): unknown {
      const read = found.map(({ bytes, segment, count, acknowledgement, place, ...rest }: ReadGroup) => ({
        ...rest,
        ...(place === 0 ? {} : { place }),
        ...(acknowledgement === null ? {} : { acknowledgement }),
        ...(bytes === null ? { segment, count } : { receipts: readReceipts(bytes, count - rest.first) }),
      }))
      return { mode, lane, ...(mode === Mode.Blob ? { blobs: blobs.map((n) => ({ groups: n })) } : {}), groups: read }
    }

    it('reads what they write', () => {
      fc.assert(
        fc.property(batch, (wanted) => {
          const read = readBatch(hexToBytes(encodeBatch(wanted)))
          expect(asWritten(read)).to.deep.equal(wanted)
          if (wanted.mode !== Mode.Calldata) return
          for (const [index, { bytes, segment }] of read.groups.entries()) {
            const theirs = encodeReceipts(wanted.groups[index]?.receipts ?? [])
            expect(bytesToHex(bytes ?? new Uint8Array())).to.equal(bytesToHex(theirs))
            expect(segment).to.equal(keccak256(theirs))
          }
        }),
        { numRuns: 200 },
      )
    })

    it('refuses exactly what they refuse', () => {
      const refusedByThem = (bytes: Uint8Array): boolean => {
        try {
          decodeBatch(bytesToHex(bytes))
          return false
        } catch (error) {
          if (error instanceof BatchError) return true
          throw error
        }
      }
      fc.assert(
        fc.property(
          batch,
          fc.nat(),
          fc.nat(255),
          fc.constantFrom('set', 'cut', 'insert'),
          (wanted, where, byte, how) => {
            const bytes = hexToBytes(encodeBatch(wanted))
            const at = where % bytes.length
            const damaged = {
              set: () => bytes.map((one, i) => (i === at ? byte : one)),
              cut: () => bytes.subarray(0, at),
              insert: () => Uint8Array.of(...bytes.subarray(0, at), byte, ...bytes.subarray(at)),
            }[how]()
            expect(codeOf(damaged) === 'batch.malformed').to.equal(refusedByThem(damaged))
          },
        ),
        { numRuns: 500 },
      )
    })
  })
})
