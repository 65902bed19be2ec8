/**
 * A buyer that looks before it signs: it checks the worker's signature, runs every task again itself, and acknowledges
 * only what came out alike.
 *
 * @module
 */
import { acknowledgementDigest, tallyDigest, taskHash } from '#protocol/eip712.ts'
import { encodeReceipts, segmentHash } from '#protocol/receipts.ts'
import { recoverCompact, signCompact } from '#protocol/signature.ts'
import { toWire } from '#protocol/wire.ts'
import { outputCommitment, workHash } from '#protocol/work.ts'
import { createTaskDoer, type TaskExecutor } from '#runtime/tasks.ts'

import { eachOf, postJson } from './boards.ts'
import type { LocalNetwork } from './local-network.ts'
import { domainOf } from './market.ts'
import type { WorkerNode } from './nodes.ts'
import { receiptsOf, type ShownReceipt, type ShownTally, tallyOf, workerOf } from './streams.ts'
import type { Workload } from './work-orders.ts'

/** Acknowledges one deal's work. */
export type Acknowledger = {
  /** Looks at every stream once; acknowledges what is new and right. @throws Error when a worker cheated. */
  step(): Promise<void>
}

/** Creates the acknowledger of one deal. */
export function createAcknowledger(network: LocalNetwork, work: Workload, executor: TaskExecutor): Acknowledger {
  const { deal } = work
  const { kind, program } = deal.plan.job
  const doTask = createTaskDoer(executor)
  const acknowledged = new Map<number, number>()
  const judged = new Set<string>()

  async function runAgain(receipt: ShownReceipt): Promise<void> {
    if (judged.has(receipt.workHash)) return
    const { order, startedAt, endedAt } = receipt
    const input = work.inputs[Number(order.index)]
    if (input === undefined) throw new Error(`task ${order.index} was never ordered`)
    const { outputRoot, plainHash, units } = await doTask({ kind, program, input, maxUnits: order.maxUnits })
    const commitment = outputCommitment(outputRoot, plainHash)
    const expected = workHash({ taskHash: taskHash(order), outputCommitment: commitment, startedAt, endedAt })
    if (expected !== receipt.workHash || units !== receipt.units) {
      throw new Error(`task ${order.index} of deal ${deal.id} comes out differently: not acknowledged`)
    }
    judged.add(receipt.workHash)
  }

  async function judge(worker: WorkerNode, tally: ShownTally): Promise<void> {
    const receipts = await receiptsOf(worker, deal, tally.stream, { from: tally.first, to: tally.count })
    const isSigned = recoverCompact(tallyDigest(tally, domainOf(network)), tally.signature) === worker.key
    if (!isSigned || segmentHash(encodeReceipts(receipts)) !== tally.segment) {
      throw new Error(`the tally of stream ${tally.stream} is not what ${worker.name} shows: not acknowledged`)
    }
    for (const receipt of receipts) await runAgain(receipt)
  }

  async function look(stream: number): Promise<void> {
    const worker = workerOf(network, deal, stream)
    const tally = await tallyOf(worker, deal, stream)
    if (tally === null || tally.count <= (acknowledged.get(stream) ?? 0)) return
    await judge(worker, tally)
    const { dealKey, count, units, segment } = tally
    const message = { dealKey, stream, count, units, segment }
    const signature = signCompact(acknowledgementDigest(message, domainOf(network)), deal.orderKey)
    await eachOf(network.members, 3, async ({ url }) => {
      await postJson(`${url}/v1/acknowledgements`, toWire({ ...message, signature }))
    })
    acknowledged.set(stream, count)
  }

  return {
    async step() {
      for (let stream = 0; stream < deal.plan.streams; stream += 1) await look(stream)
    },
  }
}
