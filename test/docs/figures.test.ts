import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { expect } from 'chai'

import { pairGas } from '#scripts/docs/comparison.ts'
import { documents, PAGES } from '#scripts/docs/documents.ts'
import { blocksOf, fillPage, shown, tableOf } from '#scripts/docs/pages.ts'
import { readPeers } from '#scripts/docs/peers.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

describe('figures in the documentation', () => {
  for (const [path, text] of documents()) {
    it(`are in ${path} what the records and the cost model say`, () => {
      expect(read(path) === text, `${path} is stale: npm run plot:costs`).to.equal(true)
    })
  }

  for (const path of PAGES) {
    it(`stand in ${path} in blocks of their own, and what it links to is there`, () => {
      const page = read(path)
      expect(blocksOf(page)).to.have.length.above(0)
      for (const [, link = ''] of page.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        expect(existsSync(join(ROOT, dirname(path), link)), `${path} links to ${link}`).to.equal(true)
      }
    })
  }

  it('of others who are paid by the pair agree with what a pair costs them', () => {
    const { systems, pairs } = readPeers()
    const byPair = systems.filter(({ cost }) => cost === 'pair')
    expect(byPair).to.have.length.above(0)
    for (const one of byPair) expect(pairGas(one, pairs) / one.gas, one.name).to.be.within(0.99, 1.01)
  })

  it('cannot be edited by hand: a block is written anew, and one nobody writes is an error', () => {
    const blocks = new Map([['one', () => 'new\n']])
    const page = 'before\n<!-- figures: one -->\nold\n<!-- end -->\nafter\n'
    expect(fillPage(page, blocks)).to.equal('before\n<!-- figures: one -->\nnew\n<!-- end -->\nafter\n')
    expect(() => fillPage('<!-- figures: two -->\n<!-- end -->', blocks)).to.throw('two')
  })

  it('are shown with thousands apart, in tables that start with names', () => {
    expect([shown(1234567.8), shown(0.25, 1), shown(null)]).to.deep.equal(['1,234,568', '0.3', '–'])
    expect(
      tableOf([
        ['a', 'b'],
        ['c', '1'],
      ]),
    ).to.equal('| a | b |\n| --- | --: |\n| c | 1 |\n')
  })
})
