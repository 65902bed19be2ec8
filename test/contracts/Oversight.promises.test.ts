/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { zeroAddress } from 'viem'
import { brokenEvidence, memberSubject } from '#protocol/oversight.ts'
import { Fault, Lane } from '#protocol/types.ts'
import { createKzg } from '#runtime/kzg.ts'

import { signerNamed } from '../support/actors.ts'
import { createBlobSettling, placeIn } from '../support/blob-settling.ts'
import { type Deployment, deploy } from '../support/deployment.ts'
import { createMarket, STAKE } from '../support/market.ts'
import { bondMembers } from '../support/netting.ts'
import { bondOf, gasOf, placeInRecord, promiseBy, stakeOf } from '../support/oversight.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { lastCase, plain } from '../support/slashing.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const HOUR = 3600
const BOND = 1_000n * STAKE
const kzg = createKzg()

/** A usual deal, an hour old, and members with a thousand tokens of bond each. */
async function fixture() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n } })
  await bondMembers(market)
  await advance(networkHelpers, market, HOUR)
  return market
}

/** A delivered group that member 0 promised within three hours, four hours ago, and that its provider then forced. */
async function forcedLate() {
  const market = await networkHelpers.loadFixture(fixture)
  const settling = createBlobSettling(market, kzg)
  const stream = market.deal.stream(0).work(100n, 200n)
  const group = stream.group()
  const before = (await lastClock(market)) + 3 * HOUR
  const promised = promiseBy(market, 0, group, before)
  await advance(networkHelpers, market, 4 * HOUR)
  const forced = await settling.inCalldata([group], Lane.Forced)
  const place = placeInRecord(market.deal.id, forced)
  const prove = async () =>
    await market.oversight.connect(market.stranger).proveBroken(promised, place, group.tally.segment)
  return { ...market, settling, group, before, promised, place, prove, forced }
}

const signerOf = ({ members: [member] }: Deployment) => member?.address ?? zeroAddress

describe('Oversight: promises', () => {
  it('cost a member a hundredth of its bond when the provider had to force, nine tenths of it for the provider', async () => {
    const chain = await forcedLate()
    const { registry, members, payout, stranger } = chain
    const tx = chain.prove()
    const taken = BOND / 100n
    await expect(tx).to.emit(registry, 'Slashed')
    expect([await bondOf(chain, 0), await bondOf(chain, 1)]).to.deep.equal([BOND - taken, BOND])
    const facts = await lastCase(chain)
    expect([facts.subject, facts.evidence]).to.deep.equal([
      memberSubject(chain.group.leaf, Fault.BrokenPromise, signerOf(chain)),
      brokenEvidence({ tally: chain.group.leaf, before: chain.before }, signerOf(chain)),
    ])
    expect([facts.signer, facts.victim, facts.reporter, facts.restitution]).to.deep.equal([
      members[0]?.address,
      payout.address,
      stranger.address,
      (taken * 9n) / 10n,
    ])
    expect(await gasOf(tx)).to.be.at.most(150_000)
  })

  it('are paid out three days later', async () => {
    const chain = await forcedLate()
    await chain.prove()
    const facts = await lastCase(chain)
    await advance(networkHelpers, chain, 72 * HOUR)
    const before = [await stakeOf(chain, chain.payout), await stakeOf(chain, chain.stranger)]
    await chain.registry.payOut(facts)
    const after = [await stakeOf(chain, chain.payout), await stakeOf(chain, chain.stranger)]
    const gained = after.map((amount, index) => amount - (before[index] ?? 0n))
    expect(gained).to.deep.equal([9n * STAKE, STAKE])
  })

  it('are broken once', async () => {
    const { prove, oversight } = await forcedLate()
    await prove()
    await expect(prove()).to.be.revertedWithCustomError(oversight, 'OversightPunished')
  })

  it('cannot be held against the member whose name another signed with', async () => {
    const { oversight, promised, place, group } = await forcedLate()
    for (const change of [{ member: 1 }, { epoch: 2 }, { epoch: 0 }, { member: 31 }, { before: promised.before - 1 }]) {
      await expect(
        oversight.proveBroken({ ...promised, ...change }, place, group.tally.segment),
      ).to.be.revertedWithCustomError(oversight, 'OversightNotSigned')
    }
  })

  it('of somebody who is no member are worth nothing', async () => {
    const chain = await forcedLate()
    const stranger = { ...chain, members: [signerNamed('nobody')] }
    const promised = promiseBy(stranger, 0, chain.group, chain.before)
    await expect(
      chain.oversight.proveBroken(promised, chain.place, chain.group.tally.segment),
    ).to.be.revertedWithCustomError(chain.oversight, 'OversightNotSigned')
  })

  it('of a member who was replaced still count', async () => {
    const chain = await forcedLate()
    const seat = { signer: signerNamed('new member').address, endpoint: '' }
    await chain.committee.connect(chain.governor).setMembers([seat], 1)
    await expect(chain.prove()).to.emit(chain.registry, 'Slashed')
  })

  it('are kept by a force in time', async () => {
    const chain = await forcedLate()
    const late = promiseBy(chain, 0, chain.group, chain.forced.link.time)
    await expect(chain.oversight.proveBroken(late, chain.place, chain.group.tally.segment))
      .to.be.revertedWithCustomError(chain.oversight, 'OversightPromiseKept')
      .withArgs(late.before, late.before)
  })

  it('can be held against a member for a day, and not a second longer', async () => {
    const chain = await forcedLate()
    await arriveAt(networkHelpers, chain, chain.before + 24 * HOUR + 1)
    await expect(chain.prove()).to.be.revertedWithCustomError(chain.oversight, 'OversightPromiseKept')
  })

  it('can be held against a member until the last second of that day', async () => {
    const chain = await forcedLate()
    await arriveAt(networkHelpers, chain, chain.before + 24 * HOUR)
    await expect(chain.prove()).to.emit(chain.registry, 'Slashed')
  })
})

/** Two streams; the first one's group was in an attested batch that skipped it for its rate, and was forced later. */
async function skippedThenForced() {
  const market = await networkHelpers.loadFixture(fixture)
  const settling = createBlobSettling(market, kzg)
  const { deal } = market
  const other = deal.stream(1).work(5n)
  // as much as the stream may have in an hour and a half: too much for now, not for later
  const group = deal.stream(0).work(5_400_000n).group()
  const before = (await lastClock(market)) + 3 * HOUR
  const promised = promiseBy(market, 0, group, before)
  const batch = await settling.inCalldata([group, other.group()])
  expect(batch.facts.map(({ outcome }) => outcome)).to.deep.equal([6, 0])
  await advance(networkHelpers, market, 4 * HOUR)
  const forced = await settling.inCalldata([group], Lane.Forced)
  const place = placeInRecord(deal.id, forced)
  await market.oversight.connect(market.stranger).proveBroken(promised, place, group.tally.segment)
  return { ...market, group, before, batch, facts: await lastCase(market) }
}

describe('Oversight: discharge', () => {
  it('returns what was taken when a batch contained the group in time, although it skipped it', async () => {
    const chain = await skippedThenForced()
    const { oversight, registry, facts, before, batch, group } = chain
    const discharge = async () => await oversight.discharge(facts, before, placeIn([batch], 0, 0), group.tally.segment)
    await expect(discharge()).to.emit(registry, 'CaseReturned')
    expect(await bondOf(chain, 0)).to.equal(BOND)
    await expect(discharge()).to.be.revertedWithCustomError(registry, 'VaultNoSuchCase')
  })

  it('takes no batch with another group, and no other time', async () => {
    const { oversight, facts, before, batch, group } = await skippedThenForced()
    const other = batch.tallies[1]?.segment ?? '0x'
    await expect(oversight.discharge(facts, before, placeIn([batch], 0, 1), other)).to.be.revertedWithCustomError(
      oversight,
      'OversightNoSuchCase',
    )
    await expect(
      oversight.discharge(facts, before + 1, placeIn([batch], 0, 0), group.tally.segment),
    ).to.be.revertedWithCustomError(oversight, 'OversightNoSuchCase')
    await expect(
      oversight.discharge(facts, batch.link.time - 1, placeIn([batch], 0, 0), group.tally.segment),
    ).to.be.revertedWithCustomError(oversight, 'OversightPromiseKept')
    const stolen = plain(facts, { signer: oversight.target as string })
    await expect(
      oversight.discharge(stolen, before, placeIn([batch], 0, 0), group.tally.segment),
    ).to.be.revertedWithCustomError(oversight, 'OversightNoSuchCase')
  })
})
