/** @module */
import { expect } from 'chai'
import type { Address } from 'viem'

import { pageAddress } from '#protocol/code-pages.ts'
import { FieldError } from '#protocol/words.ts'

import { readVectors } from './support/vectors.ts'

const { registry, addresses } = readVectors<{
  registry: Address
  addresses: { page: number; address: Address }[]
}>('worker-pages')

describe('code pages', () => {
  for (const { page, address } of addresses) {
    it(`finds page ${page}`, () => {
      expect(pageAddress(registry, page)).to.equal(address)
    })
  }

  it('begin with page one and end with page 2^31 - 1', () => {
    for (const page of [0, -1, 0.5, 2 ** 31]) expect(() => pageAddress(registry, page)).to.throw(FieldError)
  })
})
