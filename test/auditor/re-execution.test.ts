/** @module */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect } from 'chai'
import { network } from 'hardhat'
import { type Hex, toBytes, toHex } from 'viem'

import { audit } from '#auditor/audit.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import { createReExecution, type Preimage } from '#auditor/re-execution.ts'
import type { AuditReport } from '#auditor/report.ts'
import { orderDigest, taskHash } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { signCompact } from '#protocol/signature.ts'
import { Kind, type Order, type Receipt } from '#protocol/types.ts'
import { loadElf, programHash } from '#protocol/vm/elf.ts'
import { toWire } from '#protocol/wire.ts'
import { encodeResult, outputCommitment, plainHash, workHash } from '#protocol/work.ts'
import { createExecutor, type Executor } from '#runtime/executor.ts'
import { createTaskDoer, type DoneTask } from '#runtime/tasks.ts'
import { program } from '#test/runtime/support/wat.ts'
import { artifactsIn } from '#test/support/artifacts.ts'
import { BACKWARDS } from '#test/support/provable-programs.ts'
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
  let alice: Awaited<ReturnType<Scenario['join']>>
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
    alice = await scenario.join('alice', 10n ** 24n, ['alice 1'])
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

  /** An order of task `index`, its input served. */
  function orderOf(of: DealHand, index: bigint, signer: Actor = of.orderKey): Order & { readonly signature: Hex } {
    const input = toBytes(`input ${index}`)
    serveData(input)
    const order: Order = { dealKey: of.key, index, inputRoot: dataRoot(input), maxUnits: MAX_UNITS }
    return { ...order, signature: signCompact(orderDigest(order, scenario.domain), signer.key) }
  }

  /** A receipt of an order that says this, and what it is served to be made of. */
  function madeOf(
    order: ReturnType<typeof orderOf>,
    { units, outputRoot, plainHash: plain }: Pick<DoneTask, 'units' | 'outputRoot' | 'plainHash'>,
    startedAt = 100,
  ): Made {
    const times = { startedAt, endedAt: 200 }
    const hash = workHash({
      taskHash: taskHash(order),
      outputCommitment: outputCommitment(outputRoot, plain),
      ...times,
    })
    const { dealKey: _, ...shown } = order
    return { receipt: { units, workHash: hash }, preimage: { order: shown, outputRoot, plainHash: plain, ...times } }
  }

  /** Makes the receipt of task `index`, honest but for `lie`. */
  function make(index: bigint, lie: Lie = {}): Made {
    const result = encodeResult(0, lie.output ?? toBytes(`input ${index}`))
    const done = { units: lie.units ?? 1n, outputRoot: dataRoot(result), plainHash: plainHash(result) }
    return madeOf(orderOf(deal, index, lie.signer), done, lie.startedAt)
  }

  const serve = ({ receipt, preimage }: Made): void => {
    served.set(`/v1/work/${receipt.workHash}`, toBytes(JSON.stringify(toWire(preimage))))
  }

  /** Settles receipts as the stream's next ones; returns the transaction. */
  async function settle(made: readonly Made[], of: DealHand = deal): Promise<Hex> {
    const state = of.streams[0]
    if (state === undefined) throw new Error('the deal has no stream')
    const at = { first: state.count, unitsBefore: state.units }
    const segment = scenario.segmentAt(
      of,
      0,
      at,
      made.map(({ receipt }) => receipt),
    )
    Object.assign(state, { count: segment.tally.count, units: segment.tally.units })
    return (await scenario.settle([segment])).hash
  }

  async function run(): Promise<AuditReport> {
    return await audit({
      source: createChainSource({ client: scenario.client, name: 'the test chain' }),
      address: scenario.deployment.settlement,
      reExecute: createReExecution({ executor, urls: [url], fetch, timeoutMs: 2000 }),
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

  describe('of provable programs', () => {
    let provable: DealHand
    const name = programHash(loadElf(BACKWARDS))

    before(async () => {
      const { deal: opened } = await scenario.open(alice, actorOf('bob'), {
        offer: { program: name, kind: Kind.Provable },
        terms: { budget: 100_000_000n },
      })
      provable = opened
      await scenario.elapse(3600)
    })

    const doIt = async (index: bigint): Promise<DoneTask> =>
      await createTaskDoer(executor)({
        ...{ kind: Kind.Provable, program: BACKWARDS, input: toBytes(`input ${index}`), maxUnits: MAX_UNITS },
      })

    /** Pays for a run of task `index`, changed by `lie`, and serves `state` as its last one. */
    async function pay(index: bigint, lie: Partial<DoneTask> = {}, state?: Uint8Array): Promise<Hex> {
      const done = await doIt(index)
      const made = madeOf(orderOf(provable, index), { ...done, ...lie })
      const finalState = toHex(state ?? done.finalState ?? new Uint8Array())
      serve({ ...made, preimage: { ...made.preimage, finalState } })
      return await settle([made], provable)
    }

    it('counts those that come out alike, and those as open whose program nobody serves', async () => {
      const before = (await run()).reExecution
      const hash = await pay(0n)
      const without = await run()
      expect(without.reExecution).to.deep.equal({ ...before, notReExecuted: before.notReExecuted + 1 })
      served.set(`/v1/data/${name}`, BACKWARDS)
      const { discrepancies, reExecution } = await run()
      expect(reExecution).to.deep.equal({ ...before, reExecuted: before.reExecuted + 1 })
      expect(discrepancies.filter(({ tx }) => tx === hash)).to.deep.equal([])
    })

    const problems: Record<string, { pay: () => Promise<Hex>; says: string }> = {
      'another output': {
        pay: async () => {
          const { outputRoot, plainHash: plain } = await doIt(9n)
          return await pay(1n, { outputRoot, plainHash: plain })
        },
        says: 'gives another result when run again',
      },
      'the right output of another run’s last state': {
        pay: async () => await pay(2n, { plainHash: (await doIt(9n)).plainHash }),
        says: 'ends in another state of the machine when run again',
      },
      'a last state that is served otherwise than it was paid for': {
        pay: async () => await pay(3n, {}, (await doIt(9n)).finalState ?? new Uint8Array()),
        says: 'is served with another final state than it was paid for',
      },
      'more units than the run takes': {
        pay: async () => await pay(4n, { units: 2n }),
        says: 'takes 1 units when run again, 2 were paid',
      },
    }
    for (const [what, { pay: paid, says }] of Object.entries(problems)) {
      it(`names the transaction that paid ${what}`, async () => {
        const hash = await paid()
        const { discrepancies } = await run()
        const named = discrepancies.filter(({ tx }) => tx === hash)
        expect(named.map(({ kind }) => kind)).to.deep.equal(['result'])
        expect(named[0]?.detail).to.contain(says)
      })
    }
  })

  it('names a receipt that was paid twice, whoever serves it', async () => {
    const unseen = make(20n)
    await settle([unseen])
    const again = await settle([unseen])
    const { discrepancies } = await run()
    expect(discrepancies.filter(({ tx }) => tx === again).map(({ kind }) => kind)).to.deep.equal(['duplicate-task'])
  })
})
