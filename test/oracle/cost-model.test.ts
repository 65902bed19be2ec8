import { expect } from 'chai'
import { type Hex, keccak256, stringToHex } from 'viem'

import { estimateBytes, estimateGas } from '#oracle/domain/cost-model.ts'
import { settlementAbi } from '#protocol/abi.generated.ts'
import { encodeAttestation } from '#protocol/attestation.ts'
import { batchRoot, encodeBatch, type Group, groupHash } from '#protocol/batch.ts'
import { acknowledgementDigest, attestationDigest, tallyDigest } from '#protocol/eip712.ts'
import { encodeReceipts, segmentHash } from '#protocol/receipts.ts'
import { signCompact } from '#protocol/signature.ts'
import { Kind, Lane, Mode } from '#protocol/types.ts'
import { accountOf, type Deployment, deploy, keyOf, openDeal, startChain, type TestChain } from './support/chain.ts'

const SIGNATURES = 3
const STREAMS = 60

describe('the cost model against the contracts', function () {
  this.timeout(120_000)
  let chain: TestChain
  let deployment: Deployment
  let deals: { id: number; key: Hex }[]
  const cursors = new Map<string, number>()
  let salt = 0

  before(async () => {
    chain = await startChain()
    const seats = [0, 1, 2, 3, 4].map((index) => ({ signer: accountOf(`member ${index}`).address, endpoint: '' }))
    deployment = await deploy(chain, seats, SIGNATURES)
    deals = []
    for (const program of ['one', 'two', 'three', 'four']) {
      const choice = { streams: STREAMS, kind: Kind.Service, price: 1n, budget: 10n ** 9n, exposure: 10n ** 9n }
      deals.push(await openDeal(chain, deployment, { program: keccak256(stringToHex(program)), ...choice }))
    }
  })
  after(() => chain?.stop())

  // a stream's rate grows with the protocol clock, which a batch moves on by an hour at most
  beforeEach(() => chain.client.increaseTime({ seconds: 600 }))

  /** The next receipts of one stream, signed. */
  function nextGroup(position: number, receiptCount: number, lane: number): { group: Group; hash: Hex } {
    const deal = deals[Math.floor(position / STREAMS)]
    if (deal === undefined) throw new Error('there are not that many streams')
    const stream = position % STREAMS
    const domain = { chainId: 31_337, verifyingContract: deployment.settlement }
    const first = cursors.get(`${position}`) ?? 0
    const count = first + receiptCount
    cursors.set(`${position}`, count)
    const receipts = Array.from({ length: receiptCount }, () => ({
      units: 1n,
      workHash: keccak256(stringToHex(`${salt++}`)),
    }))
    const segment = segmentHash(encodeReceipts(receipts))
    const tally = { dealKey: deal.key, stream, first, count, units: BigInt(count), segment }
    const signature = signCompact(tallyDigest(tally, domain), keyOf('worker'))
    const group = { dealId: deal.id, stream, worker: 512, first, signature, receipts }
    const acknowledgement = signCompact(acknowledgementDigest(tally, domain), keyOf('ack'))
    return { group: lane === Lane.Acknowledged ? { ...group, acknowledgement } : group, hash: groupHash(tally) }
  }

  function authorityOf(hashes: readonly Hex[], lane: number): Hex {
    if (lane === Lane.Acknowledged) return '0x'
    const root = batchRoot(hashes)
    const domain = { chainId: 31_337, verifyingContract: deployment.committee }
    const digest = attestationDigest({ epoch: 1, root, claims: 1 }, domain)
    const signatures = Array.from({ length: SIGNATURES }, (_, index) => ({
      index,
      signature: signCompact(digest, keyOf(`member ${index}`)),
    }))
    return encodeAttestation({ epoch: 1, claims: 1, signatures })
  }

  /** Real and modelled gas of one batch. */
  async function settle(groups: number, each: number, lane: number) {
    const built = Array.from({ length: groups }, (_, position) => nextGroup(position, each, lane))
    const batch = encodeBatch({ mode: Mode.Calldata, lane, groups: built.map(({ group }) => group) })
    const authority = authorityOf(
      built.map(({ hash }) => hash),
      lane,
    )
    const { gasUsed, transactionHash } = await deployment.send({
      address: deployment.settlement,
      abi: settlementAbi,
      functionName: 'settle',
      args: [batch, authority],
      gas: 16_777_216n,
      ...deployment.as('gas 0'),
    })
    const { input } = await chain.client.getTransaction({ hash: transactionHash })
    const shape = {
      ...{ groups, receipts: groups * each, receiptBytes: groups * each * 33 },
      memberSignatures: lane === Lane.Acknowledged ? 0 : SIGNATURES,
      acknowledgements: lane === Lane.Acknowledged ? groups : 0,
    }
    return {
      gas: Number(gasUsed),
      model: estimateGas(shape),
      bytes: input.length / 2 - 1,
      modelBytes: estimateBytes(shape),
    }
  }

  const shapes = [
    ...[
      [1, 1],
      [1, 1],
      [1, 100],
      [1, 1_000],
      [10, 1],
      [60, 1],
      [20, 50],
      [200, 1],
      [200, 10],
    ],
  ] as const
  for (const [lane, name] of [
    [Lane.Attested, 'attested'],
    [Lane.Acknowledged, 'acknowledged'],
  ] as const) {
    for (const [groups = 0, each = 0] of shapes) {
      it(`covers ${groups} ${name} group(s) of ${each} receipt(s), and not by half as much again`, async () => {
        const { gas, model, bytes, modelBytes } = await settle(groups, each, lane)
        expect(model / gas, `${model} for ${gas} gas`).to.be.within(1, 1.5)
        expect(modelBytes / bytes, `${modelBytes} for ${bytes} bytes`).to.be.within(0.9, 1.3)
      })
    }
  }
})
