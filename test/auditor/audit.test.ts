/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Address, concat, encodeFunctionData, getContractAddress, type Hex, zeroHash } from 'viem'

import { audit } from '#auditor/audit.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import { AuditError } from '#auditor/errors.ts'
import type { AuditReport } from '#auditor/report.ts'
import type { Source } from '#auditor/source.ts'
import { settlementAbi } from '#protocol/abi.generated.ts'
import { Lane } from '#protocol/types.ts'
import { artifactsIn } from '#test/support/artifacts.ts'
import type { Rpc } from '#test/support/rpc.ts'
import { actorOf, createScenario, type Mined, type Scenario } from '#test/support/scenario.ts'

// Calls the address in the first 20 bytes of its input with the rest, and reverts when that does.
const FORWARDER: Hex = '0x601e8060095f395ff3601436038060145f375f5f825f5f5f3560601c5af115601a57005b5f5ffd'
const HOUR = 3600
const bob = actorOf('bob')

/** A chain of its own for one test. */
async function onChain(work: (scenario: Scenario, source: Source) => Promise<void>): Promise<void> {
  const { provider, close } = await network.create()
  try {
    const rpc: Rpc = { request: async ({ method, params }) => await provider.request({ method, params: params ?? [] }) }
    const scenario = await createScenario({ rpc, artifact: artifactsIn('artifacts') })
    await work(scenario, createChainSource({ client: scenario.client, name: 'the test chain' }))
  } finally {
    await close()
  }
}

const run = async (scenario: Scenario, source: Source): Promise<AuditReport> =>
  await audit({ source, address: scenario.deployment.settlement })

/** A contract wallet that anybody may use, and how to call through it. */
async function deployWallet(scenario: Scenario): Promise<{
  address: Address
  forward: (to: Address, data: Hex) => Promise<Mined>
}> {
  const owner = actorOf('wallet owner')
  await scenario.send(owner, null, FORWARDER)
  const address = getContractAddress({ from: owner.address, nonce: 0n })
  return { address, forward: async (to, data) => await scenario.send(owner, address, concat([to, data])) }
}

const tick = encodeFunctionData({ abi: settlementAbi, functionName: 'tick' })

describe('an audit', () => {
  it('finds nothing on an honest chain and says how much it looked at', async () => {
    await onChain(async (scenario, source) => {
      const alice = await scenario.join('alice', 10n ** 24n, ['alice 1', 'alice 2'])
      await scenario.deposit(bob, 5_000_000_000n)
      const { deal } = await scenario.open(alice, bob)
      await scenario.elapse(2 * HOUR)
      await scenario.settle([scenario.work(deal, 0, [1, 200, 3000]), scenario.work(deal, 1, [5])])
      await scenario.settleAcknowledged([scenario.work(deal, 0, [77])])
      await scenario.force([scenario.work(deal, 1, [9, 9])], alice.owner)
      await scenario.acknowledge(deal, 1, 20n)
      const report = await run(scenario, source)
      expect(report.discrepancies).to.deep.equal([])
      expect(report.totals).to.include({
        batches: 3,
        groups: 4,
        applied: 4,
        receipts: 7,
        units: 3301n,
        paid: 2_310_700n,
      })
      expect(report.reExecution).to.deep.equal({ reExecuted: 0, notReExecuted: 7 })
      expect(report.invariants.every(({ ok }) => ok)).to.equal(true)
      expect(report.totals.compared).to.be.greaterThan(100)
    })
  })

  it('finds nothing when many transactions share a block', async () => {
    await onChain(async (scenario, source) => {
      const alice = await scenario.join('alice', 10n ** 24n, ['alice 1'])
      await scenario.deposit(bob, 5_000_000_000n)
      const { deal } = await scenario.open(alice, bob, { terms: { streams: 6 } })
      await scenario.elapse(HOUR)
      const batches = [0, 1, 2, 3, 4, 5].map((stream) => [scenario.work(deal, stream, [10 + stream])])
      const block = await scenario.inOneBlock(
        batches.map((batch, i) => ({
          actor: actorOf(`relay ${i}`),
          data: scenario.settleData(Lane.Attested, batch, scenario.attest(batch)),
        })),
      )
      expect(new Set(block.map(({ block: number }) => number)).size).to.equal(1)
      const report = await run(scenario, source)
      expect(report.discrepancies).to.deep.equal([])
      expect(report.totals.applied).to.equal(6)
    })
  })

  it('follows a clock that other contracts touched unseen', async () => {
    await onChain(async (scenario, source) => {
      const wallet = await deployWallet(scenario)
      for (let i = 0; i < 3; i++) {
        await scenario.pass(3 * HOUR)
        await wallet.forward(scenario.deployment.settlement, tick)
      }
      await scenario.pass(2 * HOUR)
      await scenario.deposit(bob, 5n)
      await scenario.pass(2 * HOUR)
      await wallet.forward(scenario.deployment.settlement, tick)
      const report = await run(scenario, source)
      expect(report.discrepancies).to.deep.equal([])
    })
  })

  describe('of a deal opened through a contract wallet', () => {
    const openThroughWallet = async (scenario: Scenario): Promise<Mined> => {
      const wallet = await deployWallet(scenario)
      const alice = await scenario.join('alice', 10n ** 24n, ['alice 1'])
      await scenario.deposit(bob, 5_000_000n)
      const toWallet = [wallet.address, 1_000_000n] as const
      const gift = await scenario.mint(bob, 1_000_000n)
      expect(gift.succeeded).to.equal(true)
      await scenario.act(bob, encodeFunctionData({ abi: settlementAbi, functionName: 'deposit', args: toWallet }))
      const offer = await scenario.offerOf(alice)
      const [orderKey, ackKey] = [bob.address, bob.address]
      const terms = {
        budget: 900_000n,
        exposure: 10,
        duration: 86_400,
        streams: 1,
        orderKey,
        ackKey,
        taskRoot: zeroHash,
      }
      const args = [offer, await scenario.signOffer(offer, alice.owner), terms] as const
      const data = encodeFunctionData({ abi: settlementAbi, functionName: 'openDeal', args })
      return await wallet.forward(scenario.deployment.settlement, data)
    }

    it('reads the offer’s signature from the trace', async () => {
      await onChain(async (scenario, source) => {
        await openThroughWallet(scenario)
        expect((await run(scenario, source)).discrepancies).to.deep.equal([])
      })
    })

    it('calls it unreadable where the node does not trace', async () => {
      await onChain(async (scenario, source) => {
        const { hash } = await openThroughWallet(scenario)
        const { discrepancies } = await run(scenario, { ...source, trace: async () => null })
        expect(discrepancies.map(({ kind, tx }) => ({ kind, tx }))).to.deep.equal([{ kind: 'unreadable', tx: hash }])
      })
    })
  })

  it('notices tokens that were given to the settlement, and does not mind', async () => {
    await onChain(async (scenario, source) => {
      await scenario.deposit(bob, 5n)
      await scenario.donate(bob, 100n)
      expect((await run(scenario, source)).discrepancies).to.deep.equal([])
    })
  })

  describe('of a chain that is reorganised meanwhile', () => {
    it('begins again', async () => {
      await onChain(async (scenario, source) => {
        let asked = 0
        const header: Source['header'] = async (block) => {
          const { hash, timestamp } = await source.header(block)
          return { hash: asked++ === 0 ? zeroHash : hash, timestamp }
        }
        const { discrepancies } = await run(scenario, { ...source, header })
        expect(discrepancies).to.deep.equal([])
        expect(asked).to.be.greaterThan(1)
      })
    })

    it('gives up with one clear error when that goes on', async () => {
      await onChain(async (scenario, source) => {
        const header: Source['header'] = async (block) => ({ ...(await source.header(block)), hash: zeroHash })
        const error = await run(scenario, { ...source, header }).then(
          () => null,
          (reason: unknown) => reason,
        )
        expect(error).to.be.instanceOf(AuditError).and.include({ code: 'chain.reorganised' })
      })
    })
  })
})
