import { expect } from 'chai'
import fc from 'fast-check'

import { shapeOf } from '#oracle/domain/batch-shape.ts'
import { asymptoticGas, estimate, mostGas } from '#oracle/domain/cost-model.ts'
import { blobPrice, type FeeLevel, medianFee } from '#oracle/domain/fees.ts'
import { longestPerStream, selectGroups, streamNumber, type Waiting } from '#oracle/domain/grouping.ts'
import { byLane } from '#oracle/domain/lanes.ts'
import { type BatchPolicy, cheapest } from '#oracle/domain/plan.ts'
import { waitOf } from '#oracle/domain/wishes.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { NOW, policy, streams, usualFees, waiting } from '../support/planning.ts'

const attested = { lane: Lane.Attested, signatures: 5 }
const both: BatchPolicy = { ...policy, modes: [Mode.Calldata, Mode.Blob] }
const plan = (candidates: readonly Waiting[], fees: FeeLevel = usualFees, own: BatchPolicy = policy, at = NOW) =>
  cheapest(candidates, attested, fees, own, at)

describe('what a batch takes', () => {
  const calldata = { ...attested, mode: Mode.Calldata }
  it('gets cheaper per receipt with every receipt in its groups, towards what a receipt alone costs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20 }), (groups, receipts) => {
        for (const fork of ['osaka', 'amsterdam'] as const) {
          const each = (per: number) => estimate(shapeOf(streams(groups, per), calldata), fork).gas / (groups * per)
          expect(each(receipts * 2)).to.be.lessThan(each(receipts))
          expect(each(receipts * 2)).to.be.greaterThan(asymptoticGas(Mode.Calldata, 35, fork))
        }
      }),
    )
  })

  it('is less where groups share words and pages, and more for streams that settle for the first time', () => {
    const gas = (groups: readonly Waiting[]) => estimate(shapeOf(groups, calldata), 'osaka').gas
    const dense = streams(20, 1)
    const sparse = dense.map((group) => ({
      ...{ ...group, dealId: group.dealId * 1_000, worker: group.worker * 512 },
      deal: { ...group.deal, provider: group.deal.provider * 1_000, place: 0 },
    }))
    expect(gas(sparse)).to.be.greaterThan(gas(dense) + 20 * 1_000)
    expect(gas(streams(20, 1, { first: 0 }))).to.equal(gas(dense) + 5 * 17_100)
  })

  it('costs the reserve price of a blob where the blob market is idle', () => {
    expect(blobPrice({ ...usualFees, baseFee: 10n, blobBaseFee: 0n })).to.equal(81_920n)
    expect(blobPrice({ ...usualFees, baseFee: 10n, blobBaseFee: 7n })).to.equal(917_504n)
    expect(blobPrice({ ...usualFees, blobBaseFee: null })).to.equal(null)
    expect([medianFee([]), medianFee([9n, 1n, 5n])]).to.deep.equal([0n, 5n])
  })
})

describe('what goes into a batch', () => {
  it('is one group per stream, the longest tally with the earliest deadline', () => {
    const chosen = longestPerStream([
      waiting({ count: 20, dueMs: 5 }),
      waiting({ count: 40, dueMs: 9 }),
      waiting({ count: 30, dueMs: 7 }),
    ])
    expect(chosen.map(({ count, dueMs }) => [count, dueMs])).to.deep.equal([[40, 5]])
  })

  it('keeps within bytes and gas whatever is ready, stands in chain order, and tells when something is left', () => {
    const any = fc.record({
      ...{ dealId: fc.integer({ min: 0, max: 400 }), stream: fc.integer({ min: 0, max: 61 }) },
      ...{ receipts: fc.integer({ min: 1, max: 900 }), dueMs: fc.integer({ min: 0, max: 1_000 }) },
      first: fc.constantFrom(0, 7),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 80 }), fc.constantFrom(Mode.Calldata, Mode.Blob), (list, mode) => {
        const candidates = longestPerStream(list.map((item) => waiting(item)))
        const { groups, shape, more } = selectGroups(candidates, { ...attested, mode }, policy)
        const numbers = groups.map(streamNumber)
        expect(numbers).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b))
        expect(estimate(shape, policy.fork).bytes).to.be.at.most(policy.maxBytes)
        expect(mostGas(shape, policy.fork)).to.be.at.most(policy.maxGas)
        expect(shape.blobs).to.be.at.most(6)
        expect(shape).to.deep.equal(shapeOf(groups, { ...attested, mode }))
        expect(more).to.equal(groups.length < candidates.length)
      }),
    )
  })
})

describe('when a batch goes out', () => {
  it('waits while a receipt costs far more than it could, and says until when', () => {
    const { goes, why, when } = plan([waiting({ receipts: 3, receivedAtMs: NOW - 4_000 })])
    expect([goes, why, when]).to.deep.equal([false, 'wait', NOW + 6_000])
  })
  it('goes when waiting saves too little', () => {
    expect(plan([waiting({ receipts: 2_000 })]).why).to.equal('worth')
  })
  it('goes at the deadline, however small and dear', () => {
    const dear = { ...usualFees, baseFee: 100n * usualFees.baseFee }
    expect(plan([waiting({ receipts: 1, receivedAtMs: NOW - 10_000 })], dear).why).to.equal('due')
  })
  it('goes when more is ready than fits', () => {
    const { why, more, groups } = plan(streams(400, 20))
    expect([why, more, groups.length > 0]).to.deep.equal(['full', true, true])
  })
  it('waits for a cheaper hour with what is not due', () => {
    const dear = { ...usualFees, baseFee: (usualFees.usualBaseFee * 151n) / 100n }
    expect(plan([waiting({ receipts: 2_000 })], dear).why).to.equal('dear')
    expect(plan(streams(400, 20), dear).goes).to.equal(false)
  })
  it('goes when its gas is a small share of the pay, if somebody says what an ether is worth', () => {
    // 10 receipts pay 1,000,000; a batch of one group takes about 100,000 gas, which is 10^14 wei
    const small = [waiting()]
    expect(plan(small).why).to.equal('wait')
    expect(plan(small, usualFees, { ...policy, etherPrice: 10n ** 7n }).why).to.equal('share')
    expect(plan(small, usualFees, { ...policy, etherPrice: 10n ** 9n }).why).to.equal('wait')
  })
  it('never goes empty', () => {
    const { goes, why, groups } = plan([])
    expect([goes, why, groups]).to.deep.equal([false, 'none', []])
  })
})

describe('where receipts go', () => {
  const many = streams(200, 50)
  it('is the input where the node or the chain has no blobs', () => {
    expect(plan(many).route.mode).to.equal(Mode.Calldata)
    expect(plan(many, { ...usualFees, blobBaseFee: null }, both).route.mode).to.equal(Mode.Calldata)
  })
  it('is a blob where there are many and blobs are cheap, and the input where blobs are dear or receipts few', () => {
    expect(plan(many, usualFees, both).route.mode).to.equal(Mode.Blob)
    const blobBaseFee = 1_000n * usualFees.baseFee
    expect(plan(many, { ...usualFees, blobBaseFee }, both).route.mode).to.equal(Mode.Calldata)
    expect(plan(streams(2, 2, { dueMs: NOW }), usualFees, both).route.mode).to.equal(Mode.Calldata)
  })
  it('is never dearer than the input alone, whatever the fees', () => {
    const wei = fc.bigInt(1n, 10n ** 12n)
    fc.assert(
      fc.property(wei, wei, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (a, b, groups, per) => {
        const fees = { ...usualFees, baseFee: a, usualBaseFee: a, blobBaseFee: b }
        const candidates = streams(groups, per, { dueMs: NOW })
        expect(plan(candidates, fees, both).cost <= plan(candidates, fees).cost).to.equal(true)
      }),
    )
  })
  it('is the input for a group that is too long for a blob', () => {
    expect(plan([waiting({ receipts: 300 })], usualFees, both).route.mode).to.equal(Mode.Calldata)
  })
})

describe("a provider's wish", () => {
  it("moves the deadline within the member's bounds", () => {
    const wait = (settleWithin?: number) => waitOf({ settleWithin }, policy)
    expect([wait(), wait(0), wait(5), wait(3_600), wait(604_800)]).to.deep.equal([
      ...[10_000, 2_000, 5_000, 3_600_000, 86_400_000],
    ])
    expect(waitOf({ settleWithin: 0 }, { ...policy, maxAgeMs: 300 })).to.equal(300)
  })

  it('for a late settling keeps small groups out of a batch that goes for others', () => {
    const late = { wish: { settleWithin: 3_600 }, dueMs: NOW + 3_600_000 }
    const candidates = [
      waiting({ dueMs: NOW }),
      waiting({ dealId: 1, receipts: 3, ...late }),
      waiting({ dealId: 2, receipts: 100, ...late }),
    ]
    expect(plan(candidates).groups.map(({ dealId }) => dealId)).to.deep.equal([0, 2])
  })

  it('for a small share of gas keeps its groups until that holds or their time has come', () => {
    const own = { ...policy, etherPrice: 10n ** 9n }
    const late = (gasShareBps: number) => ({
      ...waiting({ dealId: 1, receipts: 100, dueMs: NOW + 3_600_000 }),
      wish: { settleWithin: 3_600, gasShareBps },
    })
    const deals = (share: number) =>
      plan([waiting({ dueMs: NOW }), late(share)], usualFees, own).groups.map(({ dealId }) => dealId)
    expect(deals(1)).to.deep.equal([0])
    expect(deals(5_000)).to.deep.equal([0, 1])
    const after = plan([late(1)], usualFees, own, NOW + 3_600_000)
    expect([after.why, after.groups.length]).to.deep.equal(['due', 1])
  })
})

describe('the lane of acknowledged work', () => {
  const lanes = (candidates: readonly Waiting[], own: BatchPolicy = policy) =>
    byLane(candidates, 5, usualFees, own).map(({ lane, claims, part }) => [lane, claims, part.length])
  const known = (etherPrice: bigint) => ({ ...policy, etherPrice })

  it('pays at once where nobody says what an ether is worth', () => {
    expect(lanes([waiting({ acknowledged: true })])).to.deep.equal([[Lane.Acknowledged, 0, 1]])
  })
  it('pays at once only if that is worth its gas', () => {
    const one = [waiting({ acknowledged: true, units: 10n ** 6n }), ...streams(20, 10).slice(1)]
    expect(lanes(one, known(10n ** 6n))[0]).to.deep.equal([Lane.Acknowledged, 0, 1])
    expect(lanes(one, known(10n ** 12n))).to.deep.equal([[Lane.Attested, 11, 20]])
  })
  it('pays at once whoever wishes it and nobody who wishes not to', () => {
    const wishing = (payAtOnce: boolean) => [waiting({ acknowledged: true, wish: { payAtOnce } })]
    expect(lanes(wishing(true), known(10n ** 30n))).to.deep.equal([[Lane.Acknowledged, 0, 1]])
    expect(lanes(wishing(false))).to.deep.equal([[Lane.Attested, 11, 1]])
  })
  it('pays at once what exposure or cover hold back otherwise', () => {
    const held = waiting({ acknowledged: true, check: 'exposure' })
    expect(lanes([held], known(10n ** 30n))).to.deep.equal([[Lane.Acknowledged, 0, 1]])
  })
  it('takes a stream one way, with all tallies that can go it', () => {
    const candidates = [
      waiting({ count: 20, acknowledged: true }),
      waiting({ count: 30 }),
      waiting({ stream: 1, count: 20 }),
      waiting({ stream: 1, count: 30 }),
      waiting({ dealId: 1, claims: 9 }),
    ]
    expect(lanes(candidates)).to.deep.equal([
      [Lane.Acknowledged, 0, 1],
      [Lane.Attested, 11, 2],
      [Lane.Attested, 9, 1],
    ])
  })
})
