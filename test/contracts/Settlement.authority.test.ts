/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { concatHex, type Hex, size, sliceHex, zeroHash } from 'viem'

import { nextIntervalChain, nextStreamChain } from '#protocol/chains.ts'
import { factsRoot } from '#protocol/facts.ts'
import { Lane } from '#protocol/types.ts'

import { signerNamed } from '../support/actors.ts'
import { deploy, GRACE } from '../support/deployment.ts'
import { ackKey, createMarket, fundBuyer, joinProvider, type Market, openDeal, USD } from '../support/market.ts'
import { advance, arriveAt, lastClock } from '../support/protocol-clock.ts'
import { attest, forceBy, sendBatch, settle } from '../support/settling.ts'
import { setIntervalCount } from '../support/storage.ts'
import { batchOf, type SignedGroup } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const INTERVAL = 900
const NO_CHAIN_26: Hex = `0x${'00'.repeat(26)}`
const NO_CHAIN_27: Hex = `0x${'00'.repeat(27)}`

/** A usual deal with wide exposure, an hour old. */
async function working() {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n } })
  await advance(networkHelpers, market, 3600)
  return market
}

const someGroup = ({ deal }: Market): SignedGroup => deal.stream(0).work(5n).group()

describe('settle: who may', () => {
  describe('the transaction', () => {
    it('may come from anybody when a committee attests or a buyer acknowledges', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { deal, stranger } = market
      await settle(market, Lane.Attested, [someGroup(market)], { from: stranger })
      await settle(market, Lane.Acknowledged, [deal.stream(1).work(5n).acknowledged(ackKey)], { from: stranger })
    })

    it('must not come from a contract', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { settlement, relayer } = market
      const wallet = await ethers.deployContract('MockWallet', [relayer])
      const { bytes, root } = batchOf(Lane.Attested, [someGroup(market)])
      const data = settlement.interface.encodeFunctionData('settle', [bytes, attest(market, root)])
      await expect(wallet.connect(relayer).execute(settlement, data))
        .to.be.revertedWithCustomError(settlement, 'SettlementNotTopLevel')
        .withArgs(wallet)
    })

    it('must not come from an account that has delegated to code, directly or through itself', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { settlement, relayer, owner } = market
      const code = await ethers.deployContract('MockWallet', [relayer])
      const sender = ethers.Wallet.createRandom().connect(ethers.provider)
      await relayer.sendTransaction({ to: sender.address, value: 10n ** 18n })
      const nonce = await sender.getNonce()
      const authorization = await sender.authorize({ address: await code.getAddress(), nonce: nonce + 1 })
      await (await sender.sendTransaction({ to: owner.address, authorizationList: [authorization] })).wait()
      expect(await ethers.provider.getCode(sender.address)).to.match(/^0xef0100/)

      const { bytes, root } = batchOf(Lane.Attested, [someGroup(market)])
      const data = settlement.interface.encodeFunctionData('settle', [bytes, attest(market, root)])
      const self = code.interface.encodeFunctionData('execute', [await settlement.getAddress(), data])
      for (const [to, input] of [
        [await settlement.getAddress(), data],
        [sender.address, self],
      ] as const) {
        await expect(sender.sendTransaction({ to, data: input, gasLimit: 1_000_000n }))
          .to.be.revertedWithCustomError(settlement, 'SettlementNotTopLevel')
          .withArgs(sender.address)
      }
    })
  })

  describe('mode and lane', () => {
    it('other than those there are revert with what was asked', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { settlement } = market
      const { bytes } = batchOf(Lane.Attested, [someGroup(market)])
      for (const mode of [3, 255]) {
        const other = concatHex([ethers.toBeHex(mode, 1) as Hex, sliceHex(bytes, 1)])
        await expect(settlement.settle(other, '0x'))
          .to.be.revertedWithCustomError(settlement, 'SettlementUnsupportedMode')
          .withArgs(mode)
      }
      for (const lane of [3, 255]) {
        const other = concatHex(['0x00', ethers.toBeHex(lane, 1) as Hex, sliceHex(bytes, 2)])
        await expect(settlement.settle(other, '0x'))
          .to.be.revertedWithCustomError(settlement, 'SettlementUnsupportedLane')
          .withArgs(lane)
      }
    })

    it('forced is for receipts that stand in the call itself', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { settlement, owner } = market
      const { bytes } = batchOf(Lane.Forced, [someGroup(market)])
      const inBlobs = concatHex(['0x01', sliceHex(bytes, 1)])
      await expect(settlement.connect(owner).settle(inBlobs, '0x'))
        .to.be.revertedWithCustomError(settlement, 'SettlementUnsupportedLane')
        .withArgs(Lane.Forced)
    })
  })

  describe('bytes', () => {
    it('that do not decode revert the whole batch and say where', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { settlement, deal, tally } = market
      const { bytes } = batchOf(Lane.Acknowledged, [deal.stream(0).work(5n).acknowledged(ackKey)])
      const length = bytes.length / 2 - 1
      const receiptsAt = length - 35
      const put = (at: number, part: Hex): Hex =>
        concatHex([
          sliceHex(bytes, 0, at),
          part,
          ...(at + size(part) < length ? [sliceHex(bytes, at + size(part))] : []),
        ])
      const table: [name: string, bytes: Hex, groupAt: number, fieldAt: number][] = [
        ['nothing', '0x', 0, 0],
        ['a mode only', '0x00', 0, 1],
        ['no group', '0x0000', 0, 2],
        ['a head cut off', sliceHex(bytes, 0, 4), 2, 4],
        ['a signature cut off', sliceHex(bytes, 0, 2 + 19 + 63), 2, 2 + 19 + 63],
        ['a receipt cut off', sliceHex(bytes, 0, length - 1), 2, length - 1],
        ['a byte too many', concatHex([bytes, '0x00']), length, length],
        ['a stream number of 39 bits', put(2, '0x4000000000'), 2, 2],
        ['no receipt', put(19, '0x0000'), 2, 19],
        ['one receipt more than there is', put(19, '0x0002'), 2, length],
        ['a count of 25 bits', put(16, '0xffffff'), 2, 16],
        ['zero units', put(receiptsAt, '0x000000'), 2, receiptsAt],
        ['the same stream twice', concatHex([bytes, sliceHex(bytes, 2)]), length, length],
        ['an earlier stream', concatHex([bytes, '0x0000000000', sliceHex(bytes, 7)]), length, length],
      ]
      for (const [name, bad, groupAt, fieldAt] of table) {
        await expect(settlement.settle(bad, '0x'), name)
          .to.be.revertedWithCustomError(settlement, 'SettlementMalformedBatch')
          .withArgs((position: bigint) => position >= groupAt && position <= fieldAt)
      }
      expect((await tally.stream(deal.id, 0)).count).to.equal(0n)
    })
  })

  describe('an attestation', () => {
    const bad: [
      name: string,
      make: (market: Market, root: Hex) => Hex,
      error: string,
      args: (market: Market) => unknown[],
    ][] = [
      ['that is not there', () => '0x', 'CommitteeMalformedAttestation', () => [0]],
      ['without bitmap', () => '0x0000000103', 'CommitteeMalformedAttestation', () => [5]],
      ['of epoch 0', (m, root) => attest(m, root, { epoch: 0 }), 'CommitteeBadEpoch', () => [0, 1]],
      ['of an epoch to come', (m, root) => attest(m, root, { epoch: 2 }), 'CommitteeBadEpoch', () => [2, 1]],
      ['of nobody', (m, root) => attest(m, root, { signers: [] }), 'CommitteeBelowThreshold', () => [0, 2]],
      ['below the threshold', (m, root) => attest(m, root, { signers: [1] }), 'CommitteeBelowThreshold', () => [1, 2]],
      ['of another root', (m) => attest(m, zeroHash), 'CommitteeBadSignature', () => [0]],
      [
        'whose claims were changed',
        (m, root) => concatHex([sliceHex(attest(m, root), 0, 4), '0x0f', sliceHex(attest(m, root), 5)]),
        'CommitteeBadSignature',
        () => [0],
      ],
      [
        'for another committee',
        (m, root) => attest({ ...m, committeeDomain: { ...m.committeeDomain, chainId: 1 } }, root),
        'CommitteeBadSignature',
        () => [0],
      ],
      [
        'with a stranger in it',
        (m, root) => attest({ ...m, members: [signerNamed('member 0'), signerNamed('stranger')] }, root),
        'CommitteeBadSignature',
        () => [1],
      ],
      [
        'with one member in two places',
        (m, root) => attest({ ...m, members: [signerNamed('member 0'), signerNamed('member 0')] }, root),
        'CommitteeBadSignature',
        () => [1],
      ],
      [
        'with its signatures in another order',
        (m, root) => {
          const whole = attest(m, root)
          return concatHex([sliceHex(whole, 0, 9), sliceHex(whole, 73), sliceHex(whole, 9, 73)])
        },
        'CommitteeBadSignature',
        () => [0],
      ],
      [
        'with a signature of zeros',
        (m, root) => concatHex([sliceHex(attest(m, root), 0, 73), `0x${'00'.repeat(64)}`]),
        'CommitteeBadSignature',
        () => [1],
      ],
      [
        'with bytes behind it',
        (m, root) => concatHex([attest(m, root), '0x00']),
        'CommitteeMalformedAttestation',
        () => [138],
      ],
      [
        'with a signature too many',
        (m, root) => concatHex([attest(m, root), sliceHex(attest(m, root), 9, 73)]),
        'CommitteeMalformedAttestation',
        () => [201],
      ],
      ['cut short', (m, root) => sliceHex(attest(m, root), 0, 136), 'CommitteeMalformedAttestation', () => [136]],
      [
        'naming a member that does not exist',
        (m, root) => concatHex([sliceHex(attest(m, root), 0, 5), '0x80000003', sliceHex(attest(m, root), 9)]),
        'CommitteeMalformedAttestation',
        () => [137],
      ],
    ]

    for (const [name, make, error, args] of bad) {
      it(`${name} reverts the whole batch`, async () => {
        const market = await networkHelpers.loadFixture(working)
        const { settlement, committee } = market
        const { bytes, root } = batchOf(Lane.Attested, [someGroup(market)])
        await expect(settlement.settle(bytes, make(market, root)))
          .to.be.revertedWithCustomError(committee, error)
          .withArgs(...args(market))
      })
    }

    it('that does not claim the tallies pays for nothing, whatever else it claims', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { settlement } = market
      const { bytes, root } = batchOf(Lane.Attested, [someGroup(market)])
      for (const claims of [0, 2, 14, 254]) {
        await expect(settlement.settle(bytes, attest(market, root, { claims })))
          .to.be.revertedWithCustomError(settlement, 'SettlementNothingClaimed')
          .withArgs(claims)
      }
      await settlement.settle(bytes, attest(market, root, { claims: 1 }))
    })

    it('holds with any members at or above the threshold', async () => {
      const market = await networkHelpers.loadFixture(working)
      const stream = market.deal.stream(0)
      for (const signers of [
        [0, 1],
        [0, 2],
        [1, 2],
        [0, 1, 2],
      ]) {
        const group = stream.work(1n).group(stream.receipts.length - 1)
        const { root } = batchOf(Lane.Attested, [group])
        const { outcomes } = await settle(market, Lane.Attested, [group], {
          authority: attest(market, root, { signers }),
        })
        expect(outcomes).to.deep.equal(['Applied'])
      }
    })

    it('of the last epoch holds for the grace period and not longer', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { committee, governor, settlement, deal } = market
      const next = [signerNamed('new 0'), signerNamed('new 1')]
      const seats = next.map(({ address }) => ({ signer: address, endpoint: '' }))
      await committee.connect(governor).setMembers(seats, 2)
      const until = (await networkHelpers.time.latest()) + GRACE
      const stream = deal.stream(0).work(1n)
      const first = batchOf(Lane.Attested, [stream.group()])
      const second = batchOf(Lane.Attested, [stream.work(1n).group()])
      await networkHelpers.time.setNextBlockTimestamp(until)
      await settlement.settle(first.bytes, attest(market, first.root))
      await networkHelpers.time.setNextBlockTimestamp(until + 1)
      await expect(settlement.settle(second.bytes, attest(market, second.root)))
        .to.be.revertedWithCustomError(committee, 'CommitteeBadEpoch')
        .withArgs(1, 2)
      await settlement.settle(second.bytes, attest({ ...market, members: next }, second.root, { epoch: 2 }))
    })
  })

  describe('force', () => {
    async function twoWorkers() {
      const market = await working()
      return { ...market, groups: [market.deal.stream(0).work(5n).group(), market.deal.stream(1).work(6n).group()] }
    }

    it('is for the owner and the operator, without a signature', async () => {
      const market = await networkHelpers.loadFixture(twoWorkers)
      const { groups, owner, operator } = market
      for (const [index, from] of [owner, operator].entries()) {
        const { outcomes } = await settle(market, Lane.Forced, groups.slice(index, index + 1), { from })
        expect(outcomes).to.deep.equal(['Applied'])
      }
    })

    it('is for whom the one worker of all groups names, who pays the gas', async () => {
      const market = await networkHelpers.loadFixture(twoWorkers)
      const { deal, provider, stranger } = market
      const [worker] = provider.workers
      if (worker === undefined) throw new Error('no worker')
      const groups = [0, 1, 2].map((index) => deal.stream(index, 0).work(5n).group())
      const { root } = batchOf(Lane.Forced, groups)
      const authority = forceBy(market, worker, root, stranger.address)
      const { outcomes } = await settle(market, Lane.Forced, groups, { from: stranger, authority })
      expect(outcomes).to.deep.equal(['Applied', 'Applied', 'Applied'])
    })

    it('is for whom the owner names, by a signature over this batch and sender', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { registry, owner, provider, stranger, deal } = market
      const delegate = signerNamed('operator key')
      await registry.connect(owner).setOperator(provider.id, delegate.address)
      const groups = [deal.stream(0).work(5n).group(), deal.stream(1).work(6n).group()]
      const { root } = batchOf(Lane.Forced, groups)
      const authority = forceBy(market, delegate, root, stranger.address)
      await settle(market, Lane.Forced, groups, { from: stranger, authority })
    })

    it('is refused to everybody else', async () => {
      const market = await networkHelpers.loadFixture(twoWorkers)
      const { settlement, groups, provider, stranger, relayer, payout, domain } = market
      const { bytes, root } = batchOf(Lane.Forced, groups)
      const [worker, second] = provider.workers
      if (worker === undefined || second === undefined) throw new Error('no worker')
      const operatorKey = signerNamed('not the operator')
      const table: [name: string, authority: Hex, from: typeof stranger][] = [
        ['a stranger without signature', '0x', stranger],
        ['the payout account', '0x', payout],
        ['one of several workers', forceBy(market, worker, root, stranger.address), stranger],
        ['the other one', forceBy(market, second, root, stranger.address), stranger],
        ['a key of nobody', forceBy(market, operatorKey, root, stranger.address), stranger],
        ['rubbish', `0x${'00'.repeat(64)}`, stranger],
        ['rubbish of another length', `0x${'11'.repeat(65)}`, stranger],
      ]
      for (const [name, authority, from] of table) {
        await expect(settlement.connect(from).settle(bytes, authority), name)
          .to.be.revertedWithCustomError(settlement, 'SettlementForceUnauthorized')
          .withArgs(provider.id, from)
      }
      const single = batchOf(Lane.Forced, groups.slice(0, 1))
      const elsewhere = forceBy({ ...market, domain: { ...domain, chainId: 1 } }, worker, single.root, stranger.address)
      const right = forceBy(market, worker, single.root, stranger.address)
      for (const [name, authority, from] of [
        ['another sender than named', right, relayer],
        ['another root', forceBy(market, worker, root, stranger.address), stranger],
        ['another chain', elsewhere, stranger],
      ] as const) {
        await expect(settlement.connect(from).settle(single.bytes, authority), name)
          .to.be.revertedWithCustomError(settlement, 'SettlementForceUnauthorized')
          .withArgs(provider.id, from)
      }
      await settlement.connect(stranger).settle(single.bytes, right)
    })

    it('holds groups of one provider only', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { settlement, rival, owner, provider, deal } = market
      const other = await joinProvider(market, rival)
      const theirs = await openDeal(market, other)
      await advance(networkHelpers, market, 60)
      const groups = [deal.stream(0).work(5n).group(), theirs.stream(0).work(5n).group()]
      await expect(settlement.connect(owner).settle(batchOf(Lane.Forced, groups).bytes, '0x'))
        .to.be.revertedWithCustomError(settlement, 'SettlementForceMixedProviders')
        .withArgs(provider.id, other.id)
    })

    it('asks nobody where no group carries a right signature: nothing moves', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { stranger, deal } = market
      const group = { ...deal.stream(0).work(5n).group(), signature: `0x${'00'.repeat(64)}` as const }
      const { outcomes, applied } = await settle(market, Lane.Forced, [group], { from: stranger })
      expect([outcomes, applied]).to.deep.equal([['BadSignature'], '0x00'])
    })
  })
})

describe('settle: what it leaves behind', () => {
  describe('intervalChain', () => {
    it('chains the batches of one interval that moved something, and starts anew with the next', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal } = market
      const interval = Math.ceil((await lastClock(market)) / INTERVAL) + 1
      const stream = deal.stream(0)
      await arriveAt(networkHelpers, market, interval * INTERVAL)
      let chain = NO_CHAIN_26
      for (let count = 1; count <= 3; count += 1) {
        const groups = [stream.work(2n).group(), deal.stream(1).work(1n, 1n).group(1)]
        const { root, applied, facts, clock } = await settle(market, Lane.Attested, groups)
        expect(applied).to.equal('0x01')
        chain = nextIntervalChain(chain, root, factsRoot(facts), clock)
        expect(await tally.intervalChain(interval)).to.deep.equal([chain, BigInt(count)])
      }
      await settle(market, Lane.Attested, [stream.group()]) // stale: leaves no trace
      expect(await tally.intervalChain(interval)).to.deep.equal([chain, 3n])

      await arriveAt(networkHelpers, market, (interval + 1) * INTERVAL)
      const next = await settle(market, Lane.Attested, [stream.work(2n).group()])
      const fresh = nextIntervalChain(NO_CHAIN_26, next.root, factsRoot(next.facts), next.clock)
      expect(await tally.intervalChain(interval + 1)).to.deep.equal([fresh, 1n])
      expect(await tally.intervalChain(interval)).to.deep.equal([chain, 3n])
    })

    it('is untouched by forced and acknowledged batches', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal } = market
      const forced = await settle(market, Lane.Forced, [deal.stream(0).work(5n).group()])
      await settle(market, Lane.Acknowledged, [deal.stream(1).work(5n).acknowledged(ackKey)])
      const interval = Math.floor(forced.clock / INTERVAL)
      expect(await tally.intervalChain(interval)).to.deep.equal([NO_CHAIN_26, 0n])
    })

    it('forgets an interval when its slot comes round again', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal } = market
      const stream = deal.stream(0)
      const first = await settle(market, Lane.Attested, [stream.work(2n).group()])
      const interval = Math.floor(first.clock / INTERVAL)
      await arriveAt(networkHelpers, market, (interval + 512) * INTERVAL + 5)
      const second = await settle(market, Lane.Attested, [stream.work(2n).group()])
      const chain = nextIntervalChain(NO_CHAIN_26, second.root, factsRoot(second.facts), second.clock)
      expect(await tally.intervalChain(interval + 512)).to.deep.equal([chain, 1n])
      expect(await tally.intervalChain(interval)).to.deep.equal([NO_CHAIN_26, 0n])
    })

    it('takes 255 batches an interval; the next one waits', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, settlement, deal } = market
      const stream = deal.stream(0)
      const interval = Math.ceil((await lastClock(market)) / INTERVAL) + 1
      await setIntervalCount(networkHelpers, market, interval, 254)
      await arriveAt(networkHelpers, market, interval * INTERVAL)
      await settle(market, Lane.Attested, [stream.work(2n).group()])
      expect((await tally.intervalChain(interval)).count).to.equal(255n)
      const { bytes, root } = batchOf(Lane.Attested, [stream.work(2n).group()])
      await expect(settlement.settle(bytes, attest(market, root)))
        .to.be.revertedWithCustomError(settlement, 'SettlementIntervalFull')
        .withArgs(interval)
      await settle(market, Lane.Forced, [stream.group()]) // never held up by the ring
    })
  })

  describe('streamRecord', () => {
    it('chains the forced and acknowledged groups that moved their stream', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, deal } = market
      const stream = deal.stream(3)
      let chain = NO_CHAIN_27
      for (const lane of [Lane.Forced, Lane.Acknowledged, Lane.Forced]) {
        stream.work(4n, 5n)
        const group = lane === Lane.Forced ? stream.group() : stream.acknowledged(ackKey)
        const { clock, facts } = await settle(market, lane, [group])
        chain = nextStreamChain(chain, group.leaf, facts, clock)
        expect(await tally.streamRecord(deal.id, 3)).to.deep.equal([chain, BigInt(clock)])
        await settle(market, lane, [group]) // stale: leaves no trace
        expect((await tally.streamRecord(deal.id, 3)).chain).to.equal(chain)
      }
      await settle(market, Lane.Attested, [stream.work(1n).group()])
      expect((await tally.streamRecord(deal.id, 3)).chain).to.equal(chain)
      expect(await tally.streamRecord(deal.id, 2)).to.deep.equal([NO_CHAIN_27, 0n])
    })
  })

  describe('the settlement itself', () => {
    it('takes no ether', async () => {
      const { settlement, stranger, tally } = await networkHelpers.loadFixture(working)
      await expect(stranger.sendTransaction({ to: settlement, value: 1n })).to.be.revertedWithCustomError(
        settlement,
        'SettlementNoEther',
      )
      const data = tally.interface.encodeFunctionData('tick')
      await expect(stranger.sendTransaction({ to: settlement, value: 1n, data })).to.be.revert(ethers)
    })

    it('reverts on a function nobody has', async () => {
      const { settlement, stranger } = await networkHelpers.loadFixture(working)
      await expect(stranger.sendTransaction({ to: settlement, data: '0xdeadbeef' })).to.be.revert(ethers)
    })

    it('goes on settling while new deals are paused', async () => {
      const market = await networkHelpers.loadFixture(working)
      const { tally, guardian, registry, deal, buyer, provider } = market
      await tally.connect(guardian).pause(14 * 86_400)
      await registry.connect(guardian).pause(14 * 86_400)
      const groups = [deal.stream(0).work(5n).acknowledged(ackKey)]
      await settle(market, Lane.Acknowledged, groups)
      await fundBuyer(market, buyer, USD)
      await tally.connect(buyer).withdraw(buyer, USD)
      await tally.claim(provider.id)
      await registry.connect(market.owner).thaw(provider.id, 1n)
      await tally.connect(buyer).stop(deal.id)
    })

    it('sends batches as big as a block takes', async () => {
      const market = await networkHelpers.loadFixture(working)
      const stream = market.deal.stream(0).work(...Array.from({ length: 1200 }, () => 3n))
      const { bytes, root } = batchOf(Lane.Attested, [stream.group()])
      const { outcomes } = await sendBatch(market, bytes, attest(market, root))
      expect(outcomes).to.deep.equal(['Applied'])
      expect((await market.tally.stream(market.deal.id, 0)).units).to.equal(3600n)
    })
  })
})
