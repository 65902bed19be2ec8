import { expect } from 'chai'
import type { Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { batchRoot, groupHash } from '#protocol/batch-root.ts'
import { attestationDigest } from '#protocol/eip712.ts'
import { encodeReceipts, segmentHash } from '#protocol/receipts.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { Mode } from '#protocol/types.ts'
import { parseConflictsAnswer, type SegmentMessage } from '#protocol/wire.ts'
import { createExecutor, type Executor } from '#runtime/executor.ts'
import { type Cluster, PRICE, startCluster } from '../support/cluster.ts'
import type { Mining } from '../support/cluster-chain.ts'
import { type Answer, put } from '../support/cluster-client.ts'
import { seedOfRun } from '../support/cluster-random.ts'
import { type Done, doTask, type Lie, nameOf, proposalOf, signSegment } from '../support/cluster-receipts.ts'
import { orderOf, placeOrders, program, type Task, tasksOf } from '../support/cluster-work.ts'
import { actorOf, type DealHand } from '../support/scenario.ts'

/** One stream for each lie, and one for the truth: task i belongs to stream i. */
const STREAM = { output: 0, units: 1, maximum: 2, stranger: 3, unsigned: 4, twice: 5, again: 6, honest: 7 }
const STREAMS = Object.keys(STREAM).length
const NO_SIGNATURE: Hex = `0x${'00'.repeat(64)}`

describe('a worker that lies to a committee of three', function () {
  this.timeout(120_000)
  let cluster: Cluster
  let mining: Mining
  let executor: Executor
  let deal: DealHand
  let tasks: Task[]
  const lies: SegmentMessage[] = []
  let truth: SegmentMessage[] = []

  before(async () => {
    executor = createExecutor()
    cluster = await startCluster({ chain: 'anvil', program: program(), deals: 1, streams: STREAMS, workers: false })
    mining = await cluster.chain.mining({ everyMs: 200 })
    const [first] = cluster.deals
    if (first === undefined) throw new Error('no deal was opened')
    deal = first
    tasks = tasksOf(seedOfRun(), 0, STREAMS)
    const ordered = tasks.filter(({ index }) => index !== STREAM.stranger && index !== STREAM.unsigned)
    await placeOrders(cluster, deal, ordered)
  })

  after(async () => {
    await mining?.stop().catch(() => {})
    await cluster?.remove()
    await executor?.close()
  })

  const taskOf = (stream: number): Task => tasks[stream] ?? { index: stream, input: new Uint8Array(), maxUnits: 1n }

  async function done(stream: number, lie: Lie = {}): Promise<Done> {
    const task = taskOf(stream)
    return doTask(executor.execute, orderOf(cluster, deal, task), task, lie)
  }

  /** Brings inputs, outputs and the segment to all members; what each of them answers. */
  async function deliver(segment: SegmentMessage, outputs: readonly Done[]): Promise<Answer[]> {
    return Promise.all(
      cluster.urls.map(async (url, member) => {
        await put(url, taskOf(segment.stream).input)
        for (const { output } of outputs) await put(url, output)
        return cluster.ask(member, '/v1/segments', segment)
      }),
    )
  }

  /** Each member refuses to sign a batch with the segment, naming `check`. */
  async function noneAttests(segment: SegmentMessage, check: string): Promise<void> {
    for (const [member] of cluster.urls.entries()) {
      const { status, body } = await cluster.ask(member, '/v1/proposals', proposalOf(segment))
      expect([status, body.code], `member ${member}`).to.deep.equal([409, 'proposal.refused'])
      expect(body.refusals, `member ${member}`).to.deep.equal([{ group: 0, check }])
    }
  }

  /** All members refuse the segment when it comes, each naming `check`. */
  async function refusedAtOnce(segment: SegmentMessage, outputs: readonly Done[], check: string): Promise<void> {
    lies.push(segment)
    for (const { status, body } of await deliver(segment, outputs)) {
      expect([status, body.code, body.check]).to.deep.equal([422, 'segment.refused', check])
    }
    await noneAttests(segment, 'segment.unknown')
  }

  /** All members refuse the segment once they have run its tasks themselves, each naming `check`. */
  async function refusedOnceRun(segment: SegmentMessage, outputs: readonly Done[], check: string): Promise<void> {
    lies.push(segment)
    for (const { status } of await deliver(segment, outputs)) expect(status).to.equal(202)
    for (const [member] of cluster.urls.entries()) {
      const path = `/v1/segments/${nameOf(segment)}`
      await cluster.until(`member ${member} refuses`, async () => {
        return (await cluster.ask(member, path)).body.status === 'refused'
      })
      expect((await cluster.ask(member, path)).body.check, `member ${member}`).to.equal(check)
    }
    await noneAttests(segment, check)
  }

  it('about the output is found out by running the task again', async () => {
    const lie = await done(STREAM.output, { output: (honest) => honest.with(-1, (honest.at(-1) ?? 0) ^ 1) })
    await refusedOnceRun(signSegment(cluster, deal, STREAM.output, [lie]), [lie], 'reexecution.output')
  })

  it('about one unit is found out by running the task again', async () => {
    const task = { ...taskOf(STREAM.units) }
    const lie = await done(STREAM.units, { units: (honest) => (honest < task.maxUnits ? honest + 1n : honest - 1n) })
    await refusedOnceRun(signSegment(cluster, deal, STREAM.units, [lie]), [lie], 'reexecution.units')
  })

  it('cannot bill more units than the order allows', async () => {
    const lie = await done(STREAM.maximum, { units: () => taskOf(STREAM.maximum).maxUnits + 1n })
    await refusedAtOnce(signSegment(cluster, deal, STREAM.maximum, [lie]), [lie], 'units.maximum')
  })

  it('cannot bill a task that somebody else ordered', async () => {
    const task = taskOf(STREAM.stranger)
    const order = orderOf(cluster, deal, task, deal.provider.owner.key)
    const lie = await doTask(executor.execute, order, task)
    await refusedAtOnce(signSegment(cluster, deal, STREAM.stranger, [lie]), [lie], 'order.signature')
  })

  it('cannot bill a task that nobody ordered', async () => {
    const task = taskOf(STREAM.unsigned)
    const order = { ...orderOf(cluster, deal, task), signature: NO_SIGNATURE }
    const lie = await doTask(executor.execute, order, task)
    await refusedAtOnce(signSegment(cluster, deal, STREAM.unsigned, [lie]), [lie], 'order.signature')
  })

  it('cannot bill one task twice in one segment', async () => {
    const one = await done(STREAM.twice)
    await refusedAtOnce(signSegment(cluster, deal, STREAM.twice, [one, one]), [one], 'task.duplicate')
  })

  it('cannot bill one task again later', async () => {
    const one = await done(STREAM.again)
    const before = signSegment(cluster, deal, STREAM.again, [one])
    for (const { status } of await deliver(before, [one])) expect(status).to.equal(202)
    truth = [...truth, before]
    await refusedAtOnce(signSegment(cluster, deal, STREAM.again, [one], before), [one], 'task.duplicate')
  })

  it('cannot sign two stories about one stream: each member keeps both as evidence', async () => {
    const other = await done(STREAM.again, { units: (honest) => honest + 1n })
    await refusedAtOnce(signSegment(cluster, deal, STREAM.again, [other]), [other], 'equivocation')
    for (const [member] of cluster.urls.entries()) {
      const { conflicts } = parseConflictsAnswer((await cluster.ask(member, '/v1/conflicts?from=0&limit=20')).body)
      const told = conflicts.filter(({ check, right }) => check === 'equivocation' && right.stream === STREAM.again)
      expect(told, `member ${member}`).to.have.lengthOf(1)
    }
  })

  it('loses nothing of what it did honestly: that settles, and nothing else', async () => {
    const one = await done(STREAM.honest)
    const segment = signSegment(cluster, deal, STREAM.honest, [one])
    truth = [...truth, segment]
    for (const { status } of await deliver(segment, [one])) expect(status).to.equal(202)
    for (const { stream, units } of truth) {
      await cluster.until(`stream ${stream}`, async () => (await cluster.stream(deal, stream)).count === 1)
      expect(await cluster.stream(deal, stream)).to.deep.equal({ count: 1, units })
    }
    const told = new Set(truth.map(({ stream }) => stream))
    for (const { stream } of lies.filter((lie) => !told.has(lie.stream))) {
      expect(await cluster.stream(deal, stream), `stream ${stream}`).to.deep.equal({ count: 0, units: 0n })
    }
    const { client } = cluster.chain
    const { unmatured } = await client.readContract({
      ...{ address: cluster.scenario.deployment.settlement, abi: settlementAbi },
      ...{ functionName: 'earnings', args: [deal.provider.id] },
    })
    expect(unmatured).to.equal(truth.reduce((sum, { units }) => sum + units * PRICE, 0n))
  })

  it('is attested by each member where it told the truth, so that the refusals above mean something', async () => {
    // without further blocks nothing settles while the members are asked
    await mining.stop()
    const one = await doTask(executor.execute, orderOf(cluster, deal, laterTask()), laterTask())
    await placeOrders(cluster, deal, [laterTask()])
    const before = truth.find(({ stream }) => stream === STREAM.honest)
    const segment = signSegment(cluster, deal, STREAM.honest, [one], before)
    // only two of three know it, and the third does not vouch for what it has not seen
    const knowing = [0, 1]
    for (const member of knowing) {
      await put(cluster.urls[member] ?? '', one.output)
      expect((await cluster.ask(member, '/v1/segments', segment)).status).to.equal(202)
    }
    const proposal = proposalOf(segment)
    const { committee } = cluster.scenario.deployment
    const groupHashes = [groupHash({ ...segment, segment: segmentHash(encodeReceipts(segment.receipts)) })]
    const root = batchRoot({ mode: Mode.Calldata, groupHashes })
    const digest = attestationDigest(
      { epoch: 1, root, claims: proposal.claims },
      { ...cluster.scenario.domain, verifyingContract: committee },
    )
    for (const member of knowing) {
      const { body } = await cluster.insist('an attestation', async () => {
        const answer = await cluster.ask(member, '/v1/proposals', proposal)
        if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
        return answer
      })
      expect(recoverCompact(digest, body.signature as Hex)).to.equal(actorOf(`member ${member}`).address)
    }
    const { body } = await cluster.ask(2, '/v1/proposals', proposal)
    expect(body.refusals).to.deep.equal([{ group: 0, check: 'segment.unknown' }])
  })

  /** A second task for the honest stream. */
  function laterTask(): Task {
    return { ...taskOf(STREAM.output), index: STREAM.honest + STREAMS }
  }
})
