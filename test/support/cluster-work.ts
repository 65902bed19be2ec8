/**
 * What is ordered in a cluster, who orders it, and what doing it honestly gives.
 *
 * @module
 */
import type { Hex } from 'viem'

import { orderDigest } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { signCompact } from '#protocol/signature.ts'
import type { OrderMessage } from '#protocol/wire.ts'
import type { Execution } from '#runtime/executor.ts'
import { loadTasks, program as quietSkies } from '../../examples/quiet-skies/workload.ts'
import type { Cluster } from './cluster.ts'
import { put } from './cluster-client.ts'
import { createChoices } from './cluster-random.ts'
import type { DealHand } from './scenario.ts'

/** One task of a deal. */
export type Task = { readonly index: number; readonly input: Uint8Array; readonly maxUnits: bigint }

/** The shortest inputs of the example: a few milliseconds and about 6 units each. */
const SHORTEST = 120
const ENOUGH_UNITS = 50n
/** Fewer than any task needs: it halts for lack of units, which is paid as well. */
const TOO_FEW_UNITS = 2n
const HALTS_EVERY = 5

/** The example's program. */
export const program: () => Uint8Array = quietSkies

/** Tasks 0, 1, 2, … of one deal: months of airports, in an order that follows from the seed. */
export function tasksOf(seed: number, deal: number, count: number): Task[] {
  const choices = createChoices(seed, `tasks of deal ${deal}`)
  const inputs = loadTasks().inputs.slice(-SHORTEST)
  return choices
    .shuffled(inputs)
    .slice(0, count)
    .map((input, index) => {
      const maxUnits = choices.below(HALTS_EVERY) === 0 ? TOO_FEW_UNITS : ENOUGH_UNITS
      return { index, input, maxUnits }
    })
}

/** The buyer's signed order of a task; `key` is another signer's. */
export function orderOf(cluster: Pick<Cluster, 'scenario'>, deal: DealHand, task: Task, key?: Hex): OrderMessage {
  const { index, input, maxUnits } = task
  const order = { dealKey: deal.key, index: BigInt(index), inputRoot: dataRoot(input), maxUnits }
  return { ...order, signature: signCompact(orderDigest(order, cluster.scenario.domain), key ?? deal.orderKey.key) }
}

/** Brings inputs and orders to every member, again until each has taken them. */
export async function placeOrders(cluster: Cluster, deal: DealHand, tasks: readonly Task[]): Promise<void> {
  const orders = tasks.map((task) => orderOf(cluster, deal, task))
  const bring = async (url: string, member: number) => {
    for (const { input } of tasks) await put(url, input)
    const { status, body } = await cluster.ask(member, '/v1/orders', { orders })
    if (status !== 202) throw new Error(`member ${member} answers ${status} ${JSON.stringify(body)}`)
  }
  await Promise.all(
    cluster.urls.map((url, member) => cluster.insist(`ordering from member ${member}`, () => bring(url, member))),
  )
}

/** Waits until every stream of a deal has its share of the tasks 0 … `ordered`. */
export async function untilSettled(
  cluster: Cluster,
  deal: DealHand,
  ordered: number,
  timeoutMs = 60_000,
): Promise<void> {
  const streams = deal.terms.streams
  for (let stream = 0; stream < streams; stream++) {
    const wanted = Math.floor((ordered + streams - 1 - stream) / streams)
    await cluster.until(
      `${wanted} receipts on stream ${stream} of deal ${deal.id}`,
      async () => (await cluster.stream(deal, stream)).count === wanted,
      timeoutMs,
    )
  }
}

/** Units that doing all tasks takes. */
export async function unitsOf(
  tasks: readonly Task[],
  execute: (job: { program: Uint8Array; input: Uint8Array; maxUnits: bigint }) => Promise<Execution>,
): Promise<bigint> {
  let sum = 0n
  for (const { input, maxUnits } of tasks) sum += (await execute({ program: program(), input, maxUnits })).units
  return sum
}
