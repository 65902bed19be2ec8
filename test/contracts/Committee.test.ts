/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Hex, zeroAddress } from 'viem'

import { attestationDigest } from '#protocol/eip712.ts'

import { signerNamed } from '../support/actors.ts'
import { deploy, GRACE } from '../support/deployment.ts'
import { attest } from '../support/settling.ts'
import { workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const ROOT = workHashOf('root')

async function seated() {
  return await deploy(ethers)
}

async function largest() {
  return await deploy(ethers, { members: 32, threshold: 17 })
}

const seats = (count: number, prefix = 'seat') =>
  Array.from({ length: count }, (_, index) => ({
    signer: signerNamed(`${prefix} ${index}`).address,
    endpoint: `e${index}`,
  }))

describe('Committee', () => {
  it('begins with epoch 1 and tells its members and where they are', async () => {
    const { committee, members } = await networkHelpers.loadFixture(seated)
    expect(await committee.currentEpoch()).to.equal(1n)
    const [threshold, listed] = await committee.committee(1)
    expect(threshold).to.equal(2n)
    expect(listed.map(({ signer }) => signer)).to.deep.equal(members.map(({ address }) => address))
    expect(listed.map(({ endpoint }) => endpoint)).to.deep.equal(
      [9000, 9001, 9002].map((port) => `http://127.0.0.1:${port}`),
    )
    expect(await committee.committee(2)).to.deep.equal([0n, []])
  })

  it('lets an epoch live on for a day at most', async () => {
    const { manager, committee } = await networkHelpers.loadFixture(seated)
    await expect(ethers.deployContract('Committee', [manager, 86_401, seats(1), 1]))
      .to.be.revertedWithCustomError(committee, 'CommitteeGraceTooLong')
      .withArgs(86_401)
    await ethers.deployContract('Committee', [manager, 86_400, seats(1), 1])
  })

  describe('setMembers', () => {
    it('starts the next epoch', async () => {
      const { committee, governor } = await networkHelpers.loadFixture(seated)
      const next = seats(5)
      await expect(committee.connect(governor).setMembers(next, 3))
        .to.emit(committee, 'EpochStarted')
        .withArgs(
          2,
          3,
          next.map(({ signer, endpoint }) => [signer, endpoint]),
        )
      expect(await committee.currentEpoch()).to.equal(2n)
      expect((await committee.committee(2)).threshold).to.equal(3n)
      expect((await committee.committee(1)).threshold).to.equal(2n)
    })

    for (const [name, members, threshold] of [
      ['nobody', [], 0],
      ['33 members', seats(33), 17],
      ['a threshold above the members', seats(3), 4],
      ['a threshold of half', seats(4), 2],
      ['a threshold of nobody', seats(1), 0],
      ['one member twice', [...seats(2), ...seats(1)], 2],
      ['the zero address', [...seats(2), { signer: zeroAddress, endpoint: '' }], 2],
    ] as const) {
      it(`refuses ${name}`, async () => {
        const { committee, governor } = await networkHelpers.loadFixture(seated)
        await expect(committee.connect(governor).setMembers([...members], threshold))
          .to.be.revertedWithCustomError(committee, 'CommitteeBadMembers')
          .withArgs(members.length, threshold)
      })
    }

    it('takes one member of one and 17 of 32', async () => {
      const { committee, governor } = await networkHelpers.loadFixture(seated)
      await committee.connect(governor).setMembers(seats(1), 1)
      await committee.connect(governor).setMembers(seats(32), 17)
      expect((await committee.committee(3)).members).to.have.length(32)
    })

    it('is for governance', async () => {
      const { committee, guardian } = await networkHelpers.loadFixture(seated)
      await expect(committee.connect(guardian).setMembers(seats(3), 2))
        .to.be.revertedWithCustomError(committee, 'AccessManagedUnauthorized')
        .withArgs(guardian)
    })
  })

  describe('setEndpoint', () => {
    it('moves the calling member', async () => {
      const { committee, governor, relayer, stranger } = await networkHelpers.loadFixture(seated)
      await committee.connect(governor).setMembers([...seats(2), { signer: relayer.address, endpoint: 'old' }], 2)
      await expect(committee.connect(relayer).setEndpoint('new'))
        .to.emit(committee, 'EndpointSet')
        .withArgs(relayer, 'new')
      expect((await committee.committee(2)).members.at(2)?.endpoint).to.equal('new')
      await expect(committee.connect(stranger).setEndpoint('mine'))
        .to.be.revertedWithCustomError(committee, 'CommitteeNotAMember')
        .withArgs(stranger)
    })

    it('is closed to members of an epoch that is over', async () => {
      const { committee, governor, relayer } = await networkHelpers.loadFixture(seated)
      await committee.connect(governor).setMembers([{ signer: relayer.address, endpoint: '' }], 1)
      await committee.connect(governor).setMembers(seats(1), 1)
      await expect(committee.connect(relayer).setEndpoint('x')).to.be.revertedWithCustomError(
        committee,
        'CommitteeNotAMember',
      )
    })
  })

  describe('verify', () => {
    it('tells the epoch and every claim bit that was attested', async () => {
      const deployment = await networkHelpers.loadFixture(seated)
      for (const claims of [0, 1, 3, 15, 255]) {
        const attestation = attest(deployment, ROOT, { claims })
        expect(await deployment.committee.verify(ROOT, attestation)).to.deep.equal([1n, BigInt(claims)])
      }
    })

    it('asks the digest that the protocol defines', async () => {
      const { committee, committeeDomain } = await networkHelpers.loadFixture(seated)
      for (const epoch of [1, 7, 2 ** 32 - 1]) {
        const digest = attestationDigest({ epoch, root: ROOT, claims: 5 }, committeeDomain)
        expect(await committee.attestationDigest(epoch, ROOT, 5)).to.equal(digest)
      }
    })

    it('counts every seat of the largest committee', async () => {
      const deployment = await networkHelpers.loadFixture(largest)
      const { committee } = deployment
      const all = Array.from({ length: 32 }, (_, index) => index)
      for (const signers of [all, all.slice(0, 17), all.slice(15)]) {
        expect((await committee.verify(ROOT, attest(deployment, ROOT, { signers }))).epoch).to.equal(1n)
      }
      await expect(committee.verify(ROOT, attest(deployment, ROOT, { signers: all.slice(0, 16) })))
        .to.be.revertedWithCustomError(committee, 'CommitteeBelowThreshold')
        .withArgs(16, 17)
    })

    it('lets the last epoch live on for its grace, and only the last one', async () => {
      const deployment = await networkHelpers.loadFixture(seated)
      const { committee, governor } = deployment
      const attestation: Hex = attest(deployment, ROOT)
      await committee.connect(governor).setMembers(seats(3, 'b'), 2)
      const replaced = await networkHelpers.time.latest()
      const early = await networkHelpers.takeSnapshot()
      await networkHelpers.time.increaseTo(replaced + GRACE)
      await committee.verify(ROOT, attestation)
      await networkHelpers.time.increaseTo(replaced + GRACE + 1)
      await expect(committee.verify(ROOT, attestation))
        .to.be.revertedWithCustomError(committee, 'CommitteeBadEpoch')
        .withArgs(1, 2)
      await early.restore()
      await committee.connect(governor).setMembers(seats(3, 'c'), 2)
      await expect(committee.verify(ROOT, attestation))
        .to.be.revertedWithCustomError(committee, 'CommitteeBadEpoch')
        .withArgs(1, 3)
    })
  })

  describe('bind', () => {
    it('names the settlement once, by the deployer, and tells it the current epoch', async () => {
      const { manager, stranger } = await networkHelpers.loadFixture(seated)
      const unbound = await ethers.deployContract('Committee', [manager, GRACE, seats(3), 2])
      const host = await ethers.deployContract('EpochsProbe', [unbound])
      for (const [from, to] of [
        [stranger, await host.getAddress()],
        [undefined, zeroAddress],
      ] as const) {
        const asked = from === undefined ? unbound : unbound.connect(from)
        await expect(asked.bind(to)).to.be.revertedWithCustomError(unbound, 'CommitteeBindRefused')
      }
      await unbound.bind(host)
      expect(await unbound.settlement()).to.equal(host)
      const [current] = await host.epochs()
      expect(current >> 224n).to.equal(1n)
      await expect(unbound.bind(host)).to.be.revertedWithCustomError(unbound, 'CommitteeBindRefused')
    })
  })

  it('keeps the signers of epoch n as its code page n', async () => {
    const { committee, governor } = await networkHelpers.loadFixture(seated)
    await committee.connect(governor).setMembers(seats(32), 17)
    const page = ethers.getCreateAddress({ from: await committee.getAddress(), nonce: 2 })
    const signers = seats(32).map(({ signer }) => signer.slice(2).toLowerCase())
    expect(await ethers.provider.getCode(page)).to.equal(`0x00${signers.join('')}`)
  })
})
