/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import { bytesToHex, type Hex, hexToBytes } from 'viem'

import { type ReadGroup, readBatch } from '#auditor/decode.ts'
import { AuditError } from '#auditor/errors.ts'
import { type Batch, BatchError, decodeBatch, encodeBatch, type Group } from '#protocol/batch.ts'
import { encodeReceipts } from '#protocol/receipts.ts'

const SIGNATURE = '11'.repeat(64)
const ACKNOWLEDGEMENT = '22'.repeat(64)
const WORK = 'ab'.repeat(32)

/** Joins hand-written bytes. */
const hex = (...parts: string[]): Uint8Array => hexToBytes(`0x${parts.join('')}`)

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
      // step 66 = 0x42: deal 1 * 64 + 2; worker 513 = 0x81 0x04; first 2; two receipts; units 1 and 300 = 0xac 0x02
      const bytes = hex('0001', '42', '8104', '02', '02', SIGNATURE, '01', WORK, 'ac02', WORK)
      const { mode, lane, groups } = readBatch(bytes)
      expect({ mode, lane, groups: groups.length }).to.deep.equal({ mode: 0, lane: 1, groups: 1 })
      const [group] = groups
      expect(group).to.include({ dealId: 1, stream: 2, worker: 513, first: 2, count: 4, acknowledgement: null })
      expect(group?.signature).to.equal(`0x${SIGNATURE}`)
      expect(group?.receipts).to.deep.equal([
        { units: 1n, workHash: `0x${WORK}` },
        { units: 300n, workHash: `0x${WORK}` },
      ])
      expect(bytesToHex(group?.bytes ?? new Uint8Array())).to.equal(`0x01${WORK}ac02${WORK}`)
    })

    it('reads the acknowledgement behind the signature in lane 0 only', () => {
      const bytes = hex('0000', '40', '8004', '00', '01', SIGNATURE, ACKNOWLEDGEMENT, '05', WORK)
      expect(readBatch(bytes).groups[0]).to.include({ worker: 512, acknowledgement: `0x${ACKNOWLEDGEMENT}` })
      const forced = hex('0002', '40', '8004', '00', '01', SIGNATURE, '05', WORK)
      expect(readBatch(forced).groups[0]?.acknowledgement).to.equal(null)
    })

    it('counts streams from the one before', () => {
      const group = (step: string): string[] => [step, '8004', '00', '01', SIGNATURE, '01', WORK]
      const { groups } = readBatch(hex('0001', ...group('40'), ...group('00'), ...group('3e')))
      expect(groups.map(({ dealId, stream }) => [dealId, stream])).to.deep.equal([
        [1, 0],
        [1, 1],
        [2, 0],
      ])
    })

    it('reads the largest units a receipt may have', () => {
      const bytes = hex('0001', '40', '8004', '00', '01', SIGNATURE, 'ffffffffffff3f', WORK)
      expect(readBatch(bytes).groups[0]?.receipts[0]?.units).to.equal(2n ** 48n - 1n)
    })
  })

  describe('refuses', () => {
    const group = ['40', '8004', '00', '01', SIGNATURE, '01', WORK]
    const cases: Record<string, Uint8Array> = {
      'no bytes': hex(),
      'a header without groups': hex('0001'),
      'a mode that keeps its bytes elsewhere': hex('0101', ...group),
      'a lane that does not exist': hex('0003', ...group),
      'a byte too many': hex('0001', ...group, '00'),
      'a byte too few': hex('0001', ...group).subarray(0, -1),
      'a number with a redundant zero': hex('0001', 'c000', '8004', '00', '01', SIGNATURE, '01', WORK),
      'a number that never ends': hex('0001', '80'.repeat(40)),
      'a receipt of no units': hex('0001', '40', '8004', '00', '01', SIGNATURE, '00', WORK),
      'a receipt of 2^48 units': hex('0001', '40', '8004', '00', '01', SIGNATURE, '80808080808040', WORK),
      'a group of no receipts': hex('0001', '40', '8004', '00', '00', SIGNATURE),
      'a worker of 2^32': hex('0001', '40', '8080808010', '00', '01', SIGNATURE, '01', WORK),
      'a count of 2^32': hex('0001', '40', '8004', 'ffffffff0f', '01', SIGNATURE, '01', WORK),
      'a stream number of 2^38': hex('0001', '808080808008', '8004', '00', '01', SIGNATURE, '01', WORK),
      'more receipts than there are bytes': hex('0001', '40', '8004', '00', '02', SIGNATURE, '01', WORK),
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
    const receipt = fc.record({ units: fc.bigInt({ min: 1n, max: 2n ** 48n - 1n }), workHash: hash })
    const group = fc.record({
      dealId: fc.nat(2 ** 20),
      stream: fc.nat(63),
      worker: fc.nat(2 ** 31),
      first: fc.nat(2 ** 31),
      signature,
      acknowledgement: signature,
      receipts: fc.array(receipt, { minLength: 1, maxLength: 4 }),
    })
    const batch = fc
      .record({
        lane: fc.constantFrom(0, 1, 2),
        groups: fc.uniqueArray(group, {
          minLength: 1,
          maxLength: 5,
          selector: ({ dealId, stream }) => dealId * 64 + stream,
        }),
      })
      .map(({ lane, groups }): Batch => {
        const sorted = groups.toSorted((a, b) => a.dealId * 64 + a.stream - (b.dealId * 64 + b.stream))
        return {
          mode: 0,
          lane,
          groups: sorted.map(({ acknowledgement, ...rest }) => (lane === 0 ? { ...rest, acknowledgement } : rest)),
        }
      })

    /** A group as the encoder takes it, from what the reader found. */
    const asWritten = ({ bytes, count, acknowledgement, ...rest }: ReadGroup): Group => ({
      ...rest,
      ...(acknowledgement === null ? {} : { acknowledgement }),
    })

    it('reads what they write', () => {
      fc.assert(
        fc.property(batch, (wanted) => {
          const { mode, lane, groups } = readBatch(hexToBytes(encodeBatch(wanted)))
          expect({ mode, lane, groups: groups.map(asWritten) }).to.deep.equal(wanted)
          for (const { first, count, receipts, bytes } of groups) {
            expect(count).to.equal(first + receipts.length)
            expect(bytesToHex(bytes)).to.equal(bytesToHex(encodeReceipts(receipts)))
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
