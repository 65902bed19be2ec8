/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import type { Hex } from 'viem'
import { evidenceHash, faultSubject } from '#protocol/evidence.ts'
import { equivocationOf } from '#protocol/faults.ts'
import { Fault, Lane } from '#protocol/types.ts'
import { openBlob } from '#runtime/blob-opening.ts'
import { createKzg } from '#runtime/kzg.ts'

import { createBlobSettling, type OpenBatch, placeIn } from '../support/blob-settling.ts'
import { deploy } from '../support/deployment.ts'
import { ackKey, createMarket, STAKE, USD } from '../support/market.ts'
import { bondMembers } from '../support/netting.ts'
import { bondOf, bytesOf, gasOf, placeInRecord } from '../support/oversight.ts'
import { advance } from '../support/protocol-clock.ts'
import { attest } from '../support/settling.ts'
import { lastCase, plain } from '../support/slashing.ts'
import { type SignedGroup, workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const HOUR = 3600
const DAY = 24 * HOUR
const BOND = 1_000n * STAKE
const UNIT = USD / 1000n
const kzg = createKzg()

async function fixture() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n } })
  await bondMembers(market)
  await advance(networkHelpers, market, HOUR)
  return market
}

async function begun() {
  const market = await networkHelpers.loadFixture(fixture)
  const stream = market.deal.stream(0)
  const [worker] = market.provider.workers
  if (worker === undefined) throw new Error('the provider has no worker')
  return { ...market, stream, worker, settling: createBlobSettling(market, kzg) }
}

type Begun = Awaited<ReturnType<typeof begun>>

/** What the deal has left, the stream's units, and the provider's money that has not matured. */
async function booksOf({ tally, deal, provider }: Begun) {
  const { remaining } = await tally.deal(deal.id)
  const [, units] = await tally.stream(deal.id, 0)
  const { unmatured } = await tally.earnings(provider.id)
  return { left: remaining, units, unmatured }
}

/**
 * Proves that the worker signed another receipt `index` of a group, and says what refutes what.
 *
 * @returns The case, as the court takes it.
 */
async function equivocated(chain: Begun, group: SignedGroup, index: number) {
  const { deal, tally } = chain
  const { first } = group.tally
  const changed = group.receipts.map((receipt, at) =>
    at === index - first ? { ...receipt, workHash: workHashOf('instead') } : receipt,
  )
  const before = chain.stream.receipts.slice(0, first)
  const other = deal
    .stream(0)
    .add(...before, ...changed)
    .group(first)
  const proof = equivocationOf(deal.id, shown(group), shown(other))
  if (proof?.call.functionName !== 'proveOverlap') throw new Error('nothing is wrong')
  await tally.connect(chain.stranger).proveOverlap(...proof.call.args)
  const facts = await lastCase(chain)
  expect([proof.index, proof.evidence]).to.deep.equal([index, evidenceHash(index, proof.detail)])
  expect([facts.subject, facts.evidence]).to.deep.equal([
    faultSubject(group.tally.dealKey, 0, Fault.Equivocation),
    proof.evidence,
  ])
  return { facts, fault: Fault.Equivocation, index, detail: proof.detail }
}

const shown = ({ tally, worker, signature, receipts }: SignedGroup) => ({ tally, worker, signature, receipts })

/** Settles 10 and 20 units, then 30 and 40, then 50, each in an interval of its own, the last in `lane`. */
async function settledThrice(chain: Begun) {
  const { stream, settling } = chain
  const batches: { group: SignedGroup; batch: OpenBatch; place: Hex }[] = []
  for (const units of [[10n, 20n], [30n, 40n], [50n]]) {
    const first = stream.receipts.length
    const group = stream.work(...units).group(first)
    const batch = await settling.inCalldata([group])
    batches.push({ group, batch, place: placeIn([batch], 0, 0) })
    await advance(networkHelpers, chain, 900)
  }
  const [one, two, three] = batches
  if (one === undefined || two === undefined || three === undefined) throw new Error('three batches were settled')
  return { one, two, three }
}

describe('Oversight: voiding from a fault on', function () {
  this.timeout(60_000)

  it('gives the deal back what the refuted receipt and all later ones were paid, from the provider', async () => {
    const chain = await begun()
    const { two } = await settledThrice(chain)
    const refutation = await equivocated(chain, two.group, 3)
    const before = await booksOf(chain)
    const tx = chain.oversight.voidFrom(chain.deal.id, refutation, two.place, bytesOf(two.group), false)
    await expect(tx)
      .to.emit(chain.oversight, 'VoidedFrom')
      .withArgs(chain.deal.id, 0, 60n, 90n * UNIT)
    const after = await booksOf(chain)
    expect(after).to.deep.equal({
      left: before.left + 90n * UNIT,
      units: 60n,
      unmatured: before.unmatured - 90n * UNIT,
    })
    expect(await gasOf(tx)).to.be.at.most(150_000)
    const again = chain.oversight.voidFrom(chain.deal.id, refutation, two.place, bytesOf(two.group), false)
    await expect(again).to.emit(chain.oversight, 'VoidedFrom').withArgs(chain.deal.id, 0, 60n, 0n)
  })

  it('begins with the group where it begins with a group, whose bytes nobody needs then', async () => {
    const chain = await begun()
    const { two, three } = await settledThrice(chain)
    const refutation = await equivocated(chain, two.group, 2)
    const { segment } = two.group.tally
    await chain.oversight.voidFrom(chain.deal.id, refutation, three.place, three.group.tally.segment, false)
    expect((await booksOf(chain)).units).to.equal(100n)
    await chain.oversight.voidFrom(chain.deal.id, refutation, two.place, segment, false)
    expect((await booksOf(chain)).units).to.equal(30n)
  })

  it('leaves what was settled before the fault', async () => {
    const chain = await begun()
    const { one, two } = await settledThrice(chain)
    const refutation = await equivocated(chain, two.group, 2)
    await expect(
      chain.oversight.voidFrom(chain.deal.id, refutation, one.place, bytesOf(one.group), false),
    ).to.be.revertedWithCustomError(chain.oversight, 'OversightOtherGroup')
  })

  it('leaves what the buyer acknowledged', async () => {
    const chain = await begun()
    const { one, two } = await settledThrice(chain)
    const whole = chain.stream.acknowledged(ackKey, 0, 3)
    const { dealKey, stream, count, units, segment } = whole.tally
    const message = { dealKey, stream, count, units, segment }
    await chain.tally.acknowledge(chain.deal.id, stream, count, units, segment, whole.acknowledgement ?? '0x')
    expect([message.units, one.group.units]).to.deep.equal([60n, 30n])
    const refutation = await equivocated(chain, two.group, 2)
    await chain.oversight.voidFrom(chain.deal.id, refutation, two.place, bytesOf(two.group), false)
    expect((await booksOf(chain)).units).to.equal(60n)
  })

  it('reaches forced groups for as long as their own money has not matured', async () => {
    const chain = await begun()
    const group = chain.stream.work(10n, 20n).group()
    const forced = await chain.settling.inCalldata([group], Lane.Forced)
    await advance(networkHelpers, chain, 5 * DAY - 30 * HOUR - (forced.link.time % DAY))
    const refutation = await equivocated(chain, group, 1)
    const place = placeInRecord(chain.deal.id, forced)
    await chain.oversight.voidFrom(chain.deal.id, refutation, place, bytesOf(group), true)
    expect((await booksOf(chain)).units).to.equal(10n)
  })

  it('does not reach money that has matured', async () => {
    const chain = await begun()
    const { one } = await settledThrice(chain)
    await advance(networkHelpers, chain, 3 * DAY)
    const refutation = await equivocated(chain, one.group, 1)
    await expect(
      chain.oversight.voidFrom(chain.deal.id, refutation, one.place, bytesOf(one.group), false),
    ).to.be.revertedWithCustomError(chain.tally, 'RemediesMatured')
  })

  it('needs a case of this very stream that stands', async () => {
    const chain = await begun()
    const { two } = await settledThrice(chain)
    const refutation = await equivocated(chain, two.group, 3)
    const { oversight, deal } = chain
    const wrong = [
      { ...refutation, index: 2 },
      { ...refutation, detail: workHashOf('other') },
      { ...refutation, fault: Fault.Unordered },
      { ...refutation, facts: plain(refutation.facts, { reporter: chain.rival.address }) },
    ]
    for (const changed of wrong) {
      await expect(
        oversight.voidFrom(deal.id, changed, two.place, bytesOf(two.group), false),
      ).to.be.revertedWithCustomError(oversight, 'OversightNoSuchCase')
    }
    const elsewhere = chain.deal.stream(1).work(1n, 2n).group()
    const batch = await chain.settling.inCalldata([elsewhere])
    await expect(
      oversight.voidFrom(deal.id, refutation, placeIn([batch], 0, 0), bytesOf(elsewhere), false),
    ).to.be.revertedWithCustomError(oversight, 'OversightNoSuchCase')
    await expect(
      oversight.voidFrom(deal.id, refutation, two.place, bytesOf(two.group).slice(0, -70) as Hex, false),
    ).to.be.revertedWithCustomError(chain.openings, 'OpeningsNotInRing')
    await expect(
      oversight.voidFrom(deal.id, refutation, two.place, two.group.tally.segment, false),
    ).to.be.revertedWithCustomError(oversight, 'OversightOtherReceipts')
  })

  it('does nothing after the case was returned', async () => {
    const chain = await begun()
    const { two } = await settledThrice(chain)
    const refutation = await equivocated(chain, two.group, 3)
    const { manager, registry, governor } = chain
    const selector = registry.interface.getFunction('returnCase').selector
    await manager.getFunction('setTargetFunctionRole')(registry, [selector], 1n)
    await registry.connect(governor).returnCase(refutation.facts)
    await expect(
      chain.oversight.voidFrom(chain.deal.id, refutation, two.place, bytesOf(two.group), false),
    ).to.be.revertedWithCustomError(chain.oversight, 'OversightNoSuchCase')
  })
})

/** Two groups in a blob that never held the first one's receipts, and what shows it. */
async function voidBlob() {
  const chain = await begun()
  const groups = [chain.stream.work(10n, 20n, 30n).group(), chain.deal.stream(1).work(7n).group()]
  const [group] = groups
  if (group === undefined) throw new Error('there is no group')
  // entries in elements 0 and 1, the first group's bytes from element 2 on
  const batch = await chain.settling.inBlobs(groups, ({ blobs: [blob] }) => blob?.fill(0xee, 32 * 2 + 1, 32 * 3))
  const opened = await openBlob(kzg, batch.rooted, 0, batch.blobs[0] ?? new Uint8Array())
  const opening = { ...opened, entries: [...opened.entries], elements: [...opened.elements] }
  const attestation = attest(chain, batch.link.root)
  const prove = async (by = attestation) =>
    await chain.oversight
      .connect(chain.stranger)
      .proveVoid(chain.deal.id, placeIn([batch], 0, 0), group.tally.segment, opening, by)
  return { ...chain, batch, opening, attestation, prove }
}

describe('Oversight: void blobs', function () {
  this.timeout(60_000)

  it('give the deal everything back and cost a tenth of the bond of each member who signed, and the provider nothing', async () => {
    const chain = await voidBlob()
    const before = await booksOf(chain)
    const { stake } = await chain.registry.providerOf(chain.provider.id)
    const tx = chain.prove()
    await expect(tx)
      .to.emit(chain.oversight, 'VoidedFrom')
      .withArgs(chain.deal.id, 0, 0n, 60n * UNIT)
    const after = await booksOf(chain)
    expect(after).to.deep.equal({ left: before.left + 60n * UNIT, units: 0n, unmatured: before.unmatured - 60n * UNIT })
    const bonds = [await bondOf(chain, 0), await bondOf(chain, 1), await bondOf(chain, 2)]
    expect(bonds).to.deep.equal([(BOND * 9n) / 10n, (BOND * 9n) / 10n, BOND])
    expect((await chain.registry.providerOf(chain.provider.id)).stake).to.equal(stake)
    const facts = await lastCase(chain)
    expect([facts.victim, facts.restitution]).to.deep.equal([ethers.ZeroAddress, 0n])
    expect((await chain.tally.openNets(1, 3)).bonds).to.equal(1_800n * USD)
  })

  it('are punished once for each member, whoever is shown first', async () => {
    const chain = await voidBlob()
    await chain.prove(attest(chain, chain.batch.link.root, { signers: [1] }))
    await chain.prove()
    expect([await bondOf(chain, 0), await bondOf(chain, 1)]).to.deep.equal([(BOND * 9n) / 10n, (BOND * 9n) / 10n])
    await expect(chain.prove()).to.be.revertedWithCustomError(chain.oversight, 'OversightPunished')
  })

  it('are void whoever signed them', async () => {
    const chain = await voidBlob()
    await chain.prove('0x')
    expect((await booksOf(chain)).units).to.equal(0n)
    expect(await bondOf(chain, 0)).to.equal(BOND)
    await chain.prove()
    expect(await bondOf(chain, 0)).to.equal((BOND * 9n) / 10n)
  })

  it('cost the members who signed them when the money has left, too', async () => {
    const chain = await voidBlob()
    await advance(networkHelpers, chain, 4 * DAY)
    await expect(chain.prove()).not.to.emit(chain.oversight, 'VoidedFrom')
    expect([await bondOf(chain, 0), (await booksOf(chain)).units]).to.deep.equal([(BOND * 9n) / 10n, 60n])
  })

  it('cost nobody who signed another root', async () => {
    const chain = await voidBlob()
    await expect(chain.prove(attest(chain, workHashOf('another root')))).to.be.revertedWithCustomError(
      chain.oversight,
      'OversightNotSigned',
    )
  })
})
