/**
 * Buyers upload the programs and the inputs and sign orders: a task is billable only with its signature.
 *
 * @module
 */

import { orderDigest } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { signCompact } from '#protocol/signature.ts'
import { toWire } from '#protocol/wire.ts'

import { eachOf, postJson, putBytes } from './boards.ts'
import { JOBS, type Job } from './jobs.ts'
import type { LocalNetwork } from './local-network.ts'
import { type Deal, domainOf } from './market.ts'

/** Inputs of one deal, by the index of their task. */
export type Workload = {
  readonly deal: Deal
  readonly inputs: readonly Uint8Array[]
  /** Number of its first task among those of its job. */
  readonly from: number
}

/** Deals out every job's tasks, one part to each of its deals. */
export function shareTasks(deals: readonly Deal[]): Workload[] {
  return JOBS.flatMap((job) =>
    shareJob(
      job,
      deals.filter(({ plan }) => plan.job === job),
    ),
  )
}

function shareJob(job: Job, deals: readonly Deal[]): Workload[] {
  const wanted = deals.reduce((sum, { plan }) => sum + plan.tasks, 0)
  const { inputs } = job.loadTasks(wanted)
  if (inputs.length < wanted) throw new Error(`${job.name} has ${inputs.length} tasks, ${wanted} are wanted`)
  let next = 0
  return deals.map((deal) => {
    const from = next
    next += deal.plan.tasks
    return { deal, inputs: inputs.slice(from, next), from }
  })
}

/** Uploads every program to every member, under the root that its offers name. */
export async function uploadPrograms(network: LocalNetwork): Promise<void> {
  for (const { url } of network.members) {
    for (const { root, program } of JOBS) await putBytes(`${url}/v1/data/${root}`, program)
  }
}

/** Uploads the inputs of the tasks `from` to `to` (exclusive) and posts their orders to every member. */
export async function order(network: LocalNetwork, work: Workload, from: number, to: number): Promise<void> {
  const { deal } = work
  const tasks = work.inputs.slice(from, to).map((input, position) => ({ index: BigInt(from + position), input }))
  const orders = tasks.map(({ index, input }) => {
    const order = { dealKey: deal.key, index, inputRoot: dataRoot(input), maxUnits: deal.plan.job.maxUnits }
    return toWire({ ...order, signature: signCompact(orderDigest(order, domainOf(network)), deal.orderKey) })
  })
  await eachOf(network.members, 3, async ({ url }) => {
    await eachOf(tasks, 4, ({ input }) => putBytes(`${url}/v1/data/${dataRoot(input)}`, input))
    await postJson(`${url}/v1/orders`, { orders })
  })
}
