/** @module */
import { expect } from 'chai'
import { type Address, type Hex, zeroAddress } from 'viem'
import { FieldError } from '#protocol/words.ts'
import {
  packKeys,
  pageAddress,
  parseWorkerPage,
  WorkerPageError,
  workerIndex,
  workerPosition,
} from '#protocol/worker-pages.ts'

import { joinPieces, readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  registry: Address
  addresses: { page: number; address: Address }[]
  indexes: { page: number; row: number; index: number }[]
  pages: { provider: number; keys: Address[]; pieces: string[]; code: Hex }[]
  malformed: { name: string; code: Hex }[]
}>('worker-pages')

describe('worker pages', () => {
  for (const { page, address } of vectors.addresses) {
    it(`finds page ${page}`, () => {
      expect(pageAddress(vectors.registry, page)).to.equal(address)
    })
  }

  for (const { page, row, index } of vectors.indexes) {
    it(`numbers row ${row} of page ${page} as ${index}`, () => {
      expect(workerIndex(page, row)).to.equal(index)
      expect(workerPosition(index)).to.deep.equal({ page, row })
    })
  }

  for (const { provider, keys, pieces, code } of vectors.pages) {
    it(`reads the ${keys.length} keys of provider ${provider}`, () => {
      expect(code).to.equal(joinPieces(pieces))
      expect(parseWorkerPage(code)).to.deep.equal({ provider, keys })
      expect(packKeys(keys)).to.equal(`0x${code.slice(12)}`)
    })
  }

  for (const { name, code } of vectors.malformed) {
    it(`is not ${name}`, () => {
      expect(() => parseWorkerPage(code))
        .to.throw(WorkerPageError)
        .with.property('code', 'worker-page.malformed')
    })
  }

  it('holds 512 keys and no more', () => {
    const key: Address = `0x${'11'.repeat(20)}`
    const code = (rows: number): Hex => `0x0000000001${'11'.repeat(20 * rows)}`
    expect(parseWorkerPage(code(512)).keys).to.have.lengthOf(512)
    expect(() => parseWorkerPage(code(513))).to.throw(WorkerPageError)
    expect(packKeys(Array.from({ length: 512 }, () => key))).to.have.lengthOf(2 + 40 * 512)
    expect(() => packKeys(Array.from({ length: 513 }, () => key))).to.throw(FieldError)
  })

  it('never starts at page zero, has no row 512, no key zero and no empty list', () => {
    expect(() => pageAddress(vectors.registry, 0)).to.throw(FieldError)
    expect(() => pageAddress(vectors.registry, 2 ** 23)).to.throw(FieldError)
    expect(() => workerIndex(0, 1)).to.throw(FieldError)
    expect(() => workerIndex(1, 512)).to.throw(FieldError)
    expect(() => workerPosition(2 ** 32)).to.throw(FieldError)
    expect(() => packKeys([])).to.throw(FieldError)
    expect(() => packKeys([zeroAddress])).to.throw(FieldError)
  })
})
