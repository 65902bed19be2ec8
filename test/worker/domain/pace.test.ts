/**
 * When receipts are signed, and from where.
 *
 * @module
 */
import { expect } from 'chai'
import fc from 'fast-check'

import { nextRange, type PaceInput } from '#worker/domain/pace.ts'

const settings = { receipts: 10, afterMs: 1_000, maxReceipts: 50 }

function range(changes: Partial<PaceInput> & { readonly made: number }): string | null {
  const found = nextRange(
    {
      head: { count: changes.made, units: BigInt(changes.made) },
      cursor: 0,
      signedCount: 0,
      waitedMs: 0,
      unsignedAmount: 1n,
      freeCoverage: 1_000_000n,
      ...changes,
    },
    settings,
  )
  return found && `${found.first}-${found.count}`
}

describe('when a worker signs', () => {
  it('waits for company', () => expect(range({ made: 9 })).to.equal(null))
  it('signs when enough receipts are there', () => expect(range({ made: 10 })).to.equal('0-10'))
  it('signs a single receipt that has waited long enough', () => {
    expect(range({ made: 1, waitedMs: 1_000 })).to.equal('0-1')
  })
  it('signs before the unsigned work is worth more than half of what the stake still covers', () => {
    expect(range({ made: 1, unsignedAmount: 49n, freeCoverage: 99n })).to.equal(null)
    expect(range({ made: 1, unsignedAmount: 50n, freeCoverage: 100n })).to.equal('0-1')
  })
  it('has nothing to sign when all is signed or settled', () => {
    expect(range({ made: 10, signedCount: 10, waitedMs: 9_000 })).to.equal(null)
    expect(range({ made: 10, cursor: 10, waitedMs: 9_000 })).to.equal(null)
  })
  it('starts at what the chain has settled, over what was signed before', () => {
    expect(range({ made: 30, cursor: 5, signedCount: 20 })).to.equal('5-30')
  })
  it('starts lower again when a re-organisation took settled receipts back', () => {
    expect(range({ made: 30, cursor: 20, signedCount: 30 })).to.equal(null)
    expect(range({ made: 30, cursor: 10, signedCount: 0 })).to.equal('10-30')
  })
  it('never covers more receipts than a segment may hold', () => {
    expect(range({ made: 80, cursor: 5 })).to.equal('5-55')
    expect(range({ made: 80, cursor: 5, signedCount: 55, waitedMs: 9_000 })).to.equal(null)
  })

  it('always signs a range that starts at the cursor, is not empty and reaches past what was signed', () => {
    const inputs = fc.record({
      head: fc.nat(300).map((count) => ({ count, units: BigInt(count) })),
      cursor: fc.nat(300),
      signedCount: fc.nat(300),
      waitedMs: fc.nat(3_000),
      unsignedAmount: fc.nat(100).map(BigInt),
      freeCoverage: fc.nat(300).map(BigInt),
    })
    fc.assert(
      fc.property(inputs, (input) => {
        const found = nextRange(input, settings)
        if (found === null) return
        expect(found.first).to.equal(input.cursor)
        expect(found.count).to.be.within(Math.max(input.signedCount, input.cursor) + 1, input.head.count)
        expect(found.count - found.first).to.be.at.most(settings.maxReceipts)
      }),
    )
  })
})
