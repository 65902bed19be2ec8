import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { dataRoot } from '#protocol/merkle.ts'
import { loadElf, programHash } from '#protocol/vm/elf.ts'
import { createDataStore } from '#runtime/data-store.ts'

import { ENDLESS, TRAPPING } from '../support/provable-programs.ts'
import { caught } from './support/caught.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('data store', () => {
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tally-data-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  const pathOf = (root: string) => join(directory, root.slice(2, 4), root.slice(2))

  it('gives back what was put, by its data root', async () => {
    const store = await createDataStore({ directory })
    for (const item of [bytes(''), bytes('notched'), new Uint8Array(10_000).fill(7)]) {
      const root = await store.put(item)
      expect(root).to.equal(dataRoot(item))
      expect(store.has(root)).to.equal(true)
      expect(await store.get(root)).to.deep.equal(item)
    }
    expect(store.usage()).to.deep.equal({ items: 3, bytes: 10_007 })
  })

  it('keeps a provable program under the hash that names it, and refuses other bytes under it', async () => {
    const store = await createDataStore({ directory })
    const name = programHash(loadElf(TRAPPING))
    expect(await caught(store.put(bytes('no program'), name))).to.include({ code: 'data.root-mismatch' })
    expect(store.has(name)).to.equal(false)
    expect(await store.put(TRAPPING, name)).to.equal(name)
    expect(await (await createDataStore({ directory })).get(name)).to.deep.equal(TRAPPING)
    await writeFile(pathOf(name), ENDLESS)
    expect(await caught(store.get(name))).to.include({ code: 'data.corrupt' })
  })

  it('removes one item and leaves the others', async () => {
    const store = await createDataStore({ directory })
    const [gone, kept] = [await store.put(bytes('gone')), await store.put(bytes('kept'))]
    await store.remove(gone)
    await store.remove(gone)
    expect([store.has(gone), await store.get(gone)]).to.deep.equal([false, null])
    expect(await store.get(kept)).to.deep.equal(bytes('kept'))
    expect(store.usage()).to.deep.equal({ items: 1, bytes: 4 })
  })

  it('knows nothing it was not given, and no path that is not a root', async () => {
    const store = await createDataStore({ directory })
    expect(await store.get(`0x${'ab'.repeat(32)}`)).to.equal(null)
    expect(store.has(`0x${'ab'.repeat(32)}`)).to.equal(false)
    expect(await caught(store.get('0x../../etc/passwd'))).to.include({ code: 'data.invalid-root' })
  })

  it('keeps its data when it is opened again, and clears what a crash left half-written', async () => {
    const root = await (await createDataStore({ directory })).put(bytes('kept'))
    await writeFile(`${pathOf(root)}.1234.part`, 'half')
    const store = await createDataStore({ directory })
    expect(await store.get(root)).to.deep.equal(bytes('kept'))
    expect(store.usage()).to.deep.equal({ items: 1, bytes: 4 })
    expect(await readdir(join(directory, root.slice(2, 4)))).to.deep.equal([root.slice(2)])
  })

  it('never gives other bytes than were put: a rotten file is set aside and healed by the next put', async () => {
    const store = await createDataStore({ directory })
    const root = await store.put(bytes('sound'))
    await writeFile(pathOf(root), 'rotten')
    expect(await caught(store.get(root))).to.include({ code: 'data.corrupt' })
    expect(await store.get(root)).to.equal(null)
    await store.put(bytes('sound'))
    expect(await store.get(root)).to.deep.equal(bytes('sound'))
    expect(store.usage()).to.deep.equal({ items: 1, bytes: 5 })
  })

  it('refuses long items and holds no more than its limit, also when filled from many sides', async () => {
    const store = await createDataStore({ directory, maxBytes: 100, maxItemBytes: 40 })
    expect(await caught(store.put(new Uint8Array(41)))).to.include({ code: 'data.too-large' })
    const puts = [1, 2, 3, 4].map((fill) => store.put(new Uint8Array(30).fill(fill)))
    const results = await Promise.allSettled(puts)
    expect(results.filter(({ status }) => status === 'fulfilled').length).to.equal(3)
    expect(results.find((result) => result.status === 'rejected')?.reason).to.include({ code: 'data.full' })
    expect(store.usage()).to.deep.equal({ items: 3, bytes: 90 })
  })

  it('stores the same bytes once, however often and at once they are put', async () => {
    const store = await createDataStore({ directory })
    const roots = await Promise.all(Array.from({ length: 10 }, () => store.put(bytes('same'))))
    expect(new Set(roots).size).to.equal(1)
    expect(store.usage()).to.deep.equal({ items: 1, bytes: 4 })
    expect((await readFile(pathOf(roots[0] ?? ''))).toString()).to.equal('same')
  })

  it('forgets what is older than it must keep, and makes room by that', async () => {
    const store = await createDataStore({ directory, maxBytes: 10 })
    const root = await store.put(bytes('0123456789'))
    expect(await store.prune(60_000)).to.equal(0)
    expect(await store.prune(-1_000)).to.equal(1)
    expect(await store.get(root)).to.equal(null)
    await store.put(bytes('9876543210'))
    expect(store.usage()).to.deep.equal({ items: 1, bytes: 10 })
  })
})
