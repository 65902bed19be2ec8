/** @module */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect } from 'chai'
import { network } from 'hardhat'
import { type Hex, toBytes } from 'viem'

import { audit } from '#auditor/audit.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import { createReExecution, type Preimage } from '#auditor/re-execution.ts'
import type { AuditReport } from '#auditor/report.ts'
import { orderDigest, taskHash } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { signCompact } from '#protocol/signature.ts'
import type { Order, Receipt } from '#protocol/types.ts'
import { toWire } from '#protocol/wire.ts'
import { encodeResult, outputCommitment, plainHash, workHash } from '#protocol/work.ts'
import { createExecutor, type Executor } from '#runtime/executor.ts'
import { program } from '#test/runtime/support/wat.ts'
import { artifactsIn } from '#test/support/artifacts.ts'
import type { Rpc } from '#test/support/rpc.ts'
import { type Actor, actorOf, createScenario, type DealHand, type Scenario } from '#test/support/scenario.ts'

const ECHO = `(func (export "run")
  (call $input_read (i32.const 0) (i32.const 0) (call $input_length))
  (call $output_write (i32.const 0) (call $input_length)))`
const MAX_UNITS = 5n

/** One receipt and what it is said to be made of. */
type Made = { receipt: Receipt; preimage: Preimage }
/** How a receipt is to differ from an honest one. */
type Lie = { output?: Uint8Array; units?: bigint; signer?: Actor; startedAt?: number }

describe('running paid receipts again', () => {
  const served = new Map<string, Uint8Array>()
  let server: Server
  let url: string
  let executor: Executor
  let scenario: Scenario
  let deal: DealHand
  let chain: Awaited<ReturnType<typeof network.create>>

  before(async function () {
    this.timeout(60_000)
    executor = createExecutor()
    server = createServer((request, response) => {
      const bytes = served.get(request.url ?? '')
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

    chain = await network.create()
    const { provider } = chain
    const rpc: Rpc = { request: async ({ method, params }) => await provider.request({ method, params: params ?? [] }) }
    scenario = await createScenario({ rpc, artifact: artifactsIn('artifacts') })
    const bytes = await program(ECHO)
    serveData(bytes)
    const alice = await scenario.join('alice', 10n ** 24n, ['alice 1'])
    await scenario.deposit(actorOf('bob'), 1_000_000_000n)
    const opened = await scenario.open(alice, actorOf('bob'), {
      offer: { program: dataRoot(bytes) },
      terms: { budget: 500_000_000n },
    })
    deal = opened.deal
    await scenario.elapse(3600)
  })

  after(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await executor.close()
    await chain.close()
  })

  const serveData = (bytes: Uint8Array): void => {
    served.set(`/v1/data/${dataRoot(bytes)}`, bytes)
  }

  /** Makes the receipt of task `index`, honest but for `lie`. */
  function make(index: bigint, lie: Lie = {}): Made {
    const input = toBytes(`input ${index}`)
    serveData(input)
    const order: Order = { dealKey: deal.key, index, inputRoot: dataRoot(input), maxUnits: MAX_UNITS }
    const signature = signCompact(orderDigest(order, scenario.domain), (lie.signer ?? deal.orderKey).key)
    const result = encodeResult(0, lie.output ?? input)
    const [outputRoot, plain] = [dataRoot(result), plainHash(result)]
    const times = { startedAt: lie.startedAt ?? 100, endedAt: 200 }
    const commitment = outputCommitment(outputRoot, plain)
    const hash = workHash({ taskHash: taskHash(order), outputCommitment: commitment, ...times })
    const { inputRoot, maxUnits } = order
    const preimage = { order: { index, inputRoot, maxUnits, signature }, outputRoot, plainHash: plain, ...times }
    return { receipt: { units: lie.units ?? 1n, workHash: hash }, preimage }
  }

  const serve = ({ receipt, preimage }: Made): void => {
    served.set(`/v1/work/${receipt.workHash}`, toBytes(JSON.stringify(toWire(preimage))))
  }

  /** Settles receipts as the stream's next ones; returns the transaction. */
  async function settle(made: readonly Made[]): Promise<Hex> {
    const state = deal.streams[0]
    if (state === undefined) throw new Error('the deal has no stream')
    const at = { first: state.count, unitsBefore: state.units }
    const segment = scenario.segmentAt(
      deal,
      0,
      at,
      made.map(({ receipt }) => receipt),
    )
    Object.assign(state, { count: segment.tally.count, units: segment.tally.units })
    return (await scenario.settle([segment])).hash
  }

  async function run(): Promise<AuditReport> {
    const { execute } = executor
    return await audit({
      source: createChainSource({ client: scenario.client, name: 'the test chain' }),
      address: scenario.deployment.settlement,
      reExecute: createReExecution({ execute, urls: [url], fetch, timeoutMs: 2000 }),
    })
  }

  it('counts those that come out alike, and those nobody serves as open', async () => {
    const made = [make(0n), make(1n), make(2n)]
    for (const one of made.slice(0, 2)) serve(one)
    await settle(made)
    const report = await run()
    expect(report.discrepancies).to.deep.equal([])
    expect(report.reExecution).to.deep.equal({ reExecuted: 2, notReExecuted: 1 })
  })

  it('leaves those open whose served preimage is another receipt’s', async () => {
    const made = make(3n)
    served.set(`/v1/work/${made.receipt.workHash}`, toBytes(JSON.stringify(toWire(make(4n).preimage))))
    await settle([made])
    const report = await run()
    expect(report.discrepancies).to.deep.equal([])
    expect(report.reExecution).to.deep.equal({ reExecuted: 2, notReExecuted: 2 })
  })

  const lies: Record<string, { lie: Lie; index: bigint; kind: string }> = {
    'another result': { lie: { output: toBytes('something else') }, index: 10n, kind: 'result' },
    'more units than the work takes': { lie: { units: 2n }, index: 11n, kind: 'result' },
    'more units than were ordered': { lie: { units: 6n }, index: 12n, kind: 'order' },
    'an order nobody signed': { lie: { signer: actorOf('stranger') }, index: 13n, kind: 'order' },
    'a task that was billed before': { lie: { startedAt: 150 }, index: 0n, kind: 'duplicate-task' },
  }
  for (const [name, { lie, index, kind }] of Object.entries(lies)) {
    it(`names the transaction that paid ${name}`, async () => {
      const made = make(index, lie)
      serve(made)
      const hash = await settle([made])
      const { discrepancies } = await run()
      const named = discrepancies.filter(({ tx }) => tx === hash)
      expect(named.map((one) => one.kind)).to.deep.equal([kind])
    })
  }

  it('names a receipt that was paid twice, whoever serves it', async () => {
    const unseen = make(20n)
    await settle([unseen])
    const again = await settle([unseen])
    const { discrepancies } = await run()
    expect(discrepancies.filter(({ tx }) => tx === again).map(({ kind }) => kind)).to.deep.equal(['duplicate-task'])
  })
})
