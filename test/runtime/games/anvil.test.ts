import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import { network } from 'hardhat'

import { Turn } from '#protocol/disputes.ts'

import { type ClusterChain, startClusterChain } from '../../support/cluster-chain.ts'
import { createProcesses, type Processes } from '../../support/cluster-processes.ts'
import type { Market } from '../../support/market.ts'
import { createProvableMarket, createTable, doWork } from '../../support/players.ts'
import { slips } from '../../support/summing.ts'
import { createShowing } from '../../support/tasks.ts'

const COUNT = 300

describe('players of games about provable work, on anvil', function () {
  this.timeout(240_000)
  let processes: Processes
  let chain: ClusterChain
  let market: Market
  let table: Awaited<ReturnType<typeof createTable>>
  const folder = mkdtempSync(join(tmpdir(), 'tally-anvil-'))

  before(async () => {
    processes = createProcesses(folder)
    chain = await startClusterChain('anvil', processes)
    await chain.automine(true)
    const override = { url: chain.url }
    const { ethers } = await network.create({ network: 'localhost', override })
    market = await createProvableMarket(ethers)
    for (let hour = 0; hour < 2; hour += 1) {
      await chain.rpc.request({ method: 'evm_increaseTime', params: ['0xe10'] })
      await market.tally.tick()
    }
    table = await createTable(market, chain.rpc)
    await table.letPlay(market.provider.id)
    await table.endow('challenger')
  })
  after(async () => {
    await processes.end()
    table.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('an honest challenger wins, while the chain takes blocks with moves back', async () => {
    const done = await doWork(market, market.deal, { index: 0, count: COUNT, slip: slips.register(777n) })
    await createShowing(market).attested(market.deal.stream(0).add(done.receipt), 0)
    for (let block = 0; block < 4; block += 1) await chain.mine()
    const asserter = table.asserter([done])
    const challenger = table.challenger(done)
    const { court } = table
    const mining = await chain.mining({ everyMs: 100, watched: court.address, depths: [1, 2, 3] })
    let outcome: number | null = null
    for (let round = 0; round < 400 && outcome === null; round += 1) {
      await challenger.step().catch(() => {})
      await asserter.step().catch(() => {})
      outcome = [...(await court.read()).games.values()].find((game) => game.outcome !== null)?.outcome ?? null
    }
    await mining.stop()
    expect(outcome).to.equal(Turn.ChallengerWon)
    expect(mining.made.map(({ depth }) => depth)).to.include.members([1, 2])
  })
})
