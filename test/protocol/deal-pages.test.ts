/** @module */
import { expect } from 'chai'
import type { Hex } from 'viem'

import { DEAL_ROWS, DealPageError, dealPlace, dealPosition, parseDealPage } from '#protocol/deal-pages.ts'
import { FieldError } from '#protocol/words.ts'

import { joinPieces, readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  places: { page: number; row: number; place: number }[]
  pages: {
    rows: { dealKey: Hex; terms: Hex; budget: string; allowance: string }[]
    pieces: string[]
    code: Hex
  }[]
  malformed: { name: string; code: Hex }[]
}>('deal-pages')

describe('deal pages', () => {
  for (const { page, row, place } of vectors.places) {
    it(`place row ${row} of page ${page} at ${place}`, () => {
      expect(dealPlace(page, row)).to.equal(place)
      expect(dealPosition(place)).to.deep.equal({ page, row })
    })
  }

  for (const { rows, pieces, code } of vectors.pages) {
    it(`read: ${rows.length} rows`, () => {
      expect(code).to.equal(joinPieces(pieces))
      const expected = rows.map((row) => ({ ...row, budget: BigInt(row.budget), allowance: BigInt(row.allowance) }))
      expect(parseDealPage(code)).to.deep.equal(expected)
    })
  }

  for (const { name, code } of vectors.malformed) {
    it(`are not ${name}`, () => {
      expect(() => parseDealPage(code))
        .to.throw(DealPageError)
        .with.property('code', 'deal-page.malformed')
    })
  }

  it('hold 256 deals and no more', () => {
    const code = (rows: number): Hex => `0x00${'11'.repeat(80 * rows)}`
    expect(parseDealPage(code(DEAL_ROWS))).to.have.lengthOf(256)
    expect(() => parseDealPage(code(257))).to.throw(DealPageError)
  })

  it('never start at page zero and have no row 256', () => {
    for (const place of [0, 255, 2 ** 32]) expect(() => dealPosition(place)).to.throw(FieldError)
    expect(() => dealPlace(0, 1)).to.throw(FieldError)
    expect(() => dealPlace(1, 256)).to.throw(FieldError)
    expect(() => dealPlace(2 ** 24, 0)).to.throw(FieldError)
  })
})
