/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'

import { audit } from '#auditor/audit.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import { artifactsIn } from '#test/support/artifacts.ts'
import type { Rpc } from '#test/support/rpc.ts'
import { actorOf, createScenario } from '#test/support/scenario.ts'

const { provider } = await network.create()
const rpc: Rpc = { request: async ({ method, params }) => await provider.request({ method, params: params ?? [] }) }

describe('an audit of an honest chain', () => {
  it('finds nothing', async () => {
    const scenario = await createScenario({ rpc, artifact: artifactsIn('artifacts') })
    const alice = await scenario.join('alice', 10n ** 24n, ['alice 1', 'alice 2'])
    const bob = actorOf('bob')
    await scenario.deposit(bob, 5_000_000_000n)
    const { deal } = await scenario.open(alice, bob)
    await scenario.elapse(7200)
    await scenario.settle([scenario.work(deal, 0, [1, 200, 3000]), scenario.work(deal, 1, [5])])
    await scenario.settleAcknowledged([scenario.work(deal, 0, [77])])
    await scenario.force([scenario.work(deal, 1, [9, 9])], alice.owner)
    await scenario.acknowledge(deal, 1, 20n)
    const source = createChainSource({ client: scenario.client, name: 'the test chain' })
    const report = await audit({ source, address: scenario.deployment.settlement })
    expect(report.discrepancies).to.deep.equal([])
  })
})
