/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Address, concatHex, type Hex, slice, zeroAddress } from 'viem'

import { encodeAttestation } from '#protocol/attestation.ts'
import { attestationDigest } from '#protocol/eip712.ts'

import { signerNamed } from '../support/actors.ts'
import { deploy, GRACE } from '../support/deployment.ts'
import { workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const ROOT = workHashOf('root')
const HEADER_BYTES = 9
const MAX_MEMBERS = 32

const seats = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => ({ signer: signerNamed(`${prefix} ${index}`).address, endpoint: '' }))

/** A committee of five of seven and a contract that checks attestations as the settlement does. */
async function bound() {
  const { manager, governor } = await deploy(ethers)
  const committee = await ethers.deployContract('Committee', [manager, GRACE, seats(7, 'first'), 5])
  const setMembers = committee.interface.getFunction('setMembers').selector
  await manager.getFunction('setTargetFunctionRole')(committee, [setMembers], 1n)
  const host = await ethers.deployContract('EpochsProbe', [committee])
  await committee.bind(host)
  const { chainId } = await ethers.provider.getNetwork()
  const domain = { chainId: Number(chainId), verifyingContract: (await committee.getAddress()) as Address }
  const attest = (prefix: string, epoch: number, signers: readonly number[], claims = 3): Hex => {
    const digest = attestationDigest({ epoch, root: ROOT, claims }, domain)
    const signatures = signers.map((index) => ({ index, signature: signerNamed(`${prefix} ${index}`).sign(digest) }))
    return encodeAttestation({ epoch, claims, signatures })
  }
  const replace = async (prefix: string, count = 3, threshold = 2) => {
    await committee.connect(governor).setMembers(seats(count, prefix), threshold)
    return await networkHelpers.time.latest()
  }
  return { committee, host, attest, replace }
}

describe('Epochs', () => {
  it('takes an attestation of any five of seven, with every claim', async () => {
    const { host, committee, attest } = await networkHelpers.loadFixture(bound)
    for (const signers of [
      [0, 1, 2, 3, 4],
      [2, 3, 4, 5, 6],
      [0, 1, 2, 3, 4, 5, 6],
      [0, 2, 3, 5, 6],
    ]) {
      for (const claims of [0, 1, 255]) {
        const attestation = attest('first', 1, signers, claims)
        expect(await host.verify(ROOT, attestation)).to.equal(BigInt(claims))
        expect(await committee.verify(ROOT, attestation)).to.deep.equal([1n, BigInt(claims)])
      }
    }
  })

  it('counts every seat of the largest committee', async () => {
    const { host, committee, attest, replace } = await networkHelpers.loadFixture(bound)
    await replace('many', MAX_MEMBERS, 17)
    const all = Array.from({ length: MAX_MEMBERS }, (_, index) => index)
    for (const signers of [
      all,
      all.slice(0, 17),
      all.slice(15),
      all.filter((index) => index % 2 === 0 || index === 31),
    ]) {
      expect(await host.verify(ROOT, attest('many', 2, signers))).to.equal(3n)
    }
    for (const signers of [[], all.slice(0, 16), all.slice(16)]) {
      await expect(host.verify(ROOT, attest('many', 2, signers)))
        .to.be.revertedWithCustomError(committee, 'CommitteeBelowThreshold')
        .withArgs(signers.length, 17)
    }
  })

  describe('refuses', () => {
    it('one signature less than the threshold', async () => {
      const { host, committee, attest } = await networkHelpers.loadFixture(bound)
      for (const asked of [host, committee]) {
        await expect(asked.verify(ROOT, attest('first', 1, [0, 1, 2, 3])))
          .to.be.revertedWithCustomError(committee, 'CommitteeBelowThreshold')
          .withArgs(4, 5)
      }
    })

    it('a wrong signature at its place, and another root, domain or claim', async () => {
      const { host, committee, attest } = await networkHelpers.loadFixture(bound)
      const right = attest('first', 1, [0, 1, 2, 3, 4])
      for (let place = 0; place < 5; place += 1) {
        const from = HEADER_BYTES + 64 * place
        const others = attest('second', 1, [0, 1, 2, 3, 4])
        const parts = [slice(right, 0, from), slice(others, from, from + 64)]
        if (place < 4) parts.push(slice(right, from + 64))
        await expect(host.verify(ROOT, concatHex(parts)), `place ${place}`)
          .to.be.revertedWithCustomError(committee, 'CommitteeBadSignature')
          .withArgs(place)
      }
      const claiming = concatHex([slice(right, 0, 4), '0x0b', slice(right, 5)])
      for (const [root, attestation] of [
        [workHashOf('other'), right],
        [ROOT, claiming],
      ] as const) {
        await expect(host.verify(root, attestation))
          .to.be.revertedWithCustomError(committee, 'CommitteeBadSignature')
          .withArgs(0)
      }
    })

    it('a signature by nobody', async () => {
      const { host, committee, attest } = await networkHelpers.loadFixture(bound)
      const right = attest('first', 1, [0, 1, 2, 3, 4])
      const nobody = concatHex([slice(right, 0, HEADER_BYTES + 64 * 4), `0x${'00'.repeat(64)}`])
      await expect(host.verify(ROOT, nobody))
        .to.be.revertedWithCustomError(committee, 'CommitteeBadSignature')
        .withArgs(4)
    })

    it('one member counted twice', async () => {
      const { host, committee, attest } = await networkHelpers.loadFixture(bound)
      const four = attest('first', 1, [0, 1, 2, 3])
      const first = slice(four, HEADER_BYTES, HEADER_BYTES + 64)
      const twice = concatHex([slice(four, 0, 5), '0x0000001f', first, slice(four, HEADER_BYTES, HEADER_BYTES + 256)])
      await expect(host.verify(ROOT, twice))
        .to.be.revertedWithCustomError(committee, 'CommitteeBadSignature')
        .withArgs(1)
    })

    it('bytes that do not fit their bitmap, and a bit behind the last member', async () => {
      const { host, committee, attest } = await networkHelpers.loadFixture(bound)
      const right = attest('first', 1, [0, 1, 2, 3, 4])
      const behind = attest('first', 1, [0, 1, 2, 3, 7])
      const highest = attest('first', 1, [0, 1, 2, 3, 31])
      const cut = slice(right, 0, HEADER_BYTES + 319)
      for (const bytes of ['0x', slice(right, 0, 8), cut, concatHex([right, '0x00']), behind, highest] as const) {
        for (const asked of [host, committee]) {
          await expect(asked.verify(ROOT, bytes))
            .to.be.revertedWithCustomError(committee, 'CommitteeMalformedAttestation')
            .withArgs(bytes.length / 2 - 1)
        }
      }
    })

    it('epochs that never were, number 0 above all', async () => {
      const { host, committee, attest } = await networkHelpers.loadFixture(bound)
      const unbound = await ethers.deployContract('EpochsProbe', [committee])
      for (const [asked, current] of [
        [host, 1],
        [committee, 1],
        [unbound, 0],
      ] as const) {
        for (const bytes of ['0x000000000000000000', attest('first', 2, [0, 1, 2, 3, 4])] as const) {
          await expect(asked.verify(ROOT, bytes))
            .to.be.revertedWithCustomError(committee, 'CommitteeBadEpoch')
            .withArgs(Number(slice(bytes, 0, 4)), current)
        }
      }
    })
  })

  describe('a replaced epoch', () => {
    it('attests to the last second of its grace, beside the new one', async () => {
      const { host, committee, attest, replace } = await networkHelpers.loadFixture(bound)
      const attestation = attest('first', 1, [0, 1, 2, 3, 4])
      const replaced = await replace('second')
      await networkHelpers.time.increaseTo(replaced + GRACE)
      for (const asked of [host, committee]) await asked.verify(ROOT, attestation)
      expect(await host.verify(ROOT, attest('second', 2, [0, 2]))).to.equal(3n)
      await networkHelpers.time.increaseTo(replaced + GRACE + 1)
      for (const asked of [host, committee]) {
        await expect(asked.verify(ROOT, attestation))
          .to.be.revertedWithCustomError(committee, 'CommitteeBadEpoch')
          .withArgs(1, 2)
      }
      expect(await host.verify(ROOT, attest('second', 2, [1, 2]))).to.equal(3n)
    })

    it('ends at once when the next one is replaced too', async () => {
      const { host, committee, attest, replace } = await networkHelpers.loadFixture(bound)
      await replace('second')
      await replace('third')
      for (const asked of [host, committee]) {
        await asked.verify(ROOT, attest('second', 2, [0, 1]))
        await expect(asked.verify(ROOT, attest('first', 1, [0, 1, 2, 3, 4])))
          .to.be.revertedWithCustomError(committee, 'CommitteeBadEpoch')
          .withArgs(1, 3)
      }
    })

    it('is not attested for by its successor', async () => {
      const { host, committee, attest, replace } = await networkHelpers.loadFixture(bound)
      await replace('second', 7, 5)
      for (const [prefix, epoch] of [
        ['second', 1],
        ['first', 2],
      ] as const) {
        await expect(host.verify(ROOT, attest(prefix, epoch, [0, 1, 2, 3, 4])))
          .to.be.revertedWithCustomError(committee, 'CommitteeBadSignature')
          .withArgs(0)
      }
    })
  })

  describe('startEpoch', () => {
    it('is for the committee', async () => {
      const { host } = await networkHelpers.loadFixture(bound)
      const [stranger] = await ethers.getSigners()
      await expect(host.startEpoch(9, zeroAddress, 0, 0, 0))
        .to.be.revertedWithCustomError(host, 'EpochsOnlyCommittee')
        .withArgs(stranger)
    })

    it('keeps the current epoch and the last one as the committee has them', async () => {
      const { host, committee, replace } = await networkHelpers.loadFixture(bound)
      const wordOf = async (number: number, threshold: bigint, members: bigint, until: bigint) => {
        const page = ethers.getCreateAddress({ from: await committee.getAddress(), nonce: number })
        return (BigInt(number) << 224n) | (BigInt(page) << 64n) | (threshold << 56n) | (members << 48n) | (until << 8n)
      }
      expect(await host.epochs()).to.deep.equal([await wordOf(1, 5n, 7n, 0n), 0n])
      const replaced = await replace('second')
      expect(await host.epochs()).to.deep.equal([
        await wordOf(2, 2n, 3n, 0n),
        await wordOf(1, 5n, 7n, BigInt(replaced + GRACE)),
      ])
    })
  })

  it('costs no more than 28,000 gas for five of seven, bytes and all', async () => {
    const { host, attest } = await networkHelpers.loadFixture(bound)
    const attestation = attest('first', 1, [1, 2, 3, 5, 6])
    const tx = await host.settle(ROOT, attestation)
    const [log] = await host.queryFilter(host.filters.Verified, tx.blockNumber ?? 0)
    const bytes = Buffer.from(attestation.slice(2), 'hex')
    const calldata = bytes.reduce((sum, byte) => sum + (byte === 0 ? 4 : 16), 0)
    expect(Number(log?.args.gas) + calldata).to.be.lessThan(27_750)
  })
})
