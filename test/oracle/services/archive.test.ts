import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import type { Hex } from 'viem'

import { createHttpServer } from '#oracle/adapters/http-server.ts'
import { createSqliteStore } from '#oracle/adapters/sqlite-store.ts'
import type { Store } from '#oracle/ports.ts'
import { type Archive, createArchive } from '#oracle/services/archive.ts'
import { packBlobs } from '#protocol/blob.ts'
import { BLOB_BYTES } from '#protocol/kzg.ts'
import { BlobReadError, createBlobReader } from '#runtime/blob-reader.ts'
import { type CommittedBlob, commitBlobs } from '#runtime/blob-transaction.ts'
import { createDataStore, type DataStore } from '#runtime/data-store.ts'
import { listenHttp } from '#runtime/http.ts'
import { createKzg } from '#runtime/kzg.ts'
import { createLog } from '#runtime/log.ts'

const log = createLog({ name: 'test', level: 'silent' })
const HASH: Hex = `0x${'ab'.repeat(32)}`

describe("a member's archive of blobs", function () {
  this.timeout(60_000)
  const kzg = createKzg()
  let blobs: CommittedBlob[]
  let folder: string
  let store: Store
  let data: DataStore
  let archive: Archive
  let app: FastifyInstance
  let url: string
  let now: number
  let asked: Hex[]
  let elsewhere: Map<Hex, Uint8Array>

  before(async () => {
    const payloads = [1, 2, 3].map((value) => new Uint8Array(60).fill(value))
    blobs = await commitBlobs(
      kzg,
      payloads.flatMap((payload) => packBlobs([payload]).blobs),
    )
  })
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tally-archive-'))
    ;[now, asked, elsewhere] = [1_000_000, [], new Map()]
    await open()
  })
  afterEach(async () => {
    await close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(maxBytes = 8 * BLOB_BYTES): Promise<void> {
    store = createSqliteStore({ file: join(folder, 'oracle.sqlite'), deployment: 'one' })
    data = await createDataStore({ directory: join(folder, 'blobs'), maxBytes })
    archive = createArchive({
      ...{ kzg, data, log },
      blobs: store.blobs,
      clock: { now: () => now },
      retryMs: 60_000,
      read: async (hash) => {
        asked.push(hash)
        const blob = elsewhere.get(hash)
        if (blob === undefined) throw new BlobReadError(hash, [])
        return blob
      },
    })
    const unused = {} as Parameters<typeof createHttpServer>[0]
    app = createHttpServer({ ...unused, archive, log })
    ;({ url } = await listenHttp(app, { port: 0 }))
  }
  async function close(): Promise<void> {
    await app.close()
    store.close()
  }

  const [first, second] = [() => blobAt(0), () => blobAt(1)]
  const blobAt = (index: number): CommittedBlob => blobs[index] ?? expect.fail('no such blob')

  /** The chain shows a settled batch with these blobs. */
  function settle(...named: readonly CommittedBlob[]): void {
    const head = { number: 5n, hash: HASH, parentHash: HASH, timestamp: 1n }
    const batch = { root: HASH, transaction: HASH, blockNumber: 5n, blockHash: HASH }
    store.blocks.apply(
      { ancestor: null, removed: [], added: [head], from: 5n, head },
      {
        opened: [],
        settled: [{ ...batch, blobs: named.map(({ versionedHash }) => versionedHash) }],
        packed: [],
        nets: [],
      },
    )
  }

  async function put(hash: Hex, body: Uint8Array): Promise<[number, string | undefined]> {
    const response = await fetch(`${url}/v1/blobs/${hash}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: Buffer.from(body),
    })
    return [response.status, (await response.json()).code]
  }

  it('takes what a settled batch names, and gives it to any reader', async () => {
    settle(first(), second())
    expect(store.blobs.counts()).to.deep.equal({ kept: 0, missing: 2, waiting: 0 })
    expect(await put(first().versionedHash, first().blob)).to.deep.equal([201, undefined])
    expect(await put(first().versionedHash, first().blob)).to.deep.equal([200, undefined])
    expect(store.blobs.counts()).to.deep.equal({ kept: 1, missing: 1, waiting: 0 })
    const reader = createBlobReader({ kzg, archives: [url] })
    expect(await reader.read(first().versionedHash)).to.deep.equal(first().blob)
  })

  it('takes nothing else: no blob the chain does not name, no other bytes, no bytes that are no blob', async () => {
    expect(await put(first().versionedHash, first().blob)).to.deep.equal([409, 'blob.unexpected'])
    settle(first())
    for (const body of [second().blob, first().blob.subarray(1), new Uint8Array(BLOB_BYTES).fill(255)])
      expect(await put(first().versionedHash, body)).to.deep.equal([400, 'blob.hash-mismatch'])
    expect(data.usage().items).to.equal(0)
    expect(await put('0x01', first().blob)).to.deep.equal([400, 'wire.invalid'])
  })

  it('does not have what it was not given', async () => {
    const answer = await fetch(`${url}/v1/blobs/${first().versionedHash}`)
    expect([answer.status, (await answer.json()).code]).to.deep.equal([404, 'blob.unknown'])
  })

  it('still has it after a restart', async () => {
    settle(first())
    await archive.put(first().versionedHash, first().blob)
    await close()
    await open()
    expect(await archive.get(first().versionedHash)).to.deep.equal(first().blob)
  })

  it('keeps the blobs of a batch under way for an hour, and for good once it is settled', async () => {
    await archive.keep([first(), second()])
    expect(await archive.get(first().versionedHash)).to.deep.equal(first().blob)
    expect(store.blobs.counts()).to.deep.equal({ kept: 0, missing: 0, waiting: 2 })
    settle(first())
    expect(store.blobs.counts()).to.deep.equal({ kept: 1, missing: 0, waiting: 1 })
    now += 3_600_001
    await archive.step()
    expect(await archive.get(second().versionedHash)).to.equal(null)
    expect(await archive.get(first().versionedHash)).to.deep.equal(first().blob)
    expect(data.usage().items).to.equal(1)
    now += 1_000_000_000_000
    await archive.step()
    expect(await archive.get(first().versionedHash)).to.deep.equal(first().blob)
  })

  it('keeps the blobs of a batch that may still get to the chain, however long that takes', async () => {
    await archive.keep([first()])
    const batch = { lane: 1, root: HASH, data: HASH, groups: [], mostGas: 1 }
    const id = store.batches.insert({ ...batch, blobs: [first().versionedHash] })
    now += 7_200_000
    await archive.step()
    expect(await archive.load([first().versionedHash])).to.deep.equal([first()])
    store.batches.fail(id, 'it would revert')
    await archive.step()
    expect(await archive.load([first().versionedHash])).to.equal(null)
  })

  it('fetches what it lacks from the others, and asks again later when nobody has it', async () => {
    settle(...blobs)
    elsewhere.set(first().versionedHash, first().blob)
    await archive.step()
    expect(asked).to.have.members(blobs.map(({ versionedHash }) => versionedHash))
    expect(await archive.get(first().versionedHash)).to.deep.equal(first().blob)
    expect(store.blobs.counts()).to.deep.equal({ kept: 1, missing: 2, waiting: 0 })
    await archive.step()
    expect(asked.length).to.equal(3)
    now += 60_001
    elsewhere.set(second().versionedHash, second().blob)
    await archive.step()
    expect(asked.length).to.equal(5)
    expect(store.blobs.counts()).to.deep.equal({ kept: 2, missing: 1, waiting: 0 })
  })

  it('notices a blob damaged on the disk, and heals it', async () => {
    settle(first())
    await archive.put(first().versionedHash, first().blob)
    const [part = ''] = readdirSync(join(folder, 'blobs'))
    const [name = ''] = readdirSync(join(folder, 'blobs', part))
    writeFileSync(join(folder, 'blobs', part, name), 'damaged')
    expect(await archive.get(first().versionedHash)).to.equal(null)
    expect(store.blobs.counts().missing).to.equal(1)
    elsewhere.set(first().versionedHash, first().blob)
    await archive.step()
    expect(await archive.get(first().versionedHash)).to.deep.equal(first().blob)
  })

  it('says when it is full', async () => {
    await close()
    await open(BLOB_BYTES)
    settle(first(), second())
    expect(await put(first().versionedHash, first().blob)).to.deep.equal([201, undefined])
    expect(await put(second().versionedHash, second().blob)).to.deep.equal([507, 'blob.full'])
  })

  it('judges a few strangers at a time', async () => {
    settle(...blobs)
    const answers = await Promise.all(blobs.map(({ versionedHash, blob }) => put(versionedHash, blob)))
    const busy = answers.filter(([, code]) => code === 'blob.busy')
    expect(answers.filter(([status]) => status === 201).length + busy.length).to.equal(3)
    for (const { versionedHash, blob } of blobs) await put(versionedHash, blob)
    expect(store.blobs.counts()).to.deep.equal({ kept: 3, missing: 0, waiting: 0 })
  })
})
