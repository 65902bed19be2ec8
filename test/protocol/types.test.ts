/** @module */

import { readFileSync } from 'node:fs'
import { expect } from 'chai'

import { types } from '#protocol/eip712.ts'
import { DealState, Kind, Lane, Mode, Outcome } from '#protocol/types.ts'

const source = (name: string): string =>
  readFileSync(new URL(`../../contracts/interfaces/${name}.sol`, import.meta.url), 'utf8')

/** Words between the braces that follow `head`, comments dropped. */
function body(text: string, head: string): string[] {
  const block = new RegExp(`${head} \\{([^}]*)\\}`).exec(text)?.[1] ?? ''
  return block
    .replaceAll(/\/\/[^\n]*/g, '')
    .split(/[,;]/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

describe('names of numbers', () => {
  const enums: [string, string, Record<string, number>][] = [
    ['ITypes', 'Lane', Lane],
    ['ITypes', 'Mode', Mode],
    ['ITypes', 'Kind', Kind],
    ['ITypes', 'Outcome', Outcome],
    ['IDeals', 'DealState', DealState],
  ]
  for (const [file, name, known] of enums) {
    it(`of ${name} are the contracts'`, () => {
      const declared = body(source(file), `enum ${name}`)
      expect(declared.length).to.be.greaterThan(2)
      expect(known).to.deep.equal(Object.fromEntries(declared.map((member, index) => [member, index])))
    })
  }
})

describe('the signed offer', () => {
  it("has the fields of the contracts' struct, in its order", () => {
    const declared = body(source('ITypes'), 'struct Offer')
    expect(types.Offer.map((field) => `${field.type} ${field.name}`)).to.deep.equal(declared)
  })
})
