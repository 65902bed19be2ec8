/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import type { Hex } from 'viem'

import { faultSubject, packReceipt, type SignedReceipt } from '#protocol/evidence.ts'
import { doubleSellingOf, duplicateOf, overMaximumOf } from '#protocol/faults.ts'
import { Fault } from '#protocol/types.ts'
import { concatBytes, toHex } from '#protocol/words.ts'

import { deploy } from '../support/deployment.ts'
import { caseOf, FROZEN, orderOf, prove, shown, taskOf } from '../support/faulty.ts'
import { createMarket, joinProvider, type Market, openDeal, STAKE } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const NOTICE = 7 * DAY

async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { duration: 30 * DAY } })
  await advance(networkHelpers, market, 3600)
  return market
}

/** Lets a receipt's bytes say something else from byte `at` on. */
function altered(bytes: Hex, at: number, to: string): Hex {
  return `0x${bytes.slice(2, 2 + 2 * at)}${to}${bytes.slice(2 + 2 * at + to.length)}`
}

describe('Faults: what receipts prove', () => {
  describe('two receipts with one task', () => {
    async function billedTwice() {
      const market = await working()
      const { deal } = market
      const order = orderOf(deal.key)
      const [once, twice] = [taskOf(order, 5n), taskOf(order, 6n)]
      const group = deal.stream(1).work(3n).add(once.receipt).work(4n).add(twice.receipt).group()
      return { ...market, order, once, twice, group }
    }

    it('cost the provider its bond, from the second one on', async () => {
      const market = await networkHelpers.loadFixture(billedTwice)
      const { deal, tally, group, once, twice } = market
      const proof = duplicateOf(shown(group, 3, twice), shown(group, 1, once))
      const tx = await prove(market, proof)
      const subject = faultSubject(deal.key, 1, Fault.DuplicateTask)
      await expect(tx).to.emit(tally, 'FaultProven').withArgs(subject, 3, proof?.detail)
      await expect(tx).to.emit(tally, 'StreamFrozen').withArgs(deal.id, 1, 0)
      const facts = await caseOf(market, tx)
      expect([facts.subject, facts.own, facts.evidence]).to.deep.equal([subject, 10n * STAKE, proof?.evidence])
    })

    it('of two streams freeze the second one', async () => {
      const market = await networkHelpers.loadFixture(billedTwice)
      const { deal, tally, once, twice } = market
      const [first, second] = [deal.stream(0).add(twice.receipt).group(), deal.stream(2).add(once.receipt).group()]
      await prove(market, duplicateOf(shown(second, 0, once), shown(first, 0, twice)))
      expect((await tally.stream(deal.id, 0)).count).to.equal(0n)
      expect((await tally.stream(deal.id, 2)).count).to.equal(FROZEN)
    })

    it('are not one receipt shown twice, in whatever segments', async () => {
      const market = await networkHelpers.loadFixture(billedTwice)
      const { deal, tally, once } = market
      const log = deal.stream(3).work(1n).add(once.receipt)
      const [short, long] = [shown(log.group(1), 1, once), shown(log.work(2n).group(), 1, once)]
      expect(duplicateOf(short, long)).to.equal(null)
      const proof = duplicateOf(short, shown(log.add(once.receipt).group(), 3, once))
      if (proof?.call.functionName !== 'proveDuplicate') return expect.fail('no duplicate')
      const [bytes] = proof.call.args
      const half = 5 + 80 + 83 + 35
      const twiceTheSame: Hex = `0x${bytes.slice(2, 2 + 2 * half)}${bytes.slice(2, 2 + 2 * half)}`
      await expect(tally.proveDuplicate(twiceTheSame)).to.be.revertedWithCustomError(tally, 'FaultsMalformed')
    })

    it('are not two tasks', async () => {
      const market = await networkHelpers.loadFixture(billedTwice)
      const { deal, tally, once } = market
      const other = taskOf(orderOf(deal.key, 1n), 5n)
      const group = deal.stream(0).add(once.receipt, other.receipt).group()
      const [a, b] = [shown(group, 0, once), shown(group, 1, other)]
      expect(duplicateOf(a, b)).to.equal(null)
      await expect(tally.proveDuplicate(toHex(concatBytes([packReceipt(a), packReceipt(b)]))))
        .to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
        .withArgs(Fault.DuplicateTask)
      const forged = duplicateOf(a, shown(deal.stream(0).add(once.receipt, once.receipt).group(), 1, once))
      if (forged?.call.functionName !== 'proveDuplicate') return expect.fail('no duplicate')
      const [bytes] = forged.call.args
      // the second receipt says it is the first task: then its work hash is not the one that was signed
      await expect(
        tally.proveDuplicate(altered(bytes, 5 + 80 + 83 + 70 + 5 + 80 + 3, '00')),
      ).to.be.revertedWithCustomError(tally, 'FaultsMalformed')
    })

    it('must have been signed', async () => {
      const market = await networkHelpers.loadFixture(billedTwice)
      const { deal, tally, group, once, twice } = market
      const signature = deal.stream(2).add(once.receipt).group().signature
      const proof = duplicateOf(shown({ ...group, signature }, 1, once), shown(group, 3, twice))
      await expect(prove(market, proof)).to.be.revertedWithCustomError(tally, 'FaultsNotSigned')
    })
  })

  describe('a receipt above its order’s maximum', () => {
    it('costs the provider its bond', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally } = market
      const order = orderOf(deal.key, 3n, 99n)
      const task = taskOf(order, 100n)
      const proof = overMaximumOf(shown(deal.stream(0).work(1n).add(task.receipt).group(), 1, task), order)
      const tx = await prove(market, proof)
      const subject = faultSubject(deal.key, 0, Fault.OverMaximum)
      await expect(tx).to.emit(tally, 'FaultProven').withArgs(subject, 1, proof?.detail)
      expect((await caseOf(market, tx)).own).to.equal(10n * STAKE)
    })

    it('is none at the maximum, nor by another order', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally } = market
      const order = orderOf(deal.key, 3n, 99n)
      const task = taskOf(order, 100n)
      const proof = overMaximumOf(shown(deal.stream(0).add(task.receipt).group(), 0, task), order)
      if (proof?.call.functionName !== 'proveOverMaximum') return expect.fail('not above its maximum')
      const [receipt, bytes] = proof.call.args
      for (const other of [altered(bytes, 45, '62'), altered(bytes, 7, '04'), altered(bytes, 39, 'aa')]) {
        await expect(tally.proveOverMaximum(receipt, other))
          .to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
          .withArgs(Fault.OverMaximum)
      }
      const fitting = taskOf(order, 99n)
      const group = deal.stream(1).add(fitting.receipt).group()
      expect(overMaximumOf(shown(group, 0, fitting), order)).to.equal(null)
      await expect(tally.proveOverMaximum(toHex(packReceipt(shown(group, 0, fitting))), bytes))
        .to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
        .withArgs(Fault.OverMaximum)
    })
  })

  describe('a declared capacity', () => {
    it('holds after its notice, for whoever acts for the provider', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, provider, operator, stranger } = market
      await expect(tally.connect(stranger).declareCapacity(provider.id, 2))
        .to.be.revertedWithCustomError(tally, 'FaultsUnauthorized')
        .withArgs(provider.id, stranger.address)
      await tally.connect(operator).declareCapacity(provider.id, 2)
      expect((await tally.capacityOf(provider.id)).slice(0, 2)).to.deep.equal([0n, 2n])
      await networkHelpers.time.increase(NOTICE)
      expect((await tally.capacityOf(provider.id)).slice(0, 2)).to.deep.equal([2n, 2n])
    })

    it('is replaced before it holds by what is declared next', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, provider, owner } = market
      await tally.connect(owner).declareCapacity(provider.id, 2)
      await networkHelpers.time.increase(NOTICE)
      await tally.connect(owner).declareCapacity(provider.id, 9)
      await tally.connect(owner).declareCapacity(provider.id, 5)
      expect((await tally.capacityOf(provider.id)).slice(0, 2)).to.deep.equal([2n, 5n])
    })
  })

  describe('receipts of one time', () => {
    /** A provider whose workers do two tasks at once, and the second at which that holds. */
    async function declared() {
      const market = await working()
      await market.tally.connect(market.owner).declareCapacity(market.provider.id, 2)
      await advance(networkHelpers, market, NOTICE + 3600)
      return { ...market, now: await networkHelpers.time.latest() }
    }

    /** Receipts of one worker, one deal each, that were worked on from and to these seconds. */
    async function soldAt(market: Market, times: readonly [number, number][], worker = 0): Promise<SignedReceipt[]> {
      const sold: SignedReceipt[] = []
      for (const [from, to] of times) {
        const deal = await openDeal(market, market.provider)
        const task = taskOf(orderOf(deal.key), 5n, from, to)
        sold.push(shown(deal.stream(0, worker).add(task.receipt).group(), 0, task))
      }
      return sold
    }

    it('above the capacity cost the first one’s bond', async () => {
      const market = await networkHelpers.loadFixture(declared)
      const { tally, now } = market
      const sold = await soldAt(market, [
        [now - 60, now],
        [now - 50, now - 20],
        [now - 21, now + 5],
      ])
      const proof = doubleSellingOf(sold, 2)
      const tx = await prove(market, proof)
      const [first] = sold
      const subject = faultSubject(first?.tally.dealKey ?? '0x', 0, Fault.DoubleSelling)
      await expect(tx).to.emit(tally, 'FaultProven').withArgs(subject, 0, proof?.detail)
      expect((await caseOf(market, tx)).evidence).to.equal(proof?.evidence)
      expect((await tally.stream(first?.dealId ?? 0, 0)).count).to.equal(FROZEN)
    })

    it('one after the other, of no time, or no more than the capacity are none', async () => {
      const market = await networkHelpers.loadFixture(declared)
      const { tally, now } = market
      for (const times of [
        [
          [now - 60, now - 20],
          [now - 50, now - 20],
          [now - 20, now],
        ],
        [
          [now - 60, now],
          [now - 60, now],
          [now - 30, now - 30],
        ],
        [
          [now - 60, now],
          [now - 50, now],
        ],
      ] as [number, number][][]) {
        const sold = await soldAt(market, times)
        expect(doubleSellingOf(sold, 2)).to.equal(null)
        await expect(tally.proveDoubleSelling(toHex(concatBytes(sold.map(packReceipt)))))
          .to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
          .withArgs(Fault.DoubleSelling)
      }
    })

    it('before the capacity held, or without one, are outside', async () => {
      const market = await networkHelpers.loadFixture(declared)
      const { tally, now } = market
      const then = now - NOTICE
      const early = await soldAt(market, [
        [then, then + 9],
        [then, then + 9],
        [then, then + 9],
      ])
      await expect(prove(market, doubleSellingOf(early, 2))).to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
    })

    it('by several workers are none', async () => {
      const market = await networkHelpers.loadFixture(declared)
      const { tally, now } = market
      const sold = [
        ...(await soldAt(market, [
          [now - 9, now],
          [now - 9, now],
        ])),
        ...(await soldAt(market, [[now - 9, now]], 1)),
      ]
      await expect(prove(market, doubleSellingOf(sold, 2))).to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
    })

    it('named twice are one', async () => {
      const market = await networkHelpers.loadFixture(declared)
      const { tally, now } = market
      const [a, b] = await soldAt(market, [
        [now - 9, now],
        [now - 9, now],
      ])
      if (a === undefined || b === undefined) return expect.fail('two receipts')
      await expect(prove(market, doubleSellingOf([a, b, b], 2))).to.be.revertedWithCustomError(tally, 'FaultsMalformed')
    })

    it('that a key signed for another provider are not this one’s', async () => {
      const market = await networkHelpers.loadFixture(declared)
      const { tally, now, rival, provider } = market
      const other = await joinProvider(market, rival, { workers: provider.workers })
      const theirs = await openDeal(market, other)
      const task = taskOf(orderOf(theirs.key), 5n, now - 9, now)
      const sold = [
        ...(await soldAt(market, [
          [now - 9, now],
          [now - 9, now],
        ])),
        shown(theirs.stream(0, 0).add(task.receipt).group(), 0, task),
      ]
      await expect(prove(market, doubleSellingOf(sold, 2))).to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
    })
  })

  it('reads no receipt that is not in its tally', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { deal, tally } = market
    const order = orderOf(deal.key, 3n, 99n)
    const task = taskOf(order, 100n)
    const proof = overMaximumOf(shown(deal.stream(0).work(1n).add(task.receipt).group(), 1, task), order)
    if (proof?.call.functionName !== 'proveOverMaximum') return expect.fail('not above its maximum')
    const [receipt, bytes] = proof.call.args
    for (const index of ['000000', '000002']) {
      await expect(tally.proveOverMaximum(altered(receipt, 85, index), bytes)).to.be.revertedWithCustomError(
        tally,
        'FaultsMalformed',
      )
    }
    await expect(tally.proveOverMaximum(`${receipt}00`, bytes)).to.be.revertedWithCustomError(tally, 'FaultsMalformed')
  })
})
