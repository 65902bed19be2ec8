import { expect } from 'chai'

import { Lane } from '#protocol/types.ts'
import { createExecutor } from '#runtime/executor.ts'
import { type Cluster, DEPOSIT, PRICE, startCluster } from '../support/cluster.ts'
import type { Mining } from '../support/cluster-chain.ts'
import { seedOfRun } from '../support/cluster-random.ts'
import { placeOrders, program, type Task, tasksOf, unitsOf, untilSettled } from '../support/cluster-work.ts'
import type { DealHand } from '../support/scenario.ts'

const TASKS = 12
const STREAMS = 2

describe('a committee of three of which two attest', function () {
  this.timeout(120_000)
  let cluster: Cluster
  let mining: Mining
  let deal: DealHand
  let tasks: Task[]

  before(async () => {
    const memberSettings = {
      turns: { slotSeconds: 4, takeoverMs: 1_000, answerMs: 3_000, holdMs: 2_000, retryMs: 300 },
    }
    const options = {
      chain: 'anvil',
      program: program(),
      deals: 1,
      streams: STREAMS,
      memberSettings,
    } as const
    cluster = await startCluster(options)
    mining = await cluster.chain.mining({ everyMs: 250 })
    const [first] = cluster.deals
    if (first === undefined) throw new Error('no deal was opened')
    deal = first
    tasks = tasksOf(seedOfRun(), 0, TASKS)
  })

  after(async () => {
    await mining?.stop().catch(() => {})
    await cluster?.remove()
  })

  /** Orders from the members that are up. */
  async function order(from: number, to: number, members: readonly number[]): Promise<void> {
    await placeOrders(
      { ...cluster, urls: members.map((member) => cluster.urls[member] ?? '') },
      deal,
      tasks.slice(from, to),
    )
  }

  it('settles without one of them, whoever leads', async () => {
    await order(0, 4, [0, 1, 2])
    await cluster.members[2]?.stop()
    await order(4, 8, [0, 1])
    await untilSettled(cluster, deal, 8)
    expect(new Set(await cluster.lanes())).to.deep.equal(new Set([Lane.Attested]))
  })

  it('attests nothing with only one left, however long it waits', async () => {
    const before = await cluster.lanes()
    await cluster.members[1]?.stop()
    await order(8, TASKS, [0])
    await cluster.until('the last member has all receipts', async () => {
      const { segments } = (await cluster.ask(0, '/v1/status')).body
      return ((segments as Record<string, number>).accepted ?? 0) >= STREAMS
    })
    const from = await cluster.chain.client.getBlockNumber()
    // several turns and take-overs long
    await cluster.until('blocks', async () => (await cluster.chain.client.getBlockNumber()) > from + 30n)
    expect(await cluster.lanes()).to.deep.equal(before)
  })

  it('cannot keep a worker from its pay: it forces its receipts in alone', async () => {
    const before = await cluster.lanes()
    await cluster.changeWorker(0, { forceAfterMs: 500 })
    await untilSettled(cluster, deal, TASKS)
    const since = (await cluster.lanes()).slice(before.length)
    expect(since).not.to.be.empty
    expect(new Set(since)).to.deep.equal(new Set([Lane.Forced]))
  })

  it('comes back and finds everything settled', async () => {
    for (const member of [1, 2]) cluster.members[member]?.restart()
    for (const [member] of cluster.members.entries()) {
      const isDone = async () => {
        const { ready, halted, head, segments } = (await cluster.ask(member, '/v1/status')).body
        const { accepted = 0, batched = 0, refused = 0 } = segments as Record<string, number>
        return ready === true && halted === null && head !== null && accepted + batched + refused === 0
      }
      await cluster.until(`member ${member} is in line with the chain`, () => isDone().catch(() => false))
    }
  })

  it('cost nobody anything: the worker has all it earned, and the buyer the rest', async () => {
    await mining.stop()
    const balances = await cluster.balances('forced')
    const executor = createExecutor()
    const paid = (await unitsOf(tasks, executor.execute)) * PRICE
    await executor.close()
    expect(balances).to.deep.equal({
      'buyer 0 has free': DEPOSIT - paid,
      'buyer 0 has locked': 0n,
      'provider 0 was paid': (paid * 985n) / 1000n,
      'protocol was paid': paid / 100n,
      'committee was paid': paid / 200n,
    })
  })
})
