import { expect } from 'chai'
import fc from 'fast-check'

import { bumpedFees, cappedFees, firstFees } from '#oracle/domain/fees.ts'
import { type Answer, groupsToDrop, leaderAt, mayPropose, quorum } from '#oracle/domain/quorum.ts'
import { contradict, freshReceipts, unitsAt } from '#oracle/domain/segment.ts'
import { hasBit, taskPlace, withBit } from '#oracle/domain/task-pages.ts'

describe('who proposes', () => {
  it('goes round with block time', () => {
    expect([0n, 11n, 12n, 24n, 36n].map((time) => leaderAt(time, 12, 3))).to.deep.equal([0, 0, 1, 2, 0])
  })
  it('is the leader at once and the others in turn when work stays overdue', () => {
    const turn = (member: number, overdueMs: number) =>
      mayPropose({ member, leader: 1, members: 3, overdueMs, takeoverMs: 1_000 })
    expect([turn(1, -5), turn(2, -5), turn(2, 1_000), turn(0, 1_999), turn(0, 2_000)]).to.deep.equal([
      ...[true, false, true, false, true],
    ])
  })
})

describe('a quorum', () => {
  const signed = (member: number): Answer => ({ kind: 'signed', member, signature: `0x${member}` })
  const refused = (member: number, ...groups: number[]): Answer => ({
    kind: 'refused',
    member,
    groups: new Map(groups.map((group) => [group, `check ${group}`])),
  })
  const silent = (member: number): Answer => ({ kind: 'silent', member, reason: 'down' })

  it('takes as many signatures as needed, by rising member', () => {
    expect(quorum([signed(2), signed(0), signed(1)], 2)?.map(({ index }) => index)).to.deep.equal([0, 1])
    expect(quorum([signed(2), refused(0, 1)], 2)).to.equal(null)
  })
  it('leaves out what too few stand behind', () => {
    expect([...groupsToDrop([signed(0), refused(1, 3), refused(2, 3)], 5, 2).keys()]).to.deep.equal([3])
    expect([...groupsToDrop([signed(0), refused(1, 3), silent(2)], 5, 2)]).to.deep.equal([[3, 'check 3']])
  })
  it('leaves out the most refused group when no set of members agrees on all', () => {
    expect([
      ...groupsToDrop([refused(0, 1), refused(1, 1, 2), signed(2), refused(3, 2), refused(4, 2)], 5, 3).keys(),
    ]).to.deep.equal([2])
  })
  it('leaves nothing out for members that are only silent', () => {
    expect(groupsToDrop([signed(0), silent(1), silent(2)], 5, 2).size).to.equal(0)
  })
  it('takes no notice of groups that were not proposed', () => {
    expect(groupsToDrop([signed(0), refused(1, 9)], 5, 2).size).to.equal(0)
  })
})

describe('fees', () => {
  const ceilings = (gas: bigint, blobGas = gas) => ({ maxFeePerGas: gas, maxFeePerBlobGas: blobGas })

  it('rise by 12.5 % or more, on both fields, and stop at the ceiling', () => {
    fc.assert(
      fc.property(
        fc.bigInt(1n, 10n ** 12n),
        fc.bigInt(1n, 10n ** 10n),
        fc.bigInt(0n, 10n ** 12n),
        (base, tip, later) => {
          const first = firstFees(base, tip, null)
          const next = bumpedFees(first, firstFees(later, tip, null), ceilings(10n ** 13n))
          expect(next).to.not.equal(null)
          expect((next?.maxFeePerGas ?? 0n) * 1000n >= first.maxFeePerGas * 1125n).to.equal(true)
          expect((next?.maxPriorityFeePerGas ?? 0n) * 1000n >= tip * 1125n).to.equal(true)
        },
      ),
    )
    const fees = firstFees(100n, 1n, null)
    expect(bumpedFees(fees, fees, ceilings(201n))).to.equal(null)
  })

  it('double, all three of them, where blobs are carried, and stop at either ceiling', () => {
    const first = firstFees(100n, 1n, 3n)
    expect(first).to.deep.equal({ maxFeePerGas: 201n, maxPriorityFeePerGas: 1n, maxFeePerBlobGas: 6n })
    expect(bumpedFees(first, first, ceilings(500n, 20n))).to.deep.equal({
      ...{ maxFeePerGas: 402n, maxPriorityFeePerGas: 2n, maxFeePerBlobGas: 12n },
    })
    const dearer = bumpedFees(first, firstFees(1_000n, 0n, 1_000n), ceilings(500n, 20n))
    expect(dearer).to.deep.equal({ maxFeePerGas: 500n, maxPriorityFeePerGas: 2n, maxFeePerBlobGas: 20n })
    expect(bumpedFees(first, first, ceilings(401n, 20n))).to.equal(null)
    expect(bumpedFees(first, first, ceilings(500n, 11n))).to.equal(null)
  })

  it('begin at no more than the ceilings', () => {
    const wanted = { maxFeePerGas: 9n, maxPriorityFeePerGas: 8n, maxFeePerBlobGas: 7n }
    expect(cappedFees(wanted, ceilings(5n, 4n))).to.deep.equal({
      ...{ maxFeePerGas: 5n, maxPriorityFeePerGas: 5n, maxFeePerBlobGas: 4n },
    })
  })
})

describe('tallies of one stream', () => {
  const receipts = (units: readonly bigint[], mark = 'aa') =>
    units.map((unit, index) => ({
      units: unit,
      workHash: `0x${mark.repeat(31)}${index.toString(16).padStart(2, '0')}` as const,
    }))
  const tally = (first: number, all: readonly bigint[], mark?: string) => ({
    first,
    count: all.length,
    units: all.reduce((sum, unit) => sum + unit, 0n),
    receipts: receipts(all, mark).slice(first),
  })

  it('of an honest worker never contradict each other', () => {
    const units = fc.array(fc.bigInt(1n, 1_000n), { minLength: 2, maxLength: 30 })
    fc.assert(
      fc.property(units, fc.nat(), fc.nat(), fc.nat(), (all, a, b, c) => {
        const length = (n: number) => 1 + (n % all.length)
        const left = all.slice(0, length(a))
        const right = all.slice(0, length(b))
        expect(contradict(tally(c % left.length, left), tally(a % right.length, right))).to.equal(false)
      }),
    )
  })
  it('contradict when a receipt, a total or the order of totals differs', () => {
    expect(contradict(tally(0, [1n, 2n]), tally(0, [1n, 2n], 'bb'))).to.equal(true)
    expect(contradict(tally(0, [1n, 2n]), { ...tally(0, [1n, 2n]), units: 4n })).to.equal(true)
    expect(contradict(tally(0, [9n]), { ...tally(2, [1n, 1n, 1n]), units: 3n })).to.equal(true)
  })
  it('tell the units at each of their receipts', () => {
    const one = tally(1, [5n, 2n, 3n])
    expect([0, 1, 2, 3, 4].map((position) => unitsAt(one, position))).to.deep.equal([null, 5n, 7n, 10n, null])
  })
  it('are fresh where nothing covers them', () => {
    const known = [{ ...tally(1, [1n, 1n, 1n]), tallyHash: '0x' as const }]
    expect(freshReceipts({ first: 0, count: 5 }, known)).to.deep.equal([0, 3, 4])
  })
})

describe('billed tasks', () => {
  it('are remembered one bit each', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.bigInt(0n, 2n ** 64n - 1n), { maxLength: 40 }), (tasks) => {
        const pages = new Map<bigint, Uint8Array>()
        for (const task of tasks) {
          const { page, bit } = taskPlace(task)
          expect(hasBit(pages.get(page) ?? new Uint8Array(512), bit)).to.equal(false)
          pages.set(page, withBit(pages.get(page) ?? null, bit, true))
        }
        for (const task of tasks) {
          const { page, bit } = taskPlace(task)
          const cleared = withBit(pages.get(page) ?? null, bit, false)
          expect(hasBit(pages.get(page) ?? new Uint8Array(512), bit)).to.equal(true)
          expect(hasBit(cleared, bit)).to.equal(false)
        }
      }),
    )
  })
})
