import { expect } from 'chai'
import { decodeFunctionData } from 'viem'

import type { Finding } from '#auditor/watch/facts.ts'
import { findNoShow } from '#auditor/watch/find-no-show.ts'
import {
  findDoubleSelling,
  findDuplicate,
  findEquivocation,
  findOverclaim,
  findOverMaximum,
} from '#auditor/watch/find-signed.ts'
import { createKnowledge } from '#auditor/watch/knowledge.ts'
import { settlementAbi } from '#protocol/abi.generated.ts'
import { evidenceHash, faultSubject } from '#protocol/evidence.ts'
import { Fault } from '#protocol/types.ts'
import { deal, dealKey, receipt, tallyOf, workOf } from './signed.ts'

const callOf = (finding: Finding | null) =>
  finding === null ? null : decodeFunctionData({ abi: settlementAbi, data: finding.data }).functionName

describe('what a watcher finds', () => {
  const [a, b, c] = [receipt('a'), receipt('b'), receipt('c')]

  describe('in two tallies of a stream', () => {
    const honest = tallyOf([a, b, c])

    it('is nothing where one is a part of the other, or goes on from it', () => {
      const parts = [
        tallyOf([a]),
        tallyOf([b, c], { first: 1, before: 10n }),
        tallyOf([receipt('d')], { first: 3, before: 30n }),
      ]
      expect(parts.map((part) => findEquivocation(part, [honest, ...parts]))).to.deep.equal([null, null, null])
    })

    it('is equivocation by numbers alone where that makes as much void', () => {
      const finding = findEquivocation(tallyOf([receipt('x'), b]), [honest, tallyOf([a, receipt('y', 11n)])])
      expect(callOf(finding)).to.equal('proveOverlap')
      const cheap = findEquivocation(tallyOf([receipt('x', 40n)]), [honest])
      expect(callOf(cheap)).to.equal('proveEquivocation')
      expect(cheap?.subject).to.equal(faultSubject(dealKey, 0, Fault.Equivocation))
    })

    it('is equivocation from the first receipt that differs where the receipts are known', () => {
      const other = tallyOf([a, b, receipt('z', 11n)])
      const finding = findEquivocation(other, [honest])
      expect(callOf(finding)).to.equal('proveOverlap')
      const args = decodeFunctionData({ abi: settlementAbi, data: finding?.data ?? '0x' }).args ?? []
      expect(args[2]).to.equal(2)
    })

    it('is found whichever comes first, and once', () => {
      const knowledge = createKnowledge()
      for (const tally of [tallyOf([receipt('x', 40n)]), honest, tallyOf([receipt('y', 50n)])]) {
        knowledge.tally(tally, deal, 100_000)
      }
      expect([...knowledge.findings().values()].map(({ fault }) => fault)).to.deep.equal([Fault.Equivocation])
    })
  })

  it('is an overclaim one unit above the bound of its second, and none at it', () => {
    // 1.25 · 3,600 · 2 h / 1 h + 3,600
    const bound = 9_000n + 3_600n
    expect(findOverclaim(deal, tallyOf([receipt('a', bound)]), 8_200)).to.equal(null)
    const tally = tallyOf([receipt('a', bound + 1n)], { first: 0 })
    const finding = findOverclaim(deal, tally, 8_200)
    expect(callOf(finding)).to.equal('proveOverclaim')
    expect(finding?.evidence).to.equal(evidenceHash(0, tally.hash))
    expect(findOverclaim(deal, tally, 8_201)).to.equal(null)
  })

  it('is a duplicate where two receipts have one task, and none where it is one receipt', () => {
    const first = workOf(3)
    expect(findDuplicate(first, [first, workOf(4, { first: 1 })])).to.equal(null)
    expect(callOf(findDuplicate(workOf(3, { first: 5, result: 'again' }), [first]))).to.equal('proveDuplicate')
  })

  it('is over the maximum where a receipt has more units than its order allows', () => {
    expect(findOverMaximum(workOf(1, { units: 10n, maxUnits: 10n }))).to.equal(null)
    expect(callOf(findOverMaximum(workOf(1, { units: 11n, maxUnits: 10n })))).to.equal('proveOverMaximum')
  })

  it('is double selling where more tasks share an instant than the provider declared', () => {
    const shift = [
      workOf(1, { from: 100, to: 200 }),
      workOf(2, { first: 1, from: 150, to: 250 }),
      workOf(3, { first: 2, from: 200, to: 300 }),
      workOf(4, { first: 3, from: 160, to: 160 }),
    ]
    expect(findDoubleSelling(shift, 0)).to.equal(null)
    expect(findDoubleSelling(shift, 2)).to.equal(null)
    expect(callOf(findDoubleSelling(shift, 1))).to.equal('proveDoubleSelling')
  })

  describe('in a deal that ended', () => {
    const end = { units: 99n, budget: 9_000n, isExcused: false }

    it('is a no-show below the smallest budget, once the closing period is over', () => {
      expect(callOf(findNoShow(deal, end, 8_200 + 3_600, 3_600))).to.equal('proveNoShow')
      expect(findNoShow(deal, { ...end, units: 100n }, 20_000, 3_600)).to.equal(null)
      expect(findNoShow(deal, end, 8_200 + 3_599, 3_600)).to.equal(null)
    })

    it('is nothing where the buyer stopped it or did not deliver', () => {
      expect(findNoShow(deal, { ...end, isExcused: true }, 20_000, 3_600)).to.equal(null)
    })

    it('is nothing where the cap allowed no more', () => {
      const slow = { ...deal, offer: { ...deal.offer, rateCap: 40 } }
      expect(findNoShow(slow, { ...end, units: 80n }, 20_000, 3_600)).to.equal(null)
      expect(findNoShow(slow, { ...end, units: 79n }, 20_000, 3_600)).not.to.equal(null)
    })
  })
})
