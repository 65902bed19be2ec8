/**
 * A whole worker between a real chain and committee members under the test's control.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { expect } from 'chai'
import { network } from 'hardhat'
import { concatHex, type Hex, keccak256 } from 'viem'

import { orderDigest, tallyDigest } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { encodeReceipts, segmentHash } from '#protocol/receipts.ts'
import { recoverCompact, signCompact } from '#protocol/signature.ts'
import { Kind, Lane } from '#protocol/types.ts'
import { loadElf, programHash } from '#protocol/vm/elf.ts'
import { parseWorkPreimage, type SegmentMessage, segmentToGroup, toWire } from '#protocol/wire.ts'
import { createExecutor } from '#runtime/executor.ts'
import { createFaultPoints } from '#runtime/fault-points.ts'
import { createLog } from '#runtime/log.ts'
import { createShutdown, type Shutdown } from '#runtime/shutdown.ts'
import { artifactsIn } from '#test/support/artifacts.ts'
import { BACKWARDS } from '#test/support/provable-programs.ts'
import type { Rpc } from '#test/support/rpc.ts'
import { actorOf, createScenario, type Scenario } from '#test/support/scenario.ts'
import { workerStatus } from '#worker/adapters/routes.ts'
import { parseConfig } from '#worker/config.ts'
import { startWorker } from '#worker/node.ts'

import { startTestMember, type TestMember } from './support/member.ts'

type ProviderHand = Awaited<ReturnType<Scenario['join']>>
type DealHand = Awaited<ReturnType<Scenario['open']>>['deal']

const LONG_MS = 20_000
const program = new TextEncoder().encode('a program')
const provable = createExecutor()

describe('a worker', () => {
  let server: Awaited<ReturnType<typeof network.createServer>>
  let rpcUrl: string
  let scenario: Scenario
  let members: TestMember[]
  let provider: ProviderHand
  let deal: DealHand
  let folder: string
  let shutdown: Shutdown
  let url: string
  let passers = 0

  before(async () => {
    server = await network.createServer({ network: 'osaka' }, '127.0.0.1', 0)
    const { port } = await server.listen()
    rpcUrl = `http://127.0.0.1:${port}`
    const rpc: Rpc = {
      async request(call) {
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, params: [], ...call })
        const headers = { 'content-type': 'application/json' }
        const answer = await (await fetch(rpcUrl, { method: 'POST', headers, body })).json()
        if (answer.error !== undefined) throw new Error(answer.error.message)
        return answer.result
      },
    }
    members = await Promise.all([startTestMember(), startTestMember(), startTestMember()])
    const endpoints = members.map((member) => member.url)
    scenario = await createScenario({ rpc, artifact: artifactsIn('artifacts'), endpoints })
    provider = await scenario.join('provider', 10n ** 24n, ['worker 1', 'worker 2'])
    await scenario.deposit(actorOf('buyer'), 10n ** 11n)
  })
  after(async () => {
    await Promise.all([...members.map((member) => member.close()), provable.close()])
    await server.close()
  })

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tally-worker-node-'))
    for (const member of members) {
      member.orders.length = 0
      member.segments.length = 0
      member.posts = 0
      member.mood = 'takes'
      member.data.set(dataRoot(program), program)
    }
    const opened = await scenario.open(provider, actorOf('buyer'), { offer: { program: dataRoot(program) } })
    deal = opened.deal
    // an hour of rate, so that it never is in the way
    await scenario.elapse(3_600)
    shutdown = createShutdown()
  })
  afterEach(async () => {
    await shutdown.shutdown()
    rmSync(folder, { recursive: true })
  })

  async function start(changes: Record<string, unknown> = {}, gasKey: Hex | null = null): Promise<void> {
    const [{ actor } = { actor: actorOf('nobody') }] = provider.workers
    const { settlement, registry, committee } = scenario.deployment
    const config = parseConfig(
      JSON.stringify({
        ...{ rpcUrl, contracts: { settlement, registry, committee }, dataDir: folder },
        ...{ worker: { keyFile: 'in memory' }, chainPollMs: 50, ordersPollMs: 50, logLevel: 'silent' },
        delivery: { receipts: 4, afterMs: 100, againAfterMs: 500 },
        ...changes,
      }),
    )
    const node = await startWorker({
      ...{ config, shutdown, faults: createFaultPoints(''), log: createLog({ name: 'test', level: 'silent' }) },
      workerKey: { address: actor.address, privateKey: actor.key },
      gasKey: gasKey === null ? null : { address: actorOf('gas').address, privateKey: gasKey },
      executor: {
        ...provable,
        // two units for every task, its input backwards as output
        execute: async ({ input }) => ({ status: 0, output: input.toReversed(), units: 2n, fuel: 2_000_000n }),
      },
    })
    url = node.url
  }

  async function restart(changes: Record<string, unknown> = {}): Promise<void> {
    await shutdown.shutdown()
    shutdown = createShutdown()
    await start(changes)
  }

  /** Places orders for these tasks with the first member. */
  function order(...indexes: number[]): void {
    for (const index of indexes) {
      const input = new TextEncoder().encode(`input ${index}`)
      members[0]?.data.set(dataRoot(input), input)
      const message = { dealKey: deal.key, index: BigInt(index), inputRoot: dataRoot(input), maxUnits: 10n }
      const signature = signCompact(orderDigest(message, scenario.domain), deal.orderKey.key)
      members[0]?.orders.push({ ...message, signature })
    }
  }

  async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const end = performance.now() + LONG_MS
    while (!(await isSo())) {
      if (performance.now() > end) throw new Error(`${what}: not within ${LONG_MS} ms`)
      await sleep(25)
    }
  }

  /** Newest segment of a stream that a member took. */
  function newest(member: TestMember | undefined, stream: number): SegmentMessage | undefined {
    return member?.segments.findLast((segment) => segment.dealKey === deal.key && segment.stream === stream)
  }

  const reaches = (stream: number, count: number) =>
    until(`${count} receipts of stream ${stream} with every member`, () =>
      members.every((member) => newest(member, stream)?.count === count),
    )

  /** Settles a segment as the committee would. */
  async function settle(message: SegmentMessage | undefined): Promise<void> {
    if (message === undefined) throw new Error('there is no segment to settle')
    const { dealKey, stream, first, count, units } = message
    const tally = { dealKey, stream, first, count, units, segment: segmentHash(encodeReceipts(message.receipts)) }
    const segments = [{ group: segmentToGroup(message), tally, deal }]
    // somebody new each time: a re-organisation takes nonces back
    passers += 1
    const { settlement } = scenario.deployment
    const data = scenario.settleData(Lane.Attested, segments, scenario.attest(segments))
    await scenario.send(actorOf(`passer-by ${passers}`), settlement, data)
  }

  async function streamOf(stream: number): Promise<{ receipts: number; settled: number; hold: string | null }> {
    const status = await (await fetch(`${url}/v1/status`)).json()
    expect(workerStatus.safeParse(status).error).to.equal(undefined)
    const own = status.deals.find((one: { dealKey: string }) => one.dealKey === deal.key)
    return (
      own?.streams.find((one: { stream: number }) => one.stream === stream) ?? { receipts: -1, settled: -1, hold: null }
    )
  }

  it('finds orders, works them off and brings signed segments with their outputs to every member', async () => {
    await start()
    order(0, 1, 2, 3)
    await reaches(0, 2)
    await reaches(1, 2)
    for (const member of members) {
      const segment = newest(member, 1)
      expect(segment?.receipts.map(({ order: { index } }) => index)).to.deep.equal([1n, 3n])
      expect([segment?.first, segment?.units, segment?.worker]).to.deep.equal([0, 4n, provider.workers[0]?.index])
      expect(segment?.receipts.every(({ outputRoot }) => member.data.has(outputRoot))).to.equal(true)
    }
    await settle(newest(members[2], 0))
    await until('the worker sees its receipts settled', async () => (await streamOf(0)).settled === 2)
  })

  it('takes orders from buyers directly, and serves what it was given and what it made', async () => {
    await start()
    const input = new TextEncoder().encode('handed over')
    const put = { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body: input }
    expect((await fetch(`${url}/v1/data/${dataRoot(input)}`, put)).status).to.equal(201)
    const message = { dealKey: deal.key, index: 6n, inputRoot: dataRoot(input), maxUnits: 10n }
    const signature = signCompact(orderDigest(message, scenario.domain), deal.orderKey.key)
    const orders = JSON.stringify(toWire({ orders: [{ ...message, signature }] }))
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: orders }
    await until('the worker has seen the deal', async () => (await fetch(`${url}/v1/orders`, post)).status === 202)
    await reaches(0, 1)
    const output = newest(members[0], 0)?.receipts[0]?.outputRoot
    expect((await fetch(`${url}/v1/data/${output}`)).status).to.equal(200)
  })

  it('works off provable orders, with the program by its hash, and shows the state that each run ended with', async () => {
    const name = programHash(loadElf(BACKWARDS))
    for (const member of members) member.data.set(name, BACKWARDS)
    const offer = { program: name, kind: Kind.Provable }
    ;({ deal } = await scenario.open(provider, actorOf('buyer'), { offer }))
    await scenario.elapse(3_600)
    await start()
    order(0)
    await reaches(0, 1)
    const [receipt] = newest(members[0], 0)?.receipts ?? []
    if (receipt === undefined) return expect.fail('there is no receipt')
    const output = new TextEncoder().encode('input 0').toReversed()
    expect([receipt.units, receipt.outputRoot]).to.deep.equal([1n, dataRoot(output)])
    expect(members[1]?.data.get(receipt.outputRoot)).to.deep.equal(output)
    const shown = parseWorkPreimage(await (await fetch(`${url}/v1/work/${receipt.workHash}`)).json())
    const { finalState = '0x' } = shown
    expect(receipt.plainHash).to.equal(keccak256(concatHex([receipt.outputRoot, keccak256(finalState)])))
  })

  it('does no provable work with bytes that have the program’s name as their data root', async () => {
    const name = dataRoot(BACKWARDS)
    for (const member of members) member.data.set(name, BACKWARDS)
    const offer = { program: name, kind: Kind.Provable }
    ;({ deal } = await scenario.open(provider, actorOf('buyer'), { offer }))
    await scenario.elapse(3_600)
    await start()
    order(0)
    await until('the refusal is shown', async () => {
      const { refusals } = await (await fetch(`${url}/v1/status`)).json()
      return refusals.some(({ check }: Record<string, string>) => check === 'job.program')
    })
    expect((await streamOf(0)).receipts).to.equal(0)
  })

  it('serves its part of the streams only', async () => {
    await start({ fleet: { position: 1, size: 2 } })
    order(0, 1, 2, 3)
    await reaches(1, 2)
    expect(newest(members[0], 0)).to.equal(undefined)
  })

  it('goes on from what is settled', async () => {
    await start()
    order(0, 2)
    await reaches(0, 2)
    await settle(newest(members[0], 0))
    await until('the worker sees its receipts settled', async () => (await streamOf(0)).settled === 2)
    order(4, 6)
    await reaches(0, 4)
    expect(newest(members[1], 0)?.first).to.equal(2)
  })

  it('signs the same receipts again, from further down, when the chain took the settlement back', async () => {
    await start()
    order(0, 2)
    await reaches(0, 2)
    const before = newest(members[0], 0)
    const snapshot = await scenario.rpc.request({ method: 'evm_snapshot' })
    await settle(before)
    await until('the worker sees its receipts settled', async () => (await streamOf(0)).settled === 2)
    order(4)
    await reaches(0, 3)
    expect(newest(members[0], 0)?.first).to.equal(2)

    await scenario.rpc.request({ method: 'evm_revert', params: [snapshot] })
    await scenario.rpc.request({ method: 'evm_mine', params: [] })
    await until('everything from the lower cursor', () => {
      const segment = newest(members[0], 0)
      return segment?.first === 0 && segment.count === 3
    })
    const again = newest(members[0], 0)
    expect(again?.receipts.slice(0, 2)).to.deep.equal(before?.receipts)
    await settle(again)
  })

  it('tries again until a member that fails has recovered', async () => {
    const [failing] = members
    if (failing !== undefined) failing.mood = 'fails'
    await start()
    order(0)
    await until('the others have it', () => newest(members[1], 0)?.count === 1 && newest(members[2], 0)?.count === 1)
    await until('it was tried more than once', () => (failing?.posts ?? 0) > 1)
    if (failing !== undefined) failing.mood = 'takes'
    await reaches(0, 1)
  })

  it('stops asking a member that refuses by a check, and shows which', async () => {
    const [refusing] = members
    if (refusing !== undefined) refusing.mood = { refuses: 'order.signature' }
    await start()
    order(0)
    await until('the others have it', () => newest(members[1], 0)?.count === 1)
    await until('the refusal is shown', async () => {
      const { refusals } = await (await fetch(`${url}/v1/status`)).json()
      return refusals.some(
        ({ by, check }: Record<string, string>) => by === refusing?.url && check === 'order.signature',
      )
    })
    await sleep(1_000)
    expect(refusing?.posts).to.equal(1)
  })

  it('sends outputs again to a member that lost them', async () => {
    const [, forgetful] = members
    if (forgetful !== undefined) forgetful.mood = { refuses: 'output.available' }
    await start()
    order(0)
    await until('it was refused', () => (forgetful?.posts ?? 0) > 0)
    forgetful?.data.clear()
    if (forgetful !== undefined) forgetful.mood = 'takes'
    await reaches(0, 1)
  })

  it('bills a task once, and says the same as before, after a restart', async () => {
    await start()
    order(0, 2, 4)
    await reaches(0, 3)
    const before = newest(members[0], 0)
    await restart()
    order(6)
    await reaches(0, 4)
    const after = newest(members[0], 0)
    expect(after?.receipts.slice(0, 3)).to.deep.equal(before?.receipts)
    expect(after?.receipts.map(({ order: { index } }) => index)).to.deep.equal([0n, 2n, 4n, 6n])
  })

  it('touches no stream that somebody else has written', async () => {
    await scenario.settle([scenario.work(deal, 0, [3])])
    await start()
    order(0, 1)
    await reaches(1, 1)
    await until('the hold is shown', async () => (await streamOf(0)).hold === 'foreign')
    expect((await streamOf(0)).receipts).to.equal(0)
  })

  it('starts nothing that the buyer’s exposure would not pay', async () => {
    const { deal: narrow } = await scenario.open(provider, actorOf('buyer'), {
      offer: { program: dataRoot(program) },
      terms: { exposure: 25n },
    })
    deal = narrow
    await scenario.elapse(3_600)
    await start()
    order(...Array.from({ length: 20 }, (_, i) => i))
    await until('the hold is shown', async () => (await streamOf(0)).hold === 'exposure')
    await sleep(300)
    const made = (await streamOf(0)).receipts + (await streamOf(1)).receipts
    // two units each, ten reserved for the next: 25 allow eight receipts and no more
    expect(made).to.equal(8)
  })

  it('forces its receipts in with its own gas key when nobody carries them', async () => {
    const gas = actorOf('gas')
    await scenario.rpc.request({ method: 'hardhat_setBalance', params: [gas.address, '0xde0b6b3a7640000'] })
    await start({ delivery: { to: 'forced', afterMs: 50 }, force: { keyFile: 'in memory', afterMs: 200 } }, gas.key)
    order(0, 2, 1)
    await until(
      'both streams are settled',
      async () => (await streamOf(0)).settled === 2 && (await streamOf(1)).settled === 1,
    )
    expect(members.every((member) => member.segments.length === 0)).to.equal(true)
  })

  it('signs with its own key, for this deployment', async () => {
    await start()
    order(0)
    await reaches(0, 1)
    const segment = newest(members[0], 0)
    if (segment === undefined) throw new Error('no segment')
    const { dealKey, stream, first, count, units } = segment
    const tally = { dealKey, stream, first, count, units, segment: segmentHash(encodeReceipts(segment.receipts)) }
    const signer = recoverCompact(tallyDigest(tally, scenario.domain), segment.signature)
    expect(signer).to.equal(provider.workers[0]?.actor.address)
  })

  it('does not start with a key nobody registered', async () => {
    const stranger = { ...provider, workers: [{ actor: actorOf('stranger'), index: 512 }] }
    const own = provider
    provider = stranger
    try {
      const code = await start().then(
        () => 'started',
        (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
      )
      expect(code).to.equal('worker.not-registered')
    } finally {
      provider = own
    }
  })
})
