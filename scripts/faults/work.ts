/**
 * Work as a worker signs it, honest or not: orders, receipts, segments, and their way to the members.
 *
 * @module
 */
import type { Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { orderDigest, tallyDigest, taskHash } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { encodeReceipts, segmentHash, totalUnits } from '#protocol/receipts.ts'
import { signCompact } from '#protocol/signature.ts'
import {
  parseSegmentAnswer,
  type SegmentMessage,
  type SegmentReceipt,
  type SignedPromise,
  toWire,
} from '#protocol/wire.ts'
import { encodeResult, outputCommitment, plainHash, workHash } from '#protocol/work.ts'

import { getJson, postJson, putBytes } from '../network/boards.ts'
import { type Deal, domainOf } from './party.ts'
import { until } from './waiting.ts'
import type { Member, World } from './world.ts'

const inputOf = (deal: Deal, task: number): Uint8Array => new TextEncoder().encode(`deal ${deal.id}, task ${task}`)
const resultOf = (text: string): Uint8Array => encodeResult(0, new TextEncoder().encode(text))

/** What one receipt may differ in. */
export type WorkOptions = {
  readonly units?: bigint
  readonly maxUnits?: bigint
  /** What the worker says came out. */
  readonly result?: string
  /** Seconds before the newest block at which it says it began. */
  readonly seconds?: number
  /** Whether the order key signs the order. */
  readonly isOrdered?: boolean
}

/** A receipt with the bytes that members want to hold. */
export type Made = { readonly receipt: SegmentReceipt; readonly bytes: readonly Uint8Array[] }

/** Makes the receipt of a task. */
export async function work(world: World, deal: Deal, task: number, options: WorkOptions = {}): Promise<Made> {
  const { units = 10n, maxUnits = units, result = `result of task ${task}`, seconds = 0 } = options
  const input = inputOf(deal, task)
  const output = resultOf(result)
  const order = { dealKey: deal.key, index: BigInt(task), inputRoot: dataRoot(input), maxUnits }
  const key = options.isOrdered === false ? deal.party.provider.worker.key.privateKey : deal.orderKey
  const signature = signCompact(orderDigest(order, domainOf(world)), key)
  const { timestamp } = await world.client.getBlock()
  const [endedAt, startedAt] = [Number(timestamp), Number(timestamp) - seconds]
  const outputRoot = dataRoot(output)
  const commitment = outputCommitment(outputRoot, plainHash(output))
  const { dealKey: _, ...signed } = { ...order, signature }
  const receipt = {
    ...{ units, order: signed, outputRoot, plainHash: plainHash(output), startedAt, endedAt },
    workHash: workHash({ taskHash: taskHash(order), outputCommitment: commitment, startedAt, endedAt }),
  }
  return { receipt, bytes: [input, output] }
}

/** Signs receipts as a segment that begins behind `before`. */
export function sign(
  world: World,
  deal: Deal,
  made: readonly Made[],
  place: { readonly stream?: number; readonly first?: number; readonly before?: bigint } = {},
): SegmentMessage {
  const { stream = 0, first = 0, before = 0n } = place
  const receipts = made.map(({ receipt }) => receipt)
  const count = first + receipts.length
  const units = before + totalUnits(receipts)
  const { worker } = deal.party.provider
  const tally = { dealKey: deal.key, stream, first, count, units, segment: segmentHash(encodeReceipts(receipts)) }
  const signature = signCompact(tallyDigest(tally, domainOf(world)), worker.key.privateKey)
  const { dealKey } = tally
  return { dealId: deal.id, dealKey, stream, first, count, units, worker: worker.index, signature, receipts }
}

/** Brings a segment to every member; whether they take it is theirs to say. */
export async function deliver(world: World, segment: SegmentMessage, made: readonly Made[]): Promise<void> {
  await Promise.all(world.members.map((_, member) => deliverTo(world, member, segment, made)))
}

/** Brings a segment to one member. @returns Whether it took it. */
export async function deliverTo(world: World, member: number, segment: SegmentMessage, made: readonly Made[]) {
  const { url } = world.members[member] as Member
  for (const bytes of made.flatMap((one) => one.bytes)) await putBytes(`${url}/v1/data/${dataRoot(bytes)}`, bytes)
  return await postJson(`${url}/v1/segments`, toWire(segment)).then(
    () => true,
    () => false,
  )
}

/** What a member promises about a segment it took; null while it promises nothing. */
export async function promiseOf(world: World, member: number, tallyHash: Hex): Promise<SignedPromise | null> {
  const { url } = world.members[member] as Member
  const answer = parseSegmentAnswer(await getJson(`${url}/v1/segments/${tallyHash}`))
  return answer.promise ?? null
}

/** Brings a segment to the members, again while some have not seen so much of the chain, until it is settled. */
export async function deliverUntilSettled(world: World, deal: Deal, segment: SegmentMessage, made: readonly Made[]) {
  const { stream, count } = segment
  await until(world, `settling ${count} receipts of deal ${deal.id}`, async () => {
    await deliver(world, segment, made)
    return (await streamOf(world, deal, stream)).count >= count
  })
}

/** Receipts and units settled of a stream. */
export async function streamOf(world: World, deal: Deal, stream: number) {
  const { settlement: address } = world.deployment
  const args = [deal.id, stream] as const
  const [count, units] = await world.client.readContract({ address, abi: settlementAbi, functionName: 'stream', args })
  return { count, units: BigInt(units) }
}

/** When the newest forced or acknowledged group of a stream was settled, second on the protocol clock. */
export async function recordTimeOf(world: World, deal: Deal, stream: number): Promise<number> {
  const { settlement: address } = world.deployment
  const args = [deal.id, stream] as const
  const own = { address, abi: settlementAbi } as const
  return (await world.client.readContract({ ...own, functionName: 'streamRecord', args }))[1]
}
