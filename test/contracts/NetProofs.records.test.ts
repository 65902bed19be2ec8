/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { concatHex, type Hex, keccak256, pad, toHex, zeroHash } from 'viem'

import type { Net } from '#protocol/net-batch.ts'
import type { DealRecord, GroupRecord } from '#protocol/net-records.ts'
import { NetSide, noRecord, type RecordOpening } from '#runtime/net-opening.ts'

import { joinProvider, USD } from '../support/market.ts'
import { changed, type Forgery, type OpenBatch } from '../support/net-forging.ts'
import {
  attested,
  dealsOf,
  expectFault,
  expectNothing,
  expectWrongRecords,
  type Fault,
  type Ground,
  groupsOf,
  ownBooks,
  provingGround,
} from '../support/net-proving.ts'
import { netBatchOf, openNetDeal, settleNets } from '../support/netting.ts'
import { advance, lastClock } from '../support/protocol-clock.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const { Providers, Buyers } = NetSide
const PRICE = USD / 1000n
const HOUR = 3600

const start = async () => await provingGround(ethers, networkHelpers)
const begin = async (): Promise<Ground> => ownBooks(await networkHelpers.loadFixture(start))

describe('NetProofs: records and nets', function () {
  this.timeout(120_000)

  describe('proveMalformed', () => {
    it('shows an element of a record that carries no bytes', async () => {
      for (const [element, kind, index, count] of [
        [5, Providers, 1, 1],
        [9, Providers, 1, 5],
        [5 * 4 + 2 * 2 + 1, Buyers, 2, 2],
      ] as const) {
        const shown = await attested(await begin(), {
          blobs: ([blob]) => blob?.fill(1, 32 * element, 32 * element + 1),
        })
        const record = await shown.open.record(kind, index, count)
        await expectFault(shown, 'Malformed', shown.ground.proofs.proveMalformed(shown.place, kind, record))
      }
    })
  })

  describe('proveStep', () => {
    const wrongGroups: readonly [string, number, Partial<GroupRecord>, Fault, elements: number][] = [
      ['does not rise', 1, { stream: 0 }, 'Order', 1],
      ['goes back to a provider', 3, { provider: 0 }, 'Order', 1],
      ["adds to a provider's total what it does not pay", 1, { providerTotal: 10n * USD }, 'Total', 1],
      ['takes over the total of another provider', 3, { providerTotal: 99n * USD }, 'Total', 1],
      ['begins with another total than its amount', 0, { providerTotal: 1n }, 'Total', 1],
      ["adds to a deal's units what its receipts do not have", 1, { dealUnits: 7n }, 'Total', 2],
    ]
    for (const [what, index, change, fault, elements] of wrongGroups) {
      it(`shows a group that ${what}`, async () => {
        const shown = await attested(
          await begin(),
          groupsOf((records) => changed(records, index, change)),
        )
        const before = index === 0 ? noRecord() : await shown.group(index - 1, elements)
        const record = await shown.group(index, elements)
        await expectFault(shown, fault, shown.ground.proofs.proveStep(shown.place, Providers, before, record))
      })
    }

    const wrongDeals: readonly [string, number, Partial<DealRecord>, Fault][] = [
      ['comes twice', 1, { dealId: 1 }, 'Order'],
      ['goes back to a buyer', 2, { buyer: 0, dealId: 1 }, 'Order'],
      ["adds to a buyer's total what it does not pay", 1, { buyerTotal: 10n * USD }, 'Total'],
      ['begins with another total than its amount', 0, { buyerTotal: 1n }, 'Total'],
    ]
    for (const [what, index, change, fault] of wrongDeals) {
      it(`shows a deal that ${what}`, async () => {
        const shown = await attested(
          await begin(),
          dealsOf((records) => changed(records, index, change)),
        )
        const before = index === 0 ? noRecord() : await shown.deal(index - 1, 1)
        await expectFault(
          shown,
          fault,
          shown.ground.proofs.proveStep(shown.place, Buyers, before, await shown.deal(index, 1)),
        )
      })
    }

    it('wants neighbours', async () => {
      const shown = await attested(await begin(), {})
      const { proofs } = shown.ground
      await expectWrongRecords(
        shown,
        proofs.proveStep(shown.place, Providers, await shown.group(0, 1), await shown.group(2, 1)),
      )
    })
  })

  describe('proveNet', () => {
    const wire = (side: 'providers' | 'buyers', change: (nets: readonly Net[]) => Net[]): Forgery => ({
      wire: (batch) => ({ [side]: change(batch[side]) }),
    })
    /** Moves a dollar from one net to the other: the sums still agree. */
    const shifted = (nets: readonly Net[]): Net[] =>
      nets.map((net, index) => ({ ...net, amount: net.amount + (index === 0 ? PRICE : -PRICE) }))

    it("shows a provider's net that is not its last total", async () => {
      const shown = await attested(await begin(), wire('providers', shifted))
      const { proofs } = shown.ground
      const [last, next] = [await shown.group(2, 1), await shown.group(3, 1)]
      await expectFault(shown, 'Net', proofs.proveNet(shown.place, Providers, last, next, 0))
      await expectFault(shown, 'Net', proofs.proveNet(shown.place, Providers, next, noRecord(), 1))
    })

    it("shows a buyer's net that is not its last total", async () => {
      const shown = await attested(await begin(), wire('buyers', shifted))
      const { proofs } = shown.ground
      const [last, next] = [await shown.deal(1, 1), await shown.deal(2, 1)]
      await expectFault(shown, 'Net', proofs.proveNet(shown.place, Buyers, last, next, 0))
      await expectFault(shown, 'Net', proofs.proveNet(shown.place, Buyers, next, noRecord(), 1))
    })

    it('shows somebody with records who was left out', async () => {
      const whole = (nets: readonly Net[]): bigint => nets.reduce((sum, { amount }) => sum + amount, 0n)
      const only = (index: number) => (nets: readonly Net[]) => [{ of: nets[index]?.of ?? 0, amount: whole(nets) }]
      const one = await attested(await begin(), wire('providers', only(1)))
      await expectFault(
        one,
        'NoNet',
        one.ground.proofs.proveNet(one.place, Providers, await one.group(2, 1), await one.group(3, 1), 0),
      )
      const other = await attested(await begin(), wire('buyers', only(0)))
      await expectFault(
        other,
        'NoNet',
        other.ground.proofs.proveNet(other.place, Buyers, await other.deal(2, 1), noRecord(), 1),
      )
    })

    it('wants the last of its run, and the place where its net stands or would', async () => {
      const shown = await attested(await begin(), {})
      const { proofs } = shown.ground
      const [one, two, three] = [await shown.group(0, 1), await shown.group(1, 1), await shown.group(2, 1)]
      const four = await shown.group(3, 1)
      for (const [last, next, net] of [
        [one, two, 0],
        [three, four, 1],
        [three, four, 2],
        [three, noRecord(), 0],
        [four, noRecord(), 0],
        [four, noRecord(), 3],
      ] as const) {
        await expectWrongRecords(shown, proofs.proveNet(shown.place, Providers, last, next, net))
      }
    })
  })

  describe('proveNoRecord', () => {
    it('shows nets of those who have no record, before, between and behind the others', async () => {
      const ground = await begin()
      const third = await joinProvider(ground, ground.stranger)
      expect(third.id).to.equal(3)
      const shown = await attested(ground, {
        wire: ({ providers }) => ({
          providers: [...changed(providers, 0, { amount: (providers[0]?.amount ?? 0n) - 1n }), { of: 3, amount: 1n }],
        }),
      })
      const { proofs } = ground
      const proof = proofs.proveNoRecord(shown.place, Providers, 2, await shown.group(3, 1), noRecord(4))
      await expectFault(shown, 'NoRecord', proof)
    })

    it('shows a buyer that pays without a deal', async () => {
      const ground = await begin()
      const honest = await netBatchOf(ground, ground.books, [ground.third.stream(1).work(9n).group()])
      const shown = await attested(
        ground,
        { wire: () => ({ buyers: [0, 1].map((of) => ({ of, amount: of === 0 ? 8n * PRICE : PRICE })) }) },
        honest,
      )
      const proof = ground.proofs.proveNoRecord(shown.place, Buyers, 0, noRecord(), await shown.deal(0, 1))
      await expectFault(shown, 'NoRecord', proof)
    })

    it('shows a batch with nets and no record at all', async () => {
      const ground = await begin()
      const honest = await netBatchOf(ground, ground.books, [])
      const nets = (of: number) => [{ of, amount: PRICE }]
      const shown = await attested(ground, { wire: () => ({ providers: nets(1), buyers: nets(0) }) }, honest)
      await expectFault(
        shown,
        'NoRecord',
        ground.proofs.proveNoRecord(shown.place, Providers, 0, noRecord(), noRecord()),
      )
    })
  })

  describe('proveLink', () => {
    for (const [what, change, named] of [
      ['another deal', { dealRecord: 1 }, 1],
      ['a record that is not there', { dealRecord: 3 }, 0],
    ] as const) {
      it(`shows a group that names ${what}`, async () => {
        const shown = await attested(
          await begin(),
          groupsOf((records) => changed(records, 0, change)),
        )
        const proof = shown.ground.proofs.proveLink(shown.place, await shown.group(0, 2), await shown.deal(named, 1))
        await expectFault(shown, 'Link', proof)
      })
    }

    it('shows a group that its deal leaves out', async () => {
      const shown = await attested(
        await begin(),
        dealsOf((records) => changed(records, 0, { firstGroup: 1 })),
      )
      const proof = shown.ground.proofs.proveLink(shown.place, await shown.group(0, 2), await shown.deal(0, 1))
      await expectFault(shown, 'Link', proof)
    })
  })

  describe('a batch', () => {
    it('must stand in the ring, with what came before and after it', async () => {
      const ground = await begin()
      const { proofs, books } = ground
      const shown = await attested(
        ground,
        groupsOf((records) => changed(records, 0, { providerTotal: 1n })),
      )
      const record = await shown.group(0, 1)
      const prove = (change: Partial<OpenBatch['place']>) =>
        proofs.proveStep({ ...shown.place, ...change }, Providers, noRecord(), record)
      for (const change of [
        { previous: zeroHash },
        { queueFrom: 1 },
        { time: shown.place.time + 1 },
        { chain: pad('0x01', { size: 26 }) },
        { versionedHashes: [keccak256('0x') as Hex] },
        { later: concatHex([zeroHash, zeroHash, '0x00000000']) },
      ]) {
        await expect(prove(change)).to.be.revertedWithCustomError(proofs, 'NetProofsNotInRing')
      }
      await expect(prove({ later: '0x00' })).to.be.revertedWithCustomError(proofs, 'NetProofsIncomplete')
      books.tree = shown.built.tree
      const next = await netBatchOf(ground, books, [ground.first.stream(3).work(1n).group()])
      const { root } = await settleNets(ground, books, next)
      const later = concatHex([root, zeroHash, toHex(await lastClock(ground), { size: 4 })])
      await expect(prove({})).to.be.revertedWithCustomError(proofs, 'NetProofsNotInRing')
      await expectFault(shown, 'Total', prove({ later }))
    })

    it('is opened with proofs that hold, at places that are there', async () => {
      const shown = await attested(await begin(), {})
      const { proofs } = shown.ground
      const [record, other] = [await shown.group(0, 1), await shown.group(1, 1)]
      const prove = (change: Partial<RecordOpening>) =>
        proofs.proveStep(shown.place, Providers, noRecord(), { ...record, ...change })
      for (const [change, error] of [
        [{ proofs: other.proofs }, 'NetProofsBadProof'],
        [{ elements: other.elements }, 'NetProofsBadProof'],
        [{ proofs: '0x' }, 'NetProofsIncomplete'],
        [{ commitment: '0x' }, 'NetProofsIncomplete'],
        [{ elements: [] }, 'NetProofsIncomplete'],
        [{ index: 4 }, 'NetProofsNoSuchRecord'],
      ] as const) {
        await expect(
          prove({ ...change, elements: [...(change.elements ?? record.elements)] }),
        ).to.be.revertedWithCustomError(proofs, error)
      }
      await expect(prove({ elements: [] })).to.be.revertedWithCustomError(proofs, 'NetProofsIncomplete')
    })

    it('of several blobs is opened in any of them', async () => {
      const ground = await begin()
      const { books, proofs, first, provider } = ground
      const many = Array.from({ length: 60 }, (_, index) => index)
      const deal = await openNetDeal(ground, books, provider, { terms: { streams: 60, exposure: 10_000_000n } })
      await advance(networkHelpers, ground, HOUR)
      const groups = many.map((index) =>
        deal
          .stream(index, 0)
          .work(...Array.from({ length: 150 }, () => 1n))
          .group(),
      )
      const honest = await netBatchOf(ground, books, [...groups, first.stream(3).work(1n).group()])
      expect(honest.batch.blobs.length).to.equal(3)
      const shown = await attested(
        ground,
        groupsOf((records) => changed(records, 50, { providerTotal: 1n })),
        honest,
      )
      const proof = proofs.proveStep(shown.place, Providers, await shown.group(49, 1), await shown.group(50, 1))
      await expectFault(shown, 'Total', proof)
      await expectNothing(shown, proofs.proveStep(shown.place, Buyers, await shown.deal(0, 1), await shown.deal(1, 1)))
    })
  })
})
