import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { expect } from 'chai'
import { network } from 'hardhat'

import { watchChain } from '#auditor/watch-chain.ts'
import { Turn } from '#protocol/disputes.ts'
import { toWire } from '#protocol/wire.ts'
import { createLog } from '#runtime/log.ts'
import { createShutdown } from '#runtime/shutdown.ts'

import type { Market } from '../../support/market.ts'
import { createProvableMarket, createTable, type DoneWork, doWork } from '../../support/players.ts'
import { advance } from '../../support/protocol-clock.ts'
import { type RpcServer, serveRpc } from '../../support/rpc-server.ts'
import { actorOf } from '../../support/scenario.ts'
import { slips } from '../../support/summing.ts'
import { createShowing } from '../../support/tasks.ts'

const { ethers, networkHelpers, provider } = await network.create({ network: 'osaka' })

const HOUR = 3600
const COUNT = 300

/** A worker that shows what its receipts were made of. */
async function serve(works: readonly DoneWork[]): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const name = request.url?.split('/').at(-1)
    const work = works.find(({ receipt }) => receipt.workHash === name)
    if (work !== undefined) return response.end(JSON.stringify(toWire(work.evidence.work)))
    const ofInput = works.find(({ evidence }) => evidence.work.order.inputRoot === name)
    if (request.url?.startsWith('/v1/data/')) return response.end(ofInput?.evidence.input ?? works[0]?.evidence.program)
    return response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { server, url: `http://127.0.0.1:${address.port}` }
}

describe('a watcher over provable work', () => {
  let market: Market
  let table: Awaited<ReturnType<typeof createTable>>
  let chain: RpcServer
  let folder: string

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tally-results-'))
    market = await createProvableMarket(ethers)
    await advance(networkHelpers, market, 2 * HOUR)
    table = await createTable(market, provider)
    chain = await serveRpc(provider)
    await table.letPlay(market.provider.id)
    await table.endow('watcher')
  })
  afterEach(async () => {
    await chain.close()
    table.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('finds the one wrong result among right ones, challenges it and wins, by itself', async () => {
    const works = [
      await doWork(market, market.deal, { index: 0, count: COUNT }),
      await doWork(market, market.deal, { index: 1, count: COUNT + 1, slip: slips.register(777n) }),
      await doWork(market, market.deal, { index: 2, count: COUNT + 2 }),
    ]
    const stream = market.deal.stream(0).add(...works.map(({ receipt }) => receipt))
    await createShowing(market).attested(stream, 0)
    const worker = await serve(works)
    const asserter = table.asserter(works)
    const shutdown = createShutdown()
    const [settlement, registry, committee, disputes] = await Promise.all(
      [market.settlement, market.registry, market.committee, market.disputes].map((one) => one.getAddress()),
    )
    const { key: privateKey, address } = actorOf('watcher')
    const settings = {
      ...{ rpcUrl: chain.url, contracts: { settlement, registry, committee, disputes }, dataDir: folder },
      ...{ keyFile: 'given', pollMs: 50, confirmations: 1, workers: [worker.url], challengeBudget: '100000000' },
    }
    try {
      const log = createLog({ name: 'watcher', level: process.env.TALLY_LOG === undefined ? 'silent' : 'debug' })
      await watchChain(settings, { key: { privateKey, address }, log, shutdown })
      for (let round = 0; round < 600; round += 1) {
        await asserter.step()
        if ([...(await table.court.read()).games.values()].some(({ outcome }) => outcome !== null)) break
        await sleep(50)
      }
    } finally {
      await shutdown.shutdown('done')
      worker.server.close()
    }
    const games = [...(await table.court.read()).games.values()]
    expect(games.map(({ outcome, claim }) => [outcome, claim.facts.workHash])).to.deep.equal([
      [Turn.ChallengerWon, works[1]?.receipt.workHash],
    ])
    const left = (await market.tally.stream(market.deal.id, 0)).units
    expect(left).to.equal(works[0]?.receipt.units)
  })
})
