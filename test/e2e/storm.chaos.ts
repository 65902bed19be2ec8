import { expect } from 'chai'

import { createExecutor } from '#runtime/executor.ts'
import { type Cluster, DEPOSIT, PRICE, startCluster } from '../support/cluster.ts'
import type { Mining } from '../support/cluster-chain.ts'
import { type BadLine, startDoubling, startFlapping } from '../support/cluster-proxy.ts'
import { createChoices, seedOfRun } from '../support/cluster-random.ts'
import { type Storm, startStorm } from '../support/cluster-storm.ts'
import { placeOrders, program, tasksOf, unitsOf, untilSettled } from '../support/cluster-work.ts'

const DEALS = 2
const TASKS = 40
const WAVES = 10
const REORGANISATIONS = 6
/** Seeds per client: `npm run test:chaos -- --rounds 5` for five. */
const ROUNDS = Number(process.env.TALLY_ROUNDS ?? 2)
const PATIENCE_MS = 240_000

describe('a committee in a storm of kills, re-organisations, lost answers and doubled messages', function () {
  this.timeout(900_000)
  const open: { remove?: () => Promise<void>; close?: () => Promise<void>; stop?: () => Promise<void> }[] = []

  afterEach(async () => {
    for (const one of open.splice(0).reverse()) {
      await one.stop?.().catch(() => {})
      await one.remove?.()
      await one.close?.()
    }
  })

  function keep<T extends Cluster | Mining | BadLine | Storm>(one: T): T {
    open.push(one)
    return one
  }

  async function start(chain: 'edr' | 'anvil'): Promise<{ cluster: Cluster; proxies: BadLine[] }> {
    const proxies: BadLine[] = []
    const through = async (proxy: Promise<BadLine>) => {
      proxies.push(keep(await proxy))
      return (await proxy).url
    }
    const cluster = await startCluster({
      ...{ chain, program: program(), deals: DEALS, streams: 3 },
      beforeChain: (url) => through(startFlapping(url)),
      beforeMember: (url) => through(startDoubling(url)),
      memberSettings: {
        turns: { slotSeconds: 3, takeoverMs: 1_500, answerMs: 5_000, holdMs: 3_000, retryMs: 300 },
      },
      workerSettings: { delivery: { receipts: 2, afterMs: 150, againAfterMs: 700 } },
    })
    return { cluster: keep(cluster), proxies }
  }

  for (const kind of ['edr', 'anvil'] as const) {
    for (let round = 1; round <= ROUNDS; round++) {
      it(`on ${kind}, round ${round}: everybody's money ends as the work says`, async () => {
        const seed = seedOfRun()
        const work = Array.from({ length: DEALS }, (_, deal) => tasksOf(seed, deal, TASKS))
        const { cluster, proxies } = await start(kind)
        const choices = createChoices(seed, `storm on ${kind}`)
        const depths = Array.from({ length: REORGANISATIONS }, () => 1 + choices.below(3))
        const watched = cluster.scenario.deployment.settlement
        const mining = keep(await cluster.chain.mining({ everyMs: 250, watched, depths }))
        const storm = keep(startStorm([...cluster.members, ...cluster.workers], choices))

        for (let wave = 1; wave <= WAVES; wave++) {
          const [from, to] = [((wave - 1) * TASKS) / WAVES, (wave * TASKS) / WAVES]
          await Promise.all(
            cluster.deals.map(async (deal, i) => {
              await placeOrders(cluster, deal, work[i]?.slice(from, to) ?? [])
              await untilSettled(cluster, deal, to, PATIENCE_MS)
            }),
          )
        }
        await storm.stop()
        await cluster.until('all re-organisations', () => mining.made.length === depths.length, PATIENCE_MS)
        await Promise.all(cluster.deals.map((deal) => untilSettled(cluster, deal, TASKS, PATIENCE_MS)))
        const spoiled = proxies.reduce((sum, proxy) => sum + proxy.spoiled(), 0)
        console.log(`      ${storm.killed.length} kills, re-organisations of ${depths}, ${spoiled} messages spoiled`)

        for (const [member] of cluster.members.entries()) {
          const body = await cluster.insist('status', async () => (await cluster.ask(member, '/v1/status')).body)
          expect(body, `member ${member}`).to.include({ halted: null, evidence: 0 })
          expect(body.segments, `honest segments that member ${member} refused`).not.to.have.property('refused')
        }
        await mining.stop()
        const balances = await cluster.balances()
        const executor = createExecutor()
        const paid = (await Promise.all(work.map((tasks) => unitsOf(tasks, executor.execute)))).map(
          (units) => units * PRICE,
        )
        await executor.close()
        for (const [i, amount] of paid.entries()) {
          expect(balances[`buyer ${i} has free`]).to.equal(DEPOSIT - amount)
          expect(balances[`provider ${i} was paid`]).to.equal((amount * 985n) / 1000n)
        }
      })
    }
  }
})
