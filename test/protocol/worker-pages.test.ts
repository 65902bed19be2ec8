/** @module */
import { expect } from 'chai'
import { type Address, type Hex, zeroAddress } from 'viem'
import { FieldError } from '#protocol/words.ts'
import { packKeys, parseWorkerPage, WorkerPageError, workerIndex, workerPosition } from '#protocol/worker-pages.ts'

import { joinPieces, readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  indexes: { page: number; row: number; index: number }[]
  pages: { rows: { provider: number; key: Address }[]; pieces: string[]; code: Hex }[]
  malformed: { name: string; code: Hex }[]
}>('worker-pages')

describe('worker pages', () => {
  for (const { page, row, index } of vectors.indexes) {
    it(`numbers row ${row} of page ${page} as ${index}`, () => {
      expect(workerIndex(page, row)).to.equal(index)
      expect(workerPosition(index)).to.deep.equal({ page, row })
    })
  }

  for (const { rows, pieces, code } of vectors.pages) {
    it(`reads the rows of providers ${rows.map(({ provider }) => provider).join(', ')}`, () => {
      expect(code).to.equal(joinPieces(pieces))
      expect(parseWorkerPage(code)).to.deep.equal(rows)
    })
  }

  it('takes keys one after the other', () => {
    const keys: Address[] = [`0x${'0a'.repeat(20)}`, `0x${'0b'.repeat(20)}`]
    expect(packKeys(keys)).to.equal(`0x${'0a'.repeat(20)}${'0b'.repeat(20)}`)
  })

  for (const { name, code } of vectors.malformed) {
    it(`is not ${name}`, () => {
      expect(() => parseWorkerPage(code))
        .to.throw(WorkerPageError)
        .with.property('code', 'worker-page.malformed')
    })
  }

  it('holds 512 keys and no more', () => {
    const key: Address = `0x${'11'.repeat(20)}`
    const code = (rows: number): Hex => `0x00${'11'.repeat(24 * rows)}`
    expect(parseWorkerPage(code(512))).to.have.lengthOf(512)
    expect(() => parseWorkerPage(code(513))).to.throw(WorkerPageError)
    expect(packKeys(Array.from({ length: 512 }, () => key))).to.have.lengthOf(2 + 40 * 512)
    expect(() => packKeys(Array.from({ length: 513 }, () => key))).to.throw(FieldError)
  })

  it('never starts at page zero, has no row 512, no key zero and no empty list', () => {
    expect(() => workerIndex(0, 1)).to.throw(FieldError)
    expect(() => workerIndex(1, 512)).to.throw(FieldError)
    expect(() => workerIndex(2 ** 31, 0)).to.throw(FieldError)
    expect(() => workerPosition(2 ** 40)).to.throw(FieldError)
    expect(() => packKeys([])).to.throw(FieldError)
    expect(() => packKeys([zeroAddress])).to.throw(FieldError)
  })
})
