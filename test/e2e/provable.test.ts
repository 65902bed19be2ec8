import { expect } from 'chai'

import { audit } from '#auditor/audit.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import { createReExecution } from '#auditor/re-execution.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { Kind, Lane } from '#protocol/types.ts'
import { parseState } from '#protocol/vm/state.ts'
import { fixedBytes } from '#protocol/words.ts'
import { createExecutor } from '#runtime/executor.ts'

import { type Cluster, DEPOSIT, PRICE, startCluster } from '../support/cluster.ts'
import type { Mining } from '../support/cluster-chain.ts'
import { placeOrders, untilSettled } from '../support/cluster-work.ts'
import { BACKWARDS } from '../support/provable-programs.ts'

const TASKS = 6

/** Bytes that differ from task to task. */
const inputOf = (index: number): Uint8Array =>
  Uint8Array.from({ length: 40 + index }, (_, at) => (at * 7 + index) % 256)

describe('provable work, ordered from members and done by a worker', function () {
  this.timeout(180_000)
  let cluster: Cluster
  let mining: Mining
  let worker: string
  const tasks = Array.from({ length: TASKS }, (_, index) => ({ index, input: inputOf(index), maxUnits: 3n }))

  before(async () => {
    cluster = await startCluster({ chain: 'edr', program: BACKWARDS, kind: Kind.Provable, deals: 1, streams: 2 })
    mining = await cluster.chain.mining({ everyMs: 250 })
    const ready = (await cluster.workers[0]?.ready()) as { url: string } | undefined
    worker = ready?.url ?? ''
  })

  after(async () => {
    await mining?.stop().catch(() => {})
    await cluster?.remove()
  })

  it('is run again by the committee, attested and settled', async () => {
    const [deal] = cluster.deals
    if (deal === undefined) return expect.fail('no deal was opened')
    await placeOrders(cluster, deal, tasks)
    await untilSettled(cluster, deal, TASKS, 120_000)
    expect(new Set(await cluster.lanes())).to.deep.equal(new Set([Lane.Attested]))
  })

  it('is delivered as the bare output, and its receipts show the state that each run ended with', async () => {
    const [deal] = cluster.deals
    const answer = await fetch(`${worker}/v1/receipts?dealKey=${deal?.key}&stream=0`)
    const { receipts } = await answer.json()
    expect(receipts).to.have.lengthOf(TASKS / 2)
    for (const { order, outputRoot, finalState } of receipts) {
      const output = inputOf(Number(order.index)).toReversed()
      expect(outputRoot).to.equal(dataRoot(output))
      const served = await fetch(`${worker}/v1/data/${outputRoot}`)
      expect(new Uint8Array(await served.arrayBuffer())).to.deep.equal(output)
      const { steps, status } = parseState(fixedBytes(finalState, 201, 'finalState'))
      expect([steps, status]).to.deep.equal([BigInt(7 + 6 * output.length), 1])
    }
  })

  it('is run again by an auditor, who finds nothing to object to', async () => {
    const executor = createExecutor()
    const report = await audit({
      source: createChainSource({ client: cluster.chain.client, name: 'the cluster' }),
      address: cluster.scenario.deployment.settlement,
      reExecute: createReExecution({ executor, urls: [worker], fetch }),
    })
    await executor.close()
    expect(report.discrepancies).to.deep.equal([])
    expect(report.reExecution).to.deep.equal({ reExecuted: TASKS, notReExecuted: 0 })
  })

  it('is paid by the unit', async () => {
    await mining.stop()
    const balances = await cluster.balances()
    expect(balances).to.deep.include({
      'buyer 0 has free': DEPOSIT - BigInt(TASKS) * PRICE,
      'provider 0 was paid': (BigInt(TASKS) * PRICE * 985n) / 1000n,
    })
  })
})
