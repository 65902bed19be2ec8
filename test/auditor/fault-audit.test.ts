/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type ContractFunctionArgs, encodeFunctionData, zeroAddress, zeroHash } from 'viem'

import { audit } from '#auditor/audit.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import { settlementAbi } from '#protocol/abi.generated.ts'
import type { SignedSegment } from '#protocol/evidence.ts'
import { equivocationOf } from '#protocol/faults.ts'
import { Fault } from '#protocol/types.ts'
import { artifactsIn } from '#test/support/artifacts.ts'
import type { Rpc } from '#test/support/rpc.ts'
import { actorOf, createScenario, type Segment } from '#test/support/scenario.ts'

const HOUR = 3600
const DAY = 24 * HOUR
const bob = actorOf('bob')
const court = actorOf('court')
const watcher = actorOf('watcher')

const shown = ({ tally, group }: Segment): SignedSegment => ({
  tally,
  worker: group.worker,
  signature: group.signature,
  receipts: group.receipts,
})

/** What a court charges with; the settlement fills in what about. */
const CHARGE = {
  ...{ subject: zeroHash, fault: Fault.Unordered, proofGas: 0, asked: 0n, restitution: 0n, victim: zeroAddress },
  ...{ reporter: watcher.address, evidence: zeroHash },
} as const

describe('an audit of faults', () => {
  it('follows slashes, frozen streams, voided units and money in disputes to the last unit', async () => {
    const { provider, close } = await network.create()
    try {
      const rpc: Rpc = {
        request: async ({ method, params }) => await provider.request({ method, params: params ?? [] }),
      }
      const scenario = await createScenario({ rpc, artifact: artifactsIn('artifacts') })
      const { act, client, deployment } = scenario
      const alice = await scenario.join('alice', 10n ** 24n, ['alice 1', 'alice 2'])
      await scenario.deposit(bob, 5_000_000_000n)
      const { deal } = await scenario.open(alice, bob)
      await scenario.elapse(2 * HOUR)
      const clock = async () =>
        await client.readContract({ abi: settlementAbi, address: deployment.settlement, functionName: 'clock' })
      const ask = async <name extends 'voidUnits' | 'seize' | 'restore' | 'beginDispute' | 'endDispute' | 'penalize'>(
        functionName: name,
        args: ContractFunctionArgs<typeof settlementAbi, 'nonpayable', name>,
      ) => await act(court, encodeFunctionData({ abi: settlementAbi, functionName, args } as never))

      const [first, second] = [scenario.work(deal, 0, [10, 20, 30]), scenario.work(deal, 1, [40, 50])]
      await scenario.settle([first, second])
      const settledAt = await clock()
      const receipts = first.group.receipts.map((one, i) => ({ ...one, units: BigInt(10 + 11 * i) }))
      const other = scenario.segmentAt(deal, 0, { first: 0, unitsBefore: 0n }, receipts)
      const proof = equivocationOf(deal.id, shown(first), shown(other))
      if (proof === null) return expect.fail('no equivocation')
      await act(
        watcher,
        encodeFunctionData({ abi: settlementAbi, ...proof.call } as { abi: typeof settlementAbi } & typeof proof.call),
      )
      await ask('voidUnits', [deal.id, deal.key, 0, 10, settledAt, 0n])
      await ask('beginDispute', [deal.id, deal.key])
      await ask('seize', [deal.id, deal.key, 1, 40, settledAt])
      await scenario.elapse(HOUR)
      const held = await client.readContract({
        ...{ abi: settlementAbi, address: deployment.settlement, functionName: 'disputed' },
      })
      expect(held).to.equal(50n * deal.offer.price)
      await ask('penalize', [deal.id, deal.key, 1, CHARGE])
      await ask('voidUnits', [deal.id, deal.key, 1, 60, settledAt, held])
      await ask('restore', [alice.id, 20n * deal.offer.price])
      await ask('endDispute', [deal.id])
      await scenario.elapse(3 * DAY)
      const source = createChainSource({ client, name: 'the test chain' })
      const report = await audit({ source, address: deployment.settlement })
      expect(report.discrepancies).to.deep.equal([])
      expect(report.invariants.every(({ ok }) => ok)).to.equal(true)
    } finally {
      await close()
    }
  })
})
