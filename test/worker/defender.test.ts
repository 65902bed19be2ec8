import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import { network } from 'hardhat'
import type { Address } from 'viem'

import { Turn } from '#protocol/disputes.ts'
import { toHex } from '#protocol/words.ts'
import { createExecutor, type Executor } from '#runtime/executor.ts'
import { createLog } from '#runtime/log.ts'
import { createShutdown, type Shutdown } from '#runtime/shutdown.ts'
import { seatDefender } from '#worker/adapters/defence.ts'
import { createBoard } from '#worker/services/board.ts'
import { createWorkerStore, type WorkerStore } from '#worker/store.ts'

import type { Market } from '../support/market.ts'
import { createProvableMarket, createTable, type DoneWork, doWork } from '../support/players.ts'
import { advance } from '../support/protocol-clock.ts'
import { actorOf } from '../support/scenario.ts'
import { type Slip, slips } from '../support/summing.ts'
import { createShowing } from '../support/tasks.ts'

const { ethers, networkHelpers, provider } = await network.create({ network: 'osaka' })

const COUNT = 300
const HOUR = 3600
const log = createLog({ name: 'worker', level: 'silent' })

describe('defending receipts of provable work', () => {
  let executor: Executor
  let market: Market
  let table: Awaited<ReturnType<typeof createTable>>
  let store: WorkerStore
  let folder: string
  let shutdown: Shutdown

  async function fixture() {
    const made = await createProvableMarket(ethers)
    await advance(networkHelpers, made, 2 * HOUR)
    return made
  }

  before(() => {
    executor = createExecutor()
  })
  after(() => executor.close())
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tally-defender-'))
    shutdown = createShutdown()
    market = await networkHelpers.loadFixture(fixture)
    table = await createTable(market, provider)
    await table.letPlay(market.provider.id, 'worker')
    await table.endow('challenger')
  })
  afterEach(async () => {
    await shutdown.shutdown('done')
    store.close()
    table.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A worker that did some work, rightly or not, was paid for it, and defends what it has. */
  async function working(slip?: Slip) {
    const done = await doWork(market, market.deal, { index: 0, count: COUNT, ...(slip === undefined ? {} : { slip }) })
    await createShowing(market).attested(market.deal.stream(0).add(done.receipt), 0)
    const settlement = (await market.settlement.getAddress()) as Address
    const identity = { chainId: 31_337, settlement, worker: settlement }
    store = createWorkerStore({ file: join(folder, 'worker.sqlite'), identity })
    keep(store, done)
    const { purse } = table.hand('worker')
    const board = createBoard(() => 0)
    const { program, input, work } = done.evidence
    const fetched: string[] = []
    const library = {
      fetch: async (root: string) => {
        fetched.push(root)
        return root === work.order.inputRoot ? input : program
      },
    }
    const { key: privateKey, address } = actorOf('worker')
    const disputes = (await market.disputes.getAddress()) as Address
    const defender = await seatDefender({
      ...{ client: table.client, chainId: 31_337, settlement, disputes, fromBlock: 0n, dataDir: folder },
      ...{ store, library: { ...library, put: async () => work.outputRoot }, executor, board, log, shutdown },
      ...{ key: { privateKey, address }, provider: market.provider.id, signal: shutdown.signal },
    })
    return { done, defender, purse, board, fetched, address }
  }

  function keep(into: WorkerStore, { receipt, evidence: { work } }: DoneWork): void {
    const { key, id } = market.deal
    into.addOrders([{ order: { dealKey: key, ...work.order }, stream: 0, dealId: id }])
    into.appendReceipt({ dealKey: key, stream: 0 }, work.order.index, {
      ...{ units: receipt.units, workHash: receipt.workHash, outputRoot: work.outputRoot, plainHash: work.plainHash },
      ...{ startedAt: BigInt(work.startedAt), endedAt: BigInt(work.endedAt), finalState: toHex(new Uint8Array(201)) },
    })
  }

  it('answers a challenger that errs until its time is over, and has its money and the bonds', async () => {
    const { done, defender, purse, fetched } = await working()
    const challenger = table.challenger(done, slips.register(555n))
    const before = await purse.balance()
    for (let round = 0; round < 8; round += 1) {
      await challenger.step()
      await defender.tick()
    }
    await advance(networkHelpers, market, 8 * HOUR + 60)
    for (let round = 0; round < 3; round += 1) await defender.tick()
    const [game] = [...(await table.court.read()).games.values()]
    expect(game?.outcome).to.equal(Turn.AsserterWon)
    expect((await market.tally.stream(market.deal.id, 0)).units).to.equal(done.receipt.units)
    expect((await purse.balance()) > before).to.equal(true)
    // however many moves there are, the work is fetched once
    expect(fetched).to.have.length(2)
  })

  it('says nothing for a receipt that its own run does not give, and says so to its operator', async () => {
    const { done, defender, board, address } = await working(slips.register(555n))
    const challenger = table.challenger(done)
    for (let round = 0; round < 3; round += 1) {
      await challenger.step()
      await defender.tick()
    }
    expect(board.refusals().map(({ check }) => check)).to.deep.equal(['game.conceded'])
    expect(await table.sentBy(address)).to.equal(0)
  })

  it('leaves games on receipts of other workers of its provider alone', async () => {
    const { defender, address } = await working()
    const others = await doWork(market, market.deal, { index: 1, count: COUNT })
    await createShowing(market).attested(market.deal.stream(1).add(others.receipt), 0)
    const challenger = table.challenger(others, slips.register(555n))
    for (let round = 0; round < 3; round += 1) {
      await challenger.step()
      await defender.tick()
    }
    expect((await table.court.read()).games.size).to.equal(1)
    expect(await table.sentBy(address)).to.equal(0)
  })
})
