/** @module */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect } from 'chai'
import type { Hex } from 'viem'

import { packBlobs } from '#protocol/blob.ts'
import { BLOB_BYTES } from '#protocol/kzg.ts'
import { BlobReadError, createBlobReader } from '#runtime/blob-reader.ts'
import { createKzg } from '#runtime/kzg.ts'

import { caught } from './support/caught.ts'

const blobOf = (value: number): Uint8Array => packBlobs([new Uint8Array(50).fill(value)]).blobs[0] ?? new Uint8Array()

describe('reading blobs from archives', function () {
  this.timeout(60_000)
  const kzg = createKzg()
  const blob = blobOf(1)
  const notBelow = new Uint8Array(BLOB_BYTES).fill(255)
  let hash: Hex
  const servers: Server[] = []

  before(async () => {
    hash = kzg.versionedHash(await kzg.commit(blob))
  })
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  type Answer = { readonly status: number; readonly body?: Uint8Array } | 'never'

  /** An archive that answers so, and what it was asked for. */
  async function archive(answer: Answer): Promise<{ url: string; asked: string[] }> {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      if (answer === 'never') return
      response.writeHead(answer.status).end(answer.body ?? '')
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
  }

  it('gives the blob of a hash, from the first archive that has it', async () => {
    const [good, never] = [await archive({ status: 200, body: blob }), await archive({ status: 200, body: blob })]
    const reader = createBlobReader({ kzg, archives: [good.url, never.url] })
    expect(await reader.read(hash)).to.deep.equal(blob)
    expect(good.asked).to.deep.equal([`/v1/blobs/${hash}`])
    expect(never.asked).to.deep.equal([])
  })

  it('believes no archive: other blobs, cut ones, longer ones and bytes that are no blob are passed over', async () => {
    const bodies = [blobOf(2), blob.subarray(1), new Uint8Array(BLOB_BYTES + 1), notBelow, new Uint8Array()]
    const liars = await Promise.all(bodies.map((body) => archive({ status: 200, body })))
    const good = await archive({ status: 200, body: blob })
    const archives = [...liars, good].map(({ url }) => url)
    expect(await createBlobReader({ kzg, archives }).read(hash)).to.deep.equal(blob)
    const error = await caught(createBlobReader({ kzg, archives: archives.slice(0, -1) }).read(hash))
    expect(error).to.be.instanceOf(BlobReadError).and.to.include({ code: 'blob.unavailable', versionedHash: hash })
    expect((error as BlobReadError).failures).to.deep.equal(liars.map(({ url }) => ({ archive: url, reason: 'false' })))
  })

  it('tells who does not have it, who does not answer and who is not there', async () => {
    const [missing, broken, never] = [
      await archive({ status: 404 }),
      await archive({ status: 500 }),
      await archive('never'),
    ]
    const archives = [missing.url, broken.url, never.url, 'http://127.0.0.1:1']
    const error = await caught(createBlobReader({ kzg, archives, timeoutMs: 200 }).read(hash))
    expect((error as BlobReadError).failures.map(({ reason }) => reason)).to.deep.equal([
      'unknown',
      'silent',
      'silent',
      'silent',
    ])
  })

  it('has nothing to give when no archive is named', async () => {
    expect(await caught(createBlobReader({ kzg, archives: [] }).read(hash))).to.include({ code: 'blob.unavailable' })
  })

  it('ends at once when it is told to', async () => {
    const { url } = await archive('never')
    const stop = new AbortController()
    const reading = caught(createBlobReader({ kzg, archives: [url], signal: stop.signal }).read(hash))
    stop.abort(new Error('enough'))
    expect((await reading).message).to.equal('enough')
  })
})
