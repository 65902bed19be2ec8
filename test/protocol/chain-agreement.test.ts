/** @module */
import { expect } from 'chai'
import fc from 'fast-check'
import { network } from 'hardhat'
import type { Address, Hex } from 'viem'

import { encodeAttestation } from '#protocol/attestation.ts'
import { BatchError, type BatchErrorCode, type CalldataBatch, decodeBatch, encodeBatch } from '#protocol/batch.ts'
import { batchRoot, groupHash, tallyOfGroup } from '#protocol/batch-root.ts'
import { pageAddress } from '#protocol/code-pages.ts'
import { attestationDigest, offerHash } from '#protocol/eip712.ts'
import { encodeFacts, unmoved } from '#protocol/facts.ts'
import { addressOf, signCompact } from '#protocol/signature.ts'
import { Lane, Mode, type Offer, Outcome } from '#protocol/types.ts'
import { toBytes, toHex } from '#protocol/words.ts'
import { packKeys, parseWorkerPage, workerPosition } from '#protocol/worker-pages.ts'

import { calldataBatch, hex, small, wide } from './support/arbitraries.ts'
import { mutation, woundedBy } from './support/mutations.ts'
import { readVectors } from './support/vectors.ts'

const { ethers, networkHelpers } = await network.create()

const CLAIMS = 1
const MEMBER_KEY: Hex = `0x${'05'.repeat(32)}`
const NO_KEY: Hex = `0x${'00'.repeat(32)}`
const PARAMETERS = {
  attestedWindow: 86_400,
  forcedWindow: 259_200,
  closingPeriod: 86_400,
  retention: 604_800,
  keyNotice: 86_400,
  coverageBps: 10_000,
  bondBps: 1000,
  protocolFeeBps: 100,
  committeeFeeBps: 50,
  stakeValue: 1_000_000,
}

const REVERTS: Record<BatchErrorCode, string> = {
  'batch.malformed': 'SettlementMalformedBatch',
  'batch.unsupported-mode': 'SettlementUnsupportedMode',
  'batch.unsupported-lane': 'SettlementUnsupportedLane',
}

async function deployed() {
  const [deployer] = await ethers.getSigners()
  if (deployer === undefined) throw new Error('the chain has no account')
  const authority = deployer.address // governs nothing here
  const dollar = await ethers.deployContract('DemoDollar')
  const stake = await ethers.deployContract('DemoStake')
  const pools = await ethers.deployContract('Pools', [authority, stake])
  const registry = await ethers.deployContract('Registry', [pools])
  const member = { signer: addressOf(MEMBER_KEY), endpoint: 'http://127.0.0.1' }
  const committee = await ethers.deployContract('Committee', [authority, 3600, [member], 1])
  const nets = await ethers.deployContract('Nets', [authority, dollar, registry, committee])
  const faults = await ethers.deployContract('Faults', [authority, dollar, registry, nets])
  const desk = await ethers.deployContract('Desk', [authority, dollar, registry, authority, faults])
  const settlement = await ethers.deployContract('Settlement', [desk, committee, PARAMETERS, authority, authority])
  await registry.bind(settlement, [])
  await committee.bind(settlement)
  const counter = await ethers.getContractAt('Desk', await settlement.getAddress())
  const { chainId } = await ethers.provider.getNetwork()
  const domainOf = async (contract: { getAddress: () => Promise<string> }) => ({
    chainId: Number(chainId),
    verifyingContract: (await contract.getAddress()) as Address,
  })
  return { deployer, registry, settlement, counter, committee, domainOf }
}

/** Net batches have a codec of their own. */
const isNet = ([mode]: Uint8Array): boolean => mode === Mode.Net

/** Root of a batch whose groups name no deal. */
const rootOf = ({ mode, groups }: CalldataBatch): Hex =>
  batchRoot({ mode, groupHashes: groups.map((group) => groupHash(tallyOfGroup(group, NO_KEY))) })

type Deployed = Awaited<ReturnType<typeof deployed>>

/** Name of the error `settle` reverts with, or null. */
async function revertOf(
  { settlement, deployer }: Deployed,
  encoded: Hex,
  authority: Hex = '0x',
): Promise<string | null> {
  const data = settlement.interface.encodeFunctionData('settle', [encoded, authority])
  const call = { from: deployer.address, to: await settlement.getAddress(), data }
  try {
    await ethers.provider.call(call)
    return null
  } catch (error) {
    return revertName(settlement, error)
  }
}

function revertName({ interface: abi }: Deployed['settlement'], error: unknown): string {
  const found = /0x[0-9a-f]{8,}/.exec(JSON.stringify(error))?.[0]
  if (found === undefined) throw error
  return abi.parseError(found)?.name ?? found
}

/** What our decoder says the chain will answer. */
function predicted(encoded: Hex): string | null {
  try {
    decodeBatch(encoded)
    return null
  } catch (error) {
    if (error instanceof BatchError) return REVERTS[error.code as BatchErrorCode]
    throw error
  }
}

const vectors = readVectors<{
  valid: { name: string; bytes: Hex }[]
  malformed: { name: string; bytes: Hex }[]
}>('batches')

describe('the protocol in TypeScript and on the chain', () => {
  for (const { name, bytes } of vectors.malformed) {
    if (isNet(toBytes(bytes))) continue
    it(`refuse the same bytes: ${name}`, async () => {
      const chain = await networkHelpers.loadFixture(deployed)
      const reverts = await revertOf(chain, bytes)
      // no call of this chain carries blobs, which a batch that is in them lacks first of all
      if (reverts !== 'SettlementBlobMissing') expect(reverts).to.equal(predicted(bytes))
      expect(predicted(bytes)).to.be.a('string')
    })
  }

  for (const { name, bytes } of vectors.valid) {
    const batch = decodeBatch(bytes)
    if (batch.mode !== Mode.Calldata) continue // needs a blob in the transaction
    it(`find the same root: ${name}`, async () => {
      const chain = await networkHelpers.loadFixture(deployed)
      const { lane, groups } = batch
      const root = rootOf(batch)
      const digest = attestationDigest({ epoch: 1, root, claims: CLAIMS }, await chain.domainOf(chain.committee))
      const signatures = [{ index: 0, signature: signCompact(digest, MEMBER_KEY) }]
      const authority = lane === Lane.Attested ? encodeAttestation({ epoch: 1, claims: CLAIMS, signatures }) : '0x'
      const facts = await chain.settlement.settle.staticCall(bytes, authority)
      expect(facts).to.equal(encodeFacts(groups.map(() => unmoved(Outcome.DealNotOpen))))
      const nothing: Hex = `0x${'00'.repeat(Math.ceil(groups.length / 8))}`
      const clock = (value: unknown) => typeof value === 'bigint'
      await expect(chain.settlement.settle(bytes, authority))
        .to.emit(chain.settlement, 'Settled')
        .withArgs(lane, root, Mode.Calldata, nothing, clock)
    })
  }

  it('read the same batches out of any bytes', async () => {
    const chain = await networkHelpers.loadFixture(deployed)
    const seen = { refused: 0, read: 0 }
    const forced = calldataBatch.filter(({ lane }) => lane !== Lane.Attested)
    await fc.assert(
      fc.asyncProperty(forced, fc.array(mutation, { maxLength: 2 }), async (batch, mutations) => {
        const bytes = woundedBy(toBytes(encodeBatch(batch)), mutations)
        if (bytes[1] === Lane.Attested) return // would need an attestation
        if (isNet(bytes)) return
        const expected = predicted(toHex(bytes))
        expect(await revertOf(chain, toHex(bytes))).to.equal(expected)
        seen[expected === null ? 'read' : 'refused'] += 1
      }),
      { numRuns: 150, seed: 8 },
    )
    expect(seen.read, 'read').to.be.greaterThan(20)
    expect(seen.refused, 'refused').to.be.greaterThan(20)
  })

  it('hash the same offers and attestations', async () => {
    const chain = await networkHelpers.loadFixture(deployed)
    const [settlement, committee] = [await chain.domainOf(chain.settlement), await chain.domainOf(chain.committee)]
    const offer: fc.Arbitrary<Offer> = fc.record({
      provider: hex(20),
      nonce: wide(64),
      salt: hex(32),
      program: hex(32),
      kind: small(8),
      unit: hex(32),
      price: wide(64),
      rateCap: small(32),
      minBudget: wide(64),
      maxBudget: wide(64),
      total: wide(64),
      buyer: hex(20),
      openingFee: wide(64),
      maxDuration: small(32),
      expiry: small(32),
      mode: small(8),
      maxStreams: small(8),
      minExposure: small(48),
      arbiter: hex(20),
      panel: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(offer, hex(32), small(32), small(8), async (value, root, epoch, claims) => {
        expect(await chain.counter.offerHash(value)).to.equal(offerHash(value, settlement))
        const digest = await chain.committee.attestationDigest(epoch, root, claims)
        expect(digest).to.equal(attestationDigest({ epoch, root, claims }, committee))
      }),
      { numRuns: 20 },
    )
  })

  it('find the same workers', async () => {
    const { registry, deployer } = await networkHelpers.loadFixture(deployed)
    const keys = ['01', '02', '03'].map((byte) => addressOf(`0x${byte.repeat(32)}`))
    const permit = { deadline: 0, v: 27, r: NO_KEY, s: NO_KEY }
    await registry.join(0, permit, deployer.address, ethers.ZeroAddress, packKeys(keys.slice(0, 1)))
    const provider = await registry.idOf(deployer.address)
    const first = await registry.registerWorkers.staticCall(provider, packKeys(keys))
    await registry.registerWorkers(provider, packKeys(keys))

    const { page, row } = workerPosition(Number(first))
    expect({ page, row }).to.deep.equal({ page: 2, row: 0 })
    const code = (await ethers.provider.getCode(pageAddress((await registry.getAddress()) as Address, page))) as Hex
    expect(parseWorkerPage(code)).to.deep.equal(keys.map((key) => ({ provider: Number(provider), key })))
    expect(await registry.workerAt(first + 2n)).to.deep.equal([provider, keys[2]])
  })
})
