/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Hex, keccak256 } from 'viem'
import type { GroupRecord } from '#protocol/net-records.ts'
import { memberSubject, netMatter } from '#protocol/oversight.ts'
import { Fault } from '#protocol/types.ts'
import { NetSide, noRecord } from '#runtime/net-opening.ts'

import { signerNamed } from '../support/actors.ts'
import { NO_PERMIT, STAKE, USD } from '../support/market.ts'
import { changed, type Forgery } from '../support/net-forging.ts'
import {
  attested,
  type Ground,
  groupsOf,
  ownBooks,
  provingGround,
  type Shown,
  stateOf,
} from '../support/net-proving.ts'
import { netBatchOf } from '../support/netting.ts'
import { bondOf, gasOf, stakeOf } from '../support/oversight.ts'
import { advance } from '../support/protocol-clock.ts'
import { attest } from '../support/settling.ts'
import { lastCase, plain } from '../support/slashing.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const UNIT = USD / 1000n
const HOUR = 3600
const DAY = 24 * HOUR
const BOND = 1_000n * STAKE
const STOLEN = 20n * USD

const start = async () => await provingGround(ethers, networkHelpers)
const begin = async (): Promise<Ground> => ownBooks(await networkHelpers.loadFixture(start))

/** A batch with a group of 20 dollars in deal 3 that no worker signed, beside honest groups. */
async function invented(forgery: Forgery = {}): Promise<Shown> {
  const ground = await begin()
  const honest = [ground.first.stream(1).work(100n).group(), ground.second.stream(1).work(700n).group()]
  const group = ground.third.stream(2).work(20_000n).group()
  const signature = signerNamed('nobody').sign(keccak256('0x01'))
  return await attested(ground, forgery, await netBatchOf(ground, ground.books, [...honest, { ...group, signature }]))
}

/** Index of the invented group among the records: deals go by provider, then by stream number. */
const INVENTED = 1

/** Calls the court with a proof that the invented group is none. */
async function prove(shown: Shown, change: { buyer?: string; attestation?: Hex; proof?: Hex } = {}) {
  const { ground, place, root } = shown
  const { netProofs, oversight, otherBuyer, stranger } = ground
  const group = await shown.group(INVENTED, 5)
  const proof = change.proof ?? netProofs.interface.encodeFunctionData('proveGroup', [place, group])
  return await oversight
    .connect(stranger)
    .proveWrongNet(proof, change.buyer ?? otherBuyer.address, change.attestation ?? attest(ground, root))
}

const nettedOf = async ({ ground }: Shown, buyer: { address: string }): Promise<bigint> =>
  (await ground.tally.netBuyer(buyer.address)).netted
const unmaturedOf = async ({ ground }: Shown): Promise<bigint> =>
  (await ground.tally.earnings(ground.provider.id)).unmatured
const bondsOf = async ({ ground }: Shown): Promise<bigint[]> =>
  await Promise.all([0, 1, 2].map(async (member) => await bondOf(ground, member)))

describe('Oversight: wrong nets', function () {
  this.timeout(120_000)

  describe('while the money is still there', () => {
    it('go back to the buyer from the provider, and cost the members as much again', async () => {
      const shown = await invented()
      const { ground } = shown
      const before = [await nettedOf(shown, ground.otherBuyer), await unmaturedOf(shown)]
      const tx = prove(shown)
      await expect(tx)
        .to.emit(ground.oversight, 'NetRighted')
        .withArgs(shown.root, ground.otherBuyer.address, STOLEN, 0n)
      const after = [await nettedOf(shown, ground.otherBuyer), await unmaturedOf(shown)]
      expect(after).to.deep.equal([(before[0] ?? 0n) + STOLEN, (before[1] ?? 0n) - STOLEN])
      // a token is valued at a dollar, and both who signed bonded alike
      expect(await bondsOf(shown)).to.deep.equal([BOND - 10n * STAKE, BOND - 10n * STAKE, BOND])
      const facts = await lastCase(ground)
      expect([facts.victim, facts.restitution]).to.deep.equal([ground.otherBuyer.address, 0n])
      expect(await gasOf(tx)).to.be.at.most(900_000)
    })

    it('count no more in the bonds of members', async () => {
      const shown = await invented()
      const before = await shown.ground.tally.openNets(1, 3)
      await prove(shown)
      expect((await shown.ground.tally.openNets(1, 3)).bonds).to.equal(before.bonds - STOLEN)
    })

    it('leave the buyer whole when all its deals are closed, and all of the committee with a loss', async () => {
      const shown = await invented()
      const { ground } = shown
      const { tally, otherBuyer, third } = ground
      await prove(shown)
      await advance(networkHelpers, ground, 9 * DAY)
      const { free } = await tally.account(otherBuyer)
      const { leaf, path } = { leaf: '0x' as Hex, path: { mask: 0, siblings: [] as Hex[] } }
      const { tree } = shown.built
      const now = stateOf({ ...ground, books: { ...ground.books, tree } }, third.id)
      await tally.closeNet(third.id, now.leaf ?? leaf, now.path ?? path)
      const settled = 300n * UNIT
      expect((await tally.account(otherBuyer)).free).to.equal(free + third.terms.budget - settled)
      const lost = BOND * 3n - (await bondsOf(shown)).reduce((sum, bond) => sum + bond)
      expect(lost).to.equal(20n * STAKE)
    })
  })

  describe('when the money has left', () => {
    async function matured(): Promise<Shown> {
      const shown = await invented()
      await advance(networkHelpers, shown.ground, 4 * DAY)
      await shown.ground.tally.claim(shown.ground.provider.id)
      return shown
    }

    it('are made good from the bonds of those who signed, who lose more than was taken', async () => {
      const shown = await matured()
      const { ground } = shown
      const tx = prove(shown)
      await expect(tx)
        .to.emit(ground.oversight, 'NetRighted')
        .withArgs(shown.root, ground.otherBuyer.address, 0n, STOLEN)
      const cost = (10n * STAKE * 9n) / 8n
      expect(await bondsOf(shown)).to.deep.equal([BOND - cost, BOND - cost, BOND])
      const cases = (await ground.registry.queryFilter(ground.registry.filters.Slashed)).map(({ args }) => args.facts)
      await advance(networkHelpers, ground, 72 * HOUR)
      const before = await stakeOf(ground, ground.otherBuyer)
      for (const facts of cases) await ground.registry.payOut(plain(facts as never))
      expect((await stakeOf(ground, ground.otherBuyer)) - before).to.equal(20n * STAKE)
    })

    it('are shared by what members have bonded', async () => {
      const shown = await matured()
      const { ground } = shown
      await ground.stake.mint(ground.owner, BOND)
      await ground.stake.connect(ground.owner).approve(ground.registry, BOND)
      await ground.registry.connect(ground.owner).bond(ground.members[0]?.address ?? '', BOND, NO_PERMIT)
      await prove(shown)
      const [double = 0n, single = 0n] = await bondsOf(shown)
      // 20 tokens and an eighth more; each rounded up by less than two base units
      expect(2n * BOND - double - 15n * STAKE).to.be.within(0n, 2n)
      expect(BOND - single - (15n * STAKE) / 2n).to.be.within(0n, 2n)
    })

    it('reach bonds that thaw', async () => {
      const shown = await matured()
      const { ground } = shown
      const signer = ground.members[0]?.address ?? ''
      await ground.registry.connect(ground.owner).thawBond(signer, BOND)
      await prove(shown)
      expect((await ground.registry.bondOf(signer)).thawing).to.equal(BOND - (10n * STAKE * 9n) / 8n)
    })
  })

  it('are righted once a record', async () => {
    const shown = await invented()
    await prove(shown)
    await expect(prove(shown)).to.be.revertedWithCustomError(shown.ground.oversight, 'OversightPunished')
  })

  it('give no buyer more than it paid in the batch, whatever records say', async () => {
    // the group says that buyer 1 paid 20 dollars, the wire lets buyer 0 pay 19 of them
    const shift = (amount: bigint, of: number) => amount + (of === 0 ? 19n : -19n) * USD
    const shown = await invented({
      wire: ({ buyers }) => ({ buyers: buyers.map(({ of, amount }) => ({ of, amount: shift(amount, of) })) }),
    })
    const { ground } = shown
    const before = await nettedOf(shown, ground.otherBuyer)
    await prove(shown)
    expect(await nettedOf(shown, ground.otherBuyer)).to.equal(before + USD)
    const proof = ground.netProofs.interface.encodeFunctionData('proveNet', [
      ...[shown.place, NetSide.Buyers, await shown.deal(1, 1), await shown.deal(2, 1), 0],
    ] as never) as Hex
    await expect(prove(shown, { proof, buyer: ground.buyer.address }))
      .to.emit(ground.oversight, 'NetRighted')
      .withArgs(shown.root, ground.buyer.address, 0n, 19n * USD)
  })

  it('make a net without a record good', async () => {
    const ground = await begin()
    const honest = await netBatchOf(ground, ground.books, [ground.third.stream(1).work(9n).group()])
    const buyers = [0, 1].map((of) => ({ of, amount: of === 0 ? 8n * UNIT : UNIT }))
    const shown = await attested(ground, { wire: () => ({ buyers }) }, honest)
    const args = [shown.place, NetSide.Buyers, 0, noRecord(), await shown.deal(0, 1)] as const
    const proof = ground.netProofs.interface.encodeFunctionData('proveNoRecord', args as never) as Hex
    await expect(prove({ ...shown, group: async () => noRecord() } as Shown, { proof, buyer: ground.buyer.address }))
      .to.emit(ground.oversight, 'NetRighted')
      .withArgs(shown.root, ground.buyer.address, 0n, 8n * UNIT)
  })

  it('take from a provider whose worker signed only what was too much', async () => {
    const ground = await begin()
    const shown = await attested(
      ground,
      groupsOf((records: readonly GroupRecord[]) => changed(records, 0, { amount: 401n * UNIT })),
    )
    const proof = ground.netProofs.interface.encodeFunctionData('proveGroup', [
      shown.place,
      await shown.group(0, 5),
    ]) as Hex
    await expect(prove(shown, { proof, buyer: ground.buyer.address }))
      .to.emit(ground.oversight, 'NetRighted')
      .withArgs(shown.root, ground.buyer.address, UNIT, 0n)
  })

  it('that harm nobody by themselves cost a tenth of the bond, once', async () => {
    const ground = await begin()
    const shown = await attested(
      ground,
      groupsOf((records: readonly GroupRecord[]) => changed(records, 0, { dealRecord: 1 })),
    )
    const args = [shown.place, await shown.group(0, 2), await shown.deal(1, 1)] as const
    const proof = ground.netProofs.interface.encodeFunctionData('proveLink', args as never) as Hex
    await prove(shown, { proof })
    expect(await bondsOf(shown)).to.deep.equal([(BOND * 9n) / 10n, (BOND * 9n) / 10n, BOND])
    const subject = memberSubject(netMatter(shown.root, 0n, 0n), Fault.WrongNet, ground.members[0]?.address ?? '0x')
    expect((await lastCase(ground)).subject).to.not.equal(subject)
    expect(await ground.registry.punishedAt(subject)).to.not.equal(0n)
    await expect(prove(shown, { proof })).to.be.revertedWithCustomError(ground.oversight, 'OversightPunished')
  })

  it('name the buyer who paid, and nobody else', async () => {
    const shown = await invented()
    const { ground } = shown
    for (const buyer of [ground.buyer.address, ground.stranger.address]) {
      await expect(prove(shown, { buyer })).to.be.revertedWithCustomError(ground.oversight, 'OversightOtherBuyer')
    }
  })

  it('need as many signers as settled it', async () => {
    const shown = await invented()
    const attestation = attest(shown.ground, shown.root, { signers: [0] })
    await expect(prove(shown, { attestation }))
      .to.be.revertedWithCustomError(shown.ground.committee, 'CommitteeBelowThreshold')
      .withArgs(1, 2)
    const foreign = attest(shown.ground, keccak256('0x'))
    await expect(prove(shown, { attestation: foreign })).to.be.revertedWithCustomError(
      shown.ground.oversight,
      'OversightNotSigned',
    )
  })

  it('are none where nothing is wrong, or nothing is shown', async () => {
    const shown = await invented()
    const { netProofs, oversight } = shown.ground
    const honest = netProofs.interface.encodeFunctionData('proveGroup', [shown.place, await shown.group(0, 5)]) as Hex
    await expect(prove(shown, { proof: honest })).to.be.revertedWithCustomError(netProofs, 'NetProofsNothingWrong')
    const settlement = netProofs.interface.encodeFunctionData('SETTLEMENT') as Hex
    for (const proof of [settlement, '0x', '0x12345678'] as const) {
      await expect(prove(shown, { proof })).to.be.revertedWithCustomError(oversight, 'OversightNotANetProof')
    }
  })
})
