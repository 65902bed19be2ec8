/** @module */
import { anyValue } from '@nomicfoundation/hardhat-ethers-chai-matchers/withArgs'
import { expect } from 'chai'
import { network } from 'hardhat'

import { evidenceHash, faultSubject, inOrder, packTallyAndSegment } from '#protocol/evidence.ts'
import { equivocationOf, overclaimOf } from '#protocol/faults.ts'
import { Fault, Lane } from '#protocol/types.ts'
import { concatBytes, toHex } from '#protocol/words.ts'

import { deploy } from '../support/deployment.ts'
import { bare, caseOf, FROZEN, prove } from '../support/faulty.ts'
import { createMarket, joinProvider, type Market, openDeal, STAKE, USD } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'
import { resigned, type StreamLog, workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const HOUR = 3600
const PRICE = 1000n
const KEY_NOTICE = DAY
const FORCED_WINDOW = 3 * DAY
const LONGEST_DISPUTE = 33 * HOUR

async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { duration: 30 * DAY } })
  await advance(networkHelpers, market, HOUR)
  return market
}

/** Twenty receipts of a stream, and the same stream told otherwise from receipt `from` on. */
function twoHistories({ deal }: Market, from: number): [StreamLog, StreamLog] {
  const history = (word: string) => {
    const log = deal.stream(0)
    for (let index = 0; index < 20; index++) {
      log.add({ units: 5n, workHash: workHashOf(index < from ? `${index}` : `${word} ${index}`) })
    }
    return log
  }
  return [history('one'), history('other')]
}

describe('Faults: what tallies prove', () => {
  describe('two tallies of one stream', () => {
    it('of equal count and other units cost the provider its bond, and freeze the stream at once', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal, provider, stranger, registry } = market
      const group = deal.stream(0).work(10n, 20n).group()
      await settle(market, Lane.Attested, [group])
      const other = deal.stream(0).work(10n, 21n).group()

      const proof = equivocationOf(deal.id, group, other)
      const tx = await prove(market, proof)
      await expect(tx).to.emit(tally, 'StreamFrozen').withArgs(deal.id, 0, 2)
      const subject = faultSubject(deal.key, 0, Fault.Equivocation)
      await expect(tx).to.emit(tally, 'FaultProven').withArgs(subject, 1, proof?.detail)
      expect(await tally.stream(deal.id, 0)).to.deep.equal([FROZEN, 30n, 0n])
      const facts = await caseOf(market, tx)
      const { bond } = await tally.deal(deal.id)
      expect(facts.own).to.equal(bond)
      expect([facts.subject, facts.provider, facts.reporter]).to.deep.equal([
        subject,
        BigInt(provider.id),
        stranger.address,
      ])
      expect([facts.restitution, facts.delegated]).to.deep.equal([0n, 0n])
      expect(facts.evidence).to.equal(evidenceHash(1, proof?.detail ?? '0x'))
      expect(await registry.slashable(provider.id)).to.equal(10_000n * STAKE - bond)
    })

    it('of equal count and other units lower what the provider may have unmatured', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal, provider } = market
      const group = deal.stream(0).work(10n).group()
      await settle(market, Lane.Attested, [group])
      const before = await tally.earnings(provider.id)
      await prove(market, equivocationOf(deal.id, group, deal.stream(0).work(11n).group()))
      const { bond } = await tally.deal(deal.id)
      const after = await tally.earnings(provider.id)
      expect(before.cover - after.cover).to.equal((bond * 1_000_000n) / STAKE)
      expect(after.unmatured).to.equal(before.unmatured)
      await tally.refreshCover(provider.id)
      expect((await tally.earnings(provider.id)).cover).to.equal(after.cover)
    })

    it('of a frozen stream leave nothing to settle there, and the other streams go on', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal } = market
      const log = deal.stream(0).work(10n)
      await settle(market, Lane.Attested, [log.group()])
      await prove(market, equivocationOf(deal.id, log.group(), deal.stream(0).work(11n).group()))
      const { outcomes } = await settle(market, Lane.Attested, [log.work(5n).group(1), deal.stream(1).work(7n).group()])
      expect(outcomes).to.deep.equal(['Stale', 'Applied'])
    })

    for (const [what, change] of [
      ['of equal first and count and another segment', { segment: workHashOf('another') }],
      ['of a greater count and fewer units', { count: 3, units: 29n }],
    ] as const) {
      it(`${what} are an equivocation`, async () => {
        const market = await networkHelpers.loadFixture(working)
        const { deal, tally, domain, provider } = market
        const group = deal.stream(0).work(10n, 20n).group()
        const [worker] = provider.workers
        if (worker === undefined) return expect.fail('nobody works')
        const other = resigned(domain, group, worker, change)
        const proof = equivocationOf(deal.id, bare(group), bare(other))
        await expect(prove(market, proof)).to.emit(tally, 'FaultProven')
      })
    }

    it('of a greater count and fewer units are void from the first receipt that either covers', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally } = market
      const one = deal.stream(0).work(10n, 20n).group(1)
      const proof = equivocationOf(deal.id, bare(one), bare(deal.stream(0).work(1n, 1n, 1n).group(2)))
      const subject = faultSubject(deal.key, 0, Fault.Equivocation)
      await expect(prove(market, proof)).to.emit(tally, 'FaultProven').withArgs(subject, 1, proof?.detail)
    })

    it('signed by two workers of one provider are an equivocation too', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally } = market
      const proof = equivocationOf(deal.id, deal.stream(0, 0).work(10n).group(), deal.stream(0, 1).work(9n).group())
      await expect(prove(market, proof)).to.emit(tally, 'FaultProven')
    })

    it('whose shown receipts differ are an equivocation from there on', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally } = market
      const [one, other] = twoHistories(market, 12)
      const proof = equivocationOf(deal.id, one.group(3, 15), other.group(9, 20))
      expect(proof?.call.functionName).to.equal('proveOverlap')
      const subject = faultSubject(deal.key, 0, Fault.Equivocation)
      await expect(prove(market, proof)).to.emit(tally, 'FaultProven').withArgs(subject, 12, proof?.detail)
    })

    it('are void from no earlier and no later receipt than the first that differs', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally } = market
      const [one, other] = twoHistories(market, 12)
      const proof = equivocationOf(deal.id, one.group(3, 15), other.group(9, 20))
      if (proof?.call.functionName !== 'proveOverlap') return expect.fail('that shows no overlap')
      const [id, stream, , tallies, receipts] = proof.call.args
      for (const index of [3, 8, 9, 11, 13, 14, 15, 19]) {
        await expect(tally.proveOverlap(id, stream, index, tallies, receipts), `from ${index}`)
          .to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
          .withArgs(Fault.Equivocation)
      }
    })

    it('of one history prove nothing, in whatever order and pieces', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally } = market
      const log = deal.stream(0).work(10n, 20n, 5n, 5n)
      const pieces = [log.group(0, 2), log.group(1, 2), log.group(0, 4), log.group(2, 4), log.group(3, 4)]
      for (const [at, one] of pieces.entries()) {
        for (const other of pieces.slice(at + 1)) {
          expect(equivocationOf(deal.id, one, other)).to.equal(null)
          expect(equivocationOf(deal.id, bare(one), bare(other))).to.equal(null)
          const tallies = toHex(concatBytes(inOrder(one, other).map(packTallyAndSegment)))
          await expect(tally.proveEquivocation(deal.id, 0, tallies))
            .to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
            .withArgs(Fault.Equivocation)
        }
      }
    })

    it('are punished once, whatever else is found of the stream', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, registry } = market
      const [a, b, c] = [10n, 11n, 12n].map((units) => deal.stream(0).work(units).group())
      if (a === undefined || b === undefined || c === undefined) return expect.fail('three tallies')
      await prove(market, equivocationOf(deal.id, a, b))
      await expect(prove(market, equivocationOf(deal.id, b, c)))
        .to.be.revertedWithCustomError(registry, 'VaultPunished')
        .withArgs(faultSubject(deal.key, 0, Fault.Equivocation))
    })

    it('in the wrong order, cut short or of no stream are refused', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally } = market
      const proof = equivocationOf(deal.id, bare(deal.stream(0).work(10n).group()), deal.stream(0).work(11n).group())
      if (proof?.call.functionName !== 'proveEquivocation') return expect.fail('no equivocation')
      const [id, stream, tallies] = proof.call.args
      const swapped = `0x${tallies.slice(226)}${tallies.slice(2, 226)}` as const
      await expect(tally.proveEquivocation(id, stream, swapped)).to.be.revertedWithCustomError(tally, 'FaultsMalformed')
      await expect(tally.proveEquivocation(id, stream, `${tallies}00`)).to.be.revertedWithCustomError(
        tally,
        'FaultsMalformed',
      )
      await expect(tally.proveEquivocation(id, 4, tallies))
        .to.be.revertedWithCustomError(tally, 'FaultsNoSuchStream')
        .withArgs(id, 4)
      await expect(tally.proveEquivocation(id + 1, 0, tallies)).to.be.revertedWithCustomError(
        tally,
        'FaultsNoSuchStream',
      )
    })

    it("by another provider's worker are not this one's fault", async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally, rival, domain } = market
      const other = await joinProvider(market, rival)
      const [key] = other.workers
      if (key === undefined) return expect.fail('nobody works')
      const group = deal.stream(0).work(10n).group()
      const theirs = resigned(domain, group, key, { units: 11n })
      const proof = equivocationOf(deal.id, bare(group), bare({ ...theirs, worker: other.firstWorker }))
      await expect(prove(market, proof))
        .to.be.revertedWithCustomError(tally, 'FaultsNotSigned')
        .withArgs(other.firstWorker)
    })

    it('ask for all that the stream was paid for, where that is more than the bond', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally } = market
      const log = deal.stream(0).work(40_000n)
      await settle(market, Lane.Attested, [log.group()])
      const tx = await prove(market, equivocationOf(deal.id, log.group(), deal.stream(0).work(1n).group()))
      const { bond } = await tally.deal(deal.id)
      expect(bond).to.equal(10n * STAKE)
      expect((await caseOf(market, tx)).own).to.equal(80n * STAKE) // twice 40,000 units of a tenth of a cent
    })

    it('of a closed deal count until its id is recycled', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, tally, buyer } = market
      const proof = equivocationOf(deal.id, deal.stream(0).work(10n).group(), deal.stream(0).work(9n).group())
      await tally.connect(buyer).stop(deal.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(deal.id)
      await expect(prove(market, proof)).to.emit(tally, 'StreamFrozen')
      await advance(networkHelpers, market, 7 * DAY)
      await tally.recycle(deal.id)
      const late = equivocationOf(deal.id, deal.stream(1).work(10n).group(), deal.stream(1).work(9n).group())
      await expect(prove(market, late)).to.be.revertedWithCustomError(tally, 'FaultsNoSuchStream')
    })
  })

  describe('what a revoked worker signed', () => {
    async function revoked() {
      const market = await working()
      const { registry, owner, provider, tally } = market
      const from = Number(await tally.clock()) + KEY_NOTICE + HOUR
      await registry.connect(owner).revokeWorker(provider.id, provider.firstWorker, from)
      return { ...market, from }
    }

    it('counts until the forced window and the longest dispute after its revocation', async () => {
      const market = await networkHelpers.loadFixture(revoked)
      const { deal, tally, from } = market
      const left = from + FORCED_WINDOW + LONGEST_DISPUTE - Number(await tally.clock())
      await advance(networkHelpers, market, left - 2)
      const proof = equivocationOf(deal.id, deal.stream(0).work(10n).group(), deal.stream(0).work(9n).group())
      await expect(prove(market, proof)).to.emit(tally, 'FaultProven')
    })

    it('is dead after that', async () => {
      const market = await networkHelpers.loadFixture(revoked)
      const { deal, tally, from, provider } = market
      const left = from + FORCED_WINDOW + LONGEST_DISPUTE - Number(await tally.clock())
      await advance(networkHelpers, market, left)
      const proof = equivocationOf(deal.id, deal.stream(0).work(10n).group(), deal.stream(0).work(9n).group())
      await expect(prove(market, proof))
        .to.be.revertedWithCustomError(tally, 'FaultsRevoked')
        .withArgs(provider.firstWorker)
    })
  })

  describe('a tally of more units than there was time for', () => {
    /** A deal of 3,600 units an hour, and how many of them no honest worker has after `elapsed` seconds. */
    async function slow() {
      const market = await createMarket(await deploy(ethers), {
        offer: { rateCap: 3600 },
        terms: { duration: 30 * DAY },
      })
      return market
    }

    const ELAPSED = 8 * HOUR
    const MOST = (BigInt(ELAPSED) * 5n) / 4n + 3600n

    it('is none up to 1.25 times the cap and an hour', async () => {
      const market = await networkHelpers.loadFixture(slow)
      const { deal, tally } = market
      const { openedAt } = await tally.deal(deal.id)
      await networkHelpers.time.setNextBlockTimestamp(Number(openedAt) + ELAPSED)
      await expect(prove(market, overclaimOf(deal.id, deal.stream(0).work(MOST).group())))
        .to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
        .withArgs(Fault.Overclaim)
    })

    it('is one from the first unit above that', async () => {
      const market = await networkHelpers.loadFixture(slow)
      const { deal, tally } = market
      const { openedAt } = await tally.deal(deal.id)
      await networkHelpers.time.setNextBlockTimestamp(Number(openedAt) + ELAPSED)
      await expect(
        prove(
          market,
          overclaimOf(
            deal.id,
            deal
              .stream(0)
              .work(MOST + 1n)
              .group(),
          ),
        ),
      )
        .to.emit(tally, 'FaultProven')
        .withArgs(faultSubject(deal.key, 0, Fault.Overclaim), 0, anyValue)
    })

    it('freezes the stream and costs the bond', async () => {
      const market = await networkHelpers.loadFixture(slow)
      const { deal, tally } = market
      const tx = await prove(market, overclaimOf(deal.id, deal.stream(2).work(50_000n).group()))
      await expect(tx).to.emit(tally, 'StreamFrozen').withArgs(deal.id, 2, 0)
      expect((await caseOf(market, tx)).own).to.equal(10n * STAKE)
    })

    it('is measured by the time on the wall: a chain that stood still convicts nobody', async () => {
      const market = await networkHelpers.loadFixture(slow)
      const { deal, tally } = market
      await networkHelpers.time.increase(20 * HOUR)
      // twenty hours' work; the protocol clock goes on by one
      const proof = overclaimOf(
        deal.id,
        deal
          .stream(0)
          .work(20n * 3600n)
          .group(),
      )
      await expect(prove(market, proof)).to.be.revertedWithCustomError(tally, 'FaultsNothingWrong')
    })
  })

  it('leaves the money where it was until somebody shows where it was settled', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { deal, tally, provider } = market
    const group = deal.stream(0).work(10n).group()
    await settle(market, Lane.Attested, [group])
    await prove(market, equivocationOf(deal.id, group, deal.stream(0).work(9n).group()))
    expect((await tally.earnings(provider.id)).unmatured).to.equal(10n * PRICE)
    expect((await tally.deal(deal.id)).remaining).to.equal(100n * USD - 10n * PRICE)
  })

  it('says of two deals with equal streams which one was meant', async () => {
    const market = await networkHelpers.loadFixture(working)
    const { deal, tally, provider } = market
    const second = await openDeal(market, provider)
    const proof = equivocationOf(deal.id, deal.stream(0).work(10n).group(), second.stream(0).work(9n).group())
    expect(proof).to.equal(null)
    const theirs = equivocationOf(second.id, second.stream(0).work(10n).group(), second.stream(0).work(9n).group())
    await expect(prove(market, theirs)).to.emit(tally, 'StreamFrozen').withArgs(second.id, 0, 0)
    expect(await tally.stream(deal.id, 0)).to.deep.equal([0n, 0n, 0n])
  })
})
