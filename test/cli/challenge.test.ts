import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { expect } from 'chai'
import { network } from 'hardhat'

import { Turn } from '#protocol/disputes.ts'
import { toWire } from '#protocol/wire.ts'

import type { Market } from '../support/market.ts'
import { createProvableMarket, createTable, type DoneWork, doWork } from '../support/players.ts'
import { advance } from '../support/protocol-clock.ts'
import { type RpcServer, serveRpc } from '../support/rpc-server.ts'
import { actorOf } from '../support/scenario.ts'
import { type Slip, slips } from '../support/summing.ts'
import { createShowing } from '../support/tasks.ts'
import { tally } from './support/console.ts'

const { ethers, networkHelpers, provider } = await network.create({ network: 'osaka' })

const COUNT = 300
const HOUR = 3600

describe('tally challenge', () => {
  let market: Market
  let table: Awaited<ReturnType<typeof createTable>>
  let server: RpcServer
  let folder: string

  async function fixture() {
    const made = await createProvableMarket(ethers)
    await advance(networkHelpers, made, 2 * HOUR)
    return made
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tally-challenge-'))
    market = await networkHelpers.loadFixture(fixture)
    table = await createTable(market, provider)
    server = await serveRpc(provider)
    await table.letPlay(market.provider.id)
    await table.endow('challenger')
  })
  afterEach(async () => {
    await server.close()
    table.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Work that was done so, settled as receipt 0, with what it was made of in files. */
  async function settled(slip?: Slip): Promise<{ done: DoneWork; flags: string[] }> {
    const done = await doWork(market, market.deal, { index: 0, count: COUNT, ...(slip === undefined ? {} : { slip }) })
    await createShowing(market).attested(market.deal.stream(0).add(done.receipt), 0)
    const { work, program, input } = done.evidence
    const [preimage, elf, bytes] = ['preimage.json', 'program.elf', 'input'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(preimage, JSON.stringify(toWire(work)))
    writeFileSync(elf, program)
    writeFileSync(bytes, input)
    const files = ['--preimage', preimage, '--program', elf, '--input', bytes]
    const [address, disputes] = [await market.settlement.getAddress(), await market.disputes.getAddress()]
    const chain = ['--rpc', server.url, '--address', address, '--disputes', disputes]
    return { done, flags: [...chain, ...files, '--data', join(folder, 'acts')] }
  }

  const env = { CHALLENGER: actorOf('challenger').key }
  const place = () => `${market.deal.id}/0/0`

  it('does nothing where the work comes out as it was paid, and says so', async () => {
    const { done, flags } = await settled()
    const { code, out, err } = await tally(['challenge', done.receipt.workHash, ...flags])
    expect([code, err]).to.deep.equal([0, []])
    expect(out).to.include('is right')
    expect((await table.court.read()).games.size).to.equal(0)
  })

  it('wins against a wrong result to the end, unattended, and says what it did and what it has', async () => {
    const { done, flags } = await settled(slips.memory(700n))
    const asserter = table.asserter([done])
    const playing = { on: true }
    const other = (async () => {
      while (playing.on) {
        await asserter.step()
        await sleep(50)
      }
    })()
    const args = ['challenge', place(), ...flags, '--key-env', 'CHALLENGER', '--poll', '50', '--json']
    const { code, out, err } = await tally(args, env)
    playing.on = false
    await other
    expect([code, err]).to.deep.equal([0, []])
    const events: readonly Record<string, unknown>[] = out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
    expect(events.map(({ event }) => event)).to.include.members(['found', 'wrong', 'sent', 'move', 'end'])
    const end = events.at(-1) ?? {}
    expect(end.won).to.equal(true)
    expect(BigInt(String(end.gain)) > 0n).to.equal(true)
    const [game] = [...(await table.court.read()).games.values()]
    expect(game?.outcome).to.equal(Turn.ChallengerWon)
    expect(events.filter(({ event }) => event === 'move')).to.have.length(game?.moves.length ?? -1)
  })

  it('only says what is wrong on a dry run, and prints the calls for another wallet', async () => {
    const { flags } = await settled(slips.memory(700n))
    const dry = await tally(['challenge', place(), ...flags, '--dry-run'])
    expect(dry.code).to.equal(0)
    expect(dry.out).to.include('ends in another state').and.include('nothing was sent')
    const calls = await tally(['challenge', place(), ...flags, '--calldata'])
    expect(calls.out).to.include(await market.disputes.getAddress())
    expect((await table.court.read()).games.size).to.equal(0)
  })

  it('refuses what it cannot find or do again, in one sentence', async () => {
    const { flags } = await settled(slips.memory(700n))
    const nowhere = await tally(['challenge', `${market.deal.id}/0/7`, ...flags])
    expect([nowhere.code, nowhere.err.join()]).to.deep.equal([2, nowhere.err.join()])
    expect(nowhere.err.join()).to.include('challenge.unknown-receipt')
    const unshown = flags.filter((flag) => !flag.endsWith('preimage.json') && flag !== '--preimage')
    expect((await tally(['challenge', place(), ...unshown])).err.join()).to.include('challenge.unavailable')
    expect((await tally(['challenge', place(), ...flags])).err.join()).to.include('cli.no-key')
  })
})
