/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import type { Hex } from 'viem'

import { createBlobArchive, groupBytesIn } from '#auditor/blobs.ts'
import { AuditError } from '#auditor/errors.ts'
import { openGroup, packBlobs } from '#protocol/blob.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'

const segments = fc.array(fc.uint8Array({ minLength: 1, maxLength: 120 }), { minLength: 1, maxLength: 6 })

describe('blobs, as the auditor reads them', function () {
  this.timeout(60_000)

  it('hold each group as the writer put it', () => {
    fc.assert(
      fc.property(segments, (groups) => {
        const [blob = new Uint8Array()] = packBlobs(groups).blobs
        expect(groups.map((_, index) => groupBytesIn(blob, groups.length, index))).to.deep.equal(groups)
      }),
      { numRuns: 50 },
    )
  })

  it('hold nothing exactly where the chain would call the group void, whatever bytes were changed', () => {
    const change = fc.record({ at: fc.nat(32 * 40), byte: fc.nat(255) })
    fc.assert(
      fc.property(segments, fc.array(change, { minLength: 1, maxLength: 3 }), (groups, changes) => {
        const [blob = new Uint8Array()] = packBlobs(groups).blobs
        for (const { at, byte } of changes) blob[at] = byte
        for (const index of groups.keys()) {
          const opened = openGroup(blob, groups.length, index)
          const expected = opened.kind === 'bytes' ? opened.bytes : null
          expect(groupBytesIn(blob, groups.length, index)).to.deep.equal(expected)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('have 131,072 bytes', () => {
    expect(() => groupBytesIn(new Uint8Array(1), 1, 0))
      .to.throw(AuditError)
      .with.property('code', 'blob.size')
  })

  describe('from archives', () => {
    const kzg = createKzg()
    const [blob = new Uint8Array()] = packBlobs([new Uint8Array(9).fill(3)]).blobs
    let hash: Hex
    before(async () => {
      hash = (await commitBlobs(kzg, [blob]))[0]?.versionedHash ?? '0x'
    })

    /** Archives by their URL: what they give, or nothing at all. */
    function archives(places: Record<string, Uint8Array | number | null>) {
      const asked: string[] = []
      const get: typeof fetch = async (input) => {
        const { origin, pathname } = new URL(String(input))
        asked.push(origin)
        expect(pathname).to.equal(`/v1/blobs/${hash}`)
        const answer = places[origin] ?? null
        if (answer === null) throw new TypeError('nobody is there')
        return typeof answer === 'number'
          ? new Response('', { status: answer })
          : new Response(new Uint8Array(answer), { status: 200 })
      }
      return { asked, get }
    }

    it('come from those named first, then from the committee', async () => {
      const { asked, get } = archives({ 'http://named': 404, 'http://member': blob })
      const read = createBlobArchive({ kzg, archives: ['http://named'], fetch: get })
      expect(await read(hash, ['http://member', 'no url'])).to.deep.equal(blob)
      expect(asked).to.deep.equal(['http://named', 'http://member'])
    })

    it('are open when nobody has them or only others are given, and who is silent is not asked twice', async () => {
      const { asked, get } = archives({ 'http://liar': new Uint8Array(131_072), 'http://empty': 404 })
      const read = createBlobArchive({ kzg, archives: ['http://gone', 'http://liar'], fetch: get })
      expect(await read(hash, ['http://empty'])).to.equal(null)
      expect(await read(hash, ['http://empty'])).to.equal(null)
      expect(asked).to.deep.equal(['http://gone', 'http://liar', 'http://empty', 'http://liar', 'http://empty'])
    })
  })
})
