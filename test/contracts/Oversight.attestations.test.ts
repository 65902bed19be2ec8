/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import type { Hex } from 'viem'
import { batchRoot } from '#protocol/batch-root.ts'
import { evidenceHash, faultSubject } from '#protocol/evidence.ts'
import { memberSubject } from '#protocol/oversight.ts'
import { Fault } from '#protocol/types.ts'
import { createKzg } from '#runtime/kzg.ts'
import { signerNamed } from '../support/actors.ts'
import { placeIn } from '../support/blob-settling.ts'
import { STAKE, USD } from '../support/market.ts'
import { bondOf, bytesOf, gasOf, placeAmong, rootedOf } from '../support/oversight.ts'
import { placeUnderIts, unorderedIn, vouchedMarket } from '../support/refuted.ts'
import { attest } from '../support/settling.ts'
import { chargeOf, lastCase, plain, slash } from '../support/slashing.ts'
import { taskOf } from '../support/tasks.ts'
import { resigned, type SignedGroup, workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const _HOUR = 3600
const BOND = 1_000n * STAKE
const _kzg = createKzg()

const start = async () => await vouchedMarket(ethers, networkHelpers)

/** See {@link unorderedIn}. */
const unordered = async (where: 'inCalldata' | 'inBlobs' = 'inCalldata') =>
  await unorderedIn(await networkHelpers.loadFixture(start), networkHelpers, where)

type Refuted = Awaited<ReturnType<typeof unordered>>

/** What members answer for: as much as the provider lost. */
const lost = ({ refutation }: Refuted): bigint => refutation.facts.own + refutation.facts.delegated

async function prove(chain: Refuted, change: { place?: Hex; attestation?: Hex; receipts?: Hex; opening?: Hex } = {}) {
  const { oversight, refutation, group, batch, rival } = chain
  const attestation = change.attestation ?? attest(chain, batch.link.root)
  const place = change.place ?? placeUnderIts(batch, 0)
  return await oversight
    .connect(rival)
    .proveBadAttestation(refutation, place, change.receipts ?? bytesOf(group), change.opening ?? '0x', attestation)
}

describe('Oversight: attestations that were refuted', function () {
  this.timeout(60_000)

  for (const where of ['inCalldata', 'inBlobs'] as const) {
    it(`cost every member who signed that orders exist as much as the provider: ${where}`, async () => {
      const chain = await unordered(where)
      const tx = prove(chain)
      await expect(tx).to.emit(chain.registry, 'Slashed')
      expect([await bondOf(chain, 0), await bondOf(chain, 1), await bondOf(chain, 2)]).to.deep.equal([
        BOND - lost(chain),
        BOND - lost(chain),
        BOND,
      ])
      expect((await lastCase(chain)).reporter).to.equal(chain.rival.address)
    })
  }

  it('cost one member at constant gas, whoever else signed', async () => {
    const chain = await unordered()
    const gas = await gasOf(prove(chain, { attestation: attest(chain, chain.batch.link.root, { signers: [1] }) }))
    expect([await bondOf(chain, 0), await bondOf(chain, 1)]).to.deep.equal([BOND, BOND - lost(chain)])
    expect(gas).to.be.at.most(130_000)
    const next = await gasOf(prove(chain))
    expect(await bondOf(chain, 0)).to.equal(BOND - lost(chain))
    expect(next).to.be.at.most(140_000)
    await expect(prove(chain)).to.be.revertedWithCustomError(chain.oversight, 'OversightPunished')
    const subject = memberSubject(
      chain.refutation.facts.subject as Hex,
      Fault.BadAttestation,
      chain.members[0]?.address ?? '0x',
    )
    expect(await chain.registry.punishedAt(subject)).to.not.equal(0n)
  })

  it('cost nothing where members did not claim it', async () => {
    const chain = await unordered()
    const attestation = attest(chain, chain.batch.link.root, { claims: 14 })
    await expect(prove(chain, { attestation }))
      .to.be.revertedWithCustomError(chain.oversight, 'OversightNotClaimed')
      .withArgs(Fault.Unordered, 14)
  })

  it('cost nothing whoever signed another root, or not at all', async () => {
    const chain = await unordered()
    const foreign = attest(chain, workHashOf('another root'))
    await expect(prove(chain, { attestation: foreign })).to.be.revertedWithCustomError(
      chain.oversight,
      'OversightNotSigned',
    )
    const signed = attest(chain, chain.batch.link.root)
    const others: readonly Hex[] = [
      attest(chain, chain.batch.link.root, { epoch: 2 }),
      // the second signature under the third member's name
      `${signed.slice(0, 12)}00000005${signed.slice(20)}` as Hex,
    ]
    for (const attestation of others) {
      await expect(prove(chain, { attestation })).to.be.revertedWithCustomError(chain.oversight, 'OversightNotSigned')
    }
    for (const attestation of ['0x', signed.slice(0, -2), `${signed}00`, `${signed.slice(0, 12)}00000000`] as Hex[]) {
      await expect(prove(chain, { attestation })).to.be.revertedWithCustomError(
        chain.oversight,
        'OversightMalformedAttestation',
      )
    }
  })

  it('cost nothing for another group of the batch, nor for one without the receipt', async () => {
    const chain = await unordered()
    await expect(
      prove(chain, { place: placeUnderIts(chain.batch, 1), receipts: bytesOf(chain.other) }),
    ).to.be.revertedWithCustomError(chain.oversight, 'OversightNoSuchCase')
    const shorter = chain.deal
      .stream(0)
      .add(...chain.group.receipts.slice(0, 1))
      .group()
    await expect(
      prove(chain, {
        place: placeAmong([shorter], 0),
        receipts: bytesOf(shorter),
        attestation: attest(chain, batchRoot(rootedOf([shorter]))),
      }),
    ).to.be.revertedWithCustomError(chain.oversight, 'OversightOtherGroup')
  })

  it('cost nothing where the provider signed something else in that place', async () => {
    const chain = await unordered()
    const [first, , third] = chain.group.receipts
    const honest = taskOf(chain, chain.deal, 9).receipt
    const other = chain.deal
      .stream(0)
      .add(first ?? honest, honest, third ?? honest)
      .group()
    await expect(
      prove(chain, {
        place: placeAmong([other], 0),
        receipts: bytesOf(other),
        attestation: attest(chain, batchRoot(rootedOf([other]))),
      }),
    ).to.be.revertedWithCustomError(chain.oversight, 'OversightOtherGroup')
    await expect(prove(chain, { receipts: bytesOf(other) })).to.be.revertedWithCustomError(
      chain.oversight,
      'OversightOtherReceipts',
    )
  })

  it('cost who signed a longer group that holds the receipt, too, although nobody settled it', async () => {
    const chain = await unordered()
    const longer = chain.deal
      .stream(0)
      .add(...chain.group.receipts, taskOf(chain, chain.deal, 9).receipt)
      .group(1)
    const attestation = attest(chain, batchRoot(rootedOf([longer])), { signers: [2] })
    await prove(chain, { place: placeAmong([longer], 0), receipts: bytesOf(longer), attestation })
    expect(await bondOf(chain, 2)).to.equal(BOND - lost(chain))
  })

  it('need a case that stands', async () => {
    const chain = await unordered()
    const { refutation, oversight } = chain
    const wrong = [
      { ...refutation, index: 2 },
      { ...refutation, fault: Fault.Withheld },
      { ...refutation, detail: workHashOf('other') },
      { ...refutation, facts: plain(refutation.facts, { own: 1n }) },
    ]
    for (const changed of wrong) {
      await expect(prove({ ...chain, refutation: changed })).to.be.revertedWithCustomError(
        oversight,
        'OversightNoSuchCase',
      )
    }
    await expect(prove(chain, { opening: '0x00000001' })).to.be.revertedWithCustomError(
      oversight,
      'OversightOtherGroup',
    )
    await expect(prove(chain, { receipts: '0x' })).to.be.revertedWithCustomError(oversight, 'OversightOtherGroup')
  })

  it('cost who signed that results agree, where a panel found the settled one in the minority', async () => {
    const chain = await unordered()
    const { group, batch } = chain
    const { dealKey, stream, segment } = group.tally
    const charge = chargeOf('', 30n * STAKE, {
      subject: faultSubject(dealKey, stream, Fault.Minority),
      fault: Fault.Minority,
      evidence: evidenceHash(2, workHashOf('panel')),
    })
    const facts = await slash(networkHelpers, chain, chain.provider.id, charge)
    const refutation = { facts, fault: Fault.Minority, index: 2, detail: workHashOf('panel') }
    const place = placeIn([batch], 0, 0)
    const attestation = attest(chain, batch.link.root, { claims: 5 })
    const minority = { ...chain, refutation } as Refuted
    const tallies = attest(chain, batch.link.root, { claims: 3 })
    await expect(prove(minority, { place, receipts: segment, attestation: tallies }))
      .to.be.revertedWithCustomError(chain.oversight, 'OversightNotClaimed')
      .withArgs(Fault.Minority, 3)
    await expect(
      prove(minority, { place: placeIn([batch], 0, 1), receipts: chain.other.tally.segment, attestation }),
    ).to.be.revertedWithCustomError(chain.oversight, 'OversightNoSuchCase')
    await prove(minority, { place, receipts: segment, attestation })
    expect(await bondOf(chain, 0)).to.equal(BOND - 30n * STAKE)
  })

  it('reach members who were replaced since, as long as their bonds thaw', async () => {
    const chain = await unordered()
    const seat = { signer: signerNamed('new member').address, endpoint: '' }
    await chain.committee.connect(chain.governor).setMembers([seat], 1)
    await chain.registry.connect(chain.owner).thawBond(chain.members[0]?.address ?? '', BOND)
    await prove(chain)
    const bond = await chain.registry.bondOf(chain.members[0]?.address ?? '')
    expect([bond.stake, bond.thawing]).to.deep.equal([0n, BOND - lost(chain)])
  })
})

/** Two groups of one stream that no one history has, and one that goes with the first. */
async function conflicting() {
  const market = await networkHelpers.loadFixture(start)
  const { deal, domain } = market
  const one = deal.stream(0).work(10n, 20n, 30n)
  const [worker] = market.provider.workers
  if (worker === undefined) throw new Error('the provider has no worker')
  const group = one.group()
  return { ...market, one, group, worker, more: resigned(domain, group, worker, { units: 61n }) }
}

type Conflict = Awaited<ReturnType<typeof conflicting>>

async function proveConflict(
  chain: Conflict,
  left: SignedGroup,
  right: SignedGroup,
  change: { signers?: number[]; receipts?: boolean } = {},
) {
  const groups = left.leaf < right.leaf ? [left, right] : [right, left]
  const signers = change.signers ?? [0, 0]
  const [places, attestations, receipts] = [
    groups.map((group) => placeAmong([group], 0)),
    groups.map((group, index) => attest(chain, batchRoot(rootedOf([group])), { signers: [signers[index] ?? 0] })),
    groups.map((group) => (change.receipts === true ? bytesOf(group) : '0x')),
  ]
  type Pair = [Hex, Hex]
  return await chain.oversight
    .connect(chain.rival)
    .proveConflict(places as Pair, attestations as Pair, receipts as Pair)
}

describe('Oversight: conflicting attestations', () => {
  it('cost a member its whole bond: equal count, other units', async () => {
    const chain = await conflicting()
    const tx = proveConflict(chain, chain.group, chain.more)
    await expect(tx).to.emit(chain.registry, 'Slashed')
    expect([await bondOf(chain, 0), await bondOf(chain, 1)]).to.deep.equal([0n, BOND])
    expect(await gasOf(tx)).to.be.at.most(200_000)
    await expect(proveConflict(chain, chain.group, chain.more)).to.be.revertedWithCustomError(
      chain.oversight,
      'OversightPunished',
    )
  })

  it('count for nothing in the nets that members may sign from then on', async () => {
    const chain = await conflicting()
    await proveConflict(chain, chain.group, chain.more)
    const { bonds } = await chain.tally.openNets(1, 3)
    expect(bonds).to.equal(1_000n * USD)
  })

  it('show by another segment of the same range', async () => {
    const chain = await conflicting()
    const other = resigned(chain.domain, chain.group, chain.worker, { segment: workHashOf('other') })
    await expect(proveConflict(chain, chain.group, other)).to.emit(chain.registry, 'Slashed')
  })

  it('show by more receipts of fewer units', async () => {
    const chain = await conflicting()
    const other = resigned(chain.domain, chain.group, chain.worker, { count: 4, units: 59n })
    await expect(proveConflict(chain, chain.group, other)).to.emit(chain.registry, 'Slashed')
  })

  it('show by the bytes of segments that overlap', async () => {
    const chain = await conflicting()
    const second = { units: 20n, workHash: workHashOf('other') }
    const [first, , third] = chain.group.receipts
    if (first === undefined || third === undefined) return expect.fail('no receipts')
    const fourth = { units: 5n, workHash: workHashOf('fourth') }
    const other = chain.deal.stream(0).add(first, second, third, fourth).group(1)
    await expect(proveConflict(chain, chain.group, other)).to.be.revertedWithCustomError(
      chain.oversight,
      'OversightNoConflict',
    )
    await expect(proveConflict(chain, chain.group, other, { receipts: true })).to.emit(chain.registry, 'Slashed')
  })

  it('are none of groups that one history has', async () => {
    const chain = await conflicting()
    const { one, deal } = chain
    const longer = deal.stream(0).add(...one.receipts, { units: 1n, workHash: workHashOf('next') })
    const pairs = [
      one.group(0, 1),
      one.group(0, 2),
      one.group(1),
      one.group(2),
      longer.group(),
      longer.group(1),
      longer.group(3),
    ]
    for (const pair of pairs) {
      for (const receipts of [false, true]) {
        await expect(proveConflict(chain, chain.group, pair, { receipts })).to.be.revertedWithCustomError(
          chain.oversight,
          'OversightNoConflict',
        )
      }
    }
    const elsewhere = deal.stream(1, 0).work(9n, 9n, 9n).group()
    await expect(proveConflict(chain, chain.group, elsewhere)).to.be.revertedWithCustomError(
      chain.oversight,
      'OversightNoConflict',
    )
  })

  it('need one member under both', async () => {
    const chain = await conflicting()
    await expect(proveConflict(chain, chain.group, chain.more, { signers: [0, 1] })).to.be.revertedWithCustomError(
      chain.oversight,
      'OversightNotSigned',
    )
  })
})
