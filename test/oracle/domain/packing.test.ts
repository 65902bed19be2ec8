import { expect } from 'chai'

import {
  batchesToCome,
  costOfDeals,
  costOfWorkers,
  type DealUse,
  dealsToPack,
  savedPerDeal,
  workersToPack,
} from '#oracle/domain/packing.ts'

/** A deal half way through its time and its budget. */
const use = (id: number, changes: Partial<DealUse> = {}): DealUse => ({
  ...{ id, place: 0, batches: 100, age: 1_000, left: 1_000, paid: 500n, remaining: 500n },
  ...changes,
})
const page = (number: number, rows: number, batches: number) =>
  Array.from({ length: rows }, (_, row) => ({ index: number * 512 + row, batches }))

describe('packing deals', () => {
  it('expects a deal to go on as it did, until its time or its budget ends', () => {
    expect(batchesToCome(use(1))).to.equal(100)
    expect(batchesToCome(use(1, { left: 250 }))).to.equal(25)
    expect(batchesToCome(use(1, { remaining: 50n }))).to.equal(10)
    expect(batchesToCome(use(1, { batches: 0 }))).to.equal(0)
    expect(batchesToCome(use(1, { age: 0 }))).to.equal(0)
  })

  it('takes those whose batches to come save what their row and the page cost', () => {
    const many = Array.from({ length: 20 }, (_, id) => use(id))
    expect(dealsToPack([...many, use(20, { batches: 1 }), use(21, { place: 257 })], 'osaka', 100)).to.deep.equal(
      many.map(({ id }) => id),
    )
  })

  it('takes none while the page would not pay back', () => {
    const [saved, cost] = [savedPerDeal('osaka'), costOfDeals(1, 'osaka')]
    const least = Math.ceil(cost / saved)
    expect(dealsToPack([use(1, { batches: least - 1 })], 'osaka', 100)).to.deep.equal([])
    expect(dealsToPack([use(1, { batches: least + 1 })], 'osaka', 100)).to.deep.equal([1])
    expect(dealsToPack([use(1, { batches: least + 1 })], 'osaka', 200)).to.deep.equal([])
  })

  it('asks for more on a fork where code is dear, and fills one page at most, the busiest first', () => {
    const many = Array.from({ length: 300 }, (_, id) => use(id, { batches: 10 + id }))
    expect(dealsToPack(many, 'osaka', 100)).to.deep.equal(Array.from({ length: 256 }, (_, index) => 299 - index))
    expect(dealsToPack(many.slice(0, 5), 'osaka', 100)).to.have.lengthOf(5)
    expect(dealsToPack(many.slice(0, 5), 'amsterdam', 100)).to.have.lengthOf(0)
  })
})

describe('packing workers', () => {
  it('takes whole pages, those that are read often for few workers', () => {
    const workers = [...page(1, 4, 400), ...page(2, 4, 400), ...page(3, 500, 400), ...page(4, 4, 400), ...page(5, 4, 2)]
    const packed = workersToPack(workers, 'osaka', 100)
    expect(packed.map((index) => Math.floor(index / 512))).to.deep.equal([1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4])
  })
  it('takes none where one page is all there is, or batches are too few to pay it back', () => {
    expect(workersToPack(page(1, 4, 10_000), 'osaka', 100)).to.deep.equal([])
    const few = [...page(1, 4, 10), ...page(2, 4, 10)]
    expect(workersToPack(few, 'osaka', 100)).to.deep.equal([])
    const enough = Math.ceil(costOfWorkers(8, 2, 'osaka') / 2_600) + 1
    expect(workersToPack([...page(1, 4, enough), ...page(2, 4, enough)], 'osaka', 100)).to.have.lengthOf(8)
  })
  it('keeps within a page', () => {
    const pages = Array.from({ length: 6 }, (_, index) => page(index + 1, 100, 10_000)).flat()
    expect(workersToPack(pages, 'osaka', 100)).to.have.lengthOf(500)
  })
})
