import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'

import { createExecutor } from '#runtime/executor.ts'
import { type Cluster, DEPOSIT, type Faults, PRICE, startCluster } from '../support/cluster.ts'
import type { ChainKind } from '../support/cluster-chain.ts'
import type { Balances } from '../support/cluster-money.ts'
import { createChoices, seedOfRun } from '../support/cluster-random.ts'
import { placeOrders, program, type Task, tasksOf, unitsOf, untilSettled } from '../support/cluster-work.ts'

const ROOT = join(import.meta.dirname, '../..')
const DEALS = 2
const STREAMS = 2
const TASKS = 20
const WAVES = 10

const SENDING = ['proposal.signed', 'batch.attested', 'tx.signed', 'tx.committed', 'tx.broadcast', 'tx.mined']
const WORKING = ['order.stored', 'job.done', 'receipt.stored', 'tally.signed', 'segment.delivered']
/** Every named point of the product, by who passes it: where receipts settle in blobs, some more. */
const FAULTS: Readonly<Record<'calldata' | 'blob', Required<Faults>>> = {
  calldata: { leader: ['segment.stored', ...SENDING], member: ['segment.stored', 'proposal.signed'], worker: WORKING },
  blob: {
    leader: ['segment.stored', 'blobs.kept', ...SENDING],
    member: ['segment.stored', 'blobs.kept', 'proposal.signed'],
    worker: WORKING,
  },
}
/** EDR takes a transaction with blobs only where it mines it at once. */
const MODES = { edr: 'calldata', anvil: 'blob' } as const
const DEPTHS = [1, 2, 3]

describe('a committee whose processes are killed while the chain re-organises', function () {
  this.timeout(240_000)
  let seed: number
  let work: Task[][]
  let undisturbed: Balances
  let cluster: Cluster | undefined

  before(() => {
    seed = seedOfRun()
    work = Array.from({ length: DEALS }, (_, deal) => tasksOf(seed, deal, TASKS))
  })

  afterEach(async () => {
    await cluster?.remove()
    cluster = undefined
  })

  /** Orders everything, portion by portion, each once the one before is settled. */
  async function runAll(on: Cluster, waves: number): Promise<void> {
    for (let wave = 1; wave <= waves; wave++) {
      const from = ((wave - 1) * TASKS) / waves
      const to = (wave * TASKS) / waves
      await Promise.all(
        on.deals.map(async (deal, i) => {
          await placeOrders(on, deal, work[i]?.slice(from, to) ?? [])
          await untilSettled(on, deal, to)
        }),
      )
    }
  }

  async function start(chain: ChainKind, faults: Faults, mode: 'calldata' | 'blob'): Promise<Cluster> {
    const memberSettings = { batch: { maxAgeMs: 150, modes: [mode] } }
    cluster = await startCluster({ chain, program: program(), deals: DEALS, streams: STREAMS, faults, memberSettings })
    return cluster
  }

  it('dies at every point the programs name', () => {
    const named = ['oracle', 'worker'].flatMap((folder) => pointsNamedIn(folder))
    const { leader, member, worker } = FAULTS.blob
    const killed = [...leader, ...member, ...worker]
    expect([...new Set(killed)].sort()).to.deep.equal([...new Set(named)].sort())
  })

  it('undisturbed, pays each task exactly what doing it takes', async () => {
    const on = await start('anvil', {}, 'calldata')
    const mining = await on.chain.mining({ everyMs: 250 })
    await runAll(on, 2)
    await mining.stop()
    undisturbed = await on.balances()

    const executor = createExecutor()
    const units = await Promise.all(work.map((tasks) => unitsOf(tasks, executor.execute)))
    await executor.close()
    const paid = units.map((one) => one * PRICE)
    const total = paid.reduce((sum, one) => sum + one, 0n)
    expect(undisturbed).to.deep.equal({
      ...Object.fromEntries(paid.map((one, i) => [`buyer ${i} has free`, DEPOSIT - one])),
      ...Object.fromEntries(paid.map((_, i) => [`buyer ${i} has locked`, 0n])),
      ...Object.fromEntries(paid.map((one, i) => [`provider ${i} was paid`, (one * 985n) / 1000n])),
      'protocol was paid': total / 100n,
      'committee was paid': total / 200n,
    })
  })

  for (const kind of ['edr', 'anvil'] as const) {
    it(`on ${kind}, settling in ${MODES[kind]}, killed at every named point and through re-organisations of 1 to 3 blocks, ends with everybody's money as if nothing had happened`, async () => {
      const faults = FAULTS[MODES[kind]]
      const on = await start(kind, faults, MODES[kind])
      const depths = createChoices(seed, `re-organisations on ${kind}`).shuffled(DEPTHS)
      const mining = await on.chain.mining({ everyMs: 250, watched: on.scenario.deployment.settlement, depths })
      await runAll(on, WAVES)
      await on.until('all re-organisations', () => mining.made.length === DEPTHS.length)
      await Promise.all(on.deals.map((deal) => untilSettled(on, deal, TASKS)))

      const [leader, member] = [on.members[on.leader], on.members[(on.leader + 1) % on.members.length]]
      expect(leader?.fired, 'points the leader died at').to.deep.equal(faults.leader)
      expect(member?.fired, 'points a member died at').to.deep.equal(faults.member)
      expect(on.workers[0]?.fired, 'points a worker died at').to.deep.equal(faults.worker)
      expect(mining.made.map(({ depth }) => depth)).to.deep.equal(depths)
      for (const { dropped } of mining.made) expect(dropped, 'settlements taken back').not.to.be.empty
      for (const [i] of on.members.entries()) {
        await on.until(`member ${i} ready`, async () => (await on.ask(i, '/v1/status')).body.ready === true)
        const { body } = await on.ask(i, '/v1/status')
        expect(body, `member ${i}`).to.include({ halted: null, evidence: 0 })
        expect(body.segments, `honest segments that member ${i} refused`).not.to.have.property('refused')
      }
      await mining.stop()
      expect(await on.balances()).to.deep.equal(undisturbed)
      for (const node of [...on.members, ...on.workers]) {
        expect(await node.stop(), `${node.name}, told to stop`).to.equal(0)
      }
    })
  }
})

function pointsNamedIn(folder: string): string[] {
  const files = globSync(`${folder}/**/*.ts`, { cwd: ROOT })
  const text = files.map((file) => readFileSync(join(ROOT, file), 'utf8')).join('\n')
  return [...text.matchAll(/faults\.hit\('([^']+)'\)/g)].flatMap(([, name]) => name ?? [])
}
