/**
 * What the buyers bought: the tasks' results, fetched by their hashes from whoever did them.
 *
 * @module
 */
import { dataRoot } from '#protocol/merkle.ts'
import { Kind } from '#protocol/types.ts'
import { decodeResult } from '#protocol/work.ts'

import { eachOf, getBytes } from './boards.ts'
import { JOBS, type Job } from './jobs.ts'
import type { LocalNetwork } from './local-network.ts'
import { receiptsOf, settledOf, workerOf } from './streams.ts'
import type { Workload } from './work-orders.ts'

/** What came of one job. */
export type Finding = {
  readonly job: Job
  /** Settled tasks. */
  readonly tasks: number
  /** A table for people. */
  readonly lines: readonly string[]
  /** The finding, in one sentence. */
  readonly event: string
}

/** Fetches and verifies every settled result; what each job found. */
export async function collectFindings(network: LocalNetwork, works: readonly Workload[]): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const job of JOBS) {
    const outputs = new Map<number, Uint8Array>()
    for (const work of works.filter(({ deal }) => deal.plan.job === job)) await collect(network, work, outputs)
    const inOrder = [...outputs].sort(([left], [right]) => left - right).map(([, output]) => output)
    findings.push({ job, tasks: outputs.size, ...job.summarise(inOrder.filter((output) => output.length > 0)) })
  }
  return findings
}

async function collect(network: LocalNetwork, { deal, from }: Workload, into: Map<number, Uint8Array>): Promise<void> {
  const settled = await settledOf(network, deal)
  for (const [stream, to] of settled.entries()) {
    const worker = workerOf(network, deal, stream)
    const receipts = await receiptsOf(worker, deal, stream, { from: 0, to })
    await eachOf(receipts, 8, async ({ order, outputRoot }) => {
      const bytes = await getBytes(`${worker.url}/v1/data/${outputRoot}`)
      if (dataRoot(bytes) !== outputRoot) throw new Error(`${worker.name} serves other bytes for ${outputRoot}`)
      into.set(from + Number(order.index), deal.plan.job.kind === Kind.Provable ? bytes : decodeResult(bytes).output)
    })
  }
}
