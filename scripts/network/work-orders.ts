/**
 * Buyers upload the program and the inputs and sign orders: a task is billable only with its signature.
 *
 * @module
 */

import { orderDigest } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { signCompact } from '#protocol/signature.ts'
import { toWire } from '#protocol/wire.ts'
import { loadTasks, program } from '../../examples/quiet-skies/workload.ts'

import { eachOf, postJson, putBytes } from './boards.ts'
import type { LocalNetwork } from './local-network.ts'
import { type Deal, domainOf } from './market.ts'
import { MAX_UNITS } from './plan.ts'

/** Inputs of one deal, by the index of their task. */
export type Workload = { readonly deal: Deal; readonly inputs: readonly Uint8Array[] }

/** Deals out the example's tasks, one part to each deal. */
export function shareTasks(deals: readonly Deal[]): Workload[] {
  const wanted = deals.reduce((sum, { plan }) => sum + plan.tasks, 0)
  const { inputs } = loadTasks(wanted)
  if (inputs.length < wanted) throw new Error(`the example has ${inputs.length} tasks, ${wanted} are wanted`)
  let at = 0
  return deals.map((deal) => {
    const part = inputs.slice(at, at + deal.plan.tasks)
    at += deal.plan.tasks
    return { deal, inputs: part }
  })
}

/** Uploads the program to every member. */
export async function uploadProgram(network: LocalNetwork): Promise<void> {
  const bytes = program()
  for (const { url } of network.members) await putBytes(`${url}/v1/data/${dataRoot(bytes)}`, bytes)
}

/** Uploads the inputs of the tasks `from` to `to` (exclusive) and posts their orders to every member. */
export async function order(network: LocalNetwork, work: Workload, from: number, to: number): Promise<void> {
  const { deal } = work
  const tasks = work.inputs.slice(from, to).map((input, position) => ({ index: BigInt(from + position), input }))
  const orders = tasks.map(({ index, input }) => {
    const order = { dealKey: deal.key, index, inputRoot: dataRoot(input), maxUnits: MAX_UNITS }
    return toWire({ ...order, signature: signCompact(orderDigest(order, domainOf(network)), deal.orderKey) })
  })
  await eachOf(network.members, 3, async ({ url }) => {
    await eachOf(tasks, 4, ({ input }) => putBytes(`${url}/v1/data/${dataRoot(input)}`, input))
    await postJson(`${url}/v1/orders`, { orders })
  })
}
