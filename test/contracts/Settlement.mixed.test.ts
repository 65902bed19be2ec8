/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { concatHex, type Hex, keccak256, sliceHex } from 'viem'

import { tallyDigest } from '#protocol/eip712.ts'
import { decodeFacts } from '#protocol/facts.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Lane, Outcome } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'

import { deploy } from '../support/deployment.ts'
import {
  createMixedMarket,
  type MixedGroup,
  type MixedMarket,
  placed,
  unusualGroups,
  usualGroups,
} from '../support/mixed-market.ts'
import { attest, settle } from '../support/settling.ts'
import { batchOf, resigned, type SignedGroup } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const OUTCOMES = Object.keys(Outcome)
const MOVING = ['Applied', 'Clamped']
const FIRST_ROW = 256 // of page 1
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const ECRECOVER = `0x${'00'.repeat(19)}01`

async function mixed() {
  return await createMixedMarket(networkHelpers, await deploy(ethers))
}

/** What would become of the groups in one batch, all of them with their deals' places unless they name others. */
async function foreseen(market: MixedMarket, groups: readonly MixedGroup[], places?: readonly number[]) {
  const list = await Promise.all(
    groups.map(async ({ group }, at) => (places ? { ...group, place: places[at] ?? 0 } : await placed(market, group))),
  )
  const { bytes, root } = batchOf(Lane.Attested, list)
  const facts = await market.settlement.connect(market.relayer).settle.staticCall(bytes, attest(market, root))
  return decodeFacts(facts as Hex).map(({ outcome, ...moved }) => ({ outcome: OUTCOMES[outcome], ...moved }))
}

/** What their records should say: of a group that moves its stream also where that stood. */
async function expectedOf({ tally }: MixedMarket, groups: readonly MixedGroup[]) {
  return await Promise.all(
    groups.map(async ({ outcome, amount, group: { dealId, stream } }) => {
      if (!MOVING.includes(outcome)) return { outcome, cursor: 0, units: 0n, amount: 0n }
      const { count, units } = await tally.stream(dealId, stream)
      return { outcome, cursor: Number(count), units, amount }
    }),
  )
}

describe('settle: usual groups and others in one batch', () => {
  it('come to what each would come to alone, whichever stands first', async () => {
    const market = await networkHelpers.loadFixture(mixed)
    const { low, high } = usualGroups(market)
    for (const one of unusualGroups(market)) {
      for (const groups of [[one], [low, one], [one, high], [low, one, high]]) {
        const context = groups.map(({ name }) => name).join(', ')
        expect(await foreseen(market, groups), context).to.deep.equal(await expectedOf(market, groups))
      }
    }
  })

  it('come to the same whatever place they name: none, another deal’s, an old one, one that is not there', async () => {
    const market = await networkHelpers.loadFixture(mixed)
    const { low } = usualGroups(market)
    const rows = Object.keys(market.deals).map((_, row) => FIRST_ROW + row)
    for (const one of unusualGroups(market)) {
      const expected = await expectedOf(market, [low, one])
      for (const place of [0, 1, FIRST_ROW - 1, ...rows, FIRST_ROW + 255, 2 * FIRST_ROW, 2 ** 32 - 1]) {
        const found = await foreseen(market, [low, one], [FIRST_ROW, place])
        expect(found, `${one.name}, place ${place}`).to.deep.equal(expected)
      }
    }
  })

  it('come to the same all together, and the streams and money of the usual ones move as if they were alone', async () => {
    const market = await networkHelpers.loadFixture(mixed)
    const { low, high } = usualGroups(market)
    const all = [low, ...unusualGroups(market), high]
    expect(await foreseen(market, all)).to.deep.equal(await expectedOf(market, all))
    const before = await market.tally.earnings(market.provider.id)
    const groups = await Promise.all(all.map(async ({ group }) => await placed(market, group)))
    const { outcomes } = await settle(market, Lane.Attested, groups)
    expect(outcomes).to.deep.equal(all.map(({ outcome }) => outcome))
    for (const { group } of [low, high]) {
      expect((await market.tally.stream(group.dealId, 1)).slice(0, 2)).to.deep.equal([2n, 5n])
    }
    const after = await market.tally.earnings(market.provider.id)
    expect(after.unmatured - before.unmatured).to.equal(all.reduce((sum, { amount }) => sum + amount, 0n))
  })

  it('of one deal share its budget, its exposure and its word', async () => {
    const market = await networkHelpers.loadFixture(mixed)
    const { begun, exposed, small } = market.deals
    const usual = (group: SignedGroup): MixedGroup => ({ name: 'usual', outcome: 'Applied', amount: 4000n, group })
    const first = usual(begun.stream(0).work(4n).group())
    const last = usual(begun.stream(9).work(4n).group())
    for (const one of unusualGroups(market).filter(({ group }) => group.dealId === begun.id && group.stream < 9)) {
      for (const groups of [
        [first, one],
        [one, last],
        [first, one, last],
      ]) {
        expect(await foreseen(market, groups), one.name).to.deep.equal(await expectedOf(market, groups))
      }
    }
    const { low } = usualGroups(market)
    const inTurn = (deal: typeof small, units: bigint[]) =>
      units.map((amount, index) => usual(deal.stream(index).work(amount).group()))
    for (const before of [[], [low]]) {
      const budget = await foreseen(market, [...before, ...inTurn(small, [900n, 900n, 900n, 900n])])
      expect(budget.slice(before.length).map(({ outcome, amount }) => [outcome, amount])).to.deep.equal([
        ['Applied', 900_000n],
        ['Applied', 900_000n],
        ['Clamped', 200_000n],
        ['Clamped', 0n],
      ])
      const exposure = await foreseen(market, [...before, ...inTurn(exposed, [7n, 4n, 3n, 1n])])
      expect(exposure.slice(before.length).map(({ outcome, amount }) => [outcome, amount])).to.deep.equal([
        ['Applied', 7000n],
        ['ExposureExceeded', 0n],
        ['Applied', 3000n],
        ['ExposureExceeded', 0n],
      ])
    }
  })

  it('revert together where a group is not its worker’s own, behind a usual one as before it', async () => {
    const market = await networkHelpers.loadFixture(mixed)
    const { deals, domain, providers, settlement } = market
    const { low, high } = usualGroups(market)
    const right = deals.slow.stream(1, 0).work(5n).group()
    const [rival] = providers.leaving.workers
    if (rival === undefined) throw new Error('no worker')
    const wrong: [what: string, group: SignedGroup][] = [
      ['a worker of another provider', resigned(domain, { ...right, worker: providers.leaving.firstWorker }, rival)],
      ['another worker', { ...right, worker: right.worker + 1 }],
      ['an empty row', { ...right, worker: right.worker + 3 }],
      ['a signature of the upper half', await upperHalf(market, right)],
      ['rubbish', { ...right, signature: `0x${'11'.repeat(64)}` }],
      ['nobody', { ...right, signature: `0x${'00'.repeat(64)}` }],
    ]
    for (const [what, bad] of wrong) {
      for (const groups of [[bad], [low.group, bad], [bad, high.group]]) {
        const list = await Promise.all(groups.map(async (group) => await placed(market, group)))
        await expect(settle(market, Lane.Attested, list), `${what}, ${groups.length}`).to.be.revertedWithCustomError(
          settlement,
          'SettlementBadGroup',
        )
      }
    }
    expect((await settle(market, Lane.Attested, [await placed(market, right)])).outcomes).to.deep.equal(['Applied'])
  })

  it('revert together where bytes are no group, behind a usual one as before it', async () => {
    const market = await networkHelpers.loadFixture(mixed)
    const { settlement, deals } = market
    const { low, high } = usualGroups(market)
    const middle = deals.slow.stream(1, 0).work(5n).group()
    const [before, it_, behind] = await Promise.all(
      [low.group, middle, high.group].map(async (group) => groupBytes(await placed(market, group))),
    )
    if (before === undefined || it_ === undefined || behind === undefined) throw new Error('no group')
    const [worker] = deals.slow.provider.workers
    if (worker === undefined) throw new Error('no worker')
    // two receipts, the second of nothing, all of it signed
    const two = deals.slow.stream(1, 0).work(5n, 1n).group()
    const receipts = put(toHex(encodeReceipts(two.receipts)), -35, '0x000000')
    const empty = resigned(market.domain, two, worker, { units: 5n, segment: keccak256(receipts) })
    const signed = put(groupBytes(await placed(market, empty)), -35, '0x000000')
    const bad: [what: string, groups: Hex[]][] = [
      ['a receipt of no units that its worker signed', [before, signed]],
      ['a receipt of no units', [before, put(it_, -35, '0x000000')]],
      ['a receipt of no units, then another', [before, put(it_, -35, '0x000000'), behind]],
      ['no receipts', [before, put(it_, 17, '0x0000')]],
      ['more receipts than there are', [before, put(it_, 17, '0x0002')]],
      ['a count of 25 bits', [before, put(it_, 14, '0xffffff')]],
      ['a stream number of 39 bits', [before, put(it_, 0, '0x4000000000')]],
      ['a stream before the last one', [behind, it_]],
      ['a byte cut off', [before, sliceHex(it_, 0, it_.length / 2 - 2)]],
      ['a byte too many', [before, it_, '0x00']],
    ]
    for (const [what, groups] of bad) {
      await expect(settlement.settle(concatHex(['0x0001', ...groups]), '0x'), what).to.be.revertedWithCustomError(
        settlement,
        'SettlementMalformedBatch',
      )
    }
  })
})

/** The bytes of one group. */
function groupBytes(group: SignedGroup): Hex {
  return sliceHex(batchOf(Lane.Attested, [group]).bytes, 2)
}

/** The bytes with a part of them replaced, counted from the end if `at` is below 0. */
function put(bytes: Hex, at: number, part: Hex): Hex {
  const from = at < 0 ? bytes.length / 2 - 1 + at : at
  const to = from + part.length / 2 - 1
  const head = from === 0 ? '0x' : sliceHex(bytes, 0, from)
  return concatHex([head, part, sliceHex(bytes, to)])
}

const wordOf = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`

/**
 * The group with a signature that only the curve knows: a signer is recovered for it, and registers as a worker, but it is
 * of the upper half.
 */
async function upperHalf({ ethers: { provider }, registry, domain, providers }: MixedMarket, group: SignedGroup) {
  const digest = tallyDigest(group.tally, domain)
  const s = HALF_ORDER + 1n
  for (let r = 1n; ; r += 1n) {
    const data = concatHex([digest, ...[27n, r, s].map((value) => wordOf(value))])
    const signer = await provider.call({ to: ECRECOVER, data })
    if (signer === '0x') continue // r is no point of the curve
    const { owner, id } = providers.usual
    const worker = await registry.connect(owner).registerWorkers.staticCall(id, sliceHex(signer as Hex, 12))
    await registry.connect(owner).registerWorkers(id, sliceHex(signer as Hex, 12))
    return {
      ...group,
      worker: Number(worker),
      signature: concatHex([wordOf(r), wordOf(s)]),
    }
  }
}
